/*
 * In: two YAML documents with a NUL byte between them. Out: both canonical, merged, substituted and
 * canonical again under the whole schema. Guards besides crashes: canonical forms are stable, a
 * tree merged over itself stays canonical, and nothing with a tag is left behind.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "doc/yaml.h"
#include "model/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *look_up(void *ctx, const char *name)
{
	(void)ctx;
	return name[0] == 'A' ? "1-2:3" : name[0] == 'B' ? "./b:/c" : NULL;
}

static void check_tags(const struct node *n)
{
	const struct node_pair *pair;
	struct node *item;

	if (n->tag != TAG_NONE)
		abort();
	node_each_pair(n, i, pair) check_tags(pair->value);
	node_each_item(n, i, item) check_tags(item);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = ARENA_INIT;
	struct diags d = DIAGS_INIT(&a);
	const char *text = (const char *)data, *cut = size ? memchr(text, '\0', size) : NULL;
	size_t first = cut ? (size_t)(cut - text) : size;
	struct config_request req = { .schema = &schema_devenv, .lookup = look_up };
	struct node *low = yaml_read(&a, text, first, "low", "low", &d, NULL);
	struct node *high =
		cut ? yaml_read(&a, cut + 1, size - first - 1, "high", "high", &d, NULL) : NULL;

	low = config_canonical(&a, low, &schema_devenv, &d);
	high = config_canonical(&a, high, &schema_devenv, &d);
	size_t errors = d.errors;
	if (low && !errors &&
		!node_equal(low, config_canonical(&a, node_deep(&a, low), &schema_devenv, &d)))
		abort();
	struct node *n = config_merge(&a, low, high, &schema_devenv, &d);
	if (n) {
		check_tags(n);
		config_substitute(&a, &n, &req, &d);
		config_canonical(&a, n, &schema_devenv, &d);
	}
	arena_release(&a);
	return 0;
}
