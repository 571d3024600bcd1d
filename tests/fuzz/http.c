/*
 * Fuzz: the header of an answer on a connection that is taken over, and the state in a container
 * list. In: what an engine sent. Guards: no crash; a header that is complete stays so when more
 * bytes come, and its length lies within what came.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "run/engine.h"
#include "run/wire.h"

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
	statuses(bytes, size);
	return 0;
}
