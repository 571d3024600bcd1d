/*
 * The level of a log line, and ids in it. Comes in: one line of any program. Goes out: what it says
 * plainly; a line that only talks about errors has no level.
 */
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "doc/record.h"

/* Words at the beginning of a line count, in the middle of prose they do not. */
enum { FRONT = 96 };

static const struct word {
	const char *word;
	enum level level;
} words[] = {
	{ "trace", LEVEL_TRACE },
	{ "debug", LEVEL_DEBUG },
	{ "info", LEVEL_INFO },
	{ "information", LEVEL_INFO },
	{ "log", LEVEL_INFO },
	{ "notice", LEVEL_NOTICE },
	{ "warn", LEVEL_WARN },
	{ "warning", LEVEL_WARN },
	{ "error", LEVEL_ERROR },
	{ "err", LEVEL_ERROR },
	{ "severe", LEVEL_ERROR },
	{ "crit", LEVEL_FATAL },
	{ "critical", LEVEL_FATAL },
	{ "alert", LEVEL_FATAL },
	{ "emerg", LEVEL_FATAL },
	{ "emergency", LEVEL_FATAL },
	{ "fatal", LEVEL_FATAL },
	{ "panic", LEVEL_FATAL },
	{ "verbose", LEVEL_DEBUG },
	{ "dbg", LEVEL_DEBUG },
	{ "inf", LEVEL_INFO },
	{ "wrn", LEVEL_WARN },
};

/* pino and bunyan count in tens. */
static enum level of_number(const char *word, size_t len)
{
	static const enum level tens[] = { LEVEL_NONE, LEVEL_TRACE, LEVEL_DEBUG, LEVEL_INFO,
		LEVEL_WARN, LEVEL_ERROR, LEVEL_FATAL };
	bool plain = len == 2 && word[0] >= '1' && word[0] <= '6' && word[1] == '0';
	return plain ? tens[word[0] - '0'] : LEVEL_NONE;
}

enum level level_named(const char *word, size_t len)
{
	for (size_t i = 0; i < countof(words); i++)
		if (strlen(words[i].word) == len && strncasecmp(words[i].word, word, len) == 0)
			return words[i].level;
	return of_number(word, len);
}

const char *level_name(enum level l)
{
	static const char *const names[] = { "", "trace", "debug", "info", "notice", "warn",
		"error", "fatal" };
	return names[l];
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_word(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '_';
}

/* ---- level=warn ---- */

/* The value of a key that stands at `at`: logfmt, or JSON behind something else. */
static enum level value_at(const char *at, const char *end)
{
	if (at < end && *at == '"')
		at++;
	const char *from = at;
	while (at < end && is_word(*at))
		at++;
	return level_named(from, (size_t)(at - from));
}

static enum level by_key(const char *line, size_t len)
{
	static const char *const keys[] = { "level=", "severity=", "lvl=", "loglevel=" };
	const char *end = line + len;
	if (!memchr(line, '=', len))
		return LEVEL_NONE;
	for (size_t i = 0; i < countof(keys); i++) {
		size_t n = strlen(keys[i]);
		const char *at = memmem(line, len, keys[i], n);
		if (at && (at == line || !is_word(at[-1])))
			return value_at(at + n, end);
	}
	return LEVEL_NONE;
}

/* ---- forms of single programs ---- */

/* Redis: "1:M 22 Nov 2026 06:43:46.123 # text" */
static enum level by_redis(const char *line, size_t len)
{
	const char *end = line + (len < 48 ? len : 48), *at = line;
	while (at < end && *at >= '0' && *at <= '9')
		at++;
	if (at == line || end - at < 30 || at[0] != ':' || !strchr("XCSM", at[1]) || at[2] != ' ')
		return LEVEL_NONE;
	const char *clock = memchr(at, '.', (size_t)(end - at));
	if (!clock || end - clock < 7 || clock[4] != ' ' || clock[6] != ' ')
		return LEVEL_NONE;
	switch (clock[5]) {
	case '#':
		return LEVEL_WARN;
	case '*':
		return LEVEL_NOTICE;
	case '-':
		return LEVEL_INFO;
	case '.':
		return LEVEL_DEBUG;
	default:
		return LEVEL_NONE;
	}
}

/* glog and klog: "E1122 06:43:46.123456 ..." */
static enum level by_glog(const char *line, size_t len)
{
	if (len < 12 || line[5] != ' ' || line[8] != ':')
		return LEVEL_NONE;
	for (int i = 1; i < 5; i++)
		if (line[i] < '0' || line[i] > '9')
			return LEVEL_NONE;
	switch (line[0]) {
	case 'I':
		return LEVEL_INFO;
	case 'W':
		return LEVEL_WARN;
	case 'E':
		return LEVEL_ERROR;
	case 'F':
		return LEVEL_FATAL;
	default:
		return LEVEL_NONE;
	}
}

/* ---- a word that stands for itself ---- */

static bool upper(const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (word[i] < 'A' || word[i] > 'Z')
			return false;
	return true;
}

/* "ERROR ...", "[error]", "error: " at the very beginning. */
static bool stands_alone(const char *line, const char *end, const char *word, size_t len)
{
	const char *behind = word + len;
	bool bracketed = word > line && word[-1] == '[' && behind < end && *behind == ']';
	bool begins = word == line && behind < end && *behind == ':';
	bool shouts = upper(word, len) && (word == line || strchr(" \t[<|(:-", word[-1])) &&
		      (behind == end || strchr(" \t]>|):-,", *behind));
	return bracketed || begins || shouts;
}

static enum level by_word(const char *line, size_t len)
{
	const char *end = line + len, *front = line + (len < FRONT ? len : FRONT);
	for (const char *at = line; at < front; at++) {
		const char *word = at;
		while (at < end && is_letter(*at))
			at++;
		size_t n = (size_t)(at - word);
		if (n < 3 || n > 11 || !stands_alone(line, end, word, n))
			continue;
		enum level l = level_named(word, n);
		if (l != LEVEL_NONE)
			return l;
	}
	return LEVEL_NONE;
}

enum level line_level(const char *line, size_t len)
{
	static enum level (*const forms[])(
		const char *, size_t) = { by_redis, by_glog, by_key, by_word };
	struct record r;
	const char *from = line;
	while (len && (*from == ' ' || *from == '\t')) {
		from++;
		len--;
	}
	if (len && *from == '{' && record_read(&r, from, len))
		return record_level(&r);
	enum level l = LEVEL_NONE;
	for (size_t i = 0; i < countof(forms) && l == LEVEL_NONE && len; i++)
		l = forms[i](from, len);
	return l;
}

/* ---- ids ---- */

/* In a traceparent dashes stand around a trace id; in other ids they are letters like others. */
static bool is_trace_id(const char *id, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr("0123456789abcdefABCDEF", id[i]))
			return false;
	return len == 32;
}

bool line_has_id(const char *line, size_t len, const char *id, size_t id_len)
{
	const char *end = line + len, *at = line;
	bool dashes = is_trace_id(id, id_len);
	while (id_len && (at = memmem(at, (size_t)(end - at), id, id_len))) {
		const char *behind = at + id_len;
		bool before = at > line && (is_word(at[-1]) || (at[-1] == '-' && !dashes));
		bool after = behind < end && (is_word(*behind) || (*behind == '-' && !dashes));
		if (!before && !after)
			return true;
		at++;
	}
	return false;
}
