/*
 * The head of a request comes in, an answer comes out: the page, the facts of the build as JSON, or
 * what is wrong with the request. Change a text here and save: the page in the browser follows.
 */
#include "page.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char greeting[] = "Hello from C";

/* It asks every second which build answers, and loads anew when that is another one. */
static const char html[] =
	"<!doctype html>\n"
	"<html lang=\"en\">\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n"
	"<title>hello, build %u</title>\n"
	"<style>\n"
	"body { font: 18px/1.5 sans-serif; max-width: 34rem; margin: 4rem auto; padding: 0 1rem }\n"
	"dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.5rem }\n"
	"dt { color: #667 } dd { margin: 0 } #state { color: #667; font-size: 15px }\n"
	"</style>\n"
	"<h1>%s</h1>\n"
	"<dl>\n"
	"<dt>build</dt><dd>%u</dd>\n"
	"<dt>made</dt><dd><time data-at=\"%lld\"></time></dd>\n"
	"<dt>revision</dt><dd>%s</dd>\n"
	"<dt>compiler</dt><dd>%s</dd>\n"
	"<dt>runs in</dt><dd>%s</dd>\n"
	"</dl>\n"
	"<p id=\"state\">Edit web/page.c and save.</p>\n"
	"<script>\n"
	"const at = document.querySelector('time'), state = document.querySelector('#state');\n"
	"at.textContent = new Date(at.dataset.at * 1000).toLocaleString();\n"
	"setInterval(async () => {\n"
	"  try {\n"
	"    const now = await (await fetch('/build', { cache: 'no-store' })).json();\n"
	"    if (now.number !== %u || now.at !== %lld) location.reload();\n"
	"    state.textContent = 'Edit web/page.c and save.';\n"
	"  } catch { state.textContent = 'The service is starting ...'; }\n"
	"}, 1000);\n"
	"</script>\n";

static const char json[] = "{\"number\": %u, \"at\": %lld, \"revision\": \"%s\", "
			   "\"compiler\": \"%s\", \"place\": \"%s\"}\n";

/* Leaves out what would mean something in HTML or JSON: the facts have no need of it. */
static void harmless(char *out, size_t size, const char *text)
{
	size_t n = 0;
	for (; *text && n + 1 < size; text++)
		if ((unsigned char)*text >= ' ' && !strchr("<>&\"'\\\x7f", *text))
			out[n++] = *text;
	out[n] = '\0';
}

static size_t write_answer(char answer[ANSWER_MAX], const char *status, const char *type,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

static size_t write_answer(
	char answer[ANSWER_MAX], const char *status, const char *type, const char *format, ...)
{
	char body[ANSWER_MAX - 512];
	va_list args;
	va_start(args, format);
	int size = vsnprintf(body, sizeof(body), format, args);
	va_end(args);
	if (size < 0 || (size_t)size >= sizeof(body))
		size = 0;
	int all = snprintf(answer, ANSWER_MAX,
		"HTTP/1.1 %s\r\nContent-Type: %s; charset=utf-8\r\nContent-Length: %d\r\n"
		"Cache-Control: no-store\r\nConnection: close\r\n\r\n%.*s",
		status, type, size, size, body);
	return (size_t)all;
}

static int begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* Does the request line ask for this path, with or without a query? */
static int asks_for(const char *target, const char *path)
{
	return begins(target, path) && strchr(" ?", target[strlen(path)]) && target[strlen(path)];
}

/* A HEAD is answered as a GET, without the body. */
static size_t head_only(char *answer, size_t size)
{
	const char *end = strstr(answer, "\r\n\r\n");
	return end ? (size_t)(end - answer) + 4 : size;
}

static size_t get(const char *target, const struct build *b, const char *where, char *answer)
{
	char revision[64], compiler[128], place[32];
	harmless(revision, sizeof(revision), b->revision);
	harmless(compiler, sizeof(compiler), b->compiler);
	harmless(place, sizeof(place), where);
	if (asks_for(target, "/"))
		return write_answer(answer, "200 OK", "text/html", html, b->number, greeting,
			b->number, b->at, revision, compiler, place, b->number, b->at);
	if (asks_for(target, "/build"))
		return write_answer(answer, "200 OK", "application/json", json, b->number, b->at,
			revision, compiler, place);
	if (asks_for(target, "/healthz"))
		return write_answer(answer, "200 OK", "text/plain", "ok\n");
	return write_answer(answer, "404 Not Found", "text/plain", "there is no such page\n");
}

size_t page_answer(
	const char *request, const struct build *b, const char *place, char answer[ANSWER_MAX])
{
	if (begins(request, "GET "))
		return get(request + strlen("GET "), b, place, answer);
	if (begins(request, "HEAD "))
		return head_only(answer, get(request + strlen("HEAD "), b, place, answer));
	return write_answer(answer, "405 Method Not Allowed", "text/plain", "GET or HEAD\n");
}
