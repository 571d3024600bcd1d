/*
 * One service of the compose file for production. Comes in: the service as merged for that
 * environment. Goes out: only keys that both `docker compose` and `docker stack deploy` know; what
 * leads back to this machine (its files, its sources, its builds) is refused with its place.
 */
#include "production.h"

#include <string.h>

static const char *const carried[] = { "cap_add", "cap_drop", "cgroup_parent", "command", "devices",
	"dns", "dns_search", "domainname", "entrypoint", "expose", "hostname", "init", "ipc",
	"labels", "logging", "network_mode", "networks", "pid", "privileged", "read_only",
	"security_opt", "shm_size", "stdin_open", "stop_grace_period", "stop_signal", "sysctls",
	"tmpfs", "tty", "ulimits", "user", "userns_mode", "working_dir", NULL };

/* These have their own lines below, or mean nothing there. */
static const char *const ours[] = { "attach", "bind", "client", "compose", "configs",
	"container_name", "cpus", "depends_on", "deploy", "develop", "dump", "environment",
	"extends", "extra_hosts", "healthcheck", "host", "image", "kind", "load", "mem_limit",
	"pids_limit", "ports", "profiles", "pull_policy", "release", "restart", "run", "scale",
	"secrets", "success_exit_codes", "volumes", NULL };

static bool among(const char *const *words, const char *word)
{
	for (; *words; words++)
		if (streq(*words, word))
			return true;
	return false;
}

static void put_image(struct production *x, struct unit *u, struct node *n)
{
	struct make *m = x->m;
	const struct service *s = u->service;
	const char *name = s->image_name;
	if (u->rung) {
		name = release_name(m, s);
		if (x->req->registry)
			name = arena_printf(m->a, "%s/%s", x->req->registry, name);
	}
	if (s->build && !name)
		complain(m, s->place, "%s is built by Compose: nobody else has its image", s->name)
			->hint = "let it stand on a rung of images: (a rung may have its own "
				 "dockerfile), or give it an image of a registry";
	else if (name)
		compose_put_text(m, n, "image", compose_text(m, u, name, s->place));
	if (s->develop && u->rung && !s->release)
		complain(m, s->develop->place,
			"%s is code of this project and has no release: its image would hold none "
			"of it",
			s->name)
			->hint = "release: { artifacts: { PATH: PLACE } } under the service, or "
				 "!reset it for this environment";
}

static void put_carried(struct production *x, struct unit *u, struct node *n)
{
	const struct node_pair *pair;
	node_each_pair(u->service->node, i, pair)
	{
		if (pair->value->kind == NODE_NULL || starts_with(pair->key, "x-") ||
			among(ours, pair->key))
			continue;
		if (among(carried, pair->key))
			compose_put(x->m, n, pair->key, compose_carry(x->m, u, pair->value));
		else if (streq(pair->key, "env_file"))
			complain(x->m, pair->value->place,
				"env_file of %s is a file of this machine", u->service->name)
				->hint = "say its variables under environment:, and what is secret "
					 "in it under secrets:";
		else if (!streq(pair->key, "build"))
			strs_add(x->m->a, &x->m->plan->notes,
				arena_printf(x->m->a,
					"%s of %s is left out: `docker stack` knows no such key",
					pair->key, u->service->name));
	}
}

static void put_environment(struct production *x, struct unit *u, struct node *n)
{
	struct make *m = x->m;
	const vars *env = &u->service->environment;
	struct node *out = node_map(m->a, n->place);
	for (size_t i = 0; i < env->count; i++) {
		const struct var *v = &env->items[i];
		if (!v->value)
			compose_put(m, out, v->name, node_null(m->a, v->place));
		else if (holds_secret(v->value))
			complain(m, v->place,
				"%s of %s holds a secret, and nothing of a compose "
				"file for production is secret",
				v->name, u->service->name)
				->hint = "give it as a file: secrets: under the service, and a "
					 "variable that names /run/secrets/NAME";
		else
			compose_put_text(m, out, v->name, compose_text(m, u, v->value, v->place));
	}
	if (node_count(out))
		compose_put(m, n, "environment", out);
}

/* Both read the short list only: who needs another is started after it, and again until it is up.
 */
static void put_needs(struct production *x, struct unit *u, struct node *n)
{
	struct node *out = node_list(x->m->a, n->place);
	for (size_t i = 0; i < u->service->needs.count; i++) {
		const struct service *to = u->service->needs.items[i].service;
		if (unit_of(x->m, to)->present)
			compose_add_text(x->m, out, to->name);
	}
	if (node_count(out))
		compose_put(x->m, n, "depends_on", out);
}

