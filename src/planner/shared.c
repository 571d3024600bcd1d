/*
 * Volumes that workspaces share: dependencies, named by the hash of what they are installed from,
 * and download caches. And the step that fills the former: it leaves a mark when it is through, so
 * that one which was interrupted is done again.
 */
#include "parts.h"

#include <string.h>

#include "base/hash.h"
#include "base/os.h"

enum { INSTALL_MS = 30 * 60 * 1000, VOLUME_MS = 30 * 1000 };

/* "1000:1000", "0", or a name. */
static bool numeric_user(const char *user, struct owner *o)
{
	int64_t uid, gid;
	char text[64];
	size_t len = strcspn(user, ":");
	if (len >= sizeof(text))
		return false;
	memcpy(text, user, len);
	text[len] = '\0';
	if (!parse_int(text, &uid) || uid < 0)
		return false;
	gid = uid;
	if (user[len] && (!parse_int(user + len + 1, &gid) || gid < 0))
		return false;
	*o = (struct owner){ true, (uid_t)uid, (gid_t)gid, "/tmp" };
	return true;
}

struct owner owner_of(const struct make *m, const struct service *s)
{
	struct owner o = { false, 0, 0, "/root" };
	const struct image *i = s->image;
	if (s->user && numeric_user(s->user, &o))
		return o;
	if (s->user && (!i || !streq(s->user, i->user))) {
		o.known = streq(s->user, "root");
		return o;
	}
	if (!i || !i->user || streq(i->user, "root")) {
		o.known = i && !i->dockerfile;
		return o;
	}
	return (struct owner){ true, mapped_uid(m, i), mapped_gid(m, i),
		arena_printf(m->a, "/home/%s", i->user) };
}

const char *dependencies_dir(struct make *m, const struct service *s)
{
	const char *dir = s->working_dir ? s->working_dir : "/";
	return path_normal(m->a, path_join(m->a, dir, service_code(s)->deps.into));
}

static void add_shared(
	struct make *m, struct unit *u, const char *kind, const char *name, const char *target)
{
	*list_push(m->a, &u->shared) =
		(struct shared){ .name = name, .target = target, .kind = kind };
}

static void add_dependencies(struct make *m, struct unit *u, const struct owner *o)
{
	const struct dependencies *deps = &u->service->develop->deps;
	char hex[HASH_HEX + 1];
	struct hasher *h = hasher_new(), *part = part_hash(u, PART_DEPENDENCIES);
	long ids[] = { o->known, (long)o->uid, (long)o->gid };
	hasher_str(h, deps->install);
	hasher_str(h, u->image);
	hasher_field(h, ids, sizeof(ids));
	for (size_t i = 0; i < deps->lock.count; i++) {
		const char *path = path_join(m->a, m->p->dir, deps->lock.items[i]);
		hasher_str(h, deps->lock.items[i]);
		hasher_str(h, world_input(m->w, path));
		hasher_str(part, world_input(m->w, path));
	}
	hasher_str(part, deps->install);
	hasher_field(part, ids, sizeof(ids));
	hasher_end(h, hex);
	const char *name =
		arena_printf(m->a, "devenv-deps-%s-%.*s", u->service->name, VOLUME_HEX, hex);
	add_shared(m, u, "dependencies", name, dependencies_dir(m, u->service));
}

static void add_cache(struct make *m, struct unit *u, const char *dir, const struct owner *o)
{
	char hex[HASH_HEX + 1];
	long ids[] = { o->known, (long)o->uid, (long)o->gid };
	const char *path = *dir == '~' ? arena_printf(m->a, "%s%s", o->home, dir + 1) : dir;
	const char *base = u->service->working_dir ? u->service->working_dir : "/";
	path = path_normal(m->a, path_join(m->a, base, path));
	struct hasher *h = hasher_new();
	hasher_str(h, path);
	hasher_field(h, ids, sizeof(ids));
	hasher_end(h, hex);
	add_shared(m, u, "cache", arena_printf(m->a, "devenv-cache-%.*s", VOLUME_HEX, hex), path);
}

/* Dependencies, their caches, and the project's caches: in modules only. */
void shared_volumes(struct make *m, struct unit *u)
{
	const struct develop *d = u->service->develop;
	struct owner o = owner_of(m, u->service);
	if (!d)
		return;
	if (d->deps.install)
		add_dependencies(m, u, &o);
	for (size_t i = 0; d->deps.install && i < d->deps.cache.count; i++)
		add_cache(m, u, d->deps.cache.items[i], &o);
	for (size_t i = 0; i < m->p->caches.count; i++) {
		const struct cache *c = &m->p->caches.items[i];
		const char *name =
			o.known ? arena_printf(m->a, "devenv-cache-%s-%ld", c->name, (long)o.uid)
				: arena_printf(m->a, "devenv-cache-%s", c->name);
		add_shared(m, u, "cache", name, c->target);
	}
}

