/*
 * An OCI archive from what `docker save` wrote. Comes in: a tar of that engine's own form, or of
 * the newer one that is nearly OCI's. Goes out: a tar with oci-layout, index.json and blobs named
 * by their digests, the same bytes for the same images. Knows no engine and no project.
 *
 * Layers are taken as they are, uncompressed: their digest is then the one that the image's
 * configuration names them by, and no version of a compressor can change it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/os.h"
#include "base/text.h"
#include "doc/json.h"
#include "model/project.h"
#include "run/files/libarchive.h"
#include "run/engine/oci.h"

#define CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define INDEX_TYPE "application/vnd.oci.image.index.v1+json"
#define LAYER_TYPE "application/vnd.oci.image.layer.v1.tar"
#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define CREATED "org.opencontainers.image.created"
#define REF_NAME "org.opencontainers.image.ref.name"

enum { CHUNK = 1 << 16, JSON_MAX = 16 << 20 };

struct blob {
	char hex[HASH_HEX + 1];
	const char *path; /* of its bytes; NULL: data */
	const char *data;
	size_t size;
	bool gzip;   /* of a layer */
	bool wanted; /* some manifest names it */
};

struct part { /* one file of the saved tar */
	const char *name;
	const char *link; /* to another of them, as a path of the tar; NULL: blob */
	size_t blob;
};

struct oci {
	struct arena *a;
	const char *dir; /* for blobs on their way */
	LIST_OF(struct part) parts;
	LIST_OF(struct blob) blobs;
	struct node *index; /* manifests of index.json */
	struct err *e;
};

static const struct place nowhere = { 0 };

/* ---- what was saved ---- */

