/*
 * Rungs of the hierarchy: their build contexts and their tags, named by the hash of all that goes
 * in, the parent included. Comes in: images and the hashes of their files. Knows no project's name,
 * so that two projects with the same rung share it.
 */
#include "parts.h"

#include <string.h>

#include "base/embed.h"
#include "base/hash.h"
#include "base/os.h"
#include "planner/debug.h"

static const char *const proxies[] = { "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY",
	"HTTPS_PROXY", "NO_PROXY" };

const char *rung_file_name(struct arena *a, size_t index)
{
	return arena_printf(a, "files/%zu", index);
}

static const char *template_path(struct arena *a, const struct image_file *f)
{
	return arena_printf(a, "services/%s/%s", f->template, f->source);
}

static void add_embedded(struct make *m, struct rung *r, size_t index)
{
	const struct image_file *f = &r->image->files.items[index];
	const struct embedded *e = embed_find(template_path(m->a, f));
	if (!e) {
		complain(m, f->place, "template %s has no file %s", f->template, f->source);
		return;
	}
	*list_push(m->a, &r->build->files) = (struct context_file){
		.path = rung_file_name(m->a, index),
		.data = e->data,
		.len = e->size,
		.mode = f->mode         ? f->mode
			: e->executable ? 0755
					: 0644,
	};
}

static void add_project_file(struct make *m, struct rung *r, size_t index)
{
	const struct image_file *f = &r->image->files.items[index];
	const char *path = path_join(m->a, m->p->dir, f->source);
	if (!world_input(m->w, path))
		complain(m, f->place, "image %s wants a file that is not there: %s", r->image->name,
			f->source);
	*list_push(m->a, &r->build->files) = (struct context_file){
		.path = rung_file_name(m->a, index), .source = path, .mode = f->mode
	};
}

static void add_own_dockerfile(struct make *m, struct rung *r)
{
	const struct image *i = r->image;
	struct build *b = r->build;
	const char *path = path_normal(m->a, path_join(m->a, m->p->dir, i->dockerfile));
	const char *dir =
		i->context ? path_join(m->a, m->p->dir, i->context) : path_dir(m->a, path);
	b->context_dir = path_normal(m->a, dir);
	if (!world_input(m->w, path))
		complain(m, i->place, "image %s: there is no %s", i->name, i->dockerfile);
	if (path_inside(b->context_dir, path)) {
		b->dockerfile_path = path + strlen(b->context_dir) + 1;
		return;
	}
	b->dockerfile_path = "Dockerfile.devenv";
	*list_push(m->a, &b->files) =
		(struct context_file){ .path = b->dockerfile_path, .source = path, .mode = 0644 };
}

void rung_context(struct make *m, struct rung *r)
{
	const struct image *i = r->image;
	if (i->dockerfile) {
		add_own_dockerfile(m, r);
		return;
	}
	if (i->certificates_host)
		*list_push(m->a, &r->build->files) = (struct context_file){
			.path = "host.crt",
			.source = m->w->host_bundle_path ? m->w->host_bundle_path
							 : "/etc/ssl/certs/ca-certificates.crt",
			.mode = 0644,
		};
	for (size_t k = 0; k < i->files.count; k++)
		(i->files.items[k].template ? add_embedded : add_project_file)(m, r, k);
}

static void add_args(struct make *m, struct rung *r)
{
	const struct image *i = r->image;
	for (size_t k = 0; k < i->args.count; k++) {
		const struct var *v = &i->args.items[k];
		if (v->value && holds_secret(v->value))
			complain(m, v->place,
				"a secret as build argument stays in the image's history")
				->hint = "fetch what needs it when the service starts";
		strs_add(m->a, &r->build->args,
			v->value ? arena_printf(m->a, "%s=%s", v->name, v->value) : v->name);
	}
	if (i->dockerfile && (i->parent || i->from))
		strs_add(m->a, &r->build->args,
			arena_printf(m->a, "BASE=%s", r->parent ? r->parent->tag : r->from));
	for (size_t k = 0; k < countof(proxies); k++)
		strs_add(m->a, &r->build->args, proxies[k]);
}

