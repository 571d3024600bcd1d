/*
 * What of devenv's nothing uses: images no container stands on, shared volumes none mounts. Comes
 * in: the engine's lists. Goes out: names. Removal is one order each, and asked for by others.
 */
#include <string.h>

#include "base/os.h"
#include "run/engine/call.h"

/* Image names and ids that containers of whatever project were made from. */
static int used_images(struct engine *g, struct arena *a, struct strs *used, struct err *e)
{
	struct node *list = NULL, *item;
	if (engine_get(g, a, &list, e, "/containers/json?all=1"))
		return -1;
	node_each_item(list, i, item)
	{
		const char *id = node_text(node_get(item, "ImageID"));
		if (id && !strs_has(used, id))
			strs_add(a, used, id);
	}
	return 0;
}

/* Parents of what is used are in use, too: the engine refuses to drop them, so they are not named.
 */
static int add_parents(struct engine *g, struct arena *a, struct strs *used, struct err *e)
{
	for (size_t i = 0; i < used->count; i++) {
		struct node *image = NULL;
		struct err gone = ERR_INIT;
		if (engine_get(g, a, &image, &gone, "/images/%s/json", used->items[i])) {
			if (gone.code != ERR_ENGINE)
				continue;
			*e = gone;
			return -1;
		}
		const char *parent = node_text(node_get(image, "Parent"));
		if (parent && *parent && !strs_has(used, parent))
			strs_add(a, used, parent);
	}
	return 0;
}

/* Another checkout's `up` may have built it a moment ago and not made its containers yet. */
static bool is_young(const struct node *image)
{
	enum { YOUNG_S = 3600 };
	const struct node *created = node_get(image, "Created");
	return created && created->kind == NODE_INT &&
	       clock_ms() / 1000 - created->integer < YOUNG_S;
}

static int unused_images(struct engine *g, struct arena *a, struct strs *names, struct err *e)
{
	struct node *list = NULL, *image, *tag;
	struct strs used = { 0 };
	if (used_images(g, a, &used, e) || add_parents(g, a, &used, e) ||
		engine_get(g, a, &list, e,
			"/images/"
			"json?filters=%%7B%%22label%%22%%3A%%5B%%22devenv.image%%22%%5D%%7D"))
		return -1;
	node_each_item(list, i, image)
	{
		const char *id = node_text(node_get(image, "Id"));
		if (!id || strs_has(&used, id) || is_young(image))
			continue;
		node_each_item(node_get(image, "RepoTags"), k, tag)
		{
			const char *name = node_text(tag);
			if (name && starts_with(name, "devenv/"))
				strs_add(a, names, arena_printf(a, "image %s", name));
		}
	}
	return 0;
}

static int unused_volumes(struct engine *g, struct arena *a, struct strs *names, struct err *e)
{
	struct node *answer = NULL, *volume;
	if (engine_get(g, a, &answer, e,
		    "/volumes?filters=%%7B%%22dangling%%22%%3A%%5B%%22true%%22%%5D%%7D"))
		return -1;
	node_each_item(node_get(answer, "Volumes"), i, volume)
	{
		const char *name = node_text(node_get(volume, "Name"));
		if (name &&
			(starts_with(name, "devenv-cache-") || starts_with(name, "devenv-deps-")))
			strs_add(a, names, arena_printf(a, "volume %s", name));
	}
	return 0;
}

int engine_unused(
	struct engine *g, struct arena *a, bool volumes, struct strs *names, struct err *e)
{
	if (unused_images(g, a, names, e))
		return -1;
	return volumes ? unused_volumes(g, a, names, e) : 0;
}
