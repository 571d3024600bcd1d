/*
 * Volumes into archives and back. Comes in: a volume's name, a file. Goes out: the other of the
 * two. The engine is this thread's, the packing another's; a pipe is between them.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/snapshot.h"

enum { PIPE_BYTES = 1 << 20 };

struct packer { /* the other thread's side */
	int file, pipe;
	const struct tarball_budget *budget; /* NULL: packs into the file */
	struct tarball_facts facts;
	char hex[HASH_HEX + 1];
	int64_t packed;
	int rc;
	struct err error;
};

static void *work(void *ctx)
{
	struct packer *p = ctx;
	p->rc = p->budget
			? tarball_unpack(p->file, p->pipe, p->budget, &p->facts, &p->error)
			: tarball_pack(p->pipe, p->file, &p->facts, p->hex, &p->packed, &p->error);
	close(p->pipe);
	return NULL;
}

/* Signals are for the thread that has the loop. */
static int start_quietly(pthread_t *t, void *ctx)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(t, NULL, work, ctx);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* Who was only told that the other side has gone knows no cause. */
static bool only_cut(const struct err *e)
{
	return strstr(e->text, strerror(EPIPE)) != NULL;
}

static int run(const struct volume_desk *d, const char *volume, struct packer *p, struct err *e)
{
	int ends[2], own;
	pthread_t thread;
	if (tarball_load(e))
		return -1;
	if (pipe2(ends, O_CLOEXEC))
		return err_errno(e, "pipe");
	fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES); /* faster where it is allowed */
	signal(SIGPIPE, SIG_IGN);
	p->pipe = p->budget ? ends[1] : ends[0];
	own = p->budget ? ends[0] : ends[1];
	errno = start_quietly(&thread, p);
	if (errno) {
		close(ends[0]);
		close(ends[1]);
		return err_errno(e, "a thread");
	}
	int rc = p->budget ? volume_import(d, volume, own, e) : volume_export(d, volume, own, e);
	close(own);
	pthread_join(thread, NULL);
	if (p->rc && (!rc || only_cut(e) || !only_cut(&p->error))) {
		*e = p->error;
		rc = -1;
	}
	return rc;
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
	struct packer p = { .budget = NULL };
	part->file = arena_printf(a, "%s.tar.zst", part->volume);
	p.file = open_file(dir, part->file, O_CREAT | O_EXCL | O_WRONLY, e);
	if (p.file < 0)
		return -1;
	int rc = run(d, engine_volume, &p, e);
	if (!rc && fsync(p.file))
		rc = err_errno(e, "%s/%s", dir, part->file);
	close(p.file);
	part->sha256 = arena_strdup(a, p.hex);
	part->packed = p.packed;
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

int snapshot_verify(const struct snapshot *s, const struct snapshot_part *part, struct err *e)
{
	char hex[HASH_HEX + 1];
	int64_t len = 0;
	int fd = open_file(s->dir, part->file, O_RDONLY, e);
	if (fd < 0)
		return -1;
	int rc = tarball_sum(fd, hex, &len, e);
	close(fd);
	if (!rc && (len != part->packed || !streq(hex, part->sha256)))
		rc = differs(s, part, e);
	return rc;
}

/* It says itself how much it holds, and is believed no further than that. */
int snapshot_fill(const struct volume_desk *d, const struct snapshot *s,
	const struct snapshot_part *part, const char *engine_volume, struct err *e)
{
	struct tarball_budget b = { .entries = part->facts.entries, .bytes = part->facts.bytes };
	struct packer p = { .budget = &b };
	p.file = open_file(s->dir, part->file, O_RDONLY, e);
	if (p.file < 0)
		return -1;
	int rc = run(d, engine_volume, &p, e);
	close(p.file);
	if (!rc && (p.facts.entries != b.entries || p.facts.bytes != b.bytes))
		rc = differs(s, part, e);
	return rc ? err_wrap(e, "snapshot %s", s->name) : 0;
}

/* A hundred times its size and a gigabyte, of two million entries at most. */
static struct tarball_budget budget_of(int64_t size)
{
	enum { RATIO = 100, ENTRIES = 2000000 };
	int64_t floor = (int64_t)1 << 30;
	return (struct tarball_budget){
		.entries = ENTRIES,
		.bytes = size > (INT64_MAX - floor) / RATIO ? INT64_MAX : size * RATIO + floor,
		.foreign = true,
	};
}

int archive_fill(const struct volume_desk *d, const char *path, const char *engine_volume,
	struct tarball_facts *f, struct err *e)
{
	struct stat st;
	struct packer p = { .budget = NULL };
	p.file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (p.file < 0 || fstat(p.file, &st)) {
		int rc = err_errno(e, "%s", path);
		if (p.file >= 0)
			close(p.file);
		return rc;
	}
	struct tarball_budget b = budget_of(st.st_size);
	p.budget = &b;
	int rc = S_ISREG(st.st_mode) ? run(d, engine_volume, &p, e)
				     : err_set(e, ERR_FAILED, "it is no file");
	close(p.file);
	*f = p.facts;
	return rc ? err_wrap(e, "%s", path) : 0;
}