static void put_ports(struct production *x, struct unit *u, struct node *n)
{
	struct make *m = x->m;
	struct node *out = node_list(m->a, n->place);
	for (size_t i = 0; i < u->service->ports.count; i++) {
		const struct port *p = &u->service->ports.items[i];
		struct node *entry = node_map(m->a, p->place);
		if (p->how != PUB_FIXED)
			continue;
		if (p->host_ip) { /* the long form of a stack has no place for it */
			strs_add(m->a, &m->plan->notes,
				arena_printf(m->a,
					"port %d of %s is meant for %s alone, but `docker stack` "
					"knows no addresses: there it is published on all of them",
					p->published, u->service->name, p->host_ip));
			compose_add_text(m, out,
				arena_printf(m->a,
					strchr(p->host_ip, ':') ? "[%s]:%d:%d/%s" : "%s:%d:%d/%s",
					p->host_ip, p->published, p->target, p->protocol));
			continue;
		}
		compose_put(m, entry, "target", node_int(m->a, p->target, p->place));
		compose_put(m, entry, "published", node_int(m->a, p->published, p->place));
		compose_put_text(m, entry, "protocol", p->protocol);
		if (x->req->no_mesh)
			compose_put_text(m, entry, "mode", "host");
		list_add(m->a, out, entry);
	}
	if (node_count(out))
		compose_put(m, n, "ports", out);
}

static void add_mount(
	struct production *x, struct unit *u, struct node *list, const struct mount *mount)
{
	static const char *const types[] = {
		[MOUNT_BIND] = "bind", [MOUNT_VOLUME] = "volume", [MOUNT_TMPFS] = "tmpfs"
	};
	struct make *m = x->m;
	struct node *n = node_map(m->a, mount->place);
	if (mount->kind == MOUNT_BIND) {
		complain(m, mount->place, "%s mounts %s, which is a path of this machine",
			u->service->name, mount->source)
			->hint =
			"put the file into an image (files: of a rung, or an artifact of a "
			"release), or !reset the mount for this environment";
		return;
	}
	compose_put_text(m, n, "type", types[mount->kind]);
	if (mount->source)
		compose_put_text(m, n, "source", mount->source);
	compose_put_text(m, n, "target", compose_text(m, u, mount->target, mount->place));
	if (mount->read_only)
		compose_put_bool(m, n, "read_only", true);
	list_add(m->a, list, n);
}

static void put_mounts(struct production *x, struct unit *u, struct node *n)
{
	struct node *out = node_list(x->m->a, n->place);
	for (size_t i = 0; i < u->service->mounts.count; i++)
		add_mount(x, u, out, &u->service->mounts.items[i]);
	if (node_count(out))
		compose_put(x->m, n, "volumes", out);
}

static void add_file(struct make *m, struct node *list, const char *source, const char *target)
{
	struct node *n = node_map(m->a, list->place);
	compose_put_text(m, n, "source", source);
	compose_put_text(m, n, "target", target);
	list_add(m->a, list, n);
}

static const char *recipe_words(struct make *m, const struct secret *s)
{
	static const char *const words[] = {
		[RECIPE_PASSWORD] = "a password",
		[RECIPE_HEX] = "random hexadecimal digits",
		[RECIPE_BASE64] = "random bytes in base64",
		[RECIPE_UUID] = "a UUID",
		[RECIPE_ED25519] = "an Ed25519 key, PEM",
		[RECIPE_RSA] = "an RSA key, PEM",
	};
	if (s->recipe < countof(words) && words[s->recipe])
		return s->length && s->recipe != RECIPE_ED25519 && s->recipe != RECIPE_UUID
			       ? arena_printf(m->a, "%s (%d)", words[s->recipe], s->length)
			       : words[s->recipe];
	return "a secret of yours";
}

