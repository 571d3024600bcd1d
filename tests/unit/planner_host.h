/* What the tests of host services share: ports that were given, specs, processes that run. */
#ifndef TEST_PLANNER_HOST_H
#define TEST_PLANNER_HOST_H

#include "planner.h"

static inline void allocate(struct bench *b, const char *service, int target, int published)
{
	*list_push(&b->arena, &b->world.allocations) = (struct allocation){ .service = service,
		.target = target,
		.protocol = "tcp",
		.published = published,
		.moved_from = target };
}

static inline const struct host_spec *spec_of(
	const struct bench *b, const char *service, size_t index)
{
	const struct step *s =
		bench_step(b, arena_printf((struct arena *)&b->arena, "start %s", service));
	assert_non_null(s);
	assert_true(index < s->hosts.count);
	return s->hosts.items[index];
}

/* A variable with secrets as <NAME>; NULL: there is none. */
static inline const char *variable(struct bench *b, const struct host_spec *spec, const char *name)
{
	cleanup_buf struct buf out = BUF_INIT;
	for (size_t i = 0; i < spec->env.count; i++) {
		const struct host_var *v = &spec->env.items[i];
		if (!streq(v->name, name))
			continue;
		for (size_t k = 0; k < v->value.count; k++) {
			const struct piece *p = &v->value.items[k];
			if (p->text)
				buf_add(&out, p->text, p->len);
			else
				buf_addf(&out, "<%s%s>", p->secret,
					p->escape == ESC_URL ? ":url" : "");
		}
		return arena_strdup(&b->arena, buf_str(&out));
	}
	return NULL;
}

static inline struct container *run(struct bench *b, const struct host_spec *spec)
{
	struct container *c = list_push(&b->arena, &b->world.containers);
	*c = (struct container){
		.host = true,
		.id = arena_printf(&b->arena, "host:%s.%d", spec->service, spec->number),
		.service = spec->service,
		.hash = spec->hash,
		.inputs = spec->inputs,
		.number = spec->number,
		.state = spec->job ? UNIT_EXITED : UNIT_RUNNING,
		.uptime_s = 100,
	};
	c->name = c->id;
	if (spec->number == 1)
		*list_push(&b->arena, &b->world.records) =
			(struct unit_record){ .service = spec->service,
				.container = c->id,
				.ready_at = b->world.now - 50,
				.job_hash = spec->hash };
	return c;
}

#endif
