/*
 * The tree as YAML in block style. Comes in: any tree. Goes out: text that readers of YAML 1.1 and
 * 1.2 take for the same values; whether a string needs quotes is decided in yaml_quote.c.
 */
#include "doc/yaml.h"

#include <string.h>

#include "base/text.h"
#include "yaml_out.h"

enum { STEP = 2, LONGEST_KEY = 256 /* simple keys end at 1024 characters */ };

struct writer {
	struct buf *out;
	yaml_note_fn *note;
	void *ctx;
};

static void write_value(struct writer *w, const struct node *n, int indent, bool in_list);

/* The comment behind a value, kept on its line. */
static void write_note(struct writer *w, const struct node *n)
{
	const char *note = w->note ? w->note(w->ctx, n) : NULL;
	cleanup_buf struct buf clean = BUF_INIT;
	if (!note)
		return;
	text_clean(&clean, note, strlen(note), false);
	for (size_t i = 0; i < clean.len; i++)
		if (clean.data[i] == '\n')
			clean.data[i] = ' ';
	buf_addf(w->out, "  # %s", buf_str(&clean));
}

static void write_tag(struct writer *w, const struct node *n)
{
	static const char *const names[] = {
		[TAG_RESET] = " !reset", [TAG_OVERRIDE] = " !override"
	};
	if (n->tag)
		buf_adds(w->out, names[n->tag]);
}

/* The lines of a string below `|`, `|-` or `|+`. */
static void write_block(struct writer *w, const struct node *n, int indent)
{
	size_t len = n->len;
	bool newline = n->text[len - 1] == '\n';
	buf_adds(w->out, !newline ? "|-" : n->text[len - 2] == '\n' ? "|+" : "|");
	write_note(w, n);
	if (newline)
		len--;
	for (const char *p = n->text, *end = p + len; p <= end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t line = (size_t)((nl ? nl : end) - p);
		buf_addc(w->out, '\n');
		if (line)
			buf_pad(w->out, ' ', (size_t)indent);
		buf_add(w->out, p, line);
		p += line + 1;
	}
}

static void write_scalar(struct writer *w, const struct node *n, int indent)
{
	if (n->kind == NODE_STR && yaml_fits_block(n->text, n->len)) {
		write_block(w, n, indent ? indent : STEP);
		return;
	}
	if (n->kind == NODE_NULL)
		buf_adds(w->out, "null");
	else if (n->kind == NODE_BOOL)
		buf_adds(w->out, n->boolean ? "true" : "false");
	else if (n->kind == NODE_STR)
		yaml_string(w->out, n->text, n->len);
	else
		buf_add(w->out, n->text, n->len);
	write_note(w, n);
}

static bool is_leaf(const struct node *n)
{
	return node_count(n) == 0;
}

static void write_leaf(struct writer *w, const struct node *n, int indent)
{
	if (n->kind == NODE_LIST || n->kind == NODE_MAP) {
		buf_adds(w->out, n->kind == NODE_LIST ? "[]" : "{}");
		write_note(w, n);
	} else {
		write_scalar(w, n, indent);
	}
}

static void write_key(struct writer *w, const char *key, int indent)
{
	size_t start = w->out->len;
	yaml_string(w->out, key, strlen(key));
	if (w->out->len - start > LONGEST_KEY) {
		cleanup_buf struct buf b = BUF_INIT;
		buf_add(&b, w->out->data + start, w->out->len - start);
		buf_truncate(w->out, start);
		buf_addf(w->out, "? %s\n", b.data);
		buf_pad(w->out, ' ', (size_t)indent);
	}
	buf_addc(w->out, ':');
}

static void write_list(struct writer *w, const struct node *n, int indent, bool in_line)
{
	for (size_t i = 0; i < n->list.count; i++) {
		if (i || !in_line)
			buf_pad(w->out, ' ', (size_t)indent);
		buf_addc(w->out, '-');
		write_value(w, n->list.items[i], indent + STEP, true);
	}
}

static void write_map(struct writer *w, const struct node *n, int indent, bool in_line)
{
	for (size_t i = 0; i < n->map.count; i++) {
		if (i || !in_line)
			buf_pad(w->out, ' ', (size_t)indent);
		write_key(w, n->map.items[i].key, indent);
		write_value(w, n->map.items[i].value, indent + STEP, false);
	}
}

/* What follows `key:` or `-`, up to and with the end of its last line. */
static void write_value(struct writer *w, const struct node *n, int indent, bool in_list)
{
	write_tag(w, n);
	if (is_leaf(n)) {
		buf_addc(w->out, ' ');
		write_leaf(w, n, indent);
		buf_addc(w->out, '\n');
		return;
	}
	bool in_line = in_list && !n->tag; /* `- key: value` */
	if (in_line) {
		buf_addc(w->out, ' ');
	} else {
		write_note(w, n);
		buf_addc(w->out, '\n');
	}
	if (n->kind == NODE_LIST)
		write_list(w, n, indent, in_line);
	else
		write_map(w, n, indent, in_line);
}

void yaml_write(struct buf *out, const struct node *n, yaml_note_fn *note, void *ctx)
{
	struct writer w = { out, note, ctx };
	if (n->tag) {
		write_tag(&w, n);
		buf_addc(out, is_leaf(n) ? ' ' : '\n');
	}
	if (is_leaf(n)) {
		write_leaf(&w, n, 0);
		buf_addc(out, '\n');
	} else if (n->kind == NODE_LIST) {
		write_list(&w, n, 0, false);
	} else {
		write_map(&w, n, 0, false);
	}
}
