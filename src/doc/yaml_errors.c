/*
 * The YAML parser's complaints in words that help. Comes in: its message and marks beside the text.
 * Goes out: one diagnostic with the place of the cause, which often is not where parsing stopped.
 */
#include "yaml_in.h"

#include <stdio.h>
#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "doc/yaml.h"

enum { DIRECTIVES_MAX = 16 };

static struct place place_at(const struct yaml_source *s, int line, int col)
{
	return (struct place){ s->file, s->layer, line, col };
}

static struct diag *say(
	const struct yaml_source *s, int line, int col, const char *message, const char *hint)
{
	struct diag *g = diag_add(s->diags, SEV_ERROR, place_at(s, line, col), "%s", message);
	g->hint = hint;
	return g;
}

/* The start of a line (from 1), or NULL when there is none. */
static const char *line_start(const struct yaml_source *s, int line)
{
	const char *p = s->text, *end = s->text + s->len;
	for (; line > 1 && p < end; line--) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl)
			return NULL;
		p = nl + 1;
	}
	return p < end ? p : NULL;
}

/* The character at a place; 0 at the end of the text. */
static char char_at(const struct yaml_source *s, int line, int col)
{
	const char *p = line_start(s, line), *end = s->text + s->len;
	for (; p && p < end && col > 1; col--)
		for (p++; p < end && (*p & 0xc0) == 0x80;)
			p++;
	return p && p < end ? *p : '\0';
}

/* The column of a tab among the blanks that begin a line; 0 when there is none. */
static int tab_in_indent(const struct yaml_source *s, int line)
{
	const char *p = line_start(s, line), *end = s->text + s->len;
	for (int col = 1; p && p < end && (*p == ' ' || *p == '\t'); p++, col++)
		if (*p == '\t')
			return col;
	return 0;
}

/*
 * What the parser says (and while doing what; NULL: anything), and what we say instead.
 * at_context: the cause stands where the construct began, not where the parser gave up.
 */
static const struct wording {
	const char *problem, *context;
	const char *message, *hint;
	bool at_context;
	const char *label; /* of the construct's start as second place; NULL: not shown */
} wordings[] = {
	{ "mapping values are not allowed in this context", NULL,
		"a second ': ' in this value, or a key that is indented too far",
		"put the value in quotes, or line the key up with its neighbours", false, NULL },
	{ "did not find expected key", "while parsing a block mapping",
		"this line belongs to no map or list above it",
		"line it up with the keys of its map", false,
		"the map that it is inside of starts here" },
	{ "did not find expected '-' indicator", NULL, "this line is no item of the list above it",
		"start it with '- ', or line it up with the key that holds the list", false,
		"the list starts here" },
	{ "could not find expected ':'", "while scanning a simple key", "no ':' after this key",
		"a line inside a map reads `key: value`; text that goes over several lines needs "
		"`|` or quotes",
		true, NULL },
	{ "found unexpected end of stream", "while scanning a quoted scalar",
		"the quotes opened here are never closed",
		"close them, or double a quote inside 'x'", true, NULL },
	{ "found unexpected document indicator", "while scanning a quoted scalar",
		"the quotes opened here are never closed", "close them before the `---` or `...`",
		true, NULL },
	{ "did not find expected ',' or ']'", NULL, "expected ',' or ']' here",
		"the list is not closed, or one of its items needs quotes", false,
		"the list was opened here" },
	{ "did not find expected ',' or '}'", NULL, "expected ',' or '}' here",
		"the map is not closed, or one of its values needs quotes", false,
		"the map was opened here" },
	{ "did not find expected alphabetic or numeric character", "while scanning an alias",
		"'*' refers to an anchor, and no name follows it", "put the value in quotes", true,
		NULL },
	{ "did not find expected alphabetic or numeric character", "while scanning an anchor",
		"'&' names an anchor, and no name follows it", "put the value in quotes", true,
		NULL },
	{ "block sequence entries are not allowed in this context", NULL,
		"a list cannot start here", "put each '- ' on a line of its own below the key",
		false, NULL },
	{ "mapping keys are not allowed in this context", NULL, "a '? ' key cannot start here",
		"put the value in quotes", false, NULL },
	{ "did not find expected node content", NULL, "a value is missing here",
		"remove the extra ',' or put the value in quotes", false, NULL },
	{ "did not find expected comment or line break", "while scanning a block scalar",
		"nothing but a comment may follow '|' or '>' on its line",
		"put the text on the next line, or put the value in quotes", false, NULL },
	{ "found unknown escape character", NULL, "unknown escape after '\\' in double quotes",
		"write '\\\\' for a backslash, or use single quotes", false, NULL },
	{ "did not find expected hexdecimal number", NULL,
		"hexadecimal digits are missing after '\\x', '\\u' or '\\U'",
		"write '\\\\' for a backslash, or use single quotes", false, NULL },
	{ "found invalid Unicode character escape code", NULL,
		"this escape names no Unicode character", NULL, false, NULL },
	{ "found undefined tag handle", NULL, "this tag is not known",
		"known tags: !reset, !override, !!str, !!int, !!float, !!bool, !!null, !!map, "
		"!!seq",
		true, NULL },
	{ "did not find expected whitespace or line break", "while scanning a tag",
		"'!' starts a tag, and this is none", "put the value in quotes", true, NULL },
	{ "did not find expected <document start>", NULL, "the document has ended before this line",
		"line it up with the first key", false, NULL },
	{ "found a tab character where an indentation space is expected", NULL,
		"a tab indents this line, and YAML takes only spaces", "replace the tab by spaces",
		false, NULL },
	{ "found extra anchor", NULL, "a value can have only one anchor", NULL, false, NULL },
};

