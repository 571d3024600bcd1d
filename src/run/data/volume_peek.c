/*
 * What a volume is of, by the few files that say so. Comes in: its name. Goes out: engine and
 * version. Reads the beginnings of files, through a carrier.
 */
#include <string.h>

#include "run/engine/call.h"
#include "run/data/tarball.h"
#include "volume_carrier.h"

enum { TAR_BLOCK = 512, PEEK_BYTES = 2 * TAR_BLOCK };

static bool keep_some(void *ctx, const char *data, size_t len)
{
	struct buf *b = ctx;
	size_t room = PEEK_BYTES - b->len;
	buf_add(b, data, len < room ? len : room);
	return b->len < PEEK_BYTES;
}

/* The first block of an archive is the file's header, the second its first bytes. */
static int peek(const struct volume_desk *d, const struct carrier *c, const char *file,
	struct buf *out, struct err *e)
{
	cleanup_buf struct buf path = BUF_INIT;
	buf_addf(&path, "/containers/%s/archive?path=/" VOLUME_ROOT "/%s", c->id, file);
	struct engine_ask ask = {
		.path = path.data, .patient = true, .data = keep_some, .ctx = out
	};
	struct engine_call *call = engine_begin(d->engine, &ask, e);
	if (!call)
		return -1;
	while (!engine_done(call))
		engine_turn(d->engine, NULL, 1000);
	int rc = engine_answer(call)->status == 404 ? 0 : engine_finish(call, e);
	engine_call_free(call);
	return rc;
}

int volume_server(const struct volume_desk *d, const char *name, char engine[static 16],
	char version[static 32], struct err *e)
{
	static const char *const files[] = { "PG_VERSION", "mariadb_upgrade_info",
		"mysql_upgrade_info", "dump.rdb", "appendonlydir/appendonly.aof.1.base.rdb" };
	struct carrier c;
	engine[0] = version[0] = '\0';
	if (carrier_open(d, name, &c, e))
		return -1;
	int rc = 0;
	for (size_t i = 0; !rc && !engine[0] && i < countof(files); i++) {
		cleanup_buf struct buf b = BUF_INIT;
		rc = peek(d, &c, files[i], &b, e);
		const char *mark = tarball_mark(files[i]);
		if (!rc && b.len > TAR_BLOCK &&
			tarball_version(mark, b.data + TAR_BLOCK, b.len - TAR_BLOCK, version))
			memcpy(engine, mark, strlen(mark) + 1);
	}
	struct err late = ERR_INIT;
	if (carrier_close(d, &c, &late) && !rc) {
		*e = late;
		rc = -1;
	}
	return rc;
}
