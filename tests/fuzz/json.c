/*
 * JSON reader and writer. Whatever comes in is refused with an error or read; what was read and is
 * written comes back equal, on one line or indented.
 */
#include <stdint.h>
#include <stdlib.h>

#include "doc/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_written(struct arena *a, const struct node *n, int indent)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	json_write(&out, n, indent);
	check(node_equal(n, json_read(a, out.data, out.len, "f", &e)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct node *n = json_read(&a, (const char *)data, size, "f", &e);
	check(n || (e.code == ERR_FAILED && e.text[0]));
	if (n) {
		check_written(&a, n, 0);
		check_written(&a, n, 2);
	}
	arena_release(&a);
	return 0;
}