/* A field of --mount, which is a line of comma-separated values. */
static void mount_field(struct buf *out, const char *key, const char *value)
{
	bool odd = strpbrk(value, ",\"\n") != NULL;
	buf_adds(out, out->len ? "," : "");
	buf_adds(out, odd ? "\"" : "");
	buf_addf(out, "%s=", key);
	for (const char *s = value; *s; s++)
		buf_adds(out, *s == '"' ? "\"\"" : (char[]){ *s, '\0' });
	buf_adds(out, odd ? "\"" : "");
}

static void mount_word(struct make *m, struct step *s, const char *type, const char *source,
	const char *target, bool read_only)
{
	cleanup_buf struct buf b = BUF_INIT;
	mount_field(&b, "type", type);
	mount_field(&b, "source", source);
	mount_field(&b, "target", target);
	if (read_only)
		buf_adds(&b, ",readonly");
	step_word(m, s, "--mount");
	step_word(m, s, arena_strdup(m->a, buf_str(&b)));
}

static void env_word(struct make *m, struct step *s, const char *name, const char *value)
{
	step_word(m, s, "-e");
	step_word(m, s, value ? arena_printf(m->a, "%s=%s", name, value) : name);
}

/* What the service sees, but for secrets: those are files below /run/secrets here too. */
static void install_environment(struct make *m, struct step *s, const struct unit *u)
{
	static const char *const proxies[] = { "http_proxy", "https_proxy", "no_proxy",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", NULL };
	const vars *env = &u->service->environment;
	for (size_t i = 0; proxies[i]; i++)
		env_word(m, s, proxies[i], NULL);
	for (const struct trust_variable *v = trust_variables; v->name; v++) {
		if (!says_variable(u, v->name))
			env_word(m, s, v->name, v->value);
	}
	for (size_t i = 0; i < env->count; i++) {
		const struct var *v = &env->items[i];
		const char *value =
			plan_expand(m->a, m->p, m->w, u->service, v->value, v->place, m->d);
		if (!value || !holds_secret(value))
			env_word(m, s, v->name, value);
	}
}

static void install_mounts(struct make *m, struct step *s, const struct unit *u)
{
	const struct service *service = u->service;
	if (service->working_dir)
		mount_word(m, s, "bind", service->develop->source, service->working_dir, false);
	for (size_t i = 0; i < u->shared.count; i++)
		mount_word(
			m, s, "volume", u->shared.items[i].name, u->shared.items[i].target, false);
	mount_word(m, s, "bind", generated_path(m, "trust"), "/etc/devenv/trust", true);
	if (service->secrets.count)
		mount_word(m, s, "bind",
			generated_path(m, arena_printf(m->a, "secrets/%s", service->name)),
			"/run/secrets", true);
}

/*
 * Arguments: directory of the dependencies or "", owner or "", the install line, then all that must
 * belong to the owner. A new volume belongs to root, so this begins as root and goes on as the
 * owner.
 */
static const char install_script[] =
	"into=$1 owner=$2 line=$3; shift 3\n"
	"if [ -n \"$owner\" ]; then chown \"$owner\" \"$@\"; fi\n"
	"[ -n \"$into\" ] || exit 0\n"
	"exec 9<\"$into\"\n"
	"if command -v flock >/dev/null; then flock 9; fi\n"
	"[ ! -e \"$into/.devenv-complete\" ] || exit 0\n"
	"find \"$into\" -mindepth 1 -delete\n"
	"if [ -n \"$owner\" ] && command -v setpriv >/dev/null; then\n"
	"  setpriv --reuid=\"${owner%:*}\" --regid=\"${owner#*:}\" --clear-groups"
	" /bin/sh -ec \"$line\" 9<&-\n"
	"else /bin/sh -ec \"$line\" 9<&-; fi\n"
	": >\"$into/.devenv-complete\"\n";

static void install_confinement(struct make *m, struct step *s, const struct owner *o)
{
	static const char *const words[] = { "--security-opt", "no-new-privileges:true",
		"--pids-limit", "2048", NULL };
	static const char *const caps[] = { "CHOWN", "DAC_OVERRIDE", "FOWNER", "SETUID", "SETGID",
		NULL };
	step_words(m, s, words);
	if (!o->known)
		return;
	step_words(m, s, (const char *const[]){ "--user", "0:0", "--cap-drop", "ALL", NULL });
	for (size_t i = 0; caps[i]; i++)
		step_words(m, s, (const char *const[]){ "--cap-add", caps[i], NULL });
}

static const char *install_name(struct make *m, const struct unit *u)
{
	return arena_printf(m->a, "%s-install-%s", m->p->workspace, u->service->name);
}

static void install_head(
	struct make *m, struct step *s, const struct unit *u, const struct owner *o)
{
	const char *const words[] = { "docker", "run", "--rm", "--init", "--name",
		install_name(m, u), "--label",
		arena_printf(m->a, "devenv.workspace=%s", m->p->workspace), "--label",
		arena_printf(m->a, "devenv.root=%s", m->p->dir), "--label",
		arena_printf(m->a, "devenv.service=%s", u->service->name), "--label",
		"com.docker.compose.oneoff=True", NULL };
	step_words(m, s, words);
	install_confinement(m, s, o);
	if (u->service->working_dir)
		step_words(
			m, s, (const char *const[]){ "--workdir", u->service->working_dir, NULL });
}

static void install_arguments(
	struct make *m, struct step *s, const struct unit *u, const struct owner *o)
{
	const struct dependencies *deps = &u->service->develop->deps;
	bool other = o->known && o->uid != 0;
	const char *owner = other ? arena_printf(m->a, "%ld:%ld", (long)o->uid, (long)o->gid) : "";
	const char *const words[] = { "--entrypoint", "/bin/sh", u->image, "-ec", install_script,
		"install", deps->install ? dependencies_dir(m, u->service) : "", owner,
		deps->install ? deps->install : "", NULL };
	step_words(m, s, words);
	for (size_t i = 0; i < u->shared.count; i++)
		step_word(m, s, u->shared.items[i].target);
}

/* A container that an interrupted run left behind holds the name. */
static struct step *remove_leftover(struct make *m, const struct unit *u)
{
	const char *name = install_name(m, u);
	for (size_t i = 0; i < m->w->containers.count; i++) {
		const struct container *c = &m->w->containers.items[i];
		if (!streq(c->name, name))
			continue;
		struct step *s = plan_add(m->plan, STEP_REMOVE, name, u->service->place,
			"an interrupted run left it behind");
		strs_add(m->a, &s->containers, c->id);
		return s;
	}
	return NULL;
}

struct step *plan_install(struct make *m, struct unit *u)
{
	const struct dependencies *deps = &u->service->develop->deps;
	struct owner o = owner_of(m, u->service);
	struct step *leftover = remove_leftover(m, u);
	struct place at = deps->install ? deps->place : u->service->place;
	struct step *s = exec_step(m, arena_printf(m->a, "install %s", u->service->name),
		u->service->name, at, INSTALL_MS, "%s",
		deps->install ? arena_printf(m->a, "dependencies of %s, unless complete",
					strs_join(m->a, &deps->lock, ", "))
			      : "its caches get their owner");
	install_head(m, s, u, &o);
	env_word(m, s, "HOME", o.home);
	install_environment(m, s, u);
	install_mounts(m, s, u);
	install_arguments(m, s, u, &o);
	plan_need(m->plan, s, leftover);
	return s;
}

static void plan_volume(struct make *m, const struct shared *v, const struct unit *u)
{
	const char *name = v->name;
	if (m->w->volumes_known && strs_has(&m->w->volumes, name))
		return;
	struct step *s = exec_step(m, arena_printf(m->a, "volume %s", name), name,
		u->service->place, VOLUME_MS, "%s of %s", v->kind, u->service->name);
	const char *const words[] = { "docker", "volume", "create", "--label",
		arena_printf(m->a, "devenv.shared=%s", v->kind), name, NULL };
	step_words(m, s, words);
}

/* Volumes that others may have made already; making one again does nothing. */
void plan_volumes(struct make *m)
{
	cleanup_map struct map seen = MAP_INIT;
	for (size_t i = 0; i < m->p->services.count; i++) {
		const struct unit *u = &m->units[i];
		for (size_t k = 0; u->fate == FATE_CREATE && k < u->shared.count; k++) {
			if (map_has(&seen, u->shared.items[k].name))
				continue;
			map_set(&seen, u->shared.items[k].name, (void *)"");
			plan_volume(m, &u->shared.items[k], u);
		}
	}
}

/* Where in the sources a volume is mounted, on the host; NULL: not in the sources. */
const char *mount_point(struct make *m, const struct unit *u, const char *target)
{
	const char *dir = u->service->working_dir;
	if (!dir || !u->service->develop || !path_inside(dir, target) || streq(dir, target))
		return NULL;
	return path_join(m->a, u->service->develop->source,
		target + strlen(dir) + (ends_with(dir, "/") ? 0 : 1));
}

/* Mount points inside the sources: the engine would make them, and root would own them. */
void plan_mount_points(struct make *m)
{
	struct step *s = NULL;
	for (size_t i = 0; i < m->p->services.count; i++) {
		const struct unit *u = &m->units[i];
		bool starts = u->fate == FATE_CREATE || u->fate == FATE_START;
		for (size_t k = 0; starts && k < u->shared.count; k++) {
			const char *point = mount_point(m, u, u->shared.items[k].target);
			if (!point)
				continue;
			if (!s) {
				s = exec_step(m, "mount points", NULL, u->service->place, VOLUME_MS,
					"directories in the sources where volumes are mounted");
				step_words(
					m, s, (const char *const[]){ "mkdir", "-p", "--", NULL });
				m->mount_points = s;
			}
			step_word(m, s, point);
		}
	}
}
