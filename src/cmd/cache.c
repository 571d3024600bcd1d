/*
 * cache save, cache restore: dependencies, download caches and images of a project in one file, for
 * another machine. Comes in: a file's name. Goes out: the file, or what it holds as far as the
 * engine lacks it, after all of it was found whole.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/lifecycle.h"
#include "planner/carry.h"
#include "run/engine/bundle.h"
#include "run/data/cache_file.h"
#include "run/engine/image_files.h"
#include "run/probe.h"
#include "run/data/snapshot.h"

static const struct place no;
static const char images_file[] = "images.tar.zst";

struct carrying {
	struct context *c;
	const char *machine; /* of the engine: "linux/amd64" */
	const char *dir;     /* where parts lie meanwhile */
	struct carried all;
	struct strs have; /* of its images: those that the engine has; sorted */
	struct node *parts;
	size_t images, volumes; /* how many were taken */
	size_t there;           /* and how many the engine had already */
};

static struct volume_desk desk_of(struct context *c)
{
	return (struct volume_desk){ .engine = c->engine,
		.loop = c->loop,
		.workspace = c->project.workspace,
		.root = c->project.dir };
}

/* Which of these images the engine has. */
static int seek_images(struct carrying *x, const struct strs *names, struct strs *have)
{
	struct context *c = x->c;
	if (engine_images(c->engine, &c->arena, names, &c->world, &c->error))
		return -1;
	for (size_t i = 0; i < names->count; i++)
		if (world_has_image(&c->world, names->items[i]))
			strs_add(&c->arena, have, names->items[i]);
	strs_sort(have);
	return 0;
}

static const char *word_of(const struct node *n, const char *key)
{
	const char *text = node_text(node_get(n, key));
	return text ? text : "?";
}

static int open_carrying(struct carrying *x)
{
	struct context *c = x->c;
	struct strs inputs = { 0 };
	struct node *engine;
	int status = take_lock(c);
	status = status ? status : open_engine(c);
	if (!status && !c->project.dev)
		status = look_at_source(c, NULL);
	if (status)
		return status;
	if (engine_version(c->engine, &c->arena, &engine, &c->error))
		return fail(c);
	x->machine =
		arena_printf(&c->arena, "%s/%s", word_of(engine, "Os"), word_of(engine, "Arch"));
	c->loop = c->loop ? c->loop : loop_new();
	plan_inputs(&c->arena, &c->project, &inputs);
	if (probe_inputs(&c->arena, &inputs, &c->world, &c->error))
		return fail(c);
	plan_carried(&c->arena, &c->project, &c->world, &x->all);
	return seek_images(x, &x->all.images, &x->have) ? fail(c) : 0;
}

/* What a killed run left there goes first. */
static int begin_dir(struct carrying *x, const char *dir)
{
	x->dir = dir;
	return tree_remove(dir, &x->c->error) || dir_make(dir, 0700, &x->c->error) ? -1 : 0;
}

static void end_dir(struct carrying *x)
{
	struct err ignored = ERR_INIT;
	tree_remove(x->dir, &ignored);
}

/* ---- save ---- */

static void put_text(struct carrying *x, struct node *n, const char *key, const char *text)
{
	map_put(&x->c->arena, n, key, no, node_str(&x->c->arena, text, no));
}

static void put_number(struct carrying *x, struct node *n, const char *key, int64_t number)
{
	map_put(&x->c->arena, n, key, no, node_int(&x->c->arena, number, no));
}

static struct node *add_part(
	struct carrying *x, const char *kind, const char *file, int64_t bytes, const char *sha256)
{
	struct node *n = node_map(&x->c->arena, no);
	put_text(x, n, "kind", kind);
	put_text(x, n, "file", file);
	put_number(x, n, "bytes", bytes);
	put_text(x, n, "sha256", sha256);
	list_add(&x->c->arena, x->parts, n);
	return n;
}

static int sum_of(struct carrying *x, const char *path, struct tarball_sum *sum)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(&x->c->error, "%s", path);
	int rc = tarball_sum_up(fd, sum, &x->c->error);
	close(fd);
	return rc;
}

