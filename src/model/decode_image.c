/*
 * `images:` in, rungs with their parents out, parents before children. Knows which rung stands on
 * which by default; whether a registry image exists is not known here.
 */
#include "decode.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { BUILD_TIMEOUT_MS = 20 * 60 * 1000, DEFAULT_ID = 1000 };

static const char default_ground[] = "debian:bookworm-slim";

static const struct slot image_slots[] = {
	{ "from", SLOT_TEXT, offsetof(struct image, from) },
	{ "dockerfile", SLOT_TEXT, offsetof(struct image, dockerfile) },
	{ "context", SLOT_TEXT, offsetof(struct image, context) },
	{ "target", SLOT_TEXT, offsetof(struct image, target) },
	{ "args", SLOT_VARS, offsetof(struct image, args) },
	{ "packages", SLOT_STRS, offsetof(struct image, packages) },
	{ "locale", SLOT_TEXT, offsetof(struct image, locale) },
	{ "timezone", SLOT_TEXT, offsetof(struct image, timezone) },
	{ "run", SLOT_STRS, offsetof(struct image, run) },
	{ "env", SLOT_VARS, offsetof(struct image, env) },
	{ "timeout", SLOT_MS, offsetof(struct image, timeout_ms) },
};

static void user_read(struct image *image, const struct node *n)
{
	int64_t id;
	const char *name = n && node_is_scalar(n) ? node_text(n) : text_at(n, "name");
	if (!name)
		return;
	image->user = name;
	image->user_own = true;
	image->uid = integer(node_get(n, "uid"), &id) ? (uid_t)id : DEFAULT_ID;
	image->gid = integer(node_get(n, "gid"), &id) ? (gid_t)id : image->uid;
}

static bool plain_word(const char *s, const char *further)
{
	if (!isalnum((unsigned char)*s))
		return false;
	while (*s && (isalnum((unsigned char)*s) || strchr(further, *s)))
		s++;
	return !*s;
}

static mode_t mode_of(const struct node *n)
{
	const char *text = n && node_is_scalar(n) ? node_text(n) : NULL;
	if (text && starts_with(text, "0o"))
		text += 2;
	return text ? (mode_t)strtoul(text, NULL, 8) & 07777 : 0;
}

/* Words that end up in a Dockerfile and on apt's command line: no spaces, no shell. */
static void words_check(struct decode *c, const struct image *image, const struct node *n)
{
	static const struct {
		const char *key, *letters, *what;
	} plain[] = { { "packages", "+-.:~=_/", "the name of a package" },
		{ "locale", "_.@-", "a locale" }, { "timezone", "_+-/", "a time zone" } };
	for (size_t i = 0; i < countof(plain); i++) {
		const struct node *v = node_get(n, plain[i].key);
		struct node *item;
		char *path = arena_printf(c->a, "images.%s.%s", image->name, plain[i].key);
		if (v && node_is_scalar(v) && !plain_word(node_text(v), plain[i].letters))
			say(c, SEV_ERROR, v->place, path, "\"%s\" is not %s", node_text(v),
				plain[i].what);
		node_each_item(v, k, item)
		{
			if (node_is_scalar(item) && !plain_word(node_text(item), plain[i].letters))
				say(c, SEV_ERROR, item->place, path_item(c, path, k),
					"\"%s\" is not %s", node_text(item), plain[i].what);
		}
	}
}

static void file_read_entry(struct decode *c, struct image *image, const struct node_pair *pair)
{
	const struct node *v = pair->value;
	struct image_file *f = list_push(c->a, &image->files);
	f->source = pair->key;
	f->place = pair->key_place.file ? pair->key_place : v->place;
	f->target = node_is_scalar(v) ? node_text(v) : text_at(v, "target");
	f->owner = text_at(v, "owner");
	f->mode = mode_of(node_get(v, "mode"));
	f->template = template_of(c, v->place);
	if (f->template)
		image->template = f->template;
	if (!f->target || *f->target != '/') {
		char *files = arena_printf(c->a, "images.%s.files", image->name);
		say(c, SEV_ERROR, v->place, path_of(c, files, pair->key),
			"the file's target must be an absolute path in the image");
		image->files.count--;
	}
}

