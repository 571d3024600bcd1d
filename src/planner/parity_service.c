/*
 * What a service and a project are configured to be, as facts. Comes in: the decoded project. Goes
 * out: facts by path; what development alone can have says so. Reads no image.
 */
#include <string.h>

#include "parity_parts.h"

#include "base/os.h"

struct say { /* facts of one service */
	struct arena *a;
	const struct parity_side *side;
	const struct service *s;
	const char *path; /* "services.NAME" */
	struct facts *out;
};

static struct fact *say(
	struct say *x, const char *group, const char *name, const char *value, struct place at)
{
	const char *path = path_key(x->a, x->path, group);
	return fact_add(x->a, x->out, name ? path_key(x->a, path, name) : path, value, at);
}

static void say_image(struct say *x)
{
	const struct service *s = x->s;
	const struct node *n = node_get(s->node, "image");
	const char *name = s->image ? s->image->name : s->image_name;
	if (s->where == RUN_HOST)
		say(x, "run", NULL, "host", s->place);
	if (name)
		say(x, "image", NULL, name, n ? n->place : s->place);
}

/* A shell line and a list of words may mean the same. */
static void say_words(struct say *x, const char *key, const struct node *n)
{
	cleanup_buf struct buf b = BUF_INIT;
	const char *why;
	const struct node *item;
	size_t count = 0;
	if (!n)
		return;
	char **words = node_text(n) ? split_words(x->a, node_text(n), &count, &why) : NULL;
	if (node_text(n) && !words)
		buf_adds(&b, node_text(n));
	for (size_t i = 0; i < count; i++) {
		buf_adds(&b, i ? " " : "");
		shell_quote(&b, words[i]);
	}
	node_each_item(n, i, item)
	{
		buf_adds(&b, i ? " " : "");
		shell_quote(&b, node_text(item) ? node_text(item) : "");
	}
	say(x, key, NULL, arena_strdup(x->a, buf_str(&b)), n->place);
}

static void say_environment(struct say *x)
{
	for (size_t i = 0; i < x->s->environment.count; i++) {
		const struct var *v = &x->s->environment.items[i];
		say(x, "environment", v->name, v->value ? v->value : "(from your environment)",
			v->place);
	}
}

static const char *port_text(struct arena *a, const struct port *p)
{
	const char *ip = p->host_ip ? p->host_ip : p->lan ? "0.0.0.0" : "127.0.0.1";
	if (p->how == PUB_NONE)
		return "not published";
	return p->how == PUB_AUTO ? arena_printf(a, "published, any port of %s", ip)
				  : arena_printf(a, "published as %s:%d", ip, p->published);
}

static void say_ports(struct say *x)
{
	for (size_t i = 0; i < x->s->ports.count; i++) {
		const struct port *p = &x->s->ports.items[i];
		say(x, "ports", arena_printf(x->a, "%d/%s", p->target, p->protocol),
			port_text(x->a, p), p->place);
	}
}

static const char *mount_text(struct say *x, const struct mount *m)
{
	static const char *const kinds[] = { "bind", "volume", "tmpfs" };
	const char *dir = x->side->project->dir, *source = m->source;
	if (m->kind == MOUNT_BIND && source && path_inside(dir, source))
		source = source[strlen(dir)] ? source + strlen(dir) + 1 : ".";
	return arena_printf(x->a, "%s%s%s%s", kinds[m->kind], source ? " " : "",
		source ? source : "", m->read_only ? ", read-only" : "");
}

static void say_expected(
	struct say *x, const char *target, const char *value, struct place at, const char *because)
{
	say(x, "volumes", target, value, at)->because = because;
}

static bool has_mount(const struct service *s, const char *target)
{
	for (size_t i = 0; i < s->mounts.count; i++) {
		if (streq(s->mounts.items[i].target, target))
			return true;
	}
	return false;
}

/* What development puts over an image that other environments fill at build time. */
static void say_develop(struct say *x)
{
	const struct develop *d = x->s->develop;
	const char *dir = x->s->working_dir ? x->s->working_dir : "/";
	if (!d || !x->side->project->dev || x->s->where == RUN_HOST)
		return;
	if (x->s->working_dir && !has_mount(x->s, dir))
		say_expected(x, dir, "the sources", d->place, "dev mirrors the sources");
	if (d->deps.install)
		say_expected(x, path_normal(x->a, path_join(x->a, dir, d->deps.into)),
			"the dependencies", d->deps.place,
			"dev installs dependencies into a volume");
}

static void say_mounts(struct say *x)
{
	for (size_t i = 0; i < x->s->mounts.count; i++) {
		const struct mount *m = &x->s->mounts.items[i];
		say(x, "volumes", m->target, mount_text(x, m), m->place);
	}
	say_develop(x);
}