static void put_secrets(struct production *x, struct unit *u, struct node *n)
{
	struct make *m = x->m;
	struct node *out = node_list(m->a, n->place);
	for (size_t i = 0; i < u->service->secrets.count; i++) {
		const struct secret_use *use = &u->service->secrets.items[i];
		const struct secret *s = project_secret(m->p, use->source);
		const char *name = secret_target(use);
		if (!s)
			continue;
		production_secret(x, s->name, recipe_words(m, s));
		add_file(m, out, s->name, name ? name : use->target);
		if (s->recipe != RECIPE_ED25519 && s->recipe != RECIPE_RSA)
			continue;
		const char *pub = arena_printf(m->a, "%s_pub", s->name);
		production_secret(x, pub, arena_printf(m->a, "the public half of %s", s->name));
		add_file(m, out, pub, arena_printf(m->a, "%s.pub", name ? name : use->target));
	}
	if (u->routes && strstr(u->routes, "ssl_certificate")) {
		const char *hosts = strs_join(m->a, &m->p->public_hosts, ", ");
		production_secret(x, "tls_certificate",
			arena_printf(m->a, "the certificate and its chain, PEM, for %s", hosts));
		production_secret(x, "tls_key", "the key of that certificate, PEM");
		add_file(m, out, "tls_certificate", "tls_certificate");
		add_file(m, out, "tls_key", "tls_key");
	}
	if (node_count(out))
		compose_put(m, n, "secrets", out);
}

static void add_project_config(
	struct production *x, struct unit *u, struct node *list, const struct node *item)
{
	struct make *m = x->m;
	const char *source =
		node_is_scalar(item) ? node_text(item) : node_text(node_get(item, "source"));
	const struct node *entry =
		source ? node_get(node_get(m->p->tree, "configs"), source) : NULL;
	if (entry && node_get(entry, "file"))
		complain(m, entry->place, "the config %s is a file of this machine", source)->hint =
			"put it into an image: files: of a rung, or an artifact of a release";
	if (entry)
		compose_put(m, x->configs, source, compose_carry(m, NULL, entry));
	list_add(m->a, list, compose_carry(m, u, item));
}

/* A cluster keeps a config as it was first made: another content is another name. */
static void put_configs(struct production *x, struct unit *u, struct node *n)
{
	struct make *m = x->m;
	struct node *out = node_list(m->a, n->place), *entry = node_map(m->a, n->place), *item;
	node_each_item(node_get(u->service->node, "configs"), i, item)
		add_project_config(x, u, out, item);
	if (u->routes) {
		const char *name = arena_printf(m->a, "%s-routes-%08x", u->service->name,
			(unsigned)hash_bytes(u->routes, strlen(u->routes)));
		compose_put_text(
			m, entry, "file", arena_printf(m->a, "./nginx/%s.conf", u->service->name));
		compose_put(m, x->configs, name, entry);
		add_file(m, out, name, "/etc/nginx/conf.d/routes.conf");
	}
	if (node_count(out))
		compose_put(m, n, "configs", out);
}

static void put_extra_hosts(struct production *x, struct unit *u, struct node *n)
{
	struct make *m = x->m;
	struct node *out = node_list(m->a, n->place), *item;
	const struct node_pair *pair;
	node_each_pair(node_get(u->service->node, "extra_hosts"), i, pair)
	{
		node_each_item(pair->value, k, item)
		{
			const char *address = node_text(item) ? node_text(item) : "";
			compose_add_text(m, out,
				arena_printf(m->a, "%s:%s", pair->key,
					compose_text(m, u, address, item->place)));
		}
	}
	if (node_count(out))
		compose_put(m, n, "extra_hosts", out);
}

/* The image of a release asks by itself. */
static void put_health(struct production *x, struct unit *u, struct node *n)
{
	static const char *const times[] = { "interval", "timeout", "retries", "start_period" };
	static const char *const usual[] = { "10s", "5s", "3", "30s" };
	struct make *m = x->m;
	const struct service *s = u->service;
	const struct node *said = node_get(s->node, "healthcheck");
	struct node *out = node_map(m->a, n->place), *test = node_list(m->a, n->place);
	struct strs argv = { 0 };
	if (s->release || s->check.kind == CHECK_NONE)
		return;
	health_words(m, s, &argv);
	if (!argv.count)
		return;
	compose_add_text(m, test, "CMD");
	for (size_t i = 0; i < argv.count; i++)
		compose_add_text(m, test, compose_text(m, u, argv.items[i], s->check.place));
	compose_put(m, out, "test", test);
	for (size_t i = 0; i < countof(times); i++) {
		const struct node *own = node_get(said, times[i]);
		struct node *value = own ? compose_carry(m, u, own)
					 : node_plain(m->a, usual[i], strlen(usual[i]), n->place);
		compose_put(m, out, times[i], value);
	}
	compose_put(m, n, "healthcheck", out);
}

static struct node *sub_map(struct make *m, struct node *n, const char *key)
{
	struct node *out = node_get(n, key);
	if (out && out->kind == NODE_MAP)
		return out;
	out = node_map(m->a, n->place);
	compose_put(m, n, key, out);
	return out;
}