static int spool(struct oci *o, struct archive *r, struct blob *b)
{
	char chunk[CHUNK];
	la_ssize_t n = 0;
	struct hasher *h = hasher_new();
	int fd = open(b->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc = fd < 0 ? err_errno(o->e, "%s", b->path) : 0;
	while (!rc && (n = lib_archive_read_data(r, chunk, sizeof(chunk))) > 0) {
		b->gzip |= !b->size && n > 1 && !memcmp(chunk, "\x1f\x8b", 2);
		b->size += (size_t)n;
		hasher_add(h, chunk, (size_t)n);
		if (fd_write(fd, chunk, (size_t)n))
			rc = err_errno(o->e, "%s", b->path);
	}
	if (!rc && n < 0)
		rc = err_set(o->e, ERR_FAILED, "reading the saved images: %s",
			lib_archive_error_string(r));
	if (fd >= 0)
		close(fd);
	hasher_end(h, b->hex);
	return rc;
}

static int take(struct oci *o, struct archive *r, struct archive_entry *entry)
{
	const char *name = arena_strdup(o->a, lib_archive_entry_pathname(entry));
	const char *symlink = lib_archive_entry_symlink(entry),
		   *hardlink = lib_archive_entry_hardlink(entry);
	struct part *p;
	if (symlink || hardlink) {
		p = list_push(o->a, &o->parts);
		p->name = name;
		p->link = hardlink ? arena_strdup(o->a, hardlink)
				   : path_normal(
					     o->a, path_join(o->a, path_dir(o->a, name), symlink));
		return 0;
	}
	if (lib_archive_entry_filetype(entry) != AE_IFREG)
		return 0;
	p = list_push(o->a, &o->parts);
	*p = (struct part){ .name = name, .blob = o->blobs.count };
	struct blob *b = list_push(o->a, &o->blobs);
	*b = (struct blob){ .path = arena_printf(o->a, "%s/%zu", o->dir, p->blob) };
	return spool(o, r, b);
}

static int read_saved(struct oci *o, const char *saved)
{
	struct archive *r = lib_archive_read_new();
	struct archive_entry *entry;
	int rc = 0, next = ARCHIVE_OK;
	lib_archive_read_support_format_tar(r);
	if (lib_archive_read_open_filename(r, saved, CHUNK))
		rc = err_set(o->e, ERR_FAILED, "%s: %s", saved, lib_archive_error_string(r));
	while (!rc && (next = lib_archive_read_next_header(r, &entry)) >= ARCHIVE_WARN &&
		next != ARCHIVE_EOF)
		rc = take(o, r, entry);
	if (!rc && next != ARCHIVE_EOF)
		rc = err_set(o->e, ERR_FAILED, "reading the saved images: %s",
			lib_archive_error_string(r));
	lib_archive_read_free(r);
	return rc;
}

static struct blob *part_blob(struct oci *o, const char *name)
{
	for (int hops = 0; name && hops < 8; hops++) {
		const struct part *found = NULL;
		for (size_t i = 0; i < o->parts.count; i++)
			if (streq(o->parts.items[i].name, name))
				found = &o->parts.items[i];
		if (!found)
			return NULL;
		if (!found->link)
			return &o->blobs.items[found->blob];
		name = found->link;
	}
	return NULL;
}

static struct node *part_json(struct oci *o, const char *name)
{
	cleanup_buf struct buf text = BUF_INIT;
	const struct blob *b = part_blob(o, name);
	if (!b) {
		err_set(o->e, ERR_FAILED, "the saved images have no %s", name ? name : "manifest");
		return NULL;
	}
	if (file_read(b->path, JSON_MAX, &text, o->e))
		return NULL;
	return json_read(o->a, arena_strndup(o->a, buf_str(&text), text.len), text.len, name, o->e);
}

/* ---- what is made of it ---- */

static void put(struct oci *o, struct node *map, const char *key, struct node *value)
{
	map_put(o->a, map, key, nowhere, value);
}

static void put_text(struct oci *o, struct node *map, const char *key, const char *text)
{
	put(o, map, key, node_str(o->a, text, nowhere));
}

static struct blob *add_json(struct oci *o, const struct node *n)
{
	cleanup_buf struct buf text = BUF_INIT;
	json_write(&text, n, 0);
	struct blob *b = list_push(o->a, &o->blobs);
	*b = (struct blob){ .size = text.len, .wanted = true };
	b->data = arena_strndup(o->a, buf_str(&text), text.len);
	hash_hex(b->data, b->size, b->hex);
	return b;
}

static struct node *descriptor(struct oci *o, const char *type, const struct blob *b)
{
	struct node *n = node_map(o->a, nowhere);
	put_text(o, n, "mediaType", type);
	put_text(o, n, "digest", arena_printf(o->a, "sha256:%s", b->hex));
	put(o, n, "size", node_int(o->a, (int64_t)b->size, nowhere));
	return n;
}

/* The builder's notes are of its machine and of the moment. */
static void clean_config(struct oci *o, struct node *config)
{
	static const char *const own[] = { "container", "container_config", "docker_version",
		"parent" };
	struct node *inner = node_get(config, "config"), *entry;
	const char *created = node_text(node_get(node_get(inner, "Labels"), CREATED));
	for (size_t i = 0; i < countof(own); i++)
		map_drop(config, own[i]);
	if (inner && inner->kind == NODE_MAP) {
		map_drop(inner, "Image");
		map_drop(inner, "Hostname");
	}
	if (!created)
		return;
	put_text(o, config, "created", created);
	node_each_item(node_get(config, "history"), i, entry)
	{
		if (entry->kind == NODE_MAP)
			put_text(o, entry, "created", created);
	}
}

static struct blob *by_digest(struct oci *o, const char *digest)
{
	static const char prefix[] = "sha256:";
	for (size_t i = 0; digest && starts_with(digest, prefix) && i < o->blobs.count; i++)
		if (streq(o->blobs.items[i].hex, digest + strlen(prefix)))
			return &o->blobs.items[i];
	return NULL;
}

/* Uncompressed by its digest; a newer engine may have kept it packed. */
static int add_layer(struct oci *o, struct node *layers, const char *digest, const char *name)
{
	struct blob *b = by_digest(o, digest);
	b = b ? b : part_blob(o, name);
	if (!b)
		return err_set(
			o->e, ERR_FAILED, "the saved images lack layer %s", digest ? digest : name);
	b->wanted = true;
	list_add(o->a, layers, descriptor(o, b->gzip ? LAYER_TYPE "+gzip" : LAYER_TYPE, b));
	return 0;
}

static void add_names(struct oci *o, const struct node *tags, const struct node *config,
	const struct blob *manifest)
{
	static const char *const facts[] = { "architecture", "os" };
	struct node *tag;
	node_each_item(tags, i, tag)
	{
		struct node *d = descriptor(o, MANIFEST_TYPE, manifest);
		struct node *names = node_map(o->a, nowhere), *platform = node_map(o->a, nowhere);
		for (size_t k = 0; k < countof(facts); k++)
			if (node_get(config, facts[k]))
				put(o, platform, facts[k], node_get(config, facts[k]));
		put_text(o, names, REF_NAME, node_text(tag));
		put(o, d, "annotations", names);
		put(o, d, "platform", platform);
		list_add(o->a, o->index, d);
	}
}

static int add_image(struct oci *o, const struct node *image)
{
	struct node *config = part_json(o, node_text(node_get(image, "Config")));
	struct node *ids = node_get(node_get(config, "rootfs"), "diff_ids"), *id;
	struct node *names = node_get(image, "Layers");
	struct node *manifest = node_map(o->a, nowhere), *layers = node_list(o->a, nowhere);
	if (!config)
		return -1;
	clean_config(o, config);
	put(o, manifest, "schemaVersion", node_int(o->a, 2, nowhere));
	put_text(o, manifest, "mediaType", MANIFEST_TYPE);
	put(o, manifest, "config", descriptor(o, CONFIG_TYPE, add_json(o, config)));
	node_each_item(ids, i, id)
	{
		const struct node *name = i < node_count(names) ? names->list.items[i] : NULL;
		if (add_layer(o, layers, node_text(id), name ? node_text(name) : NULL))
			return -1;
	}
	put(o, manifest, "layers", layers);
	add_names(o, node_get(image, "RepoTags"), config, add_json(o, manifest));
	return 0;
}

/* ---- writing ---- */

struct writing {
	struct archive *to;
	struct archive_entry *entry;
	struct err *e;
};

static int broken(struct writing *w)
{
	const char *text = lib_archive_error_string(w->to);
	return err_set(w->e, ERR_FAILED, "writing the archive: %s", text ? text : "unknown reason");
}

static int write_head(struct writing *w, const char *name, unsigned type, size_t size)
{
	lib_archive_entry_clear(w->entry);
	lib_archive_entry_set_pathname(w->entry, name);
	lib_archive_entry_set_filetype(w->entry, type);
	lib_archive_entry_set_perm(w->entry, type == AE_IFDIR ? 0755 : 0644);
	lib_archive_entry_set_mtime(w->entry, 0, 0);
	lib_archive_entry_set_size(w->entry, (la_int64_t)size);
	return lib_archive_write_header(w->to, w->entry) < ARCHIVE_WARN ? broken(w) : 0;
}

static int write_data(struct writing *w, const char *name, const char *data, size_t size)
{
	if (write_head(w, name, AE_IFREG, size))
		return -1;
	return lib_archive_write_data(w->to, data, size) == (la_ssize_t)size ? 0 : broken(w);
}

static int write_file(struct writing *w, const char *name, const struct blob *b)
{
	char chunk[CHUNK];
	int fd = open(b->path, O_RDONLY | O_CLOEXEC), rc = 0;
	ssize_t n = 0;
	if (fd < 0)
		return err_errno(w->e, "%s", b->path);
	rc = write_head(w, name, AE_IFREG, b->size);
	while (!rc && (n = read(fd, chunk, sizeof(chunk))) > 0)
		rc = lib_archive_write_data(w->to, chunk, (size_t)n) == n ? 0 : broken(w);
	if (!rc && n < 0)
		rc = err_errno(w->e, "%s", b->path);
	close(fd);
	return rc;
}

static const char *ref_name(const struct node *manifest)
{
	return node_text(node_get(node_get(manifest, "annotations"), REF_NAME));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(ref_name(*(struct node *const *)a), ref_name(*(struct node *const *)b));
}

static int by_hex(const void *a, const void *b)
{
	return strcmp(((const struct blob *)a)->hex, ((const struct blob *)b)->hex);
}

static int write_blobs(struct oci *o, struct writing *w)
{
	const struct blob *before = NULL;
	qsort(o->blobs.items, o->blobs.count, sizeof(*o->blobs.items), by_hex);
	for (size_t i = 0; i < o->blobs.count; i++) {
		const struct blob *b = &o->blobs.items[i];
		const char *name = arena_printf(o->a, "blobs/sha256/%s", b->hex);
		if (!b->wanted || (before && streq(before->hex, b->hex)))
			continue;
		before = b;
		if (b->path ? write_file(w, name, b) : write_data(w, name, b->data, b->size))
			return -1;
	}
	return 0;
}

static int write_all(struct oci *o, struct writing *w)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	cleanup_buf struct buf text = BUF_INIT;
	struct node *index = node_map(o->a, nowhere);
	/* The engine tells its images in any order. */
	qsort(o->index->list.items, node_count(o->index), sizeof(*o->index->list.items), by_name);
	put(o, index, "schemaVersion", node_int(o->a, 2, nowhere));
	put_text(o, index, "mediaType", INDEX_TYPE);
	put(o, index, "manifests", o->index);
	json_write(&text, index, 0);
	if (write_head(w, "blobs/", AE_IFDIR, 0) || write_head(w, "blobs/sha256/", AE_IFDIR, 0) ||
		write_blobs(o, w) || write_data(w, "index.json", buf_str(&text), text.len) ||
		write_data(w, "oci-layout", layout, strlen(layout)))
		return -1;
	return lib_archive_write_close(w->to) ? broken(w) : 0;
}

