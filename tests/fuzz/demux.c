/*
 * Fuzz: the engine's streams. In: bytes, the first of which says in which portions they come.
 * Guards: no crash, no line longer than the bound, the same lines whatever the portions.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/map.h"
#include "run/io/demux.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	uint64_t sum[2]; /* of all lines, by stream */
	size_t lines;
};

static void see(void *ctx, enum stream s, int64_t time_ns, const char *line, size_t len)
{
	struct seen *seen = ctx;
	if (len > LINE_MAX_BYTES || time_ns < -1)
		abort();
	uint64_t *sum = &seen->sum[s == STREAM_STDERR];
	*sum = *sum * 31 + hash_bytes(line, len) + (uint64_t)time_ns;
	seen->lines++;
}

static int feed(struct seen *seen, const char *data, size_t size, size_t portion)
{
	struct stamped s;
	int rc = 0;
	stamped_init(&s, see, seen);
	for (size_t at = 0; at < size && !rc; at += portion)
		rc = stamped_feed(&s, data + at, at + portion < size ? portion : size - at);
	stamped_end(&s);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen whole = { 0 }, parts = { 0 };
	if (size < 2)
		return 0;
	const char *bytes = (const char *)data + 1;
	int a = feed(&whole, bytes, size - 1, size);
	int b = feed(&parts, bytes, size - 1, (size_t)data[0] % 64 + 1);
	if (a != b || whole.lines != parts.lines || whole.sum[0] != parts.sum[0] ||
		whole.sum[1] != parts.sum[1])
		abort();
	return 0;
}
