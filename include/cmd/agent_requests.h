/* Inside the agent: what it holds, and how requests reach it. */
#ifndef CMD_AGENT_REQUESTS_H
#define CMD_AGENT_REQUESTS_H

#include "cmd/agent_client.h"
#include "run/io/child.h"
#include "run/host/relays.h"
#include "run/io/spawn.h"
#include "run/host/supervise.h"

enum { APPLIED_MAX = 256 * 1024, OWNERS_MAX = 32 };

struct agent {
	struct context *base; /* of its own command line: the places */
	struct loop *loop;
	struct control *control;
	struct told *told; /* to the journal */
	struct supervisor *supervisor;
	struct relays *relays;
	const char *socket;
	ino_t socket_inode;
	struct generation *spent; /* those before, until the turn of the loop is over */
	struct generation *now;   /* what was read last; NULL: nothing was adopted */
	struct arena adopted;     /* holds adoption */
	struct adoption adoption; /* of `now` */
	const struct control_peer *owners[OWNERS_MAX];
	size_t owner_count;

	struct child *apply; /* `up -d` under way */
	struct spawn apply_spawn;
	struct arena apply_arena; /* its arguments */
	struct buf applied;       /* what it said */
	bool apply_again;         /* something more changed meanwhile */

	bool ending, had_peers;
	const char *why; /* it ends */
	int stops, interrupts;
	int64_t began, next_look; /* monotonic ms */
};

extern const struct control_ops agent_control_ops;
extern const struct develop_ops agent_develop_ops;

struct develop_switches agent_switches(const struct agent *g);
void agent_switched(struct agent *g); /* tells all who follow */
/* Stops what runs, the n-th call more firmly, and leaves the loop when it has. */
void agent_end(struct agent *g, const char *why);

#endif