static void say_secrets(struct say *x)
{
	for (size_t i = 0; i < x->s->secrets.count; i++) {
		const struct secret_use *u = &x->s->secrets.items[i];
		say(x, "secrets", u->source,
			strchr(u->target, '/') ? u->target
					       : arena_printf(x->a, "/run/secrets/%s", u->target),
			u->place);
	}
}

/* Said above, or the affair of one environment alone: how it is developed, built and watched. */
static const char *const said[] = { "image", "command", "entrypoint", "environment", "ports",
	"volumes", "secrets", "develop", "release", "extends", "client", "host", "run" };

static bool is_said(const char *key)
{
	for (size_t i = 0; i < countof(said); i++) {
		if (streq(said[i], key))
			return true;
	}
	return starts_with(key, "x-");
}

void facts_of_service(
	struct arena *a, const struct parity_side *side, const struct service *s, struct facts *out)
{
	struct say x = { a, side, s, path_key(a, "services", s->name), out };
	const struct node_pair *pair;
	say_image(&x);
	say_words(&x, "command", s->command);
	say_words(&x, "entrypoint", s->entrypoint);
	say_environment(&x);
	say_ports(&x);
	say_mounts(&x);
	say_secrets(&x);
	node_each_pair(s->node, i, pair)
	{
		if (!is_said(pair->key) && pair->value->kind != NODE_NULL)
			facts_of_node(a, out, path_key(a, x.path, pair->key), pair->value);
	}
}

/* ---- what belongs to no service ---- */

static void routes(struct arena *a, const struct project *p, struct facts *out)
{
	for (size_t i = 0; i < p->routes.count; i++) {
		const struct route *r = &p->routes.items[i];
		const char *path = path_key(a, "routes",
			arena_printf(a, "%s%s", r->public_host, r->path ? r->path : "/"));
		const char *via = r->via_name ? arena_printf(a, " via %s", r->via_name) : "";
		fact_add(a, out, path,
			arena_printf(a, "to %s:%d%s%s", r->to_name, r->port, via,
				r->strip ? ", stripped" : ""),
			r->place);
	}
}

/* How a value comes about, never the value. */
static const char *recipe_text(struct arena *a, const struct secret *s)
{
	static const char *const words[] = {
		[RECIPE_PASSWORD] = "generated: password",
		[RECIPE_HEX] = "generated: hex",
		[RECIPE_BASE64] = "generated: base64",
		[RECIPE_UUID] = "generated: uuid",
		[RECIPE_ED25519] = "generated: ed25519",
		[RECIPE_RSA] = "generated: rsa",
		[RECIPE_FILE] = "file",
		[RECIPE_ENVIRONMENT] = "environment",
		[RECIPE_COMMAND] = "command",
		[RECIPE_VALUE] = "a fixed value",
	};
	bool named = s->recipe == RECIPE_FILE || s->recipe == RECIPE_ENVIRONMENT ||
		     s->recipe == RECIPE_COMMAND;
	if (named && s->source)
		return arena_printf(a, "%s %s", words[s->recipe], s->source);
	return s->length ? arena_printf(a, "%s, %d", words[s->recipe], s->length)
			 : words[s->recipe];
}

static void secrets(struct arena *a, const struct project *p, struct facts *out)
{
	for (size_t i = 0; i < p->secrets.count; i++) {
		const struct secret *s = &p->secrets.items[i];
		fact_add(a, out, path_key(a, "secrets", s->name), recipe_text(a, s), s->place);
	}
}

static void images(struct arena *a, const struct project *p, struct facts *out)
{
	const struct node_pair *pair;
	for (size_t i = 0; i < p->images.count; i++) {
		const struct image *image = &p->images.items[i];
		const char *path = path_key(a, "images", image->name);
		const struct node *n = node_get(node_get(p->tree, "images"), image->name);
		if (!image->used)
			continue;
		node_each_pair(n, k, pair)
		{
			const char *below = path_key(a, path, pair->key);
			if (streq(pair->key, "packages"))
				facts_of_set(a, out, below, pair->value);
			else if (!starts_with(pair->key, "x-"))
				facts_of_node(a, out, below, pair->value);
		}
	}
}

void facts_of_project(struct arena *a, const struct project *p, struct facts *out)
{
	static const char *const sections[] = { "networks", "volumes", "caches", "configs" };
	routes(a, p, out);
	secrets(a, p, out);
	images(a, p, out);
	for (size_t i = 0; i < countof(sections); i++)
		facts_of_node(a, out, sections[i], node_get(p->tree, sections[i]));
}
