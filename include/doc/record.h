/*
 * A line of a service's log as what it says of itself: level, time, message, fields. Looks into the
 * bytes where they lie, copies and allocates nothing: logs are read by the hundred MiB.
 */
#ifndef DOC_RECORD_H
#define DOC_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum level {        /* by weight */
	LEVEL_NONE, /* the line names none */
	LEVEL_TRACE,
	LEVEL_DEBUG,
	LEVEL_INFO,
	LEVEL_NOTICE,
	LEVEL_WARN,
	LEVEL_ERROR,
	LEVEL_FATAL,
};

struct span { /* bytes of the line */
	const char *at;
	size_t len;
};

struct record_field {
	struct span key, value; /* a string's value without its quotes, still escaped */
	bool string;            /* else a number, a word, or a list or map as written */
};

enum { RECORD_FIELDS = 64 };
enum { RECORD_NO_FIELD = -1 };

struct record { /* of one JSON object */
	struct record_field fields[RECORD_FIELDS];
	int count;
	int time, level, message; /* which field; RECORD_NO_FIELD: it has none */
};

/* False: it is no JSON object on one line, or one of more than RECORD_FIELDS fields. */
bool record_read(struct record *r, const char *line, size_t len);
enum level record_level(const struct record *r);
int64_t record_time(const struct record *r); /* ns since 1970; -1: none that is understood */
/* A string's value with its escapes undone; others as written. */
void record_text(struct buf *out, const struct record_field *f);

/* Of any line: JSON, level= of logfmt, "ERROR:", "[warn]", nginx, PostgreSQL, Redis, glog. */
enum level line_level(const char *line, size_t len);
/* "warn", "WARNING", "50" (pino) -> level; LEVEL_NONE: it is none. */
enum level level_named(const char *word, size_t len);
const char *level_name(enum level l); /* "warn"; "" for LEVEL_NONE */

struct line_course { /* of one writer's lines so far; zero at first */
	bool deep;   /* the last one was indented */
	bool calls;  /* of a goroutine */
};
/* Does it go on with what the line before began: indented text, the rest of a traceback? */
bool line_goes_on(struct line_course *c, const char *line, size_t len);

/* Is this id somewhere in it, as a word of its own? A trace id also within a traceparent. */
bool line_has_id(const char *line, size_t len, const char *id, size_t id_len);

#endif
