/*
 * What an unquoted scalar means: YAML 1.2's core schema. Comes in: text. Goes out: a node that
 * keeps the text as written beside its value.
 */
#include "doc/node.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const struct word {
	const char *text;
	enum node_kind kind;
	double value;
} words[] = {
	{ "~", NODE_NULL, 0 },
	{ "null", NODE_NULL, 0 },
	{ "Null", NODE_NULL, 0 },
	{ "NULL", NODE_NULL, 0 },
	{ "true", NODE_BOOL, 1 },
	{ "True", NODE_BOOL, 1 },
	{ "TRUE", NODE_BOOL, 1 },
	{ "false", NODE_BOOL, 0 },
	{ "False", NODE_BOOL, 0 },
	{ "FALSE", NODE_BOOL, 0 },
	{ ".inf", NODE_FLOAT, HUGE_VAL },
	{ ".Inf", NODE_FLOAT, HUGE_VAL },
	{ ".INF", NODE_FLOAT, HUGE_VAL },
	{ "+.inf", NODE_FLOAT, HUGE_VAL },
	{ "+.Inf", NODE_FLOAT, HUGE_VAL },
	{ "+.INF", NODE_FLOAT, HUGE_VAL },
	{ "-.inf", NODE_FLOAT, -HUGE_VAL },
	{ "-.Inf", NODE_FLOAT, -HUGE_VAL },
	{ "-.INF", NODE_FLOAT, -HUGE_VAL },
	{ ".nan", NODE_FLOAT, NAN },
	{ ".NaN", NODE_FLOAT, NAN },
	{ ".NAN", NODE_FLOAT, NAN },
};

static const struct word *word_of(const char *s, size_t len)
{
	if (len > 5 || !strchr("~ntfNTF.+-", *s))
		return NULL;
	for (size_t i = 0; i < countof(words); i++)
		if (!strncmp(words[i].text, s, len) && !words[i].text[len])
			return &words[i];
	return NULL;
}

static size_t digits(const char *s)
{
	return strspn(s, "0123456789");
}

/* 0 when s is no integer of the core schema, else its base. */
static int int_base(const char *s)
{
	if (s[0] == '0' && s[1] == 'o' && s[2])
		return s[2 + strspn(s + 2, "01234567")] ? 0 : 8;
	if (s[0] == '0' && s[1] == 'x' && s[2])
		return s[2 + strspn(s + 2, "0123456789abcdefABCDEF")] ? 0 : 16;
	s += *s == '-' || *s == '+';
	return *s && !s[digits(s)] ? 10 : 0;
}

static bool is_float(const char *s)
{
	s += *s == '-' || *s == '+';
	size_t whole = digits(s), part = 0;
	s += whole;
	if (*s == '.') {
		part = digits(s + 1);
		s += 1 + part;
	}
	if (!whole && !part)
		return false;
	if (*s == 'e' || *s == 'E') {
		s += s[1] == '-' || s[1] == '+' ? 2 : 1;
		if (!digits(s))
			return false;
		s += digits(s);
	}
	return !*s;
}

static void number_set(struct node *n)
{
	int base = int_base(n->text);
	if (base) {
		errno = 0;
		n->integer = strtoll(n->text + (base == 10 ? 0 : 2), NULL, base);
		n->kind = NODE_INT;
		if (!errno)
			return;
	}
	if (base || is_float(n->text)) {
		n->real = base == 8 ? HUGE_VAL : strtod(n->text, NULL);
		n->kind = NODE_FLOAT;
	}
}

struct node *node_plain(struct arena *a, const char *s, size_t len, struct place at)
{
	const struct word *w = len ? word_of(s, len) : NULL;
	if (!len || (w && w->kind == NODE_NULL))
		return node_null(a, at);
	struct node *n = node_strn(a, s, len, at);
	if (w && w->kind == NODE_BOOL) {
		n->kind = NODE_BOOL;
		n->boolean = w->value != 0;
	} else if (w) {
		n->kind = NODE_FLOAT;
		n->real = w->value;
	} else if (strchr("0123456789+-.", *s)) {
		number_set(n);
	}
	return n;
}
