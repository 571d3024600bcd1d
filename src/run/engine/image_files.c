/*
 * Images out of the engine into a file and back. Comes in: names, or a file. Goes out: the other of
 * the two, in constant memory. What is in the file is the engine's to understand.
 */
#include "run/engine/image_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "doc/json.h"
#include "run/engine/call.h"
#include "run/files/packed.h"

struct saving {
	struct packing *packing;
	struct err *e;
	bool failed;
};

static bool keep(void *ctx, const char *data, size_t len)
{
	struct saving *s = ctx;
	s->failed = s->failed || packing_write(s->packing, data, len, s->e);
	return !s->failed;
}

static void save_path(struct buf *out, const struct strs *names)
{
	buf_adds(out, "/images/get");
	for (size_t i = 0; i < names->count; i++) {
		buf_adds(out, i ? "&names=" : "?names=");
		url_escape(out, names->items[i]);
	}
}

static int save_into(struct engine *g, struct loop *loop, const struct strs *names,
	struct saving *s, struct err *e)
{
	cleanup_buf struct buf path = BUF_INIT;
	save_path(&path, names);
	struct engine_ask ask = { .path = buf_str(&path), .patient = true, .data = keep, .ctx = s };
	int rc = engine_await(g, loop, &ask, NULL, e);
	return rc || s->failed ? -1 : packing_end(s->packing, e);
}

int images_save(struct engine *g, struct loop *loop, const struct strs *names, const char *path,
	struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(e, "%s", path);
	struct saving s = { .packing = packing_new(fd, path, e), .e = e };
	int rc = s.packing ? save_into(g, loop, names, &s, e) : -1;
	packing_free(s.packing);
	if (!rc && fsync(fd))
		rc = err_errno(e, "%s", path);
	close(fd);
	return rc ? err_wrap(e, "saving images") : 0;
}

struct loading {
	struct unpacking *unpacking;
	struct err *e;
	bool failed;
};

static size_t give(void *ctx, char *into, size_t size)
{
	struct loading *l = ctx;
	ssize_t n = unpacking_read(l->unpacking, into, size, l->e);
	l->failed = n < 0;
	return n < 0 ? HTTP_GIVE_UP : (size_t)n;
}

/* The engine says that it began well, and in its last line how it went. */
static int check_said(const struct http_answer *ans, struct err *e)
{
	const char *at = strstr(buf_str(&ans->body), "\"error\":\"");
	if (!at)
		return 0;
	at += strlen("\"error\":\"");
	return err_set(e, ERR_FAILED, "the engine says: %.*s", (int)strcspn(at, "\""), at);
}

static int load_from(struct engine *g, struct loop *loop, struct loading *l, struct err *e)
{
	struct engine_call *c = NULL;
	struct err heard = ERR_INIT;
	struct engine_ask ask = {
		.method = "POST",
		.path = "/images/load?quiet=1",
		.patient = true,
		.produce = give,
		.ctx = l,
	};
	int rc = engine_await(g, loop, &ask, &c, &heard);
	if (!rc)
		rc = check_said(engine_answer(c), &heard);
	engine_call_free(c);
	if (rc && !l->failed)
		*e = heard;
	return rc;
}

int images_load(struct engine *g, struct loop *loop, const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_errno(e, "%s", path);
	struct loading l = { .unpacking = unpacking_new(fd, path, e), .e = e };
	int rc = l.unpacking ? load_from(g, loop, &l, e) : -1;
	unpacking_free(l.unpacking);
	close(fd);
	return rc ? err_wrap(e, "loading images") : 0;
}

int shared_volume_make(struct engine *g, const char *name, const char *kind, struct err *e)
{
	struct arena a = ARENA_INIT;
	cleanup_buf struct buf body = BUF_INIT;
	struct place no = { 0 };
	struct engine_call *c = NULL;
	struct node *n = node_map(&a, no), *labels = node_map(&a, no);
	map_put(&a, labels, "devenv.shared", no, node_str(&a, kind, no));
	map_put(&a, n, "Name", no, node_str(&a, name, no));
	map_put(&a, n, "Labels", no, labels);
	json_write(&body, n, 0);
	struct engine_ask ask = {
		.method = "POST", .path = "/volumes/create", .body = buf_str(&body), .patient = true
	};
	int rc = engine_request(g, &ask, &c, e);
	engine_call_free(c);
	arena_release(&a);
	return rc;
}
