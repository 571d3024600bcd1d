/*
 * Host services behind the agent's socket: the same interface as the supervisor's, each call one
 * question. Comes in: a connection. Goes out: what the agent answered. Knows nothing of processes.
 */
#include "run/control/control_client.h"

enum { STARTS_A_TIME = 128 }; /* in one request */

static const struct place nowhere;

static struct control_client *client_of(struct hosts *h)
{
	return (struct control_client *)h;
}

static struct node *request_of(struct arena *a, const char *what, const char *id)
{
	struct node *n = node_map(a, nowhere);
	map_put(a, n, "do", nowhere, node_str(a, what, nowhere));
	if (id)
		map_put(a, n, "id", nowhere, node_str(a, id, nowhere));
	return n;
}

static int ask_once(struct hosts *h, struct arena *a, const struct node *request, struct err *e)
{
	int rc = control_ask(client_of(h), a, request, e) ? 0 : -1;
	/* Its strings live in the arena, which ends here. */
	e->place.file = NULL;
	arena_release(a);
	return rc;
}

static void fail_all(struct host_start *list, size_t count, const struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		list[i].failed = true;
		list[i].error = *e;
	}
}

static int send_starts(
	struct control_client *c, const struct host_start *list, size_t count, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct node *n = starts_to_node(&a, list, count);
	map_put(&a, n, "do", nowhere, node_str(&a, "start", nowhere));
	int rc = control_send(c, n, e);
	arena_release(&a);
	return rc;
}

static void hear_starts(struct control_client *c, struct host_start *list, size_t count)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct node *reply = control_answer(c, &a, &e);
	if (reply)
		outcomes_from_node(reply, list, count);
	else
		fail_all(list, count, &e);
	for (size_t i = 0; i < count; i++)
		list[i].error.place.file = NULL; /* in the arena */
	arena_release(&a);
}

static size_t portion(size_t left)
{
	return left < STARTS_A_TIME ? left : STARTS_A_TIME;
}

/* The agent begins with the first while the last are still written: answers come in order. */
static void remote_start_all(struct hosts *h, struct host_start *list, size_t count)
{
	struct control_client *c = client_of(h);
	struct err e = ERR_INIT;
	size_t sent = 0;
	while (sent < count && !send_starts(c, list + sent, portion(count - sent), &e))
		sent += portion(count - sent);
	for (size_t i = 0; i < sent; i += STARTS_A_TIME)
		hear_starts(c, list + i, portion(sent - i));
	fail_all(list + sent, count - sent, &e);
}

static int remote_start(struct hosts *h, const struct host_launch *l, struct err *e)
{
	struct host_start one = { .launch = *l };
	remote_start_all(h, &one, 1);
	if (!one.failed)
		return 0;
	*e = one.error;
	return -1;
}

static int remote_stop(
	struct hosts *h, const char *id, int64_t grace_ms, bool forget, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct node *n = request_of(&a, "stop", id);
	if (grace_ms >= 0)
		map_put(&a, n, "grace_ms", nowhere, node_int(&a, grace_ms, nowhere));
	if (forget)
		map_put(&a, n, "remove", nowhere, node_bool(&a, true, nowhere));
	return ask_once(h, &a, n, e);
}

static int remote_restart(struct hosts *h, const char *id, struct err *e)
{
	struct arena a = ARENA_INIT;
	return ask_once(h, &a, request_of(&a, "restart", id), e);
}

static int remote_signal(struct hosts *h, const char *id, const char *signal, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct node *n = request_of(&a, "signal", id);
	map_put(&a, n, "signal", nowhere, node_str(&a, signal, nowhere));
	return ask_once(h, &a, n, e);
}

static bool is_true(const struct node *n, const char *key)
{
	const struct node *v = node_get(n, key);
	return v && v->kind == NODE_BOOL && v->boolean;
}

void control_read_look(struct arena *a, const struct node *reply, struct world *w)
{
	struct node *item;
	const struct node *pid = node_get(reply, "pid");
	w->agent = (struct agent_seen){
		.runs = true,
		.pid = pid && pid->kind == NODE_INT ? (pid_t)pid->integer : 0,
		.guard = node_text(node_get(reply, "guard")),
		.watch = is_true(reply, "watch"),
		.lint = is_true(reply, "lint"),
		.test = is_true(reply, "test"),
	};
	node_each_item(node_get(reply, "units"), i, item)
	{
		unit_from_node(a, item, list_push(a, &w->containers));
	}
	node_each_item(node_get(reply, "modules"), i, item)
	{
		module_from_node(a, item, list_push(a, &w->agent.modules));
	}
}

static int remote_look(struct hosts *h, struct arena *a, struct world *w, struct err *e)
{
	struct node *reply = control_ask(client_of(h), a, request_of(a, "look", NULL), e);
	if (!reply)
		return -1;
	control_read_look(a, reply, w);
	return 0;
}

static int remote_launched(
	struct hosts *h, struct arena *a, const char *id, struct host_launch *out, struct err *e)
{
	struct node *reply = control_ask(client_of(h), a, request_of(a, "launched", id), e);
	return reply ? launch_from_node(a, reply, out, e) : -1;
}

static const char *remote_output(struct hosts *h, struct arena *a, const char *id)
{
	struct err ignored = ERR_INIT;
	return node_text(node_get(
		control_ask(client_of(h), a, request_of(a, "output", id), &ignored), "text"));
}

static const struct hosts_ops remote_ops = {
	.start = remote_start,
	.start_all = remote_start_all,
	.stop = remote_stop,
	.restart = remote_restart,
	.signal = remote_signal,
	.look = remote_look,
	.launched = remote_launched,
	.output = remote_output,
};

void client_hosts_init(struct control_client *c)
{
	c->hosts.ops = &remote_ops;
}

struct hosts *control_hosts(struct control_client *c)
{
	return &c->hosts;
}