static int save_images(struct carrying *x)
{
	struct context *c = x->c;
	struct tarball_sum sum;
	const char *path = path_join(&c->arena, x->dir, images_file);
	if (!x->have.count)
		return 0;
	if (images_save(c->engine, c->loop, &x->have, path, &c->error) || sum_of(x, path, &sum))
		return -1;
	struct node *names = node_list(&c->arena, no);
	for (size_t i = 0; i < x->have.count; i++)
		list_add(&c->arena, names, node_str(&c->arena, x->have.items[i], no));
	map_put(&c->arena, add_part(x, "images", images_file, sum.len, sum.hex), "images", no,
		names);
	x->images = x->have.count;
	return 0;
}

static int save_volume(struct carrying *x, const struct carried_volume *v)
{
	struct context *c = x->c;
	struct volume_desk d = desk_of(c);
	struct volume_seen seen = { 0 };
	struct snapshot_part part = { .volume = v->name };
	if (volume_look(c->engine, &c->arena, v->name, &seen, &c->error))
		return -1;
	if (!seen.exists)
		return 0;
	if (snapshot_save(&d, &c->arena, v->name, x->dir, &part, &c->error))
		return -1;
	struct node *n = add_part(x, v->kind, part.file, part.packed, part.sha256);
	put_text(x, n, "volume", v->name);
	put_number(x, n, "entries", part.facts.entries);
	put_number(x, n, "unpacked", part.facts.bytes);
	x->volumes++;
	return 0;
}

static int save_all(struct carrying *x, const char *file, int64_t *size)
{
	struct context *c = x->c;
	struct volume_desk d = desk_of(c);
	struct node *manifest = node_map(&c->arena, no);
	if (volume_tidy(&d, &c->error) || save_images(x))
		return -1;
	for (size_t i = 0; i < x->all.volumes.count; i++) {
		if (save_volume(x, &x->all.volumes.items[i]))
			return -1;
	}
	put_number(x, manifest, "format", CACHE_FORMAT);
	put_text(x, manifest, "project", c->project.name);
	put_text(x, manifest, "machine", x->machine);
	map_put(&c->arena, manifest, "parts", no, x->parts);
	return bundle_write(&c->arena, file, x->dir, manifest, size, &c->error);
}

/* other: what only one of the two has to say. */
static void show_json(struct carrying *x, const char *file, const char *other, int64_t number)
{
	struct node *n = node_map(&x->c->arena, no);
	put_text(x, n, "file", file);
	put_text(x, n, "machine", x->machine);
	put_number(x, n, "images", (int64_t)x->images);
	put_number(x, n, "volumes", (int64_t)x->volumes);
	put_number(x, n, other, number);
	emit_node(n);
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static int save(struct carrying *x, const char *file)
{
	struct context *c = x->c;
	int64_t size = 0;
	const char *folder = path_dir(&c->arena, file);
	const char *dir = arena_printf(&c->arena, "%s/.%s.devenv", folder, path_base(file));
	if (dir_exists(file))
		return fail_with(c, ERR_USAGE, "%s is a directory", file);
	int bad = begin_dir(x, dir) || save_all(x, file, &size);
	end_dir(x);
	if (bad)
		return fail(c);
	if (c->g.json)
		show_json(x, file, "bytes", size);
	else
		note(c, "%s: %.1f MiB: %zu image%s, %zu volume%s", file, (double)size / (1 << 20),
			x->images, plural(x->images), x->volumes, plural(x->volumes));
	return 0;
}

/* ---- restore ---- */

/* An archive may bring what devenv names by its content, and nothing else may change its meaning.
 */
static int check_images(struct carrying *x, const struct node *part)
{
	struct context *c = x->c;
	struct strs names = { 0 };
	const char *path = path_join(&c->arena, x->dir, node_text(node_get(part, "file")));
	if (images_list(&c->arena, path, &names, &c->error))
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		if (!starts_with(names.items[i], "devenv/") &&
			!strs_has(&x->all.images, names.items[i]))
			return cache_refuse(&c->error,
				arena_printf(&c->arena, "it would change the image %.200s",
					names.items[i]));
	}
	return 0;
}

static int check_all(struct carrying *x, const struct node *manifest)
{
	const struct node *part;
	if (cache_check(manifest, x->machine, &x->c->error))
		return -1;
	node_each_item(node_get(manifest, "parts"), i, part)
	{
		if (cache_part_has_images(part) && check_images(x, part))
			return -1;
	}
	return 0;
}

