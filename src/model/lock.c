/*
 * devenv.lock to values and back. Comes in: text of the repository, which nobody vouches for. Goes
 * out: names and versions that are nothing else, or diagnostics. Does not know the project.
 */
#include "model/lock.h"

#include <stdlib.h>
#include <string.h>

#include "doc/yaml.h"

static const char header[] =
	"# What the images of this project are made of, to the digest and the version. Commit it.\n"
	"# `devenv lock` writes it, `devenv lock --update [IMAGE...]` brings what is newer.\n";

static const char local_mark[] = "local:";
static const struct place nowhere;

struct reader {
	struct arena *a;
	struct diags *d;
};

/* ---- what a word may be ---- */

static bool word_of(const char *s, const char *first, const char *more)
{
	return s && *s && strchr(first, *s) && !s[strspn(s, more)];
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

static bool is_package(const char *s)
{
	return word_of(s, LOWER DIGIT, LOWER DIGIT "+-.:");
}

static bool is_version(const char *s)
{
	return word_of(s, LOWER UPPER DIGIT, LOWER UPPER DIGIT "+-.:~");
}

static bool is_rung(const char *s)
{
	return word_of(s, LOWER UPPER DIGIT, LOWER UPPER DIGIT "_.-");
}

static bool is_image(const char *s)
{
	return word_of(s, LOWER UPPER DIGIT, LOWER UPPER DIGIT "_.-/:@");
}

static bool is_hex(const char *s, size_t len)
{
	return strlen(s) == len && strspn(s, DIGIT "abcdef") == len;
}

static bool is_digest(const char *s)
{
	return starts_with(s, "sha256:") && is_hex(s + 7, 64);
}

static bool is_inputs(const char *s)
{
	return is_hex(s, 16);
}

static bool refuse(struct reader *r, struct place at, const char *what, const char *text)
{
	diag_add(r->d, SEV_ERROR, at, "\"%s\" is no %s", text ? text : "", what)->hint =
		"remove the file and run `devenv lock`: it writes it anew";
	return false;
}

static bool fits(struct reader *r, bool (*is)(const char *), const char *what, struct place at,
	const char *s)
{
	return (s && is(s)) || refuse(r, at, what, s);
}

/* A map, or nothing at all. */
static bool is_map(struct reader *r, const struct node *n, const char *what)
{
	if (!n || n->kind == NODE_MAP || n->kind == NODE_NULL)
		return true;
	diag_add(r->d, SEV_ERROR, n->place, "%s: expected a mapping, got %s", what,
		node_kind_name(n->kind));
	return false;
}

/* ---- reading ---- */

static void read_images(struct reader *r, const struct node *n, struct lockfile *out)
{
	const struct node_pair *p;
	node_each_pair(n, i, p)
	{
		const char *text = node_text(p->value);
		bool local = text && starts_with(text, local_mark);
		const char *digest = local ? text + strlen(local_mark) : text;
		if (!fits(r, is_image, "name of an image", p->key_place, p->key) ||
			!fits(r, is_digest, "digest", p->value->place, digest))
			continue;
		*list_push(r->a, &out->images) = (struct locked_image){
			.name = p->key, .digest = digest, .local = local, .place = p->key_place
		};
	}
}

static void read_packages(struct reader *r, const struct node *n, struct packages *out)
{
	const struct node_pair *p;
	if (!is_map(r, n, "packages"))
		return;
	node_each_pair(n, i, p)
	{
		const char *version = node_text(p->value);
		if (!fits(r, is_package, "name of a package", p->key_place, p->key) ||
			!fits(r, is_version, "version of a package", p->value->place, version))
			continue;
		*list_push(r->a, out) = (struct deb_package){
			.name = p->key, .version = version, .place = p->key_place
		};
	}
}

static void read_rung(struct reader *r, const struct node_pair *p, struct locked_rung *out)
{
	const struct node *inputs = node_get(p->value, "inputs");
	*out = (struct locked_rung){ .name = p->key, .place = p->key_place };
	fits(r, is_rung, "name of an image", p->key_place, p->key);
	if (!is_map(r, p->value, p->key))
		return;
	out->inputs = node_text(inputs);
	fits(r, is_inputs, "hash of inputs", inputs ? inputs->place : p->key_place, out->inputs);
	read_packages(r, node_get(p->value, "packages"), &out->packages);
	read_packages(r, node_get(p->value, "others"), &out->others);
}

static void read_top(struct reader *r, const struct node *n, struct lockfile *out)
{
	const struct node *version = node_get(n, "version"), *images = node_get(n, "images"),
			  *rungs = node_get(n, "rungs");
	const struct node_pair *p;
	if (!version || version->kind != NODE_INT || version->integer < 1) {
		refuse(r, version ? version->place : n->place, "version of a lock file",
			node_text(version));
		return;
	}
	if (version->integer > LOCK_VERSION) {
		diag_add(r->d, SEV_ERROR, version->place,
			"this lock file is of version %lld; this devenv reads %d",
			(long long)version->integer, LOCK_VERSION)
			->hint = "a newer devenv wrote it: update devenv";
		return;
	}
	if (!is_map(r, images, "images") || !is_map(r, rungs, "rungs"))
		return;
	read_images(r, images, out);
	node_each_pair(rungs, i, p) read_rung(r, p, list_push(r->a, &out->rungs));
}

/* Two branches that both locked: git leaves its marks, and YAML's complaint would not say so. */
static bool has_conflict(const char *text, const char *file, struct diags *d)
{
	int line = 1;
	for (const char *s = text; s; s = strchr(s, '\n'), s = s ? s + 1 : NULL, line++) {
		if (!starts_with(s, "<<<<<<< "))
			continue;
		diag_add(d, SEV_ERROR, (struct place){ .file = file, .line = line, .col = 1 },
			"a conflict of a merge is not settled here")
			->hint = "take either side (`git checkout --theirs " LOCK_FILE
				 "`), then run `devenv lock`";
		return true;
	}
	return false;
}

int lockfile_read(struct arena *a, const char *text, size_t len, const char *file,
	struct lockfile *out, struct diags *d)
{
	struct reader r = { a, d };
	size_t before = d->errors;
	bool empty = false;
	*out = (struct lockfile){ 0 };
	if (has_conflict(text, file, d))
		return -1;
	struct node *n = yaml_read(a, text, len, file, file, d, &empty);
	if (empty)
		diag_add(d, SEV_ERROR, (struct place){ .file = file }, "the lock file is empty")
			->hint = "remove it, or run `devenv lock`";
	else if (n && n->kind != NODE_MAP)
		is_map(&r, n, file);
	else if (n)
		read_top(&r, n, out);
	lockfile_sort(out);
	return d->errors == before ? 0 : -1;
}

/* ---- writing ---- */

static void put_text(struct arena *a, struct node *map, const char *key, const char *text)
{
	map_put(a, map, key, nowhere, node_str(a, text, nowhere));
}

static void put_packages(
	struct arena *a, struct node *rung, const char *key, const struct packages *l)
{
	struct node *map = node_map(a, nowhere);
	for (size_t i = 0; i < l->count; i++)
		put_text(a, map, l->items[i].name, l->items[i].version);
	if (l->count)
		map_put(a, rung, key, nowhere, map);
}

void lockfile_write(struct buf *out, const struct lockfile *l)
{
	struct arena a = ARENA_INIT;
	struct node *top = node_map(&a, nowhere), *images = node_map(&a, nowhere),
		    *rungs = node_map(&a, nowhere);
	for (size_t i = 0; i < l->images.count; i++) {
		const struct locked_image *k = &l->images.items[i];
		put_text(&a, images, k->name,
			arena_printf(&a, "%s%s", k->local ? local_mark : "", k->digest));
	}
	for (size_t i = 0; i < l->rungs.count; i++) {
		const struct locked_rung *k = &l->rungs.items[i];
		struct node *rung = node_map(&a, nowhere);
		put_text(&a, rung, "inputs", k->inputs);
		put_packages(&a, rung, "packages", &k->packages);
		put_packages(&a, rung, "others", &k->others);
		map_put(&a, rungs, k->name, nowhere, rung);
	}
	map_put(&a, top, "version", nowhere, node_int(&a, LOCK_VERSION, nowhere));
	map_put(&a, top, "images", nowhere, images);
	map_put(&a, top, "rungs", nowhere, rungs);
	buf_adds(out, header);
	yaml_write(out, top, NULL, NULL);
	arena_release(&a);
}

/* ---- looking up ---- */

const struct locked_image *locked_image(const struct lockfile *l, const char *name)
{
	for (size_t i = 0; l && i < l->images.count; i++)
		if (streq(l->images.items[i].name, name))
			return &l->images.items[i];
	return NULL;
}

const struct locked_rung *locked_rung(const struct lockfile *l, const char *name)
{
	for (size_t i = 0; l && i < l->rungs.count; i++)
		if (streq(l->rungs.items[i].name, name))
			return &l->rungs.items[i];
	return NULL;
}

/* Of all that is sorted here the name comes first. */
static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const struct deb_package *package_find(const struct packages *l, const char *name)
{
	return l->count ? bsearch(&name, l->items, l->count, sizeof(*l->items), by_name) : NULL;
}

void packages_sort(struct packages *l)
{
	if (l->count)
		qsort(l->items, l->count, sizeof(*l->items), by_name);
}

void lockfile_sort(struct lockfile *l)
{
	if (l->images.count)
		qsort(l->images.items, l->images.count, sizeof(*l->images.items), by_name);
	if (l->rungs.count)
		qsort(l->rungs.items, l->rungs.count, sizeof(*l->rungs.items), by_name);
	for (size_t i = 0; i < l->rungs.count; i++) {
		packages_sort(&l->rungs.items[i].packages);
		packages_sort(&l->rungs.items[i].others);
	}
}

const char *locked_reference(struct arena *a, const struct locked_image *i)
{
	const char *slash = strrchr(i->name, '/'), *last = slash ? slash : i->name;
	size_t len = (size_t)(last - i->name) + strcspn(last, ":@");
	return i->local ? i->name : arena_printf(a, "%.*s@%s", (int)len, i->name, i->digest);
}
