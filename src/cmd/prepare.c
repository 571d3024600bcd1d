/*
 * All that a plan needs, gathered in order: consent, the engine's word, secrets, ports,
 * certificates, hashes of inputs. Then the plan, and carrying it out with live progress.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/agent_client.h"
#include "cmd/journaling.h"
#include "cmd/lifecycle.h"
#include "planner/lock.h"
#include "run/secrets/certificate.h"
#include "run/engine/contents.h"
#include "run/io/hooks.h"
#include "run/secrets/marks.h"
#include "run/data/initial.h"
#include "run/job.h"
#include "run/ports.h"
#include "run/probe.h"
#include "run/records.h"
#include "run/registry.h"
#include "run/data/volume_map.h"

enum { TICK_MS = 100 };

static bool has_data_volumes(struct context *c)
{
	for (size_t i = 0; i < c->project.volumes.count; i++) {
		const struct volume *v = &c->project.volumes.items[i];
		const char *name = plan_volume_name(&c->arena, &c->project, &c->world, v);
		if (v->kind == VOLUME_DATA && name && strs_has(&c->world.volumes, name))
			return true;
	}
	return false;
}

/* A keyring that is gone while its data is still there: new passwords would lock everybody out. */
static int check_lost_keyring(struct context *c)
{
	bool new_run = c->project.run != NULL; /* it began with neither */
	if (!c->engine || new_run || !vault_fresh(c->vault) || !c->project.secrets.count)
		return 0;
	if (!c->world.volumes_known &&
		engine_volumes(c->engine, &c->arena, c->project.workspace, &c->world, &c->error))
		return fail(c);
	if (!has_data_volumes(c))
		return 0;
	err_set(&c->error, ERR_FAILED,
		"the keyring of this workspace is gone (%s/keyring.json), but its data volumes"
		" are still there: they were initialised with the old secrets",
		c->places.state);
	err_hint(&c->error,
		"put the keyring back, set the old values with `devenv secrets set "
		"NAME`, let `devenv secrets rotate NAME` tell a server of a new one from "
		"inside of it, or drop the data with `devenv down -v`");
	return fail(c);
}

/* Marks of the values that data volumes remember, to compare with what they were made with. */
static int mark_secrets(struct context *c, bool write)
{
	unsigned char key[32];
	bool any = false;
	for (size_t i = 0; i < c->project.secrets.count; i++)
		any = any || c->project.secrets.items[i].on_rotate;
	if (!any)
		return 0;
	int known = marks_key(&c->places, write, key, &c->error);
	if (known < 0 && write)
		return fail(c);
	if (known == 0)
		vault_marks(c->vault, &c->arena, key, &c->world);
	explicit_bzero(key, sizeof(key));
	return 0;
}

int see_secrets(struct context *c, bool write)
{
	vault_fingerprints(c->vault, &c->arena, &c->project, &c->world);
	return mark_secrets(c, write);
}

static int open_secrets(struct context *c, bool write, bool new_values)
{
	if (!c->vault)
		c->vault = vault_open(&c->places, write, &c->error);
	if (!c->vault)
		return write ? fail(c) : 0;
	if (write && !new_values && check_lost_keyring(c))
		return c->error.code;
	if (write && !c->loop)
		c->loop = loop_new();
	if (write && vault_ensure(c->vault, c->loop, &c->project, &c->error))
		return fail(c);
	return see_secrets(c, write);
}

/*
 * Without the engine nobody can tell whether a busy port is held by a container of ours: what is
 * remembered stands then, and the next `up` finds out.
 */
static bool stands(const struct context *c, const struct port_wish *w, bool looked)
{
	const struct allocation *al =
		world_allocation(&c->world, w->owner, w->port->target, w->port->protocol);
	bool known = w->service->where == RUN_HOST ? looked : c->engine != NULL;
	return !known && al && (!w->wanted || al->published == w->wanted || al->moved_from);
}

