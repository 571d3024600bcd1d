/*
 * A compose file for production: self-contained, run by `docker compose` and accepted by `docker
 * stack deploy`. Comes in: the project of that environment, the commit. Goes out: a plan of files,
 * the compose file with the nginx mappings beside it. No path of this machine and no secret is in
 * them: a comment at the top says what the operator provides.
 */
#include "production.h"

#include <stdlib.h>
#include <string.h>

#include "doc/yaml.h"

static struct node *section(struct make *m)
{
	return node_map(m->a, (struct place){ 0 });
}

void production_secret(struct production *x, const char *name, const char *what)
{
	struct make *m = x->m;
	struct node *entry = section(m);
	if (map_has(&x->secrets, name))
		return;
	map_set(&x->secrets, name, (void *)what);
	if (x->req->external_secrets) {
		compose_put_bool(m, entry, "external", true);
		compose_put_text(m, entry, "name", arena_printf(m->a, "%s_%s", m->p->name, name));
	} else {
		compose_put_text(m, entry, "file", arena_printf(m->a, "./secrets/%s", name));
	}
	compose_put(m, x->top_secrets, name, entry);
}

static bool uses_volume(const struct make *m, const char *name)
{
	for (size_t i = 0; i < m->p->services.count; i++) {
		const struct service *s = m->units[i].service;
		for (size_t k = 0; m->units[i].present && k < s->mounts.count; k++) {
			const struct mount *v = &s->mounts.items[k];
			if (v->kind == MOUNT_VOLUME && streq(v->source, name))
				return true;
		}
	}
	return false;
}

static void put_volumes(struct production *x, struct node *top)
{
	static const char *const ours[] = { "kind", "per", "initial", "labels" };
	struct make *m = x->m;
	struct node *out = section(m);
	for (size_t i = 0; i < m->p->volumes.count; i++) {
		const struct volume *v = &m->p->volumes.items[i];
		struct node *entry = v->node && v->node->kind == NODE_MAP
					     ? compose_carry(m, NULL, v->node)
					     : section(m);
		for (size_t k = 0; k < countof(ours); k++)
			map_drop(entry, ours[k]);
		if (uses_volume(m, v->name))
			compose_put(m, out, v->name, entry);
	}
	if (node_count(out))
		compose_put(m, top, "volumes", out);
}

static void put_networks(struct production *x, struct node *top)
{
	struct make *m = x->m;
	struct node *out = section(m);
	const struct node_pair *pair;
	node_each_pair(node_get(m->p->tree, "networks"), i, pair)
	{
		struct node *entry = pair->value->kind == NODE_MAP
					     ? compose_carry(m, NULL, pair->value)
					     : section(m);
		compose_put(m, out, pair->key, entry);
	}
	if (node_count(out))
		compose_put(m, top, "networks", out);
}

/* A process of this machine has no place in what others run. */
static bool is_container(struct make *m, const struct unit *u)
{
	if (u->hosted)
		complain(m, u->service->place,
			"%s runs on the host: it cannot be part of a compose file for production",
			u->service->name)
			->hint = "say how it runs in a container for this environment, or take it "
				 "out: !reset";
	return u->present;
}

static struct node *compose_tree(struct production *x)
{
	struct make *m = x->m;
	struct node *top = section(m);
	const struct node *raw = node_get(m->p->tree, "compose");
	for (size_t i = 0; i < m->p->services.count; i++) {
		struct unit *u = &m->units[i];
		if (is_container(m, u))
			compose_put(m, x->services, u->service->name, production_service(x, u));
	}
	compose_put(m, top, "services", x->services);
	put_networks(x, top);
	put_volumes(x, top);
	if (node_count(x->top_secrets))
		compose_put(m, top, "secrets", x->top_secrets);
	if (node_count(x->configs))
		compose_put(m, top, "configs", x->configs);
	return raw && raw->kind == NODE_MAP ? compose_merge(m, top, compose_carry(m, NULL, raw))
					    : top;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct map_entry *)a)->key, ((const struct map_entry *)b)->key);
}

static void head_secrets(struct production *x, struct buf *out)
{
	if (!x->secrets.count)
		return;
	qsort(x->secrets.entries, x->secrets.count, sizeof(*x->secrets.entries), by_key);
	buf_adds(out, "# It needs these secrets, which devenv neither knows nor makes");
	buf_adds(out, x->req->external_secrets
			      ? ":\n"
			      : "; files beside this one that the\n# services' users can read:\n");
	for (size_t i = 0; i < x->secrets.count; i++) {
		const struct map_entry *s = &x->secrets.entries[i];
		if (x->req->external_secrets)
			buf_addf(out, "#   docker secret create %s_%s FILE   # %s\n", x->m->p->name,
				s->key, (const char *)s->value);
		else
			buf_addf(out, "#   secrets/%s   # %s\n", s->key, (const char *)s->value);
	}
}

static void head_images(struct production *x, struct buf *out)
{
	const struct make *m = x->m;
	buf_adds(out, x->secrets.count ? "# and these images:\n" : "# It needs these images:\n");
	for (size_t i = 0; i < m->p->services.count; i++) {
		const char *name = m->units[i].service->name;
		const char *image = node_text(node_get(node_get(x->services, name), "image"));
		if (image)
			buf_addf(out, "#   %s\n", image);
	}
}

static void add_text(struct make *m, const char *path, const char *text, size_t len)
{
	struct out_file *f = list_push(m->a, &m->plan->files);
	*f = (struct out_file){ .path = path, .mode = 0644, .source = FROM_PIECES };
	*list_push(m->a, &f->pieces) =
		(struct piece){ .text = arena_strndup(m->a, text, len), .len = len };
}

static void add_compose(struct production *x, const struct node *tree)
{
	struct make *m = x->m;
	cleanup_buf struct buf out = BUF_INIT;
	buf_addf(&out,
		"# Generated by devenv for the environment %s of %s. Changes are lost.\n#\n"
		"#   docker compose -p %s -f compose.yaml up -d\n"
		"#   docker stack deploy -c compose.yaml %s\n#\n",
		m->p->environment, m->p->name, m->p->name, m->p->name);
	head_secrets(x, &out);
	head_images(x, &out);
	yaml_write(&out, tree, NULL, NULL);
	add_text(m, "compose.yaml", buf_str(&out), out.len);
}

static void add_files(struct production *x, const struct node *tree)
{
	struct make *m = x->m;
	add_compose(x, tree);
	for (size_t i = 0; i < m->p->services.count; i++) {
		const struct unit *u = &m->units[i];
		if (u->routes)
			add_text(m, arena_printf(m->a, "nginx/%s.conf", u->service->name),
				u->routes, strlen(u->routes));
	}
}

int production_make(struct arena *a, const struct project *p, const struct world *w,
	const struct production_request *req, struct plan *out, struct diags *d)
{
	struct plan_request generate = { .goal = GOAL_GENERATE, .profiles = req->profiles };
	struct world elsewhere = { .source = w->source };
	struct make m;
	make_begin(&m, a, p, &elsewhere, &generate, out, d);
	m.production = true;
	struct production x = { .m = &m, .req = req, .secrets = MAP_INIT };
	x.top_secrets = section(&m);
	x.configs = section(&m);
	x.services = section(&m);
	select_units(&m);
	nginx_texts(&m);
	add_files(&x, compose_tree(&x));
	map_release(&x.secrets);
	return make_end(&m);
}