static int write_archive(struct oci *o, const char *file)
{
	const char *fresh = arena_printf(o->a, "%s.new", file);
	struct writing w = { lib_archive_write_new(), lib_archive_entry_new(), o->e };
	int rc = lib_archive_write_set_format_pax_restricted(w.to) ||
				 lib_archive_write_open_filename(w.to, fresh)
			 ? broken(&w)
			 : write_all(o, &w);
	lib_archive_entry_free(w.entry);
	lib_archive_write_free(w.to);
	if (!rc && rename(fresh, file))
		rc = err_errno(o->e, "writing %s", file);
	if (rc)
		unlink(fresh);
	return rc;
}

static int convert(struct oci *o, const char *saved, const char *file)
{
	struct node *images, *image;
	if (read_saved(o, saved))
		return -1;
	images = part_json(o, "manifest.json");
	if (!images)
		return -1;
	node_each_item(images, i, image)
	{
		if (add_image(o, image))
			return -1;
	}
	return write_archive(o, file);
}

int oci_archive(struct arena *a, const char *saved, const char *file, struct err *e)
{
	struct oci o = { .a = a, .e = e, .index = node_list(a, nowhere) };
	struct err ignored = ERR_INIT;
	o.dir = arena_printf(a, "%s.parts", file);
	if (libarchive_load(e) || tree_remove(o.dir, e) || dir_make(o.dir, 0700, e))
		return -1;
	int rc = convert(&o, saved, file);
	tree_remove(o.dir, &ignored);
	return rc;
}