/* looked: at what runs now. */
static int allocate_ports(struct context *c, const struct plan_request *r, bool looked)
{
	struct port_wishes w = { 0 };
	plan_ports(&c->arena, &c->project, r, &w);
	struct port_request *req = arena_array(&c->arena, struct port_request, w.count + 1);
	size_t count = 0;
	for (size_t i = 0; i < w.count; i++) {
		const struct port *p = w.items[i].port;
		if (stands(c, &w.items[i], looked))
			continue;
		req[count++] = (struct port_request){
			.service = w.items[i].owner,
			.protocol = p->protocol,
			.host_ip = p->host_ip,
			.target = p->target,
			.wanted = w.items[i].wanted,
			.place = p->place,
		};
	}
	if (ports_allocate(&c->arena, &c->places, c->project.workspace, req, count,
		    c->g.strict_ports, c->engine, &c->world, &c->error))
		return fail(c);
	for (size_t i = 0; i < c->world.allocations.count; i++) {
		const struct allocation *al = &c->world.allocations.items[i];
		if (al->moved_from)
			note(c, "note: port %d of %s is taken by %s; using %d", al->moved_from,
				al->service, al->holder ? al->holder : "another process",
				al->published);
	}
	return 0;
}

static int ensure_certificates(struct context *c)
{
	if (authority_ensure(&c->places, &c->arena, &c->project.cert_hosts, &c->world, &c->error))
		return fail(c);
	if (c->project.cert_hosts.count &&
		leaf_ensure(&c->places, &c->arena, &c->project.cert_hosts, &c->world, &c->error))
		return fail(c);
	return 0;
}

/* What is only stopped or removed is not looked into: a broken build context must not keep it up.
 */
static bool needs_inputs(enum goal g)
{
	return g != GOAL_DOWN && g != GOAL_STOP && g != GOAL_RESTART;
}

/* What these names mean to the engine, as far as nobody has asked before. */
static int look_at_names(struct context *c, const struct strs *names)
{
	struct strs unknown = { 0 };
	for (size_t i = 0; i < names->count; i++)
		if (!world_image(&c->world, names->items[i]) &&
			!strs_has(&unknown, names->items[i]))
			strs_add(&c->arena, &unknown, names->items[i]);
	return engine_images(c->engine, &c->arena, &unknown, &c->world, &c->error) ? fail(c) : 0;
}

/* What rungs stand on may be another image by now, without a word of the engine's. */
static int look_at_bases(struct context *c, enum goal g)
{
	struct strs names = { 0 };
	if (!c->engine || !needs_inputs(g))
		return 0;
	plan_bases(&c->arena, &c->project, &c->world, &names);
	return look_at_names(c, &names);
}

/* What devenv.lock knows by its id alone may be another image here; what it has by digest may be
 * absent; and a container's image may have lost its name to another. */
static void add_registry_names(struct context *c, struct strs *names)
{
	const struct lockfile *l = c->world.locked;
	plan_unnamed(&c->arena, &c->project, &c->world, names);
	for (size_t i = 0; i < c->project.images.count; i++) {
		const struct image *k = &c->project.images.items[i];
		if (k->used && !k->parent && k->from && !streq(k->from, "scratch"))
			strs_add(&c->arena, names, plan_reference(&c->arena, &c->world, k->from));
	}
	for (size_t i = 0; l && i < l->images.count; i++)
		if (l->images.items[i].local && !strs_has(names, l->images.items[i].name))
			strs_add(&c->arena, names, l->images.items[i].name);
}

static int look_further(struct context *c)
{
	struct strs tags = { 0 }, names = { 0 };
	if (c->world.images_known || !c->engine)
		return 0;
	plan_tags(&c->arena, &c->project, &c->world, &tags);
	if (engine_images(c->engine, &c->arena, &tags, &c->world, &c->error))
		return fail(c);
	c->world.images_known = true;
	add_registry_names(c, &names);
	int status = look_at_names(c, &names);
	if (status)
		return status;
	if (!c->world.volumes_known &&
		engine_volumes(c->engine, &c->arena, c->project.workspace, &c->world, &c->error))
		return fail(c);
	if (engine_networks(c->engine, &c->arena, c->project.workspace, &c->world, &c->error))
		return fail(c);
	lap(c, "engine", true);
	return 0;
}

static int plan_once(struct context *c, const struct plan_request *r)
{
	struct plan_request req = *r;
	req.profiles = c->g.profiles;
	req.version = DEVENV_VERSION;
	req.state_dir = c->places.state;
	req.self = self_argv(c, "devenv");
	c->plan = (struct plan){ 0 };
	int bad = plan_make(&c->arena, &c->project, &c->world, &req, &c->plan, &c->diags);
	return bad || c->diags.errors ? report(c) : 0;
}

