/*
 * Diagnostics are collected, sorted and handed on; errors are set once and wrapped on the way up.
 * Nothing here prints, but for bug_at(), which ends the program.
 */
#include "base/diag.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct diag *diag_add(struct diags *d, enum severity s, struct place at, const char *fmt, ...)
{
	static struct diag beyond; /* written to, never shown: keeps callers free of NULL checks */
	va_list ap;
	if (s == SEV_ERROR)
		d->errors++;
	if (d->count >= DIAGS_MAX) {
		d->dropped++;
		return &beyond;
	}
	struct diag *g = list_push(d->arena, d);
	va_start(ap, fmt);
	*g = (struct diag){
		.severity = s, .place = at, .message = arena_vprintf(d->arena, fmt, ap)
	};
	va_end(ap);
	return g;
}

static int by_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int by_place(const struct diag *a, const struct diag *b)
{
	int c = by_text(a->place.file, b->place.file);
	if (!c)
		c = (a->place.line > b->place.line) - (a->place.line < b->place.line);
	if (!c)
		c = (a->place.col > b->place.col) - (a->place.col < b->place.col);
	return c;
}

/* A value that an anchor repeats is one place in the file: what is wrong there is said once. */
static void drop_repeated(struct diags *d)
{
	size_t kept = 0;
	for (size_t i = 0; i < d->count; i++) {
		struct diag *last = kept ? &d->items[kept - 1] : NULL;
		bool same = last && last->place.line && !by_place(last, &d->items[i]) &&
			    last->severity == d->items[i].severity &&
			    !by_text(last->message, d->items[i].message);
		if (!same)
			d->items[kept++] = d->items[i];
		else if (last->severity == SEV_ERROR)
			d->errors--;
	}
	d->count = kept;
}

void diags_sort(struct diags *d) /* insertion: stable, and at most DIAGS_MAX of them */
{
	for (size_t i = 1; i < d->count; i++) {
		struct diag g = d->items[i];
		size_t j = i;
		for (; j > 0 && by_place(&d->items[j - 1], &g) > 0; j--)
			d->items[j] = d->items[j - 1];
		d->items[j] = g;
	}
	drop_repeated(d);
}

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	e->code = code;
	e->hint[0] = '\0';
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -1;
}

/* What can be done about it whatever was tried; callers who know better say more. */
static const char *remedy(int number)
{
	switch (number) {
	case EACCES:
		return "look whose it is (`ls -ld`); what a run as root left behind is root's: "
		       "`sudo chown -R $USER` gives it back";
	case EROFS:
		return "that file system is mounted read-only";
	case ENOSPC:
	case EDQUOT:
		return "the disk is full (`df -h`); `devenv clean` takes away what nothing uses";
	default:
		return "";
	}
}

int err_errno(struct err *e, const char *fmt, ...)
{
	int number = errno;
	va_list ap;
	va_start(ap, fmt);
	int len = vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	e->code = ERR_FAILED;
	snprintf(e->hint, sizeof(e->hint), "%s", remedy(number));
	if (len >= 0 && (size_t)len < sizeof(e->text))
		snprintf(e->text + len, sizeof(e->text) - (size_t)len, ": %s", strerror(number));
	return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char text[sizeof(e->text)];
	va_list ap;
	va_start(ap, fmt);
	int len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= sizeof(text) - 2)
		return -1;
	snprintf(text + len, sizeof(text) - (size_t)len, ": %.*s",
		(int)(sizeof(text) - (size_t)len - 3), e->text);
	memcpy(e->text, text, sizeof(text));
	return -1;
}

void err_hint(struct err *e, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(e->hint, sizeof(e->hint), fmt, ap);
	va_end(ap);
}

_Noreturn void bug_at(const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fprintf(stderr, "devenv: bug at %s:%d: ", file, line);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	abort();
}
