/*
 * What two environments have in common, and what not. A fact is one thing that is so in one of
 * them, under a dotted path; two lists of facts are compared path by path. Strings are borrowed.
 */
#ifndef MODEL_PARITY_H
#define MODEL_PARITY_H

#include "model/project.h"

struct fact {
	const char *path; /* "services.api.environment.LOG_LEVEL", as node_path() reads one */
	const char *value;
	struct place place; /* who said so; nothing: it was read from an image */
	/*
	 * Why another environment cannot say the same ("dev mirrors the sources"), and what it says
	 * instead; NULL: nothing; fact_any: whatever. Without a reason: every difference counts.
	 */
	const char *because, *instead;
};
extern const char fact_any[];
struct facts {
	struct fact *items;
	size_t count, cap;
};

/* ---- what an image contains (run/image_facts.h reads it) ---- */
struct image_fact {
	const char *group; /* "packages", "users", "directories", ... */
	const char *name;  /* within the group; NULL: the group has one value */
	const char *value; /* owners as "MODE UID:GID", ids as "UID:GID" */
};
struct image_facts {
	const char *id; /* the engine's; NULL: it has no such image */
	LIST_OF(struct image_fact) items;
	struct strs unread; /* what could not be read, and why: one line each */
};

/* What one service of one environment runs. */
struct parity_image {
	const struct service *service;
	const char *name;      /* as people know it: the rung, or the registry's name */
	const char *reference; /* as the engine does; NULL: there is none to look into */
	const char *why;       /* there is none */
	bool built;            /* by devenv; else it comes from a registry */
	bool release;          /* a production image: holds what Compose passes in dev, and code */
	struct strs dirs;      /* directories of interest besides the usual ones */
	const char *tree;      /* where it works: its files are of interest, too; NULL: nowhere */
	const struct image_facts *facts; /* NULL, or without id: not looked into */
};
struct parity_images {
	struct parity_image *items;
	size_t count, cap;
};

/* ---- the result ---- */
struct difference {
	const char *path;
	const char *left, *right; /* NULL: there is none */
	struct place left_place, right_place;
	const char *expected; /* why it must be so; NULL: it need not */
	const struct allowance *allowed;
};
struct differences {
	struct difference *items;
	size_t count, cap;
};

struct parity_group {             /* a service; or what belongs to none */
	const char *name;         /* NULL: of the project as a whole */
	const char *images[2];    /* names; NULL: none */
	const char *same_as;      /* a service before this one with the same two images; NULL */
	size_t configured;        /* so many of the differences are of the configuration */
	struct strs notes;        /* what was not compared, and what to type */
	struct differences found; /* by configuration first, then by what images contain */
};

struct parity {
	const char *environments[2];
	LIST_OF(struct parity_group) groups;
	LIST_OF(const struct allowance *) unused; /* patterns that matched nothing */
	size_t unseen; /* images that ought to have been looked into, and are not there */
	size_t allowed, expected, refused; /* how many differences are so */
};

#endif
