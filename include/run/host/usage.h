/*
 * What processes of this machine take: from the kernel's own accounts, without asking the engine.
 * One file per system (usage_linux.c).
 */
#ifndef RUN_HOST_USAGE_H
#define RUN_HOST_USAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct usage {
	int64_t cpu_us; /* since the beginning: two of them make a rate */
	int64_t memory; /* bytes, without what the kernel merely caches */
};

struct usage_place { /* the accounts of a container: files of its control group */
	bool known, unified;
	char cpu[400], memory[400], statistics[400];
};

/*
 * Where a container's accounts are, by its first process. False: not on this machine, or not to be
 * read (the engine is elsewhere, or the groups are of another namespace).
 */
bool usage_find(pid_t pid, const char *id, struct usage_place *out);
bool usage_read(const struct usage_place *p, struct usage *out);
/* A process and all that descends from it. */
bool usage_tree(pid_t pid, struct usage *out);

#endif
