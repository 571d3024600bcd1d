/*
 * Places and what is said about them. Diagnostics are for configuration: many at once, each with
 * file, line and column. `struct err` is for things that fail while running: one at a time,
 * wrapped with context on the way up.
 */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

/* Where a value was written. All strings borrowed (they live in the configuration's arena). */
struct place {
	const char *file; /* as the user would name it; NULL: no file (a default, a fact, a flag) */
	const char *layer; /* "devenv.yml", "default", "fact", "template postgres", "--set", ... */
	int line, col;     /* from 1; 0: the whole file or no file; col counts characters */
};

enum severity { SEV_ERROR, SEV_WARNING, SEV_NOTE };

struct diag {
	enum severity severity;
	struct place place;
	struct place other;      /* second place ("first defined here"); other.file NULL: none */
	const char *other_label; /* what the second place is */
	const char *path;        /* dotted path of the value, or NULL */
	const char *message;     /* one line, no trailing period */
	const char *hint;        /* the remedy, or NULL */
};

struct diags {
	struct arena *arena; /* owns every string and the array */
	struct diag *items;
	size_t count, cap;
	size_t errors;  /* number of SEV_ERROR among them */
	size_t dropped; /* over the limit of DIAGS_MAX */
};

enum { DIAGS_MAX = 100 };

#define DIAGS_INIT(a)                                                                              \
	{                                                                                          \
		.arena = (a)                                                                       \
	}

/* Adds one and returns it, so that path, hint and second place can be filled in; never NULL. */
struct diag *diag_add(struct diags *d, enum severity s, struct place at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void diags_sort(struct diags
		*d); /* by file, line, column; stable; what is said twice of one place stays once */

/* What a command or a step came to. code is also the exit status of the program. */
enum err_code {
	ERR_OK = 0,
	ERR_FAILED = 1,  /* something failed at run time */
	ERR_USAGE = 2,   /* the command line is wrong */
	ERR_CONFIG = 3,  /* the configuration is invalid */
	ERR_ENGINE = 4,  /* no engine answers */
	ERR_CONSENT = 5, /* the developer must agree first */
	ERR_BUSY = 6,    /* another run holds the workspace */
};

struct err {
	enum err_code code;
	struct place place; /* the configuration that asked; place.file NULL: none */
	char text[1000];    /* "starting api: port 5432 is taken by pid 812 (postgres)" */
	char hint[400];     /* what to do next; "" when nothing is to be said */
};

#define ERR_INIT                                                                                   \
	{                                                                                          \
		.code = ERR_OK                                                                     \
	}

/* Sets the error and returns -1, so that a function can end in `return err_set(...)`. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int err_errno(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int err_wrap(struct err *e, const char *fmt, ...) /* puts "context: " in front of the text */
	__attribute__((format(printf, 2, 3)));
void err_hint(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A state that cannot be: says where and aborts. */
_Noreturn void bug_at(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
#define bug(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)

#endif
