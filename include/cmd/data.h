/*
 * What the commands about data share: which volumes there are, who uses them and is to be stopped,
 * snapshots of them, and the switch from one volume of the engine to another. All of it under the
 * workspace's lock.
 */
#ifndef CMD_DATA_H
#define CMD_DATA_H

#include "cmd/context.h"
#include "run/data/snapshot.h"

struct data_volume {
	const struct volume *volume;
	const char *engine;   /* that serves it */
	const char *template; /* of a service that mounts it; NULL: none */
	bool exists;          /* on the engine */
	bool fixed;       /* its driver's options say where the data is: it cannot be switched */
	const char *next; /* the engine's volume that is to serve; NULL: no switch */
};
struct data_volumes {
	struct data_volume *items;
	size_t count, cap;
	const char
		*branch; /* whose data it is, for the snapshot; NULL: that which is checked out */
};

/* Each returns 0, or the exit status after having printed what is wrong. */

/* Lock, world, engine; what killed runs left is taken away. up: all that `up` of these needs. */
int data_open(struct context *c, const struct strs *services, bool up);
int data_tidy(struct context *c); /* the last part of data_open() alone; lists the volumes */
struct volume_desk data_desk(struct context *c);
/* Those named, or all of kind data when none are; external ones are refused, or left out. */
int data_named(struct context *c, const struct strs *names, struct data_volumes *out);
/* "data, cache", for questions and notes. */
const char *data_names(struct context *c, const struct data_volumes *v);
/* Those of kind data that these services mount. */
int data_of_services(struct context *c, const struct strs *services, struct data_volumes *out);

/*
 * Stops what runs and mounts one of them, whoever it is of this workspace; `stopped` gets the
 * services, and those that an earlier command, which was killed, left stopped. The map says from
 * then on that they are stopped for the command `by`. Somebody else's container is an error.
 */
int data_stop_users(
	struct context *c, const struct data_volumes *v, const char *by, struct strs *stopped);
/* And waits for them; also after an interrupt. */
int data_start_users(struct context *c, const struct strs *stopped);
/* These (none: all) run again, or are to stay stopped. */
int data_resumed(struct context *c, const struct strs *services);

/* Of what is at rest. reason NULL: it was asked for. *name NULL: one is made up; it is that of the
 * snapshot afterwards, or NULL where there was nothing to keep. */
int data_save(
	struct context *c, const struct data_volumes *v, const char *reason, const char **name);
/* The automatic one before a loss; says how to get back, and drops automatic ones that are old. */
int data_safety(struct context *c, const struct data_volumes *v, const char *reason);

void data_drop_leaving(struct context *c); /* what is not in use any more; the map is not saved */
/* The map says `next` of each from now on; what served before is kept. */
int data_switch(struct context *c, const struct data_volumes *v);
int data_switch_back(struct context *c, const struct data_volumes *v); /* and drops `next` */
/* Drops what is kept of volumes whose users run with the new one. Quiet about what is in use. */
int data_settle(struct context *c);
/* Stops, saves unless no_snapshot, switches, starts, and switches back where that fails. */
int data_replace(
	struct context *c, const struct data_volumes *v, const char *reason, bool no_snapshot);
/* A new name for each, which the map has as leaving until it is switched to. */
int data_name_next(struct context *c, struct data_volumes *v);

/* data_fresh.c: `up --fresh` and `data: recreate`, between the plan and carrying it out. */
struct data_fresh {
	struct strs services; /* none: those of the plan, when all is set */
	bool all, no_snapshot;
};
struct strs data_chosen(struct context *c); /* services of the plan */
int data_make_fresh(
	struct context *c, const struct data_fresh *f, const struct plan_request *request);
/* What new volumes begin with (`initial`, but for dumps) is put into `next`. */
int data_begin(struct context *c, const struct data_volumes *v);
/* The same for volumes that `up` is about to make; the plan is made again then. */
int data_make_initial(struct context *c, const struct plan_request *request);

/* data_marks.c: what a volume knows of secrets, into its part of a snapshot. */
int data_note_marks(struct context *c, const char *engine, struct snapshot_part *part);
/* And out of it: what the volume that it was unpacked into knows. -1 with c->error. */
int data_recall_marks(struct context *c, const struct snapshot_part *part, const char *engine);
/* Would a server with `next` in the place of what it has let its users in? An error when not. */
int data_check_marks(struct context *c, const struct snapshot *s, const struct data_volumes *v);

/*
 * data_loss.c: `down -v`, when the plan is made: asks for all data that it drops, stops everything
 * and keeps snapshots unless no_snapshot.
 */
int data_before_loss(struct context *c, bool no_snapshot);
/* A snapshot of one that serves nothing, of its branch where it is of one. */
int data_save_other(struct context *c, const char *engine, const char *reason);

#endif
