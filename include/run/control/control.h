/*
 * The agent's socket: unix(7) stream, 0600, in the workspace's state directory; only the same user
 * (or root) is heard, by SO_PEERCRED. One JSON object a line in both directions. A reader that does
 * not keep up loses events, counted, never replies; a writer is never waited for.
 *
 * Requests have "do"; every request gets one reply with "ok": true, or false with "error" (and
 * "code", "hint", "file", "line", "column"):
 *
 * - hello -> pid, version, workspace, root, config, host, argv
 * - look -> hello's, guard, watch, lint, test, units, modules
 * - start {env, starts: list of {spec, env}} -> failed: list of {start, error, ...}; the first env
 *   holds for all; when one of them cannot be read, none is started
 * - stop {id, grace_ms?, remove?}; restart {id}; signal {id, signal}
 * - launched {id} -> spec, env; output {id} -> text: the last that it said
 * - set {watch?, lint?, test?}: switches of the develop loop
 * - run {services?, stages?}: a run of modules now, stages by name
 * - adopt {argv, dir, env, config, host}: the arguments and the environment of a newer `up`, and
 *   what its configuration hashes to: the agent reads the configuration anew
 * - follow: from now on events come on this connection
 * - own {on}: all ends when this connection does, unless it is switched off again
 * - end: stops what is left and exits; the reply comes first
 *
 * Events have "event": "unit" {unit}, "module" {module}, "output" {service, stage, text}, "note"
 * {text}, "config" {passed, text}, "switches" {watch, lint, test}, "dropped" {count}, "bye" {why}.
 */
#ifndef RUN_CONTROL_CONTROL_H
#define RUN_CONTROL_CONTROL_H

#include "doc/node.h"
#include "run/host/hosts.h"
#include "run/io/loop.h"
#include "run/files/places.h"

enum { CONTROL_LINE_MAX = 4 << 20, CONTROL_QUEUE_MAX = 1 << 20, CONTROL_ANSWER_MS = 10000 };

char *control_path(struct arena *a, const struct places *pl); /* STATE/agent.sock */

/* ---- the agent's side ---- */
struct control;      /* heap */
struct control_peer; /* one connection */
struct control_ops {
	/* The reply, in the arena; NULL: refused with *e. */
	struct node *(*request)(void *ctx, struct control_peer *p, struct arena *a,
		const struct node *request, struct err *e);
	void (*gone)(void *ctx, struct control_peer *p);
};
/* ERR_BUSY: another agent listens there. A socket that nobody listens on is replaced. */
struct control *control_listen(
	struct loop *l, const char *path, const struct control_ops *ops, void *ctx, struct err *e);
void control_follow(struct control_peer *p, bool on);
void control_event(struct control *c, const struct node *event); /* to all who follow */
size_t control_followers(const struct control *c);
size_t control_peers(const struct control *c); /* connections */
void control_close(struct control *c);         /* removes the socket */

/* ---- everybody else's ---- */
struct control_client; /* heap */
/* NULL and e->code ERR_OK: no agent runs. NULL with err: there is one, and it does not answer. */
struct control_client *control_connect(const char *path, struct err *e);
/* One question, one answer: reply in the arena, or NULL with what the agent said. Events that come
 * meanwhile are kept for control_next(). */
struct node *control_ask(
	struct control_client *c, struct arena *a, const struct node *request, struct err *e);
int control_fd(const struct control_client *c);
bool control_gone(const struct control_client *c); /* the agent has hung up */
pid_t control_pid(const struct control_client *c); /* the agent's */
/* An agent that has hung up still has to leave its process behind. False: not until then. */
bool control_await_exit(struct control_client *c, int64_t until);
/* 1: an event; 0: none within wait_ms; -1: the agent has gone. */
int control_next(struct control_client *c, struct arena *a, struct node **event, int wait_ms);
void control_disconnect(struct control_client *c);
/* Host services behind the socket. Lives as long as the client. */
struct hosts *control_hosts(struct control_client *c);

/* Nouns on the wire. */
/* A reply to look: adds its units, fills w->agent. */
void control_read_look(struct arena *a, const struct node *reply, struct world *w);
struct node *unit_to_node(struct arena *a, const struct container *u);
void unit_from_node(struct arena *a, const struct node *n, struct container *out);
struct node *module_to_node(struct arena *a, const struct module_state *m, bool output);
void module_from_node(struct arena *a, const struct node *n, struct module_state *out);
struct node *launch_to_node(struct arena *a, const struct host_launch *l);
int launch_from_node(struct arena *a, const struct node *n, struct host_launch *out, struct err *e);
/* Many; what their environments have in common is said once. NULL with err. */
struct node *starts_to_node(struct arena *a, const struct host_start *list, size_t count);
struct host_start *starts_from_node(
	struct arena *a, const struct node *n, size_t *count, struct err *e);
/* What became of them. */
struct node *outcomes_to_node(struct arena *a, const struct host_start *list, size_t count);
void outcomes_from_node(const struct node *n, struct host_start *list, size_t count);

#endif
