/*
 * The directories below one root that are watched: all but what the rules leave out. Watches, then
 * scans, so that nothing falls between; arms the root again when it comes back. Which back end
 * takes a directory, and what becomes of a change, is the owner's business.
 */
#ifndef RUN_WATCH_WATCH_TREE_H
#define RUN_WATCH_WATCH_TREE_H

#include "run/watch/watch_backend.h"

struct watch_change {
	const char *path; /* relative to the root */
	enum watch_what what;
	bool directory;
	bool whole; /* a directory went away with all that is in it */
	int64_t at_ns;
};

struct watch_tree_ops {
	void (*change)(void *ctx, const struct watch_change *c);
	void (*all)(void *ctx); /* the root went or came back: everything may have changed */
	void (*note)(void *ctx, const char *text);
	/* Has a back end watch path. 0, or an errno. */
	int (*attach)(void *ctx, struct watch_spot *s, const char *path, enum watch_where where);
};

struct watch_tree; /* heap */

/* stop: the highest directory whose renaming is noticed; a root outside of it has its parent
 * watched. NULL with err when the rule's path is not there. */
struct watch_tree *watch_tree_new(const struct watch_rule_set *rule, const char *stop,
	const struct watch_tree_ops *ops, void *ctx, struct err *e);
void watch_tree_free(struct watch_tree *t);
/* After a round of events: what could not be done while they were told. scan: also the scans that
 * a change of rules or lost events make due; what they find is told as changes. */
void watch_tree_settle(struct watch_tree *t, bool scan);
void watch_tree_lost(struct watch_tree *t); /* events were dropped: scans at the next settling */

#endif
