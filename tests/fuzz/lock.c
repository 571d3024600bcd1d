/*
 * devenv.lock. Whatever comes in is refused with a diagnostic or read; what was read and is written
 * comes back the same, byte for byte.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/lock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = ARENA_INIT;
	struct diags d = DIAGS_INIT(&a);
	struct lockfile read, again;
	cleanup_buf struct buf text = BUF_INIT, out = BUF_INIT, twice = BUF_INIT;
	buf_add(&text, data, size);
	int bad = lockfile_read(&a, buf_str(&text), size, "f", &read, &d);
	check((bad != 0) == (d.errors != 0));
	if (!bad) {
		lockfile_write(&out, &read);
		check(!lockfile_read(&a, out.data, out.len, "f", &again, &d));
		lockfile_write(&twice, &again);
		check(out.len == twice.len && !memcmp(out.data, twice.data, out.len));
	}
	arena_release(&a);
	return 0;
}
