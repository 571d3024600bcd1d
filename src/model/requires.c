/*
 * `requires:` in, whether this devenv is among the versions it means. Bounds are joined by commas:
 * ">=1.0, <2"; ~1.2 stays within 1.2, ^1.2 within 1; a bare number names itself and what it begins.
 */
#include "decode.h"

#include <stdlib.h>
#include <string.h>

enum { PARTS = 3 };

struct version {
	long part[PARTS];
	int given; /* parts that were written */
};

static struct version version_read(const char *s)
{
	struct version v = { { 0 }, 0 };
	char *end;
	while (v.given < PARTS) {
		v.part[v.given++] = strtol(s, &end, 10);
		if (*end != '.')
			break;
		s = end + 1;
	}
	return v;
}

static int compare(const struct version *a, const struct version *b, int parts)
{
	for (int i = 0; i < parts; i++) {
		if (a->part[i] != b->part[i])
			return a->part[i] < b->part[i] ? -1 : 1;
	}
	return 0;
}

enum bound { B_SAME, B_LEAST, B_MOST, B_ABOVE, B_BELOW, B_NOT, B_TILDE, B_CARET };

static bool bound_holds(enum bound b, const struct version *ours, const struct version *asked)
{
	int order = compare(ours, asked, PARTS);
	switch (b) {
	case B_SAME:
		return !compare(ours, asked, asked->given);
	case B_LEAST:
		return order >= 0;
	case B_MOST:
		return compare(ours, asked, asked->given) <= 0;
	case B_ABOVE:
		return compare(ours, asked, asked->given) > 0;
	case B_BELOW:
		return order < 0;
	case B_NOT:
		return compare(ours, asked, asked->given) != 0;
	case B_TILDE:
		return order >= 0 && !compare(ours, asked, asked->given < 2 ? 1 : 2);
	case B_CARET:
		return order >= 0 && !compare(ours, asked, 1);
	}
	return true;
}

bool version_allowed(const char *range, const char *version)
{
	static const struct word operators[] = { { ">=", B_LEAST }, { "<=", B_MOST },
		{ ">", B_ABOVE }, { "<", B_BELOW }, { "!=", B_NOT }, { "~", B_TILDE },
		{ "~>", B_TILDE }, { "^", B_CARET }, { NULL, B_SAME } };
	struct version ours = version_read(version);
	for (const char *s = range; *s; s += *s == ',') {
		char operator[4] = "";
		s += strspn(s, " ");
		size_t len = strspn(s, "<>=!~^");
		if (len < sizeof(operator))
			memcpy(operator, s, len);
		s += len + strspn(s + len, " ");
		struct version asked = version_read(s);
		if (!bound_holds(meaning(operators, operator), &ours, &asked))
			return false;
		s += strcspn(s, ",");
	}
	return true;
}

void check_requires(struct decode *c)
{
	const struct node *n = node_get(c->tree, "requires");
	if (!n || !node_is_scalar(n) || version_allowed(node_text(n), DEVENV_VERSION))
		return;
	struct diag *d = say(c, SEV_ERROR, n->place, "requires",
		"this project asks for devenv %s; this is " DEVENV_VERSION, node_text(n));
	d->hint = "what it needs may be missing here: install another version";
}
