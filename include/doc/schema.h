/*
 * Field tables and their walker. A table says for each key its types, range, default, merge rule,
 * short form and help; it knows no more. Which keys exist is model's affair (model/schema.h).
 */
#ifndef DOC_SCHEMA_H
#define DOC_SCHEMA_H

#include "doc/format.h"
#include "doc/node.h"

enum {
	T_NULL = 1 << NODE_NULL,
	T_BOOL = 1 << NODE_BOOL,
	T_INT = 1 << NODE_INT,
	T_FLOAT = 1 << NODE_FLOAT,
	T_STR = 1 << NODE_STR,
	T_LIST = 1 << NODE_LIST,
	T_MAP = 1 << NODE_MAP,
	T_NUM = T_INT | T_FLOAT,
	T_TEXT = T_STR | T_NUM, /* a scalar taken as text */
	T_SCALAR = T_TEXT | T_BOOL,
	T_ANY = T_SCALAR | T_NULL | T_LIST | T_MAP,
};

/* How a later layer meets an earlier one (DESIGN 5, Compose's merge rules). */
enum merge_rule {
	MERGE_DEFAULT, /* maps deep, everything else replaced */
	MERGE_REPLACE, /* replaced whole, maps too */
	MERGE_APPEND,  /* lists: later items behind the earlier ones */
	MERGE_UNIQUE,  /* lists: appended, duplicates dropped */
	MERGE_DRIVER,  /* maps deep, but replaced when both name a `driver` and not the same one
			  (logging) */
	MERGE_BY_KEY,  /* lists of maps: by the identity that the canonical form names (ports,
			  volumes) */
};

/*
 * Short forms, brought to one canonical form before merging (config/canonical.c), so that list and
 * map notation mix freely. Compose's notations, from the Compose specification 05-services.md.
 */
enum short_form {
	FORM_NONE,
	FORM_LIST,    /* scalar -> list of one (env_file, dns, tmpfs, profiles ...) */
	FORM_ENV,     /* ["K=V", "K"] -> {K: V, K: null} (environment, labels, args, annotations) */
	FORM_KEYS,    /* [a, b] -> {a: null, b: null} (networks) */
	FORM_DEPENDS, /* [a] -> {a: {condition: service_started, required: true}} */
	FORM_PORTS,   /* "IP:H:C/udp", 8080, ranges; and our map {name: {target, published}} -> list
			 of maps */
	FORM_VOLUMES, /* "src:dst:ro"; and our map {name: target} -> list of maps */
	FORM_BUILD,   /* "dir" -> {context: dir} */
	FORM_SECRETS, /* ["a"] -> [{source: a}] (secrets, configs) */
	FORM_ENV_FILE,    /* "f" or ["f"] -> [{path: f, required: true}] */
	FORM_EXTRA_HOSTS, /* ["h:ip", "h=ip"] -> {h: [ip]} */
	FORM_ULIMITS,     /* n -> {soft: n, hard: n} */
	FORM_COMMAND,     /* "a b" stays; list stays: replaced whole */
	FORM_EXTENDS,     /* "svc" -> {service: svc} */
	FORM_INCLUDE,     /* "f" -> [{path: [f]}] */
};

enum field_flag {
	FIELD_REQUIRED = 1 << 0,
	FIELD_COMPOSE =
		1 << 1, /* bears Compose's name and meaning: carried into the generated file */
	FIELD_ONE_OR_MORE = 1 << 2, /* a list that must not be empty */
	FIELD_HOST = 1 << 3,        /* reaches out of the containers: needs consent (DESIGN 15) */
	FIELD_KEY = 1 << 4,   /* with others of its map it says which item of a list this is */
	FIELD_LOCAL = 1 << 5, /* a path of this machine; relative to the file that says so */
};

struct schema;

struct field {
	const char *name; /* NULL in the field of "any other key" and of list items */
	unsigned types;   /* T_* */
	enum merge_rule merge;
	enum short_form form;
	enum text_format format;
	unsigned flags;             /* FIELD_* */
	int64_t min, max;           /* integers, when min < max */
	const char *const *choices; /* NULL-terminated; scalars only */
	const struct schema *map;   /* fields of the value when it is a map */
	const struct field *item;   /* of each item when it is a list */
	const char *value; /* default as YAML text, for the manual and the schema; or NULL */
	const char *help;  /* one sentence, present tense, no period at the end */
};

struct schema {
	const char *name;           /* "service"; the definition's name in the JSON Schema */
	const struct field *fields; /* sorted as shown in the manual; ends with name NULL */
	const struct field
		*any; /* of every key that fields do not name; NULL: unknown key is an error */
	enum text_format key_format; /* of keys that fall under any */
	const char *const
		*carried; /* NULL-terminated: further keys of Compose, carried through unchecked */
	const char *help;
};

/* The field of a key, or NULL. Carried and x- keys: NULL. */
const struct field *schema_field(const struct schema *s, const char *key);
/*
 * Checks a merged, substituted, canonical tree against the table. Every finding is a diagnostic
 * with place and path: unknown keys (with the nearest known name), types, formats, ranges, choices,
 * missing ones. Substituted strings that read as the
 * wanted type are retyped in place, as Compose does.
 */
void schema_check(struct arena *a, const struct schema *s, struct node *n, struct diags *d);
/* The JSON Schema (draft 2020-12) of the table, for editors; short forms included. */
struct node *schema_json(struct arena *a, const struct schema *s, const char *title);

#endif
