/*
 * Which names a file of images would give or move when an engine loads it. Comes in: a file of
 * anybody's, packed or not. Goes out: the names, or why they cannot be told for certain: an engine
 * believes the last list in it, by whatever name or link that came there.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doc/json.h"
#include "run/data/cache_file.h"
#include "run/engine/carrier.h"
#include "run/files/packed.h"
#include "run/files/tar.h"
#include "run/data/tarball.h"

enum { LIST_MAX = 4 << 20, ENTRIES_MAX = 20000 };

struct list_file { /* one that an engine may read names from */
	const char *path;
	struct buf text;
	bool there;
};

struct listing {
	struct arena *a;
	struct err *e;
	struct list_file docker, oci;
	struct list_file *now; /* which of them the entry that comes is; NULL: none */
	struct tarball_rules rules;
	size_t entries;
	bool refused;
};

static bool refuse(struct listing *l, const char *why)
{
	if (!l->refused && why)
		err_set(l->e, ERR_FAILED, "its images are not to be trusted: %s", why);
	l->refused = true;
	return false;
}

static bool list_entry(void *ctx, const struct tar_entry *t)
{
	struct listing *l = ctx;
	const char *name = tarball_name(&l->rules, t->path, true, l->e);
	if (!name)
		return refuse(l, NULL);
	if (++l->entries > ENTRIES_MAX)
		return refuse(l, "they are too many");
	if (t->kind == TAR_HARD_LINK || t->kind == TAR_OTHER)
		return refuse(l, "there is something among them that no engine wrote");
	if (t->kind == TAR_LINK)
		tarball_note_link(&l->rules, name);
	l->now = streq(name, l->docker.path) ? &l->docker
		 : streq(name, l->oci.path)  ? &l->oci
					     : NULL;
	if (!l->now)
		return true;
	if (l->now->there || t->kind != TAR_FILE || t->size > LIST_MAX)
		return refuse(l, "their list is no file, too long, or there twice");
	l->now->there = true;
	return true;
}

static void list_data(void *ctx, const char *data, size_t len)
{
	struct listing *l = ctx;
	if (l->now && !l->refused)
		buf_add(&l->now->text, data, len);
}

static void list_end(void *ctx)
{
	(void)ctx;
}

static int list_all(struct unpacking *u, struct listing *l, int64_t most)
{
	char piece[65536];
	struct tar_sink sink = { list_entry, list_data, list_end, l };
	struct tar *t = tar_new(&sink);
	ssize_t n;
	bool goes_on = true;
	while (goes_on && (n = unpacking_read(u, piece, sizeof(piece), l->e)) > 0) {
		most -= n;
		goes_on = most >= 0 && tar_feed(t, piece, (size_t)n);
	}
	bool whole = tar_whole(t);
	tar_free(t);
	if (l->refused || (goes_on && n < 0))
		return -1;
	if (most < 0)
		return err_set(l->e, ERR_FAILED, "its images are larger than their file can be");
	return whole ? 0
		     : err_set(l->e, ERR_FAILED, "its images are not an archive of an engine's");
}

static void add_text(struct listing *l, const struct node *n, struct strs *names)
{
	if (node_text(n))
		strs_add(l->a, names, node_text(n));
}

static int docker_names(struct listing *l, struct strs *names)
{
	const struct buf *text = &l->docker.text;
	struct node *top = json_read(l->a, buf_str(text), text->len, "its list of images", l->e);
	const struct node *image, *tag;
	node_each_item(top, i, image)
	{
		node_each_item(node_get(image, "RepoTags"), k, tag) add_text(l, tag, names);
	}
	return top ? 0 : -1;
}

/* As containerd names them, registry and all; Docker's own are without. */
static int oci_names(struct listing *l, struct strs *names)
{
	static const char hub[] = "docker.io/", library[] = "library/";
	const struct buf *text = &l->oci.text;
	struct node *top = json_read(l->a, buf_str(text), text->len, "its index of images", l->e);
	const struct node *image;
	node_each_item(node_get(top, "manifests"), i, image)
	{
		const struct node *said = node_get(image, "annotations");
		const char *name = node_text(node_get(said, "io.containerd.image.name"));
		if (!name)
			continue;
		name += starts_with(name, hub) ? strlen(hub) : 0;
		name += starts_with(name, library) ? strlen(library) : 0;
		strs_add(l->a, names, name);
	}
	return top ? 0 : -1;
}

static int list_file(struct listing *l, int fd, const char *path, struct strs *names)
{
	struct stat st;
	if (fstat(fd, &st))
		return err_errno(l->e, "%s", path);
	struct unpacking *u = unpacking_new(fd, path, l->e);
	int rc = u ? list_all(u, l, tarball_budget_of(st.st_size).bytes) : -1;
	unpacking_free(u);
	rc = rc ? rc : docker_names(l, names);
	return rc || !l->oci.there ? rc : oci_names(l, names);
}

int images_list(struct arena *a, const char *path, struct strs *names, struct err *e)
{
	struct listing l = { .a = a,
		.e = e,
		.docker.path = VOLUME_ROOT "/manifest.json",
		.oci.path = VOLUME_ROOT "/index.json" };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_errno(e, "%s", path);
	int rc = list_file(&l, fd, path, names);
	buf_release(&l.docker.text);
	buf_release(&l.oci.text);
	tarball_rules_release(&l.rules);
	close(fd);
	return rc;
}
