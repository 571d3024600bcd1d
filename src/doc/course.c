/*
 * Which lines belong together. Comes in: the lines of one writer, one after the other. Goes out:
 * does this one go on with what the one before began? Tracebacks of Python, Java, Node and Go,
 * details of PostgreSQL, and whatever is indented.
 */
#include <string.h>

#include "base/text.h"
#include "doc/record.h"

enum { FRONT = 96 };

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '.';
}

/* What is written at the left edge in the middle of a traceback. */
static bool is_joint(const char *line, size_t len)
{
	static const char *const joints[] = { "Traceback (most recent call last)",
		"Caused by: ", "During handling of the above exception",
		"The above exception was the direct", "Suppressed: ", "goroutine ", "... " };
	for (size_t i = 0; i < countof(joints); i++) {
		size_t n = strlen(joints[i]);
		if (len >= n && memcmp(line, joints[i], n) == 0)
			return true;
	}
	return false;
}

/* PostgreSQL: "2026-01-31 10:00:00.100 UTC [31] DETAIL:  Key (id)=(1) already exists." */
static bool is_detail(const char *line, size_t len)
{
	static const char *const words[] = { "] DETAIL:  ", "] HINT:  ", "] CONTEXT:  ",
		"] STATEMENT:  ", "] QUERY:  ", "] LOCATION:  " };
	size_t front = len < FRONT ? len : FRONT;
	const char *at = memmem(line, front, ":  ", 3);
	for (size_t i = 0; at && i < countof(words); i++)
		if (memmem(line, front, words[i], strlen(words[i])))
			return true;
	return false;
}

/* "KeyError: 'x'", "psycopg2.OperationalError", "  }" of Node at the left edge. */
static bool is_closing(const char *line, size_t len)
{
	size_t n = 0, last = 0;
	if (strchr("}])", line[0]))
		return true;
	for (; n < len && is_name(line[n]); n++)
		if (line[n] == '.')
			last = n + 1;
	if (!n || !is_letter(line[0]) || (n < len && line[n] != ':'))
		return false;
	return (last && last < n) || (line[last] >= 'A' && line[last] <= 'Z');
}

/* "main.work(0x1)", "created by main.start" between the files of a goroutine. */
static bool is_call(const char *line, size_t len)
{
	static const char created[] = "created by ";
	bool named = len > strlen(created) && memcmp(line, created, strlen(created)) == 0;
	return named || (is_letter(line[0]) && line[len - 1] == ')');
}

bool line_goes_on(struct line_course *c, const char *line, size_t len)
{
	bool indented = len && (line[0] == ' ' || line[0] == '\t');
	if (!len)
		return true;
	if (indented || is_joint(line, len) || is_detail(line, len)) {
		c->calls = c->calls || line[0] == 'g';
		c->deep = indented;
		return true;
	}
	if (c->calls && is_call(line, len))
		return true;
	bool closes = c->deep && is_closing(line, len) && line_level(line, len) == LEVEL_NONE;
	c->deep = false;
	c->calls = c->calls && closes;
	return closes;
}
