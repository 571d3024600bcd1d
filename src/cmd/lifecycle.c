/*
 * What the commands of the life cycle share: the world's containers looked at anew, the plan and
 * the URLs shown, who ended soon after its start. Comes in: the context. Plans nothing, changes
 * nothing.
 */
#include "cmd/lifecycle.h"

#include <string.h>

#include "run/host/hosts.h"
#include "run/perform.h"

void print_urls(struct context *c)
{
	struct urls urls = { 0 };
	plan_urls(&c->arena, &c->project, &c->world, &urls);
	cleanup_buf struct buf b = BUF_INIT;
	for (size_t i = 0; i < urls.count; i++) {
		const struct url *u = &urls.items[i];
		if (!world_container(&c->world, u->service->name))
			continue; /* left out by up.services or by who named others */
		buf_adds(&b, b.len ? "" : "\n");
		text_clean(&b, u->url, strlen(u->url), false);
		buf_addf(&b, "  (%s)\n", u->service->name);
	}
	emit(&b);
}

int show_plan(struct context *c)
{
	cleanup_buf struct buf b = BUF_INIT;
	if (c->g.json) {
		emit_node(view_plan_json(&c->arena, &c->plan));
		return 0;
	}
	view_plan(&b, &c->plan, c->out);
	return emit(&b) ? 0 : ERR_FAILED;
}

int look_again(struct context *c)
{
	if (units_look(c->engine, c->hosts, &c->arena, c->project.workspace, &c->world, &c->error))
		return fail(c);
	return 0;
}

static void keep_line(void *ctx, const char *service, int number, enum stream s, int64_t time_ns,
	const char *line, size_t len)
{
	(void)service, (void)number, (void)s, (void)time_ns;
	buf_addc(ctx, '\n');
	text_clean(ctx, line, len, false);
}

void last_lines(struct context *c, const struct container *k, int count, struct buf *out)
{
	struct err ignored = ERR_INIT;
	struct log_request r = { .containers = &k, .count = 1, .tail = count };
	if (!k->host) {
		engine_logs(c->engine, c->loop, &r, keep_line, out, &ignored);
		return;
	}
	const char *said = c->hosts->ops->output(c->hosts, &c->arena, k->id);
	if (said && *said)
		keep_line(out, NULL, 0, STREAM_STDOUT, 0, said, strlen(said));
}

/* A process that runs for a moment and then gives up was ready, and is not. */
int check_survivors(struct context *c)
{
	for (size_t i = 0; i < c->plan.chosen.count; i++) {
		const struct service *s = c->plan.chosen.items[i].service;
		const struct container *k = world_container(&c->world, s->name);
		if (s->kind == KIND_JOB || !k || (k->state != UNIT_EXITED && k->state != UNIT_DEAD))
			continue;
		cleanup_buf struct buf last = BUF_INIT;
		last_lines(c, k, 10, &last);
		err_set(&c->error, ERR_FAILED, "%s ended with status %d soon after its start%s",
			s->name, k->exit_code, buf_str(&last));
		c->error.place = s->place;
		return fail(c);
	}
	return 0;
}
