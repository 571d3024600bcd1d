/*
 * What a command says: diagnostics, errors, questions, results. The only place that prints them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/context.h"
#include "doc/json.h"

/* Files once read for their source lines: diagnostics come sorted by file. */
struct sources {
	const char *file;
	struct buf text;
	const char *root;
	struct arena *arena;
};

static const char *source_line(void *ctx, const char *file, int line, size_t *len)
{
	struct sources *s = ctx;
	struct err ignored = ERR_INIT;
	if (!streq(s->file, file)) {
		buf_truncate(&s->text, 0);
		s->file = file;
		if (file_read(path_join(s->arena, s->root ? s->root : ".", file), 1 << 20, &s->text,
			    &ignored))
			buf_truncate(&s->text, 0);
	}
	const char *p = buf_str(&s->text), *end = p + s->text.len;
	for (int i = 1; p && i < line; i++) {
		p = memchr(p, '\n', (size_t)(end - p));
		p = p ? p + 1 : NULL;
	}
	if (!p || p >= end)
		return NULL;
	const char *stop = memchr(p, '\n', (size_t)(end - p));
	*len = (size_t)((stop ? stop : end) - p);
	return p;
}

/* For who goes on, and tells why something came to nothing. */
static void remember_first(struct context *c)
{
	for (size_t i = 0; i < c->diags.count; i++) {
		const struct diag *d = &c->diags.items[i];
		if (d->severity != SEV_ERROR)
			continue;
		err_set(&c->error, ERR_CONFIG, "%s", d->message);
		c->error.place = d->place;
		return;
	}
}

int report(struct context *c)
{
	int status = c->diags.errors ? ERR_CONFIG : 0;
	if (!c->diags.count || (c->g.quiet && !status)) {
		c->diags.count = 0;
		return status;
	}
	diags_sort(&c->diags);
	if (status)
		remember_first(c);
	if (c->g.json && status) {
		emit_node(view_diags_json(&c->arena, &c->diags));
	} else {
		cleanup_buf struct buf b = BUF_INIT;
		struct sources s = { .root = c->root, .arena = &c->arena };
		view_diags(&b, &c->diags, c->err, source_line, &s);
		fwrite(buf_str(&b), 1, b.len, stderr);
		buf_release(&s.text);
	}
	c->diags.count = 0; /* said once; the number of errors stays */
	return status;
}

int fail(struct context *c)
{
	cleanup_buf struct buf b = BUF_INIT;
	if (c->vault) {
		cleanup_buf struct buf text = BUF_INIT;
		buf_adds(&text, c->error.text);
		vault_redact(c->vault, &text);
		snprintf(c->error.text, sizeof(c->error.text), "%s", buf_str(&text));
	}
	view_error(&b, &c->error, c->err);
	fwrite(buf_str(&b), 1, b.len, stderr);
	if (c->loop && loop_signal(c->loop))
		return 128 + loop_signal(c->loop);
	return c->error.code ? (int)c->error.code : ERR_FAILED;
}

int fail_with(struct context *c, enum err_code code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	c->error = (struct err){ .code = code };
	vsnprintf(c->error.text, sizeof(c->error.text), fmt, ap);
	va_end(ap);
	return fail(c);
}

bool emit(const struct buf *b)
{
	return fwrite(buf_str(b), 1, b->len, stdout) == b->len;
}

void emit_node(const struct node *n)
{
	cleanup_buf struct buf b = BUF_INIT;
	json_write(&b, n, 2);
	buf_addc(&b, '\n');
	emit(&b);
}

void note(struct context *c, const char *fmt, ...)
{
	cleanup_buf struct buf b = BUF_INIT, clean = BUF_INIT;
	va_list ap;
	if (c->g.quiet)
		return;
	va_start(ap, fmt);
	buf_addvf(&b, fmt, ap);
	va_end(ap);
	text_clean(&clean, buf_str(&b), b.len, false);
	fprintf(stderr, "%s\n", buf_str(&clean));
}

int consent(struct context *c, const char *question)
{
	char answer[16] = "";
	if (c->g.yes)
		return 0;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		err_set(&c->error, ERR_CONSENT,
			"%s: this needs a yes, and there is no terminal to ask on", question);
		err_hint(&c->error, "add -y (--yes) when that is what you want");
		return fail(c);
	}
	fprintf(stderr, "%s [y/N] ", question);
	fflush(stderr);
	if (!fgets(answer, sizeof(answer), stdin) || (answer[0] != 'y' && answer[0] != 'Y')) {
		fputs("Nothing was changed.\n", stderr);
		return ERR_CONSENT;
	}
	return 0;
}

const struct service *named_service(struct context *c, const char *name)
{
	const struct service *s = project_service(&c->project, name);
	if (s)
		return s;
	struct strs all = { 0 };
	for (size_t i = 0; i < c->project.services.count; i++)
		strs_add(&c->arena, &all, c->project.services.items[i].name);
	const char *near = nearest_name(name, all.items, all.count);
	err_set(&c->error, ERR_USAGE, "there is no service \"%s\" in this project", name);
	if (near)
		err_hint(&c->error, "did you mean %s?", near);
	else
		err_hint(&c->error, "its services are: %s", strs_join(&c->arena, &all, ", "));
	fail(c);
	return NULL;
}

int check_services(struct context *c, const struct strs *names)
{
	for (size_t i = 0; i < names->count; i++)
		if (!named_service(c, names->items[i]))
			return ERR_USAGE;
	return 0;
}

void print_timings(struct context *c)
{
	int64_t own = 0, waited = 0;
	fflush(stdout);
	for (size_t i = 0; i < c->timing_count; i++) {
		const struct timing *t = &c->timings[i];
		*(t->waiting ? &waited : &own) += t->us;
		fprintf(stderr, "%10.2f ms  %-14s %s\n", (double)t->us / 1000, t->what,
			t->waiting ? "(waiting for others)" : "");
	}
	fprintf(stderr, "%10.2f ms  devenv's own share\n%10.2f ms  waiting for others\n",
		(double)own / 1000, (double)waited / 1000);
}
