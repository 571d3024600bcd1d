/* Tests of the page: what is asked, and what must be in the answer. One line for each that fails.
 */
#include <stdio.h>
#include <string.h>

#include "page.h"

struct test {
	const char *about, *request, *place;
	const char *has[3]; /* each occurs in the answer */
	const char *lacks;  /* does not; NULL: nothing */
};

static const struct test tests[] = {
	{ "the page shows its build", "GET / HTTP/1.1\r\n\r\n", "host",
		{ "HTTP/1.1 200 OK\r\n", "<dd>7</dd>", "<dd>host</dd>" }, "%" },
	{ "a query changes nothing", "GET /?a=b HTTP/1.1\r\n\r\n", "host", { "<dd>7</dd>" }, NULL },
	{ "what comes from outside is no markup", "GET / HTTP/1.1\r\n\r\n", "<b>\"'&x",
		{ "<dd>abcd</dd>", "<dd>bx</dd>" }, "<b>" },
	{ "the build as JSON", "GET /build HTTP/1.1\r\n\r\n", "host",
		{ "application/json", "{\"number\": 7, \"at\": 1700000000" }, NULL },
	{ "it says that it is well", "GET /healthz HTTP/1.0\r\n\r\n", "",
		{ "200 OK", "\r\n\r\nok\n" }, NULL },
	{ "HEAD has no body", "HEAD /healthz HTTP/1.1\r\n\r\n", "", { "Content-Length: 3\r\n" },
		"ok\n" },
	{ "another page", "GET /nowhere HTTP/1.1\r\n\r\n", "", { "404 Not Found" }, "<html" },
	{ "a path that only begins alike", "GET /buildings HTTP/1.1\r\n\r\n", "", { "404" }, NULL },
	{ "another method", "POST / HTTP/1.1\r\n\r\n", "", { "405 Method" }, "<html" },
	{ "no request at all", "\x16\x03\x01", "", { "405 Method" }, NULL },
	{ "a line that ends early", "GET /build", "", { "404" }, NULL },
};

static int passes(const struct test *t)
{
	char answer[ANSWER_MAX + 1];
	size_t size = page_answer(t->request, &build, t->place, answer);
	if (size >= ANSWER_MAX)
		return 0;
	answer[size] = '\0';
	for (size_t i = 0; i < sizeof(t->has) / sizeof(t->has[0]) && t->has[i]; i++)
		if (!strstr(answer, t->has[i]))
			return 0;
	return !t->lacks || !strstr(answer, t->lacks);
}

int main(void)
{
	int failed = 0;
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		if (!passes(&tests[i])) {
			printf("%s:%d: failed: %s\n", __FILE__, __LINE__, tests[i].about);
			failed++;
		}
	return failed ? 1 : 0;
}
