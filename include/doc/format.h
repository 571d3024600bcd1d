/* Text formats: what a scalar must look like beyond its type, and how to say so. */
#ifndef DOC_FORMAT_H
#define DOC_FORMAT_H

#include <stdbool.h>

enum text_format {
	F_NONE,
	F_NAME, /* [a-z0-9][a-z0-9_-]{0,62} */
	F_DURATION,
	F_BYTES,
	F_PORT, /* 1..65535 */
	F_PORT_RANGE,
	F_MODE, /* octal */
	F_PATH,
	F_ENV_NAME,
	F_IMAGE,
	F_HOST,
	F_SIGNAL,
	F_VERSION_RANGE,
	F_REGEX,
};

struct format {
	bool (*fits)(const char *s); /* NULL: anything */
	const char *what;            /* "expected WHAT, got ..." */
	const char *hint;            /* the remedy, or NULL */
	const char *pattern;         /* for JSON Schema, begins with ^; NULL: none */
};

const struct format *format_of(enum text_format f); /* never NULL */

#endif
