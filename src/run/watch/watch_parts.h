/* What the files of a watched tree share: its nodes, and who does what with them. */
#ifndef RUN_WATCH_PARTS_H
#define RUN_WATCH_PARTS_H

#include <sys/types.h>

#include "base/map.h"
#include "run/watch/watch_git.h"
#include "run/watch/watch_tree.h"

struct watch_node {
	struct watch_spot spot; /* first, so that a spot leads to its node */
	struct watch_tree *tree;
	struct watch_node *parent, *children, *sibling;
	struct watch_node *chain; /* of the table by parent and name */
	struct git_level *level;  /* its own .gitignore; NULL: none */
	bool ignored;             /* by git, but for what git tracks in it */
	unsigned seen;            /* the last scan that found it */
	char name[];
};

struct watch_anchor { /* a directory above the root, for the root's own coming and going */
	struct watch_spot spot;
	struct watch_tree *tree;
	const char *path, *next; /* next: the name in it that leads to the root */
};

struct watch_tree {
	const struct watch_tree_ops *ops;
	void *ctx;
	const char *root; /* absolute, as the rule names it: of the directory */
	const char *stop; /* the highest directory above it whose renaming is noticed */
	const char *only; /* the file of a rule that names one; NULL */
	char *real;       /* heap: root without links, as git sees it */
	bool git;
	struct patterns own;     /* built in, then the rule's ignore */
	struct patterns include; /* none: all */
	struct git_level *above; /* what git says from above the root */
	struct watch_node *top;  /* NULL: the root is not there */
	dev_t device;            /* of the root */
	ino_t inode;
	struct watch_node **table;
	size_t table_size, nodes;
	struct watch_anchor *anchors; /* nearest first */
	size_t anchor_count;
	struct map special; /* FIFOs, sockets and devices seen: neither they nor their end count */
	unsigned scan;      /* number of the scan under way */
	bool gone;          /* the root is not what its path names any more */
	bool check, stale, lost; /* at the next settling: look for the root, scan, scan and say */
	size_t unreadable, mounts;
	bool unreadable_said, mounts_said;
	struct arena arena;
};

/* watch_node.c: the nodes, and which paths they stand for. */
void spot_path(const struct watch_node *n, const char *name, struct buf *out); /* below the root */
struct watch_node *spot_find(
	const struct watch_tree *t, const struct watch_node *parent, const char *name);
struct watch_node *spot_new(struct watch_tree *t, struct watch_node *parent, const char *name);
void spot_drop(struct watch_tree *t, struct watch_node *n); /* with all that is below */

/* watch_scan.c: what is left out, and what is there. */
void rules_init(struct watch_tree *t, const struct watch_rule_set *rule);
/* path: of something in directory n, relative to the root. What is in a directory that is left out
 * is never asked for. */
bool left_out(struct watch_tree *t, const struct watch_node *n, const char *path, bool directory);
bool included(const struct watch_tree *t, const char *path, bool directory);
/* Watches a directory found in parent (NULL: the root), then looks what is in it. tell: its files
 * are news. False: it is not watched. */
bool visit(struct watch_tree *t, struct watch_node *parent, const char *name, bool tell);
void scan_notes(struct watch_tree *t); /* what was left out against one's expectation */
void special_add(struct watch_tree *t, const char *path);
bool special_gone(struct watch_tree *t, const char *path); /* true: it was one */

/* watch_root.c */
void spot_event(struct watch_spot *s, const struct watch_event *ev);

#endif
