/*
 * YAML reader and writer. Whatever comes in is refused with a diagnostic or read; what was read and
 * is written comes back equal.
 */
#include <stdint.h>
#include <stdlib.h>

#include "doc/yaml.h"

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
	struct buf out = BUF_INIT;
	bool empty;
	cleanup_buf struct buf text = BUF_INIT; /* terminated, so that no overread hides */
	buf_add(&text, data, size);
	struct node *n = yaml_read(&a, buf_str(&text), size, "f", "f", &d, &empty);
	check(n ? !d.errors && !empty : d.errors || empty);
	if (n) {
		yaml_write(&out, n, NULL, NULL);
		struct node *again = yaml_read(&a, out.data, out.len, "f", "f", &d, &empty);
		bool too_much = out.len > YAML_MAX_BYTES;
		check(too_much || (again ? node_equal(n, again) : empty && n->kind == NODE_NULL));
	}
	buf_release(&out);
	arena_release(&a);
	return 0;
}
