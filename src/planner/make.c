/*
 * plan_make() itself: the order in which the parts of a plan are worked out. Comes in: project,
 * world and request. Goes out: files, builds, steps, or diagnostics.
 */
#include "parts.h"

#include "base/os.h"

static void index_world(struct make *m)
{
	for (size_t i = 0; i < m->w->secrets.count; i++)
		map_set(&m->fingerprints, m->w->secrets.items[i].name,
			(void *)m->w->secrets.items[i].fingerprint);
}

void make_init(struct make *m, struct arena *a, const struct project *p, const struct world *w,
	struct diags *d)
{
	*m = (struct make){ .a = a, .p = p, .w = w, .d = d };
	m->generated = path_join(a, p->base ? p->base : p->dir, ".devenv/generated");
	m->rungs = arena_array(a, struct rung, p->images.count + 1);
	m->units = arena_array(a, struct unit, p->services.count + 1);
	index_world(m);
	for (size_t i = 0; i < p->images.count; i++) {
		m->rungs[i].image = &p->images.items[i];
		m->rungs[i].parent = rung_of(m, p->images.items[i].parent);
	}
	for (size_t i = 0; i < p->services.count; i++) {
		m->units[i].service = &p->services.items[i];
		if (p->services.items[i].where == RUN_CONTAINER)
			m->units[i].rung = rung_of(m, p->services.items[i].image);
	}
}

void make_release(struct make *m)
{
	map_release(&m->fingerprints);
	map_release(&m->dirs);
}

const struct plan_request make_nothing = { .goal = GOAL_UP, .timeout_ms = -1 };

void make_begin(struct make *m, struct arena *a, const struct project *p, const struct world *w,
	const struct plan_request *req, struct plan *out, struct diags *d)
{
	make_init(m, a, p, w, d);
	m->req = req;
	m->plan = out;
	m->errors = d->errors;
	*out = (struct plan){ .arena = a, .project = p };
}

int make_end(struct make *m)
{
	make_release(m);
	return m->d->errors == m->errors ? 0 : -1;
}

struct unit *unit_of(const struct make *m, const struct service *s)
{
	return s ? &m->units[s - m->p->services.items] : NULL;
}

struct rung *rung_of(const struct make *m, const struct image *i)
{
	return i ? &m->rungs[i - m->p->images.items] : NULL;
}

struct diag *complain(struct make *m, struct place at, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *text = arena_vprintf(m->a, fmt, ap);
	va_end(ap);
	return diag_add(m->d, SEV_ERROR, at, "%s", text);
}

const char *generated_path(const struct make *m, const char *path)
{
	return arena_printf(m->a, "%s/%s", m->generated, path);
}

static const struct {
	void (*steps)(struct make *m);
	bool files; /* the generated set is worked out too */
} goals[] = {
	[GOAL_UP] = { plan_up, true },
	[GOAL_RECREATE] = { plan_up, true },
	[GOAL_GENERATE] = { plan_generate, true },
	[GOAL_BUILD] = { plan_build, true },
	[GOAL_RUN] = { plan_prepare, true },
	[GOAL_FETCH] = { plan_fetch, true },
	[GOAL_IMAGES] = { plan_all_images, false },
	[GOAL_TOOLS] = { plan_tools, false },
	[GOAL_STAGES] = { plan_prepare, true },
	[GOAL_CREATE] = { plan_made, true },
	[GOAL_DOWN] = { plan_down, false },
	[GOAL_STOP] = { plan_down, false },
	[GOAL_RESTART] = { plan_down, false },
};

static void work_out(struct make *m)
{
	rungs_make(m);
	releases_make(m);
	nginx_texts(m);
	for (size_t i = 0; i < m->p->services.count; i++) {
		if (m->units[i].present)
			compose_unit(m, &m->units[i]);
		else if (m->units[i].hosted)
			host_unit(m, &m->units[i]);
	}
	m->compose = compose_node(m);
	files_make(m, m->compose);
	note_remembered(m);
}

int plan_make(struct arena *a, const struct project *p, const struct world *w,
	const struct plan_request *req, struct plan *out, struct diags *d)
{
	struct make m;
	make_begin(&m, a, p, w, req, out, d);
	select_units(&m);
	if (goals[req->goal].files) {
		work_out(&m);
		lock_check(&m);
	}
	if (d->errors == m.errors)
		goals[req->goal].steps(&m);
	choose(&m);
	return make_end(&m);
}