/* Text is left over behind a value, on the same line: `a: "b" c`. */
static const struct wording left_over = { NULL, NULL, "nothing may follow the value on this line",
	"put the whole value in one pair of quotes, or remove what follows", false, NULL };

static bool behind_a_value(const struct yaml_source *s, const struct yaml_fault *f)
{
	static const char *const problems[] = { "did not find expected key",
		"did not find expected '-' indicator", "did not find expected <document start>" };
	const char *p = line_start(s, f->line), *end = s->text + s->len;
	for (int col = 1; p && p < end && col < f->col; col++, p++)
		if (*p != ' ')
			for (size_t i = 0; i < countof(problems); i++)
				if (streq(problems[i], f->problem))
					return true;
	return false;
}

static const struct wording *wording_of(const struct yaml_fault *f)
{
	for (size_t i = 0; i < countof(wordings); i++) {
		const struct wording *w = &wordings[i];
		if (streq(w->problem, f->problem) && (!w->context || streq(w->context, f->context)))
			return w;
	}
	return NULL;
}

static void explain_first_char(const struct yaml_source *s, const struct yaml_fault *f)
{
	char c = char_at(s, f->line, f->col);
	struct diag *g = say(s, f->line, f->col, "", NULL);
	if (c == '@' || c == '`' || c == '%') {
		g->message = arena_printf(s->diags->arena, "a value cannot start with '%c'", c);
		g->hint = "put it in quotes";
	} else {
		g->message = "this character cannot start a value";
		g->hint = "put the value in quotes";
	}
}

static void explain_worded(
	const struct yaml_source *s, const struct yaml_fault *f, const struct wording *w)
{
	bool at_context = w->at_context && f->context_line;
	struct diag *g = say(s, at_context ? f->context_line : f->line,
		at_context ? f->context_col : f->col, w->message, w->hint);
	if (w->label && f->context_line) {
		g->other = place_at(s, f->context_line, f->context_col);
		g->other_label = w->label;
	}
}

/* "image:debian" on the line above a ": " that surprises: the column of the word, or 0. */
static int glued_colon(const struct yaml_source *s, const struct yaml_fault *f)
{
	const char *p = f->line > 1 ? line_start(s, f->line - 1) : NULL, *end = s->text + s->len;
	if (!p || !streq(f->problem, wordings[0].problem))
		return 0;
	const char *eol = memchr(p, '\n', (size_t)(end - p)), *word = p;
	eol = eol ? eol : end;
	while (word < eol && *word == ' ')
		word++;
	const char *colon = word;
	while (colon < eol && (isalnum((unsigned char)*colon) || strchr("_-.", *colon)))
		colon++;
	bool glued = colon > word && colon + 1 < eol && *colon == ':' && !strchr(" :/", colon[1]);
	return glued && !memchr(colon, ' ', (size_t)(eol - colon)) ? (int)(word - p) + 1 : 0;
}