/* Some services may do without the engine; these do not. */
static int check_engine(struct context *c, const struct plan_request *r)
{
	bool needed = false, up = r->goal == GOAL_UP || r->goal == GOAL_RECREATE;
	if (c->engine || !c->engine_error.code)
		return 0;
	for (size_t i = 0; up && i < c->plan.chosen.count; i++)
		needed = needed || c->plan.chosen.items[i].service->where == RUN_CONTAINER;
	for (size_t i = 0; i < c->plan.steps.count; i++)
		needed = needed || c->plan.steps.items[i]->kind == STEP_BUILD;
	return needed ? need_engine(c) : 0;
}

/* The data of another branch may have to serve from now on. */
static int settle_branches(struct context *c, const struct plan_request *r)
{
	bool up = r->goal == GOAL_UP || r->goal == GOAL_RECREATE;
	if (!up || !c->engine)
		return 0;
	enum branch_verdict v = plan_branches(&c->arena, &c->project, &c->world);
	if (v == BRANCHES_ASK) {
		if (engine_volumes(
			    c->engine, &c->arena, c->project.workspace, &c->world, &c->error))
			return fail(c);
		v = plan_branches(&c->arena, &c->project, &c->world);
	}
	c->branches_switch |= v == BRANCHES_SWITCH;
	return 0;
}

int make_plan(struct context *c, const struct plan_request *r)
{
	struct strs names = { 0 };
	int status = settle_branches(c, r);
	status = status ? status : look_at_bases(c, r->goal);
	status = status ? status : plan_once(c, r);
	status = status ? status : check_engine(c, r);
	bool looks = c->plan.steps.count || c->project.frozen ||
		     plan_unnamed(&c->arena, &c->project, &c->world, &names);
	if (!status && looks && c->engine && !c->world.images_known) {
		status = look_further(c);
		status = status ? status : plan_once(c, r);
	}
	lap(c, "plan", false);
	return status ? status : report(c);
}

/* Releases are named after the commit that they are built from. */
static int see_source(struct context *c)
{
	bool any = false;
	for (size_t i = 0; i < c->project.services.count && !c->project.dev; i++)
		any = any || c->project.services.items[i].release;
	return any && !c->world.source.known ? look_at_source(c, NULL) : 0;
}

int prepare(struct context *c, const struct prepare *p)
{
	struct strs inputs = { 0 };
	bool act = p->write && !c->g.dry_run;
	int status = open_places(c);
	if (!status)
		status = check_services(c, &p->request.services);
	if (!status && act)
		status = take_lock(c);
	if (!status && act)
		status = ask_trust(c);
	if (!status && p->engine)
		status = look(c);
	if (!status)
		status = open_secrets(c, act, p->new_values);
	lap(c, "secrets", false);
	if (!status && act)
		status = allocate_ports(c, &p->request, p->engine);
	if (!status && act)
		status = ensure_certificates(c);
	lap(c, "certificates", false);
	if (status)
		return status;
	if (act && registry_note(&c->places, &c->project, &c->error))
		return fail(c);
	status = needs_inputs(p->request.goal) ? see_source(c) : 0;
	if (status)
		return status;
	if (needs_inputs(p->request.goal))
		plan_inputs(&c->arena, &c->project, &inputs);
	if (probe_inputs(&c->arena, &inputs, &c->world, &c->error))
		return fail(c);
	lap(c, "inputs", false);
	status = make_plan(c, &p->request);
	bool starts = p->request.goal == GOAL_UP || p->request.goal == GOAL_RECREATE;
	return !status && act && starts ? check_marks(c) : status;
}

struct watcher { /* from run's events to view's progress, secrets hidden */
	struct context *context;
	struct progress *progress;
	struct plan_notes notes;
	event_fn *also;
	void *ctx;
};

static void on_event(void *ctx, const struct event *ev)
{
	static const char *const phases[] = {
		[EV_START] = "start",
		[EV_PROGRESS] = "progress",
		[EV_OUTPUT] = "output",
		[EV_DONE] = "done",
		[EV_FAILED] = "failed",
		[EV_SKIPPED] = "skipped",
		[EV_NOTE] = "note",
	};
	struct watcher *w = ctx;
	cleanup_buf struct buf text = BUF_INIT;
	struct progress_event p = { phases[ev->kind], ev->step, ev->text, ev->elapsed_ms,
		ev->fraction };
	if (ev->kind == EV_FAILED && ev->error)
		p.text = ev->error->text;
	if (p.text && w->context->vault) {
		buf_adds(&text, p.text);
		vault_redact(w->context->vault, &text);
		p.text = buf_str(&text);
	}
	plan_goes_on(&w->notes, ev, p.text);
	if (w->also) {
		struct event said = *ev;
		said.text = p.text;
		w->also(w->ctx, &said);
	}
	if (w->also && ev->kind == EV_FAILED && p.text) /* the rest is among the results */
		p.text = arena_strndup(&w->context->arena, p.text, strcspn(p.text, "\n"));
	progress_event(w->progress, &p);
}