static void put_limits(struct production *x, struct unit *u, struct node *deploy)
{
	static const struct {
		const char *key, *as;
	} limits[] = { { "cpus", "cpus" }, { "mem_limit", "memory" }, { "pids_limit", "pids" } };
	struct make *m = x->m;
	struct node *out = sub_map(m, sub_map(m, deploy, "resources"), "limits");
	for (size_t i = 0; i < countof(limits); i++) {
		const struct node *said = node_get(u->service->node, limits[i].key);
		const char *text = said ? node_text(said) : NULL;
		if (!text || node_get(out, limits[i].as))
			continue;
		if (streq(limits[i].as, "pids"))
			compose_put(m, out, "pids", node_copy(m->a, said));
		else
			compose_put_text(
				m, out, limits[i].as, compose_text(m, u, text, said->place));
	}
	if (!node_get(out, "pids"))
		compose_put(m, out, "pids", node_int(m->a, 512, deploy->place));
}

static void put_restart(struct production *x, struct unit *u, struct node *deploy)
{
	const struct service *s = u->service;
	struct make *m = x->m;
	const char *said = node_text(node_get(s->node, "restart"));
	bool fails = s->kind == KIND_JOB || s->restart == RESTART_ON_FAILURE;
	if (node_get(deploy, "restart_policy"))
		return;
	struct node *policy = sub_map(m, deploy, "restart_policy");
	compose_put_text(m, policy, "condition",
		streq(said, "no") && s->kind != KIND_JOB ? "none"
		: fails                                  ? "on-failure"
							 : "any");
	compose_put_text(m, policy, "delay", "5s");
}

static void put_deploy(struct production *x, struct unit *u, struct node *n)
{
	struct make *m = x->m;
	const struct service *s = u->service;
	const struct node *said = node_get(s->node, "deploy");
	struct node *deploy = said && said->kind == NODE_MAP ? compose_carry(m, u, said)
							     : node_map(m->a, n->place);
	if (s->replicas != 1 && !node_get(deploy, "replicas"))
		compose_put(m, deploy, "replicas", node_int(m->a, s->replicas, n->place));
	if (s->kind == KIND_JOB && !node_get(deploy, "mode")) /* its end is no failure there */
		compose_put_text(m, deploy, "mode", "replicated-job");
	put_limits(x, u, deploy);
	put_restart(x, u, deploy);
	if (s->kind != KIND_JOB && !node_get(deploy, "update_config")) {
		struct node *update = sub_map(m, deploy, "update_config");
		compose_put(m, update, "parallelism", node_int(m->a, 1, n->place));
		compose_put_text(m, update, "order", "stop-first");
		compose_put_text(m, update, "failure_action", "rollback");
	}
	if (x->req->no_mesh && !node_get(deploy, "endpoint_mode"))
		compose_put_text(m, deploy, "endpoint_mode", "dnsrr");
	compose_put(m, n, "deploy", deploy);
}

static void put_default_list(
	struct make *m, struct unit *u, struct node *n, const char *key, const char *item)
{
	struct node *list = node_list(m->a, n->place);
	if (node_pair(u->service->node, key))
		return;
	compose_add_text(m, list, item);
	compose_put(m, n, key, list);
}

static void put_defaults(struct production *x, struct unit *u, struct node *n)
{
	struct make *m = x->m;
	bool privileged = streq(node_text(node_get(u->service->node, "privileged")), "true");
	if (!privileged)
		put_default_list(m, u, n, "security_opt", "no-new-privileges:true");
	if (!privileged && u->rung)
		put_default_list(m, u, n, "cap_drop", "ALL");
	if (!node_get(n, "init"))
		compose_put_bool(m, n, "init", true);
	if (node_get(n, "logging"))
		return;
	struct node *logging = sub_map(m, n, "logging"), *options;
	compose_put_text(m, logging, "driver", "json-file");
	options = sub_map(m, logging, "options");
	compose_put_text(m, options, "max-size", "10m");
	compose_put_text(m, options, "max-file", "3");
}

struct node *production_service(struct production *x, struct unit *u)
{
	static void (*const parts[])(struct production *, struct unit *, struct node *) = {
		put_image, put_carried, put_environment, put_needs, put_ports, put_mounts,
		put_secrets, put_configs, put_extra_hosts, put_health, put_deploy, put_defaults
	};
	const struct node *raw = node_get(u->service->node, "compose");
	struct node *n = node_map(x->m->a, u->service->place);
	for (size_t i = 0; i < countof(parts); i++)
		parts[i](x, u, n);
	return raw && raw->kind == NODE_MAP ? compose_merge(x->m, n, compose_carry(x->m, u, raw))
					    : n;
}
