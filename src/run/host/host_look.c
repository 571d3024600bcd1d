/*
 * A copy of a host service as others see it, and the copy of a launch that it is started from.
 * Comes in: a unit. Goes out: a container of the world.
 */
#include <stdio.h>
#include <string.h>

#include "run/host/host_unit.h"

static const char *keep(struct arena *a, const char *s)
{
	return arena_strdup(a, s);
}

static void copy_strs(struct arena *a, struct strs *list)
{
	struct strs from = *list;
	*list = (struct strs){ 0 };
	for (size_t i = 0; i < from.count; i++)
		strs_add(a, list, keep(a, from.items[i]));
}

static void copy_spec(struct arena *a, struct host_spec *s)
{
	s->service = keep(a, s->service);
	s->hash = keep(a, s->hash);
	s->inputs = keep(a, s->inputs);
	s->dir = keep(a, s->dir);
	s->stop_signal = keep(a, s->stop_signal);
	s->place.file = keep(a, s->place.file);
	s->place.layer = keep(a, s->place.layer);
	copy_strs(a, &s->argv);
	copy_strs(a, &s->success_codes);
	memset(&s->env, 0, sizeof(s->env)); /* opened: the launch has the whole environment */
	size_t count = s->ports.count;
	if (count)
		s->ports.items = arena_copy(a, s->ports.items, count * sizeof(*s->ports.items));
	s->ports.cap = count;
	for (size_t i = 0; i < count; i++)
		s->ports.items[i].protocol = keep(a, s->ports.items[i].protocol);
}

static const char **copy_env(struct arena *a, const char *const *from)
{
	size_t n = 0;
	while (from[n])
		n++;
	const char **env = arena_array(a, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		env[i] = keep(a, from[i]);
	return env;
}

struct host_launched *launched_copy(const struct host_launch *from)
{
	struct host_launched *l = xcalloc(1, sizeof(*l));
	l->spec = *from->spec;
	copy_spec(&l->arena, &l->spec);
	l->env = copy_env(&l->arena, from->env);
	return l;
}

void launched_tell(const struct host_launched *l, struct arena *a, struct host_launch *out)
{
	struct host_spec *spec = arena_copy(a, &l->spec, sizeof(l->spec));
	copy_spec(a, spec);
	*out = (struct host_launch){ .spec = spec, .env = copy_env(a, l->env) };
}

void launched_free(struct host_launched *l)
{
	if (!l)
		return;
	for (size_t i = 0; l->env[i]; i++)
		explicit_bzero((char *)(uintptr_t)l->env[i], strlen(l->env[i]));
	arena_release(&l->arena);
	xfree(l);
}

static enum unit_state state_of(const struct host_unit *u)
{
	switch (u->machine.phase) {
	case PHASE_RUNNING:
		return UNIT_RUNNING;
	case PHASE_STOPPING:
	case PHASE_CLEARING:
		return u->machine.intent == INTENT_STAY ? UNIT_REMOVING : UNIT_RESTARTING;
	case PHASE_WAITING:
		return UNIT_RESTARTING;
	case PHASE_DEAD:
		return UNIT_DEAD;
	default:
		return u->ran ? UNIT_EXITED : UNIT_CREATED;
	}
}

static const char *note_of(const struct host_unit *u, struct arena *a)
{
	int64_t left = u->due_ms - now_ms();
	switch (u->machine.phase) {
	case PHASE_STOPPING:
	case PHASE_CLEARING:
		return u->machine.intent == INTENT_STAY ? "stopping" : "restarting";
	case PHASE_WAITING:
		return arena_printf(a, "restarts in %.1f s%s%s",
			(double)(left > 0 ? left : 0) / 1000, u->note[0] ? ": " : "", u->note);
	case PHASE_DEAD:
		return arena_printf(a, "given up after %u restarts%s%s", u->machine.row,
			u->note[0] ? ": " : "", u->note);
	default:
		if (u->note[0])
			return arena_strdup(a, u->note);
		return u->stopped ? "stopped" : NULL;
	}
}

static void look_ports(struct arena *a, const struct host_spec *s, struct container *out)
{
	for (size_t i = 0; i < s->ports.count; i++)
		*list_push(a, &out->ports) = (struct seen_port){
			.target = s->ports.items[i].target,
			.published = s->ports.items[i].published,
			.protocol = keep(a, s->ports.items[i].protocol),
			.host_ip = "127.0.0.1",
		};
}

/* Copies all that it takes: the unit may go while the world is still looked at. */
void host_unit_look(const struct host_unit *u, struct arena *a, struct container *out)
{
	const struct host_spec *s = &u->launched->spec;
	bool alive = u->process && !host_process_exited(u->process);
	*out = (struct container){
		.host = true,
		.pid = alive ? host_process_pid(u->process) : 0,
		.restarts = u->machine.row,
		.note = note_of(u, a),
		.notified = u->notified,
		.id = keep(a, u->id),
		.name = keep(a, u->label),
		.service = keep(a, s->service),
		.workspace = keep(a, path_base(u->owner->places->state)),
		.root = keep(a, u->owner->places->project),
		.hash = keep(a, s->hash),
		.inputs = keep(a, s->inputs),
		.image = s->argv.count ? keep(a, s->argv.items[0]) : "",
		.number = s->number,
		.state = state_of(u),
		.exit_code = u->exit_code,
		.uptime_s = alive ? clock_ms() / 1000 - u->created : -1,
		.created = u->created,
		.ip = "127.0.0.1",
	};
	look_ports(a, s, out);
}