/* Docker's names: letters and digits, single separators between them. */
const char *image_repository(struct arena *a, const char *name)
{
	char *out = arena_strdup(a, name);
	size_t len = 0;
	for (const char *s = name; *s; s++) {
		bool plain = (*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9');
		if (plain)
			out[len++] = *s;
		else if (len && out[len - 1] != '-')
			out[len++] = '-';
	}
	while (len && out[len - 1] == '-')
		len--;
	out[len] = '\0';
	return len ? out : "image";
}

static const char *tag_of(struct make *m, const struct rung *r)
{
	char hex[HASH_HEX + 1];
	struct hasher *h = hasher_new();
	for (size_t i = 0; i < RUNG_PARTS; i++) {
		if (i != RUNG_LOCK || *r->parts[i]) /* without devenv.lock nothing has changed */
			hasher_str(h, r->parts[i]);
	}
	hasher_end(h, hex);
	return arena_printf(
		m->a, "devenv/%s:%.*s", image_repository(m->a, r->image->name), TAG_HEX, hex);
}

static void rung_make(struct make *m, struct rung *r)
{
	struct build *b = arena_new(m->a, struct build);
	r->build = b;
	r->certificates = r->image->certificates_host || (r->parent && r->parent->certificates);
	b->image = r->image;
	b->timeout_ms = r->image->timeout_ms;
	b->no_cache = m->req && m->req->no_cache;
	b->pull = m->req && m->req->pull && r->image->dockerfile && !r->parent && !r->image->from;
	rung_lock(m, r);
	rung_notes(m, r);
	rung_context(m, r);
	add_args(m, r);
	if (!r->image->dockerfile) {
		b->dockerfile_path = "Dockerfile";
		b->dockerfile = dockerfile_text(m, r);
	}
	rung_parts(m, r);
	r->tag = b->tag = tag_of(m, r);
	strs_add(m->a, &b->labels, arena_printf(m->a, "devenv.image=%s", r->image->name));
	if (m->req && m->req->version)
		strs_add(
			m->a, &b->labels, arena_printf(m->a, "devenv.version=%s", m->req->version));
}

void rungs_make(struct make *m)
{
	for (size_t i = 0; i < m->p->images.count; i++) {
		if (!m->p->images.items[i].used)
			continue;
		rung_make(m, &m->rungs[i]);
		if (m->plan)
			*list_push(m->a, &m->plan->builds) = m->rungs[i].build;
	}
}

static void add_input(struct arena *a, struct strs *paths, const char *dir, const char *name)
{
	strs_add(a, paths, path_normal(a, path_join(a, dir, name)));
}

static void image_inputs(
	struct arena *a, const struct project *p, const struct image *i, struct strs *paths)
{
	if (i->dockerfile) {
		add_input(a, paths, p->dir, i->dockerfile);
		add_input(a, paths, p->dir,
			i->context ? i->context : path_dir(a, path_join(a, p->dir, i->dockerfile)));
		return;
	}
	for (size_t k = 0; k < i->files.count; k++) {
		if (!i->files.items[k].template)
			strs_add(a, paths, path_join(a, p->dir, i->files.items[k].source));
	}
}

/* A directory that `docker compose build` sends; a Git or web address is none. */
const char *build_context(struct arena *a, const struct project *p, const struct service *s)
{
	const char *dir = node_text(node_get(s->build, "context"));
	if (!s->build || (dir && strstr(dir, "://")) || (dir && starts_with(dir, "git@")))
		return NULL;
	return path_normal(a, path_join(a, p->dir, dir ? dir : "."));
}

/* A job runs again when what it works on changed. */
static void job_inputs(
	struct arena *a, const struct project *p, const struct service *s, struct strs *paths)
{
	if (s->kind != KIND_JOB)
		return;
	if (s->develop)
		strs_add(a, paths, s->develop->source);
	for (size_t i = 0; i < s->mounts.count; i++) {
		const struct mount *mount = &s->mounts.items[i];
		if (mount->kind == MOUNT_BIND && path_inside(p->dir, mount->source) &&
			!streq(p->dir, mount->source))
			strs_add(a, paths, mount->source);
	}
}

/* Compose reads a container's; a host service's are ours to follow. */
static void env_file_inputs(
	struct arena *a, const struct project *p, const struct service *s, struct strs *paths)
{
	const struct node *item;
	node_each_item(s->where == RUN_HOST ? node_get(s->node, "env_file") : NULL, i, item)
	{
		const char *path = node_text(node_get(item, "path"));
		if (path)
			strs_add(a, paths, path_normal(a, path_join(a, p->dir, path)));
	}
}

static void service_inputs(
	struct arena *a, const struct project *p, const struct service *s, struct strs *paths)
{
	const char *context = s->where == RUN_CONTAINER ? build_context(a, p, s) : NULL;
	if (context)
		strs_add(a, paths, context);
	const struct develop *code = service_code(s);
	if (s->release && !p->dev) {
		strs_add(a, paths, code->source);
		release_manifests(a, p, s, paths);
	}
	for (size_t i = 0; code && i < code->deps.lock.count; i++)
		strs_add(a, paths, path_join(a, p->dir, code->deps.lock.items[i]));
	job_inputs(a, p, s, paths);
	env_file_inputs(a, p, s, paths);
}

void plan_inputs(struct arena *a, const struct project *p, struct strs *paths)
{
	size_t kept = 0;
	for (size_t i = 0; i < p->images.count; i++) {
		if (p->images.items[i].used)
			image_inputs(a, p, &p->images.items[i], paths);
	}
	for (size_t i = 0; i < p->services.count; i++) {
		if (!p->services.items[i].left_out && !p->tools)
			service_inputs(a, p, &p->services.items[i], paths);
	}
	strs_sort(paths);
	for (size_t i = 0; i < paths->count; i++) {
		if (!kept || !streq(paths->items[kept - 1], paths->items[i]))
			paths->items[kept++] = paths->items[i];
	}
	paths->count = kept;
}

void plan_tags(struct arena *a, const struct project *p, const struct world *w, struct strs *tags)
{
	struct diags unheard = DIAGS_INIT(a);
	struct make m;
	make_init(&m, a, p, w, &unheard);
	rungs_make(&m);
	for (size_t i = 0; i < p->images.count; i++) {
		if (m.rungs[i].tag && !strs_has(tags, m.rungs[i].tag))
			strs_add(a, tags, m.rungs[i].tag);
	}
	releases_make(&m);
	for (size_t i = 0; i < p->services.count; i++) {
		if (m.units[i].release)
			strs_add(a, tags, m.units[i].release->tag);
	}
	if (p->tools && !p->debug.image)
		strs_add(a, tags, tools_image(a, p, w));
	make_release(&m);
}
