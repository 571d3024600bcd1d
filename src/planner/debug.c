/*
 * What the tools container is to be. Comes in: the project, the world, the container to join as it
 * was seen. Goes out: one value, and steps that bring its image. It gets what the joined container
 * has and no more: capabilities only when they are asked for, the engine's socket never.
 */
#include "planner/debug.h"

#include <ctype.h>
#include <string.h>

#include "base/os.h"
#include "parts.h"

enum { PULL_MS = 30 * 60 * 1000 };

static const char *const capabilities[] = { "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE",
	"BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE", "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH",
	"FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE",
	"MAC_ADMIN", "MAC_OVERRIDE", "MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST",
	"NET_RAW", "PERFMON", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYSLOG", "SYS_ADMIN",
	"SYS_BOOT", "SYS_CHROOT", "SYS_MODULE", "SYS_NICE", "SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO",
	"SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "WAKE_ALARM" };

/* ---- the image ---- */

const char *tools_image(struct arena *a, const struct project *p, const struct world *w)
{
	const char *name = p->debug.image_name, *last = strrchr(name, '/');
	if (!p->debug.image)
		return strchr(last ? last : name, ':') || strchr(name, '@')
			       ? name
			       : arena_printf(a, "%s:latest", name);
	struct diags unheard = DIAGS_INIT(a);
	struct make m;
	make_init(&m, a, p, w, &unheard);
	rungs_make(&m);
	const char *tag = rung_of(&m, p->debug.image)->tag;
	make_release(&m);
	return tag;
}

static void plan_pull(struct make *m)
{
	const struct debug *g = &m->p->debug;
	const char *image = tools_image(m->a, m->p, m->w);
	if (tag_known(m, image) || strchr(image, '@'))
		return;
	struct step *s = exec_step(m, arena_printf(m->a, "pull %s", image), image, g->place,
		PULL_MS, "the tools container stands on it");
	step_words(m, s, (const char *const[]){ "docker", "pull", "--quiet", image, NULL });
}

void plan_tools(struct make *m)
{
	struct rung *r = rung_of(m, m->p->debug.image);
	if (!r) {
		plan_pull(m);
		return;
	}
	rungs_make(m);
	r->wanted = true;
	plan_images(m, NULL);
}

/* ---- the container ---- */

struct tools {
	struct arena *a;
	const struct project *p;
	const struct world *w;
	const struct tools_request *req;
	struct tools_spec *out;
	struct diags *d;
};

static struct place as_asked(void)
{
	return (struct place){ .layer = "--cap" };
}

/* "cap_sys_ptrace" and "SYS_PTRACE" are one. */
static const char *capability(struct tools *t, const char *word)
{
	char *name = arena_strdup(t->a, word);
	for (char *s = name; *s; s++)
		*s = (char)toupper((unsigned char)*s);
	if (starts_with(name, "CAP_"))
		name += strlen("CAP_");
	for (size_t i = 0; i < countof(capabilities); i++)
		if (streq(capabilities[i], name))
			return capabilities[i];
	struct diag *d =
		diag_add(t->d, SEV_ERROR, as_asked(), "there is no capability \"%s\"", word);
	const char *near = nearest_name(name, capabilities, countof(capabilities));
	d->hint = near ? arena_printf(t->a, "did you mean \"%s\"?", near)
		       : "name each, as in --cap SYS_PTRACE; capabilities(7) has them all";
	return NULL;
}

static void add_capability(struct tools *t, const char *name)
{
	if (name && !strs_has(&t->out->cap_add, name))
		strs_add(t->a, &t->out->cap_add, name);
}

/* What root needs besides for the tool that the asked one is for; more it cannot do with it. */
static const struct {
	const char *asked, *with;
} company[] = {
	{ "SYS_PTRACE", "KILL" }, /* strace lets go by a signal */
	{ "NET_RAW", "SETGID" },  /* tcpdump becomes a user of its own */
	{ "NET_RAW", "SETUID" },
};

/* Those of the joined container: its processes can only be looked at by who has as many. */
static void put_capabilities(struct tools *t)
{
	const struct joined *j = t->req->joined;
	struct tools_spec *out = t->out;
	if (j)
		out->cap_drop = j->cap_drop;
	else
		strs_add(t->a, &out->cap_drop, "ALL");
	for (size_t i = 0; j && i < j->cap_add.count; i++)
		strs_add(t->a, &out->cap_add, j->cap_add.items[i]);
	for (size_t i = 0; i < t->req->caps.count; i++) {
		const char *name = capability(t, t->req->caps.items[i]);
		add_capability(t, name);
		for (size_t k = 0; k < countof(company); k++)
			if (streq(name, company[k].asked))
				add_capability(t, company[k].with);
	}
}

/* A capability is of use to root alone. */
static void put_user(struct tools *t)
{
	const struct joined *j = t->req->joined;
	if (t->req->user)
		t->out->user = t->req->user;
	else if (t->req->root || t->req->caps.count)
		t->out->user = "0:0";
	else if (j)
		t->out->user = *j->user ? j->user : "0:0";
}

static bool is_own_network(const struct tools *t, const char *name)
{
	return streq(name, arena_printf(t->a, "%s_default", t->p->workspace));
}

/* The default one first: it is where names of services are looked up. */
static void put_networks(struct tools *t)
{
	const struct strs *all = &t->w->networks;
	struct tools_spec *out = t->out;
	for (size_t i = 0; i < all->count; i++)
		if (!out->network || is_own_network(t, all->items[i]))
			out->network = all->items[i];
	for (size_t i = 0; i < all->count; i++)
		if (!streq(all->items[i], out->network))
			strs_add(t->a, &out->networks, all->items[i]);
	if (!out->network && !project_runs(t->p, RUN_CONTAINER))
		out->network = "bridge"; /* all of it runs on the host */
	if (!out->network)
		diag_add(t->d, SEV_ERROR, (struct place){ 0 },
			"nothing of this project runs: there is no network to join")
			->hint = "start it with `devenv up -d`";
	if (project_runs(t->p, RUN_HOST))
		strs_add(t->a, &out->hosts, arena_printf(t->a, "%s:host-gateway", host_gateway));
}

/* Whatever is mounted there or above hides the tools; what is below does not. */
static bool hides_tools(const char *target)
{
	static const char *const ours[] = { "/bin/sh", "/sbin", "/lib", "/lib64", "/usr/bin",
		"/usr/sbin", "/usr/lib", "/usr/share", "/etc/passwd", "/etc/ssl", TOOLS_DIR,
		"/proc", "/sys", "/dev" };
	for (size_t i = 0; i < countof(ours); i++)
		if (path_inside(target, ours[i]))
			return true;
	return false;
}

static void put_mounts(struct tools *t)
{
	const struct joined *j = t->req->joined;
	for (size_t i = 0; i < j->mounts.count; i++) {
		const struct tools_mount *m = &j->mounts.items[i];
		if (hides_tools(path_normal(t->a, m->target)))
			strs_add(t->a, &t->out->left_out, m->target);
		else
			*list_push(t->a, &t->out->mounts) = *m;
	}
}

static void put_joined(struct tools *t)
{
	const char *where = arena_printf(t->a, "container:%s", t->req->joined->id);
	t->out->network = t->out->pid = where;
	put_mounts(t);
}

static void label(struct tools *t, const char *name, const char *value)
{
	strs_add(t->a, &t->out->labels, arena_printf(t->a, "%s=%s", name, value));
}

/* One-off, as Compose calls it: `status` does not take it for a copy of a service. */
static void put_labels(struct tools *t)
{
	label(t, "devenv.workspace", t->p->workspace);
	label(t, "devenv.root", t->p->dir);
	label(t, "devenv.service", TOOLS_RUNG);
	label(t, "devenv.version", t->req->version ? t->req->version : "");
	label(t, "com.docker.compose.oneoff", "True");
}

static void put_environment(struct tools *t)
{
	for (const struct trust_variable *v = trust_variables; t->req->bundle && v->name; v++)
		strs_add(t->a, &t->out->env, arena_printf(t->a, "%s=%s", v->name, TOOLS_BUNDLE));
	strs_add(t->a, &t->out->env, "HOME=/tmp");
	strs_add(t->a, &t->out->env, arena_printf(t->a, "DEVENV_PROJECT=%s", t->p->name));
	if (t->req->service)
		strs_add(t->a, &t->out->env,
			arena_printf(t->a, "DEVENV_SERVICE=%s", t->req->service->name));
}

int tools_make(struct arena *a, const struct project *p, const struct world *w,
	const struct tools_request *req, struct tools_spec *out, struct diags *d)
{
	struct tools t = { a, p, w, req, out, d };
	size_t before = d->errors;
	*out = (struct tools_spec){
		.name = arena_printf(a, "%s-debug-%s", p->workspace, req->unique),
		.image = tools_image(a, p, w),
	};
	if (req->joined)
		put_joined(&t);
	else
		put_networks(&t);
	put_capabilities(&t);
	put_user(&t);
	put_labels(&t);
	put_environment(&t);
	tools_clients(a, p, w, req->service, out);
	return d->errors == before ? 0 : -1;
}
