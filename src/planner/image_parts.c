/*
 * What goes into a rung, told apart: a short digest for each of its parts. Together they name the
 * image; one by one they say why it is built anew.
 */
#include "parts.h"

#include <string.h>

#include "base/hash.h"
#include "base/os.h"

static void add_var(struct hasher *h, const struct var *v)
{
	hasher_str(h, v->name);
	hasher_str(h, v->value);
}

static void add_strs(struct hasher *h, const struct strs *l)
{
	for (size_t i = 0; i < l->count; i++)
		hasher_str(h, l->items[i]);
}

static bool from_part(const struct make *m, const struct rung *r, struct hasher *h)
{
	(void)m;
	hasher_str(h, r->parent ? r->parent->tag : r->image->from);
	return true;
}

static bool packages_part(const struct make *m, const struct rung *r, struct hasher *h)
{
	(void)m;
	add_strs(h, &r->image->packages);
	return r->image->packages.count;
}

static bool user_part(const struct make *m, const struct rung *r, struct hasher *h)
{
	const struct image *i = r->image;
	long ids[] = { (long)mapped_uid(m, i), (long)mapped_gid(m, i) };
	hasher_str(h, i->user);
	hasher_field(h, ids, sizeof(ids));
	return i->user && i->user_own;
}

static bool locale_part(const struct make *m, const struct rung *r, struct hasher *h)
{
	(void)m;
	hasher_str(h, r->image->locale);
	hasher_str(h, r->image->timezone);
	return r->image->locale || r->image->timezone;
}

static bool files_part(const struct make *m, const struct rung *r, struct hasher *h)
{
	const struct image *i = r->image;
	for (size_t k = 0; k < i->files.count; k++) {
		hasher_str(h, i->files.items[k].target);
		hasher_str(h, i->files.items[k].owner);
	}
	for (size_t k = 0; k < r->build->files.count; k++) {
		const struct context_file *f = &r->build->files.items[k];
		if (!starts_with(f->path, "files/"))
			continue;
		hasher_field(h, &f->mode, sizeof(f->mode));
		hasher_str(h, f->source ? world_input(m->w, f->source) : NULL);
		hasher_field(h, f->data, f->len);
	}
	return i->files.count;
}

static bool run_part(const struct make *m, const struct rung *r, struct hasher *h)
{
	(void)m;
	add_strs(h, &r->image->run);
	return r->image->run.count;
}

static bool env_part(const struct make *m, const struct rung *r, struct hasher *h)
{
	(void)m;
	for (size_t i = 0; i < r->image->env.count; i++)
		add_var(h, &r->image->env.items[i]);
	return r->image->env.count;
}

static bool args_part(const struct make *m, const struct rung *r, struct hasher *h)
{
	(void)m;
	for (size_t i = 0; i < r->image->args.count; i++)
		add_var(h, &r->image->args.items[i]);
	return r->image->args.count;
}

static bool certificates_part(const struct make *m, const struct rung *r, struct hasher *h)
{
	hasher_str(h, r->image->certificates_host ? m->w->host_bundle : NULL);
	return r->image->certificates_host;
}

static bool lock_part(const struct make *m, const struct rung *r, struct hasher *h)
{
	const struct locked_image *from = locked_image(m->w->locked, r->image->from);
	const struct packages *l = r->lock ? &r->lock->packages : NULL;
	bool stands = from && !r->parent;
	hasher_str(h, stands ? from->digest : NULL);
	for (size_t i = 0; l && i < l->count; i++) {
		hasher_str(h, l->items[i].name);
		hasher_str(h, l->items[i].version);
	}
	return stands || (l && l->count);
}

/* Ours is text that follows from the other parts and from how this version writes them. */
static bool dockerfile_part(const struct make *m, const struct rung *r, struct hasher *h)
{
	const struct build *b = r->build;
	hasher_str(h, b->dockerfile);
	hasher_str(h, r->image->target);
	if (b->dockerfile)
		return true;
	hasher_str(h, b->dockerfile_path);
	hasher_str(h, world_input(m->w, b->context_dir));
	hasher_str(h, world_input(m->w,
			      path_normal(m->a, path_join(m->a, m->p->dir, r->image->dockerfile))));
	return true;
}

static bool (*const parts[RUNG_PARTS])(
	const struct make *, const struct rung *, struct hasher *) = {
	[RUNG_FROM] = from_part,
	[RUNG_PACKAGES] = packages_part,
	[RUNG_USER] = user_part,
	[RUNG_LOCALE] = locale_part,
	[RUNG_FILES] = files_part,
	[RUNG_RUN] = run_part,
	[RUNG_ENV] = env_part,
	[RUNG_ARGS] = args_part,
	[RUNG_CERTIFICATES] = certificates_part,
	[RUNG_LOCK] = lock_part,
	[RUNG_DOCKERFILE] = dockerfile_part,
};

void rung_parts(struct make *m, struct rung *r)
{
	for (size_t i = 0; i < RUNG_PARTS; i++) {
		char hex[HASH_HEX + 1];
		struct hasher *h = hasher_new();
		bool said = parts[i](m, r, h);
		hasher_end(h, hex);
		if (said)
			memcpy(r->parts[i], hex, SHORT_HEX);
	}
}