void yaml_explain(const struct yaml_source *s, const struct yaml_fault *f)
{
	const struct wording *w = behind_a_value(s, f) ? &left_over : wording_of(f);
	int tab = tab_in_indent(s, f->line),
	    before = f->line > 1 ? tab_in_indent(s, f->line - 1) : 0;
	if (tab || before)
		say(s, tab ? f->line : f->line - 1, tab ? tab : before,
			"a tab indents this line, and YAML takes only spaces",
			"replace the tab by spaces");
	else if (glued_colon(s, f))
		say(s, f->line - 1, glued_colon(s, f), "a space is missing after the colon",
			"a line inside a map reads `key: value`");
	else if (w)
		explain_worded(s, f, w);
	else if (char_at(s, f->line, f->col) == '\t')
		say(s, f->line, f->col, "a tab cannot stand here", "replace the tab by spaces");
	else if (streq(f->problem, "found character that cannot start any token"))
		explain_first_char(s, f);
	else
		diag_add(s->diags, SEV_ERROR, place_at(s, f->line, f->col),
			"not valid YAML: %s%s%s", f->problem, f->context ? " " : "",
			f->context ? f->context : "");
}

static void position(const struct yaml_source *s, size_t offset, int *line, int *col)
{
	size_t start = s->len >= 3 && !memcmp(s->text, "\xef\xbb\xbf", 3) ? 3 : 0;
	*line = *col = 1;
	for (size_t i = start; i < offset && i < s->len; i++) {
		if (s->text[i] == '\n') {
			++*line;
			*col = 1;
		} else if ((s->text[i] & 0xc0) != 0x80) {
			++*col;
		}
	}
}

void yaml_explain_byte(const struct yaml_source *s, size_t offset)
{
	int line, col;
	unsigned char c = offset < s->len ? (unsigned char)s->text[offset] : 0;
	size_t bad;
	position(s, offset, &line, &col);
	if (!c && s->len >= 2 && (!s->text[0] || !s->text[1]))
		say(s, 0, 0, "this file is not UTF-8; it looks like UTF-16", "save it as UTF-8");
	else if (!c)
		say(s, line, col, "a NUL byte: this is not text", "remove it, or name a text file");
	else if (!utf8_valid(s->text + offset, s->len - offset, &bad) && !bad)
		diag_add(s->diags, SEV_ERROR, place_at(s, line, col),
			"byte 0x%02x is not valid UTF-8", c)
			->hint = "save the file as UTF-8";
	else
		say(s, line, col, "a control character cannot stand in YAML text",
			"remove it, or write it as an escape in double quotes (\"\\e\")");
}

/* The tag directives of a document are kept in a linear list by the parser. */
static bool many_directives(const struct yaml_source *s)
{
	size_t found = 0;
	const char *p = s->text, *end = s->text + s->len;
	while (p < end && found <= DIRECTIVES_MAX) {
		p = memmem(p, (size_t)(end - p), "%TAG", 4);
		if (!p)
			break;
		found += p == s->text || p[-1] == '\n' || p[-1] == '\r';
		p += 4;
	}
	return found > DIRECTIVES_MAX;
}

bool yaml_acceptable(const struct yaml_source *s)
{
	const char *t = s->text;
	if (s->len > YAML_MAX_BYTES)
		say(s, 0, 0, "the file is larger than 1 MiB",
			"split it up and `include:` the parts");
	else if (s->len >= 2 && (!memcmp(t, "\xff\xfe", 2) || !memcmp(t, "\xfe\xff", 2)))
		say(s, 0, 0, "this file is UTF-16", "save it as UTF-8");
	else if (many_directives(s))
		say(s, 0, 0, "too many %TAG directives",
			"devenv takes no tags of its own; remove them");
	else
		return true;
	return false;
}
