/*
 * The tree as JSON. Comes in: any tree. Goes out: valid JSON, keys in order, whatever the strings
 * hold.
 */
#include "doc/json.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

/* The escape of a control character or delimiter, or NULL. */
static const char *short_escape(char c)
{
	switch (c) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	default:
		return NULL;
	}
}

static bool as_it_is(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
}

/* Where the run of characters that go out as they are ends. What could steer a terminal does not.
 */
static size_t plain_run(const char *s, size_t len)
{
	size_t i = 0, step;
	while (i < len && as_it_is((unsigned char)s[i])) {
		bool lead = ((unsigned char)s[i] & 0xc0) == 0xc0;
		if (lead && text_steers(s + i, len - i, &step))
			break;
		i++;
	}
	return i;
}

/* A run of valid UTF-8. */
static void string_part(struct buf *out, const char *s, size_t len)
{
	for (size_t i = 0, step = 1; i < len; i += step) {
		size_t from = i;
		i += plain_run(s + i, len - i);
		buf_add(out, s + from, i - from);
		if (i == len)
			return;
		const char *escape = short_escape(s[i]);
		step = 1;
		if (escape)
			buf_adds(out, escape);
		else if ((unsigned char)s[i] < 0x80)
			buf_addf(out, "\\u%04x", (unsigned char)s[i]);
		else
			buf_addf(out, "\\u%04x", (unsigned)text_steers(s + i, len - i, &step));
	}
}

/* ASCII that needs no escape: nearly every string there is. */
static bool plain(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] & 0x80 || !as_it_is((unsigned char)s[i]))
			return false;
	return true;
}

void json_quote(struct buf *out, const char *s, size_t len)
{
	buf_addc(out, '"');
	if (plain(s, len)) {
		buf_add(out, s, len);
		buf_addc(out, '"');
		return;
	}
	for (size_t bad; len && !utf8_valid(s, len, &bad);) {
		string_part(out, s, bad);
		buf_adds(out, "\\ufffd");
		s += bad + 1;
		len -= bad + 1;
	}
	string_part(out, s, len);
	buf_addc(out, '"');
}

static void write_float(struct buf *out, double v)
{
	char text[32];
	float_text(text, v);
	buf_adds(out, isfinite(v) ? text : "null");
}

static void line_break(struct buf *out, int indent, int depth)
{
	if (!indent)
		return;
	buf_addc(out, '\n');
	buf_pad(out, ' ', (size_t)indent * (size_t)depth);
}

static void write_node(struct buf *out, const struct node *n, int indent, int depth);

static void write_list(struct buf *out, const struct node *n, int indent, int depth)
{
	buf_addc(out, '[');
	for (size_t i = 0; i < n->list.count; i++) {
		buf_adds(out, !i ? "" : indent ? "," : ", ");
		line_break(out, indent, depth + 1);
		write_node(out, n->list.items[i], indent, depth + 1);
	}
	if (n->list.count)
		line_break(out, indent, depth);
	buf_addc(out, ']');
}

static void write_map(struct buf *out, const struct node *n, int indent, int depth)
{
	buf_addc(out, '{');
	for (size_t i = 0; i < n->map.count; i++) {
		const struct node_pair *p = &n->map.items[i];
		buf_adds(out, !i ? "" : indent ? "," : ", ");
		line_break(out, indent, depth + 1);
		json_quote(out, p->key, strlen(p->key));
		buf_adds(out, ": ");
		write_node(out, p->value, indent, depth + 1);
	}
	if (n->map.count)
		line_break(out, indent, depth);
	buf_addc(out, '}');
}

static void write_node(struct buf *out, const struct node *n, int indent, int depth)
{
	switch (n->kind) {
	case NODE_NULL:
		buf_adds(out, "null");
		break;
	case NODE_BOOL:
		buf_adds(out, n->boolean ? "true" : "false");
		break;
	case NODE_INT:
		buf_addf(out, "%lld", (long long)n->integer);
		break;
	case NODE_FLOAT:
		write_float(out, n->real);
		break;
	case NODE_STR:
		json_quote(out, n->text, n->len);
		break;
	case NODE_LIST:
		write_list(out, n, indent, depth);
		break;
	case NODE_MAP:
		write_map(out, n, indent, depth);
		break;
	}
}

void json_write(struct buf *out, const struct node *n, int indent)
{
	write_node(out, n, indent, 0);
}
