/*
 * Volumes into archives and back. Comes in: a volume's name, a file. Goes out: the other of the
 * two. The engine is this thread's, the packing another's.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/data/snapshot.h"

struct passing { /* between a volume and a file */
	const struct volume_desk *desk;
	const char *volume;
	int file;
	const struct tarball_budget *budget; /* NULL: packs into the file */
	struct tarball_facts facts;
	struct tarball_sum sum; /* of the file */
};

static int volume_side(void *ctx, struct conduit *c, struct err *e)
{
	struct passing *p = ctx;
	return p->budget ? volume_import(p->desk, p->volume, conduit_pull, c, e)
			 : volume_export(p->desk, p->volume, conduit_put, c, e);
}

static int file_side(void *ctx, struct conduit *c, struct err *e)
{
	struct passing *p = ctx;
	return p->budget ? tarball_unpack(p->file, c, p->budget, &p->facts, &p->sum, e)
			 : tarball_pack(c, p->file, &p->facts, &p->sum, e);
}

static int run(struct passing *p, struct err *e)
{
	if (tarball_load(e))
		return -1;
	return conduit_run(&(struct conduit_side){ volume_side, p },
		&(struct conduit_side){ file_side, p }, !p->budget, e);
}

static int open_file(const char *dir, const char *file, int flags, struct err *e)
{
	struct arena a = ARENA_INIT;
	const char *path = path_join(&a, dir, file);
	int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		err_errno(e, "%s", path);
	arena_release(&a);
	return fd;
}

int snapshot_save(const struct volume_desk *d, struct arena *a, const char *engine_volume,
	const char *dir, struct snapshot_part *part, struct err *e)
{
	struct passing p = { .desk = d, .volume = engine_volume };
	part->file = arena_printf(a, "%s.tar.zst", part->volume);
	p.file = open_file(dir, part->file, O_CREAT | O_EXCL | O_WRONLY, e);
	if (p.file < 0)
		return -1;
	int rc = run(&p, e);
	if (!rc && fsync(p.file))
		rc = err_errno(e, "%s/%s", dir, part->file);
	else if (rc)
		err_wrap(e, "saving volume %s below %s", part->volume, path_dir(a, dir));
	close(p.file);
	part->sha256 = arena_strdup(a, p.sum.hex);
	part->packed = p.sum.len;
	part->facts = p.facts;
	return rc;
}

static int differs(const struct snapshot *s, const struct snapshot_part *part, struct err *e)
{
	err_set(e, ERR_FAILED, "%s of snapshot %s is damaged: it is not what was written",
		part->file, s->name);
	err_hint(e, "nothing was touched; `devenv snapshot ls` names others");
	return -1;
}

static bool is_the_same(const struct snapshot_part *part, const struct tarball_sum *sum)
{
	return sum->len == part->packed && streq(sum->hex, part->sha256);
}

int snapshot_verify(const struct snapshot *s, const struct snapshot_part *part, struct err *e)
{
	struct tarball_sum sum;
	int fd = open_file(s->dir, part->file, O_RDONLY, e);
	if (fd < 0)
		return -1;
	int rc = tarball_sum_up(fd, &sum, e);
	close(fd);
	return !rc && !is_the_same(part, &sum) ? differs(s, part, e) : rc;
}

/*
 * It says itself how much it holds, and is believed no further than that. Damage may show itself as
 * anything, so it is looked for where something went wrong.
 */
int snapshot_fill(const struct volume_desk *d, const struct snapshot *s,
	const struct snapshot_part *part, const char *engine_volume, struct err *e)
{
	struct err damage = ERR_INIT;
	struct tarball_budget b = { .entries = part->facts.entries, .bytes = part->facts.bytes };
	struct passing p = { .desk = d, .volume = engine_volume, .budget = &b };
	p.file = open_file(s->dir, part->file, O_RDONLY, e);
	if (p.file < 0)
		return -1;
	int rc = run(&p, e);
	close(p.file);
	if (!rc && (p.facts.entries != b.entries || p.facts.bytes != b.bytes ||
			   (part->sha256 && !is_the_same(part, &p.sum))))
		return differs(s, part, e);
	if (rc && part->sha256 && snapshot_verify(s, part, &damage)) {
		*e = damage;
		return -1;
	}
	return rc ? err_wrap(e, "snapshot %s", s->name) : 0;
}

int archive_fill(const struct volume_desk *d, const char *path, const char *engine_volume,
	struct tarball_facts *f, struct err *e)
{
	struct stat st;
	struct passing p = { .desk = d, .volume = engine_volume };
	p.file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (p.file < 0 || fstat(p.file, &st)) {
		int rc = err_errno(e, "%s", path);
		if (p.file >= 0)
			close(p.file);
		return rc;
	}
	struct tarball_budget b = tarball_budget_of(st.st_size);
	p.budget = &b;
	int rc = S_ISREG(st.st_mode) ? run(&p, e) : err_set(e, ERR_FAILED, "it is not a file");
	close(p.file);
	*f = p.facts;
	return rc ? err_wrap(e, "%s", path) : 0;
}