static void on_tick(void *ctx)
{
	struct watcher *w = ctx;
	progress_tick(w->progress);
}

static void on_resumed(void *ctx)
{
	struct watcher *w = ctx;
	progress_again(w->progress);
}

/* Carries it out while time goes on in what is shown. */
static int perform_shown(struct context *c, struct watcher *w, struct performer *pf)
{
	w->progress = progress_new(stderr, c->g.quiet ? "quiet" : c->g.progress, c->err, &c->plan);
	struct loop_hook *tick = loop_every(c->loop, TICK_MS, on_tick, w);
	struct loop_hook *resumed = loop_on_signal(c->loop, SIGCONT, on_resumed, w);
	int bad = perform(pf, &c->plan, &c->error);
	loop_hook_free(tick);
	loop_hook_free(resumed);
	progress_end(w->progress);
	return bad;
}

static bool has_host_steps(const struct plan *p)
{
	for (size_t i = 0; i < p->steps.count; i++)
		if (p->steps.items[i]->kind != STEP_STAGE && step_on_host(p->steps.items[i]))
			return true;
	return false;
}

/* Is a host service started that containers may want to reach? */
static bool needs_gateway(const struct context *c)
{
	bool starts = false, containers = false;
	for (size_t i = 0; i < c->plan.steps.count; i++)
		starts = starts || c->plan.steps.items[i]->hosts.count;
	for (size_t i = 0; i < c->project.services.count; i++)
		containers = containers || (c->project.services.items[i].where == RUN_CONTAINER &&
						   !c->project.services.items[i].left_out);
	return c->engine && starts && containers;
}

int carry_out(struct context *c)
{
	return carry_out_heard(c, NULL, NULL);
}

/* Before it serves. What is to be copied first: a map that names it is never without that. */
static int note_branches(struct context *c)
{
	struct world *w = &c->world;
	if (!c->branches_switch)
		return 0;
	for (size_t i = 0; i < w->unfilled.count; i++)
		if (w->unfilled.items[i].from &&
			initial_begin(&c->places, &w->unfilled.items[i], &c->error))
			return fail(c);
	c->branches_switch = false;
	return volume_map_save(&c->places, w, &c->error) ? fail(c) : 0;
}

/* Before it is there: what is made and then not filled is known. */
static int note_loads(struct context *c)
{
	struct unfilled dump = { 0 };
	for (size_t i = 0; i < c->plan.loads.count; i++) {
		dump.volume = c->plan.loads.items[i];
		if (initial_begin(&c->places, &dump, &c->error))
			return fail(c);
	}
	return 0;
}

int carry_out_heard(struct context *c, event_fn *also, void *ctx)
{
	if (!c->loop)
		c->loop = loop_new();
	int status = has_host_steps(&c->plan) ? join_agent(c) : 0;
	status = status ? status : note_branches(c);
	status = status ? status : note_loads(c);
	if (status)
		return status;
	const char *gateway = NULL;
	struct err unknown = ERR_INIT;
	if (needs_gateway(c))
		engine_gateway(c->engine, &c->arena, &gateway, &unknown);
	struct watcher w = { .context = c, .also = also, .ctx = ctx };
	struct performer pf = {
		.loop = c->loop,
		.engine = c->engine,
		.vault = c->vault,
		.places = &c->places,
		.world = &c->world,
		.lock = &c->lock,
		.hosts = c->hosts,
		.gateway = gateway,
		.event = on_event,
		.ctx = &w,
		.until = c->limits.until,
		.first_ends = c->limits.first_ends,
	};
	plan_begins(&w.notes, c);
	int bad = perform_shown(c, &w, &pf);
	plan_ends(&w.notes, bad);
	lap(c, "carrying out", true);
	struct err saving = ERR_INIT;
	/* Who let others in meanwhile knows nothing that is newer than theirs; a tools container
	 * is made beside them. */
	bool ours = c->locked && !c->project.tools;
	if (ours && records_save(&c->places, &c->world, &saving) && !bad) {
		c->error = saving;
		bad = -1;
	}
	if (bad && loop_signal(c->loop))
		return 128 + loop_signal(c->loop);
	return bad ? fail(c) : 0;
}
