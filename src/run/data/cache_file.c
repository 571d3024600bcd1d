/*
 * The manifest of a cache. Comes in: what anybody may have written. Goes out: it is understood, for
 * this kind of machine, and fills nothing but caches; or why not. Touches nothing.
 */
#include "run/data/cache_file.h"

#include <string.h>

#include "base/text.h"
#include "run/data/tarball.h"

int cache_refuse(struct err *e, const char *why)
{
	err_set(e, ERR_FAILED, "the archive is not to be trusted: %s", why);
	err_hint(e, "nothing was restored from it");
	return -1;
}

bool cache_part_has_images(const struct node *part)
{
	return streq(node_text(node_get(part, "kind")), "images");
}

static bool is_number(const struct node *n)
{
	return n && n->kind == NODE_INT && n->integer >= 0;
}

static bool is_cache_name(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	return name && (starts_with(name, "devenv-deps-") || starts_with(name, "devenv-cache-")) &&
	       !name[strspn(name, letters)];
}

static int check_volume(const struct node *part, struct err *e)
{
	const struct node *entries = node_get(part, "entries"), *size = node_get(part, "unpacked");
	if (!is_cache_name(node_text(node_get(part, "volume"))))
		return cache_refuse(e, "it would fill a volume that is no cache");
	if (!is_number(entries) || !is_number(size))
		return cache_refuse(e, "its manifest is not understood");
	struct tarball_budget most = tarball_budget_of(node_get(part, "bytes")->integer);
	if (entries->integer > most.entries || size->integer > most.bytes)
		return cache_refuse(e, "it would fill a volume with more than its size can hold");
	return 0;
}

static int check_machine(const char *says, const char *machine, struct err *e)
{
	if (!says)
		return cache_refuse(e, "it does not say for which machine it is");
	if (streq(says, machine))
		return 0;
	err_set(e, ERR_FAILED, "the archive is for %.40s, the engine is %s", says, machine);
	err_hint(e, "nothing was restored from it; keep one for each kind of machine");
	return -1;
}

int cache_check(const struct node *manifest, const char *machine, struct err *e)
{
	const struct node *format = node_get(manifest, "format"), *part;
	if (!is_number(format) || format->integer != CACHE_FORMAT)
		return cache_refuse(e, "it is of another version of devenv");
	if (check_machine(node_text(node_get(manifest, "machine")), machine, e))
		return -1;
	node_each_item(node_get(manifest, "parts"), i, part)
	{
		if (!cache_part_has_images(part) && check_volume(part, e))
			return -1;
	}
	return 0;
}