static void ground(struct decode *c, struct image *image, const struct node *images)
{
	const struct node *base = node_get(images, "base");
	if (!image->from && !image->dockerfile)
		image->from = base && !streq(image->name, "base") ? "base" : default_ground;
	const char *near = image->from && !node_get(images, image->from)
				   ? nearest_key(c, images, image->from)
				   : NULL;
	if (near && !streq(near, image->name)) {
		const struct node *from = node_get(node_get(images, image->name), "from");
		struct diag *d = say(c, SEV_WARNING, from ? from->place : image->place,
			arena_printf(c->a, "images.%s.from", image->name),
			"no rung is called \"%s\": taken as an image of a registry", image->from);
		d->hint = arena_printf(c->a, "did you mean \"%s\"?", near);
	}
}

static void image_read(struct decode *c, struct image *image, const struct node_pair *pair,
	const struct node *images)
{
	const struct node *n = pair->value, *files = node_get(n, "files");
	const struct node_pair *file;
	image->name = pair->key;
	image->place = pair->key_place.file ? pair->key_place : n->place;
	image->timeout_ms = BUILD_TIMEOUT_MS;
	image->template = template_of(c, image->place);
	slots_read(c, n, image_slots, countof(image_slots), image);
	words_check(c, image, n);
	user_read(image, node_get(n, "user"));
	const char *certificates = text_at(n, "certificates");
	image->certificates_host = certificates && streq(certificates, "host");
	node_each_pair(files, i, file) file_read_entry(c, image, file);
	ground(c, image, images);
}

struct image_cycle {
	struct decode *c;
	struct image *images;
};

static void image_cycle(void *ctx, const size_t *path, size_t len, const struct edge *closing)
{
	struct image_cycle *ic = ctx;
	const char *name = ic->images[closing->from].name;
	struct diag *d = say(ic->c, SEV_ERROR, closing->place,
		arena_printf(ic->c->a, "images.%s.from", name),
		"images stand on each other in a cycle: %s",
		cycle_text(ic->c->a, ic->images, sizeof(struct image), path, len));
	d->hint = "let one of them stand on an image of a registry";
	ic->images[closing->from].from = NULL;
}

static void stand_edges(struct decode *c, struct graph *g, const struct image *images,
	struct map *index, const struct node *tree)
{
	for (size_t i = 0; i < g->nodes; i++) {
		void *to = images[i].from ? map_get(index, images[i].from) : NULL;
		if (!to)
			continue;
		struct edge *e = list_push(c->a, &g->edges);
		e->from = i;
		e->to = (size_t)(uintptr_t)to - 1;
		e->place = place_at(node_get(tree, images[i].name), "from", images[i].place);
	}
}

/* Parents come first, so each rung's user can be taken over from a finished one. */
static void stand(struct project *p)
{
	for (size_t i = 0; i < p->images.count; i++) {
		struct image *image = &p->images.items[i];
		image->parent = image->from ? project_image(p, image->from) : NULL;
		if (image->parent && !image->user_own) {
			image->user = image->parent->user;
			image->uid = image->parent->uid;
			image->gid = image->parent->gid;
		}
	}
}

void decode_images(struct decode *c)
{
	const struct node *n = node_get(c->tree, "images");
	const struct node_pair *pair;
	LIST_OF(struct image) read = { 0 };
	cleanup_map struct map index = MAP_INIT;
	node_each_entry(n, i, pair)
	{
		image_read(c, list_push(c->a, &read), pair, n);
		map_set(&index, pair->key, (void *)(uintptr_t)read.count);
	}
	struct graph g = { .nodes = read.count };
	struct image_cycle ic = { .c = c, .images = read.items };
	stand_edges(c, &g, read.items, &index, n);
	size_t *order = graph_order(c->a, &g, image_cycle, &ic);
	for (size_t i = 0; i < read.count; i++)
		*list_push(c->a, &c->p->images) = read.items[order[i]];
	names_index(c->a, &c->p->image_names, c->p->images.items, c->p->images.count,
		sizeof(struct image));
	stand(c->p);
}
