/*
 * Words of a Dockerfile, for who writes one. Whatever a configuration says is an argument of a
 * fixed script or a quoted word: it cannot become an instruction. What cannot be written so is
 * complained about.
 */
#include "writer.h"

#include <string.h>

#include "doc/json.h"

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/* A word that stands unquoted: letters, digits and a few more. */
bool docker_plain(struct writer *w, const char *word, const char *more, const char *what)
{
	size_t len = word ? strspn(word, letters) : 0;
	while (word && word[len] && strchr(more, word[len]))
		len += 1 + strspn(word + len + 1, letters);
	if (word && *word && *word != '-' && !word[len])
		return true;
	complain(w->m, w->r->image->place, "image %s: \"%s\" is no %s", w->r->image->name,
		word ? word : "", what);
	return false;
}

void docker_words(struct writer *w, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_adds(&w->out, i ? ", " : "[");
		json_string(&w->out, words[i], strlen(words[i]));
	}
	buf_addc(&w->out, ']');
}

/* RUN in the form that no shell sees: sh -ec SCRIPT NAME ARGUMENTS... */
void docker_run(struct writer *w, const char *script, const struct strs *args)
{
	struct strs words = { 0 };
	const char *const head[] = { "/bin/sh", "-ec", script };
	for (size_t i = 0; i < countof(head); i++)
		strs_add(w->m->a, &words, head[i]);
	for (size_t i = 0; args && i < args->count; i++)
		strs_add(w->m->a, &words, args->items[i]);
	buf_adds(&w->out, "RUN ");
	docker_words(w, words.items, words.count);
	buf_addc(&w->out, '\n');
}

/* The builder would fill in variables. */
void docker_quoted(struct writer *w, const char *text, struct place at)
{
	buf_addc(&w->out, '"');
	for (const char *s = text; *s; s++) {
		if (*s == '\n' || *s == '\r') {
			complain(w->m, at,
				"image %s: a value in its Dockerfile cannot hold a line break",
				w->r->image->name);
			break;
		}
		if (strchr("\"\\$", *s))
			buf_addc(&w->out, '\\');
		buf_addc(&w->out, *s);
	}
	buf_addc(&w->out, '"');
}

/* COPY's JSON form fills in variables too. */
void docker_copy(struct writer *w, const char *owner, const char *source, const char *target)
{
	cleanup_buf struct buf escaped = BUF_INIT;
	for (const char *s = target; *s; s++) {
		if (*s == '$' || *s == '\\')
			buf_addc(&escaped, '\\');
		buf_addc(&escaped, *s);
	}
	const char *words[] = { source, buf_str(&escaped) };
	buf_adds(&w->out, "COPY ");
	if (owner && docker_plain(w, owner, "_.-:", "owner of a file"))
		buf_addf(&w->out, "--chown=%s ", owner);
	docker_words(w, words, 2);
	buf_addc(&w->out, '\n');
}

void docker_env(struct writer *w, const char *name, const char *value, struct place at)
{
	if (!docker_plain(w, name, "_.-", "variable"))
		return;
	if (holds_secret(value))
		complain(w->m, at, "a secret in `env` of image %s would stay in the image",
			w->r->image->name)
			->hint = "give it to the service instead";
	buf_addf(&w->out, "ENV %s=", name);
	docker_quoted(w, value, at);
	buf_addc(&w->out, '\n');
}