static int restore_images(struct carrying *x, const struct node *part)
{
	struct context *c = x->c;
	struct strs names = { 0 }, have = { 0 };
	node_texts(&c->arena, node_get(part, "images"), &names);
	if (seek_images(x, &names, &have))
		return -1;
	x->there += have.count;
	if (have.count >= names.count)
		return 0;
	x->images += names.count - have.count;
	return images_load(c->engine, c->loop,
		path_join(&c->arena, x->dir, node_text(node_get(part, "file"))), &c->error);
}

/* One that could not be filled is no cache, but a trap. */
static int restore_volume(struct carrying *x, const struct node *n)
{
	struct context *c = x->c;
	struct volume_desk d = desk_of(c);
	struct volume_seen seen = { 0 };
	struct snapshot s = { .name = "of the cache", .dir = x->dir };
	const char *name = node_text(node_get(n, "volume")), *kind = node_text(node_get(n, "kind"));
	struct snapshot_part part = { .volume = name,
		.file = node_text(node_get(n, "file")),
		.facts = { .entries = node_get(n, "entries")->integer,
			.bytes = node_get(n, "unpacked")->integer } };
	struct err ignored = ERR_INIT;
	if (volume_look(c->engine, &c->arena, name, &seen, &c->error))
		return -1;
	x->there += seen.exists;
	if (seen.exists)
		return 0;
	if (shared_volume_make(
		    c->engine, name, streq(kind, "cache") ? "cache" : "dependencies", &c->error))
		return -1;
	if (snapshot_fill(&d, &s, &part, name, &c->error)) {
		engine_remove_volume(c->engine, name, &ignored);
		return -1;
	}
	x->volumes++;
	return 0;
}

static int restore_all(struct carrying *x, const char *file)
{
	struct context *c = x->c;
	struct volume_desk d = desk_of(c);
	struct node *manifest;
	const struct node *part;
	if (bundle_read(&c->arena, file, x->dir, &manifest, &c->error) || check_all(x, manifest) ||
		volume_tidy(&d, &c->error))
		return -1;
	node_each_item(node_get(manifest, "parts"), i, part)
	{
		if (cache_part_has_images(part) ? restore_images(x, part) : restore_volume(x, part))
			return -1;
	}
	return 0;
}

static int restore(struct carrying *x, const char *file)
{
	struct context *c = x->c;
	const char *dir =
		arena_printf(&c->arena, "%s/carry-%s", c->places.cache, c->project.workspace);
	int bad = begin_dir(x, dir) || restore_all(x, file);
	end_dir(x);
	if (bad)
		return fail(c);
	if (c->g.json)
		show_json(x, file, "there", (int64_t)x->there);
	else
		note(c, "%s: %zu image%s and %zu volume%s restored, %zu there already", file,
			x->images, plural(x->images), x->volumes, plural(x->volumes), x->there);
	return 0;
}

/* ---- the command ---- */

static const struct {
	const char *word;
	int (*run)(struct carrying *x, const char *file);
} verb_table[] = { { "save", save }, { "restore", restore } };

static int run_cache(struct context *c, const void *opts, const struct strs *args)
{
	struct carrying x = { .c = c, .parts = node_list(&c->arena, no) };
	(void)opts;
	for (size_t i = 0; i < countof(verb_table); i++) {
		if (!streq(verb_table[i].word, args->items[0]))
			continue;
		int status = open_carrying(&x);
		return status ? status : verb_table[i].run(&x, args->items[1]);
	}
	return wrong_verb(c, args->items[0]);
}

static const char *const cache_verbs[] = { "save", "restore", NULL };

const struct cmd cmd_cache = {
	.name = "cache",
	.group = "data",
	.args = "save FILE | restore FILE",
	.help = "carry dependencies, download caches and images to another machine, in one file",
	.detail =
		"save writes what the engine has of this project's images, dependency volumes and\n"
		"caches; data volumes are none (`devenv snapshot` keeps those).\n"
		"\n"
		"restore checks all of the file, by lengths and SHA-256, before it touches "
		"anything;\n"
		"then it brings what the engine lacks. Everything is named by its content, so "
		"what\n"
		"is of no use any more does no harm. Of another kind of machine it is refused.\n"
		"--json: file, machine, images, volumes, and bytes (save) or there (restore).",
	.min_args = 2,
	.max_args = 2,
	.complete = COMPLETE_FILE,
	.verbs = cache_verbs,
	.run = run_cache,
};
