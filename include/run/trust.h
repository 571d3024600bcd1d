/* Consent to what reaches out of the containers (DESIGN 15), kept outside the repository. */
#ifndef RUN_TRUST_H
#define RUN_TRUST_H

#include "run/files/places.h"

struct danger { /* one thing that reaches out of the containers */
	const char
		*what; /* "host hook pre-up: ./check", "mount of /var/run/docker.sock in tools" */
	struct place place;
	bool loud;                     /* privileged, engine socket, host namespaces */
	bool with_host;                /* only with --host, or where that is in force */
	const struct service *service; /* a process of this machine for it; NULL */
};
struct dangers {
	struct danger *items;
	size_t count, cap;
};
void trust_list(struct arena *a, const struct project *p, struct dangers *out);
/* Hash of path, owner and every file that can cause execution. */
int trust_hash(struct arena *a, const struct project *p, const struct strs *files,
	const struct dangers *list, char hex[65], struct err *e);
bool trust_given(const struct places *pl, const char *workspace, const char *hex);
/* Consent's text as it was last given, for showing what changed; NULL: never. */
const char *trust_before(struct arena *a, const struct places *pl, const char *workspace);
/*
 * Refuses configuration that belongs to another user (root's is fine, and under sudo the caller's)
 * or that everybody may write, its directory included: as git does (FAULTS H07).
 */
int trust_owner_check(const struct strs *files, struct err *e);
/* A line "file HASH PATH" for every file that trust_hash() looks into; an absent one has no line.
 */
void trust_files(struct arena *a, const struct project *p, const struct strs *files,
	const struct dangers *list, struct strs *lines);
int trust_give(const struct places *pl, const char *workspace, const char *hex,
	const struct dangers *list, const struct strs *lines, struct err *e);

#endif
