/*
 * In: a text with references; variables A (plain), E (empty), K (looks like a reference) and V of
 * `vars:`. Out: filled in or refused. Guards besides crashes: what was filled in is never scanned
 * again, and nothing from outside reads as a kept reference.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *look_up(void *ctx, const char *name)
{
	(void)ctx;
	if (streq(name, "A"))
		return "a$A${A}";
	if (streq(name, "K"))
		return "${secret.outside}";
	return streq(name, "E") ? "" : NULL;
}

/* ${secret.outside} only ever appears behind a dollar sign of its own. */
static void check_guard(const char *text)
{
	for (const char *at = text; (at = strstr(at, "${secret.outside}")); at++)
		if (at == text || at[-1] != '$')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const kept[] = { "secret.", NULL };
	if (size && memchr(data, '\0', size))
		return 0; /* no reader lets one through */
	struct arena a = ARENA_INIT;
	struct diags d = DIAGS_INIT(&a);
	struct config_request req = { .lookup = look_up, .kept = kept };
	struct place at = { .file = "f", .line = 1, .col = 1 };
	struct node *root = node_map(&a, at), *vars = node_map(&a, at);

	struct node *text = node_strn(&a, (const char *)data, size, at);
	bool own = strstr(text->text, "${secret.outside") != NULL;
	map_put(&a, vars, "V", at, text);
	map_put(&a, root, "vars", at, vars);
	map_put(&a, root, "name", at, text);
	map_put(&a, root, "twice", at, node_str(&a, "$V$V", at));
	if (!config_substitute(&a, &root, &req, &d) && !own) {
		check_guard(node_text(node_get(root, "name")));
		check_guard(node_text(node_get(root, "twice")));
	}
	arena_release(&a);
	return 0;
}
