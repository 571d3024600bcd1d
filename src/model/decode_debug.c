/*
 * `debug:` in, the image and the scripts of the tools container out. Whether the directory of
 * scripts is there, and whether a registry has the image, is not known here.
 */
#include "decode.h"

#include "base/os.h"
#include "model/tools.h"

static const char default_scripts[] = "debug";

/* Scripts are copied into a container: nothing from elsewhere on this machine goes there. */
static void tools_read(struct decode *c, const struct node *n)
{
	struct debug *g = &c->p->debug;
	const char *dir = text_at(n, "tools");
	g->tools_own = dir != NULL;
	g->tools = project_path(c, dir ? dir : default_scripts);
	if (!path_inside(c->p->dir, g->tools))
		say(c, SEV_ERROR, place_at(n, "tools", g->place), "debug.tools",
			"the scripts of the tools container must be below the project");
}

void decode_debug(struct decode *c)
{
	const struct node *n = node_get(c->tree, "debug");
	struct debug *g = &c->p->debug;
	const char *image = text_at(n, "image");
	g->place = n ? n->place : (struct place){ 0 };
	g->image_name = image ? image : TOOLS_RUNG;
	g->image = project_image(c->p, g->image_name);
	tools_read(c, n);
	for (const struct image *i = c->p->tools ? g->image : NULL; i; i = i->parent)
		c->p->images.items[i - c->p->images.items].used = 1;
}
