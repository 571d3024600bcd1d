/*
 * Dumps as streams: from a command in a service's container into a file that appears when it is
 * whole, and from a file into another command. Comes in: service, container, file. Goes out: an
 * exit status. What a dump is made of only the service's own commands know.
 */
#include "cmd/dumps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/engine/exec_stream.h"
#include "run/files/packed.h"

struct transfer {
	struct context *context;
	struct packing *to;
	struct unpacking *from;
	size_t bytes;
};

static const char *const *argv_of(struct context *c, const struct strs *words)
{
	struct strs l = { 0 };
	for (size_t i = 0; i < words->count; i++)
		strs_add(&c->arena, &l, words->items[i]);
	strs_add(&c->arena, &l, NULL);
	return l.items;
}

static void show(const char *data, size_t len)
{
	cleanup_buf struct buf clean = BUF_INIT;
	text_clean(&clean, data, len, false);
	fwrite(buf_str(&clean), 1, clean.len, stderr);
}

static int take_dump(void *ctx, enum stream s, const char *data, size_t len, struct err *e)
{
	struct transfer *t = ctx;
	if (s == STREAM_STDERR) {
		show(data, len);
		return 0;
	}
	t->bytes += len;
	return packing_write(t->to, data, len, e);
}

static int take_words(void *ctx, enum stream s, const char *data, size_t len, struct err *e)
{
	(void)ctx, (void)s, (void)e;
	show(data, len);
	return 0;
}

static ssize_t give_dump(void *ctx, char *to, size_t size, struct err *e)
{
	struct transfer *t = ctx;
	ssize_t n = unpacking_read(t->from, to, size, e);
	t->bytes += n > 0 ? (size_t)n : 0;
	return n;
}

static int run_transfer(struct context *c, const struct container *k, const struct strs *words,
	const struct exec_stream *s, int *status)
{
	struct exec_request r = { .container = k->id, .argv = argv_of(c, words) };
	c->loop = c->loop ? c->loop : loop_new();
	return engine_exec_stream(c->engine, c->loop, &r, s, status, &c->error);
}

/* 0, or -1 with c->error; *status is the command's. */
static int dump_into(struct context *c, const struct service *s, const struct container *k, int fd,
	const char *name, int *status)
{
	struct transfer t = { .context = c, .to = packing_new(fd, name, &c->error) };
	struct exec_stream stream = { .pull_fd = -1, .push = take_dump, .ctx = &t };
	int rc = t.to ? run_transfer(c, k, &s->dump, &stream, status) : -1;
	if (!rc && !*status)
		rc = packing_end(t.to, &c->error);
	packing_free(t.to);
	if (!rc && !*status && !t.bytes)
		rc = err_set(&c->error, ERR_FAILED, "dumping %s gave nothing", s->name);
	return rc;
}

/* Beside the file, with the mode that a new file gets. */
static int make_part(struct context *c, const char *file, char **part)
{
	mode_t mask = umask(0);
	umask(mask);
	*part = arena_printf(
		&c->arena, "%s/.%s.XXXXXX", path_dir(&c->arena, file), path_base(file));
	int fd = mkostemp(*part, O_CLOEXEC);
	if (fd >= 0)
		fchmod(fd, 0666 & ~mask);
	else
		err_errno(&c->error, "%s", file);
	return fd;
}

static int keep_part(struct context *c, int fd, const char *part, const char *file)
{
	return fsync(fd) || rename(part, file) ? err_errno(&c->error, "%s", file) : 0;
}

static int dump_failed(struct context *c, const struct service *s, int status)
{
	if (status > 128 && loop_signal(c->loop))
		return status;
	err_set(&c->error, ERR_FAILED, "dumping %s ended with status %d", s->name, status);
	c->error.place = s->place;
	fail(c);
	return status;
}

int dump_data(
	struct context *c, const struct service *s, const struct container *k, const char *file)
{
	int status = 0;
	if (!file) {
		int rc = dump_into(c, s, k, STDOUT_FILENO, "standard output", &status);
		return rc ? fail(c) : status ? dump_failed(c, s, status) : 0;
	}
	char *part;
	int fd = make_part(c, file, &part);
	if (fd < 0)
		return fail(c);
	int rc = dump_into(c, s, k, fd, file, &status);
	rc = rc || status ? rc : keep_part(c, fd, part, file);
	close(fd);
	if (rc || status)
		unlink(part);
	return rc ? fail(c) : status ? dump_failed(c, s, status) : 0;
}

static int open_dump(struct context *c, const char *file)
{
	struct stat st;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st))
		err_errno(&c->error, "%s", file);
	else if (S_ISDIR(st.st_mode))
		err_set(&c->error, ERR_FAILED, "%s is a directory", file);
	else
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static int load_failed(struct context *c, const struct service *s, const char *name, int status)
{
	if (status > 128 && loop_signal(c->loop))
		return status;
	err_set(&c->error, ERR_FAILED, "loading %s into %s ended with status %d", name, s->name,
		status);
	c->error.place = s->place;
	fail(c);
	return status;
}

int load_data(struct context *c, const struct service *s, const struct container *k,
	const char *file, const char *name)
{
	int status = 0, fd = file ? open_dump(c, file) : STDIN_FILENO;
	if (fd < 0)
		return fail(c);
	struct transfer t = { .context = c, .from = unpacking_new(fd, name, &c->error) };
	struct exec_stream stream = { .pull = give_dump,
		.pull_fd = file ? -1 : STDIN_FILENO,
		.before = s->load.begin,
		.behind = s->load.end,
		.push = take_words,
		.ctx = &t };
	int rc = t.from ? run_transfer(c, k, &s->load.command, &stream, &status) : -1;
	unpacking_free(t.from);
	if (file)
		close(fd);
	return rc ? fail(c) : status ? load_failed(c, s, name, status) : 0;
}
