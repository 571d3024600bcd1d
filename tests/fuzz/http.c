/*
 * Fuzz: the header of an answer on a connection that is taken over, a body in chunks, and the state
 * in a container list. In: what an engine sent. Guards: no crash; a header that is complete stays
 * so when more bytes come, and its length lies within what came; a body is never longer than what
 * came.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "run/engine/call.h"
#include "run/io/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void statuses(const char *data, size_t size)
{
	struct arena a = ARENA_INIT;
	struct container c = { 0 };
	status_read(arena_strndup(&a, data, size), &c);
	if (c.uptime_s < -1)
		abort();
	arena_release(&a);
}

static bool count(void *ctx, const char *data, size_t len)
{
	(void)data;
	*(size_t *)ctx += len;
	return true;
}

static void chunks(const char *data, size_t size)
{
	struct wire_chunks once = { 0 }, twice = { 0 };
	size_t half = size / 2, all = 0, parts = 0;
	enum wire_fed fed = wire_chunks_feed(&once, data, size, count, &all);
	enum wire_fed first = wire_chunks_feed(&twice, data, half, count, &parts);
	if (first == WIRE_MORE)
		first = wire_chunks_feed(&twice, data + half, size - half, count, &parts);
	if (all > size || fed != first || (fed != WIRE_BROKEN && all != parts))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct wire_head whole, part;
	int rc = wire_parse(bytes, size, &whole);
	if (rc == 1 && (whole.length > size || whole.status < 100 || whole.status > 999 ||
			       whole.body_length < -1))
		abort();
	for (size_t n = 0; n < size && n < 300; n++) {
		int early = wire_parse(bytes, n, &part);
		if (early == -1 && rc != -1)
			abort();
		if (early == 1 &&
			(rc != 1 || part.length != whole.length || part.status != whole.status))
			abort();
	}
	chunks(bytes, size);
	statuses(bytes, size);
	return 0;
}
