/*
 * `release:` of a module in, what its production image persists out. Artifacts are paths of the
 * project below the module's source, brought to where the build has them, or absolute ones that the
 * build itself makes.
 */
#include "decode.h"

#include <string.h>

#include "base/os.h"

/* Where the build has a path of the project: below the source, which lies at working_dir. */
static const char *in_build(struct decode *c, const struct service *s, const char *path)
{
	const char *whole = project_path(c, path), *source = s->develop->source;
	if (!path_inside(source, whole))
		return NULL;
	const char *rest = whole + strlen(source);
	return path_normal(c->a, arena_printf(c->a, "%s/%s", s->working_dir, rest));
}

static void artifact_read(struct decode *c, const struct service *s, struct release *r,
	const struct node_pair *pair, const char *path)
{
	const char *target = node_text(pair->value), *said = pair->key;
	struct place at = pair->key_place.file ? pair->key_place : pair->value->place;
	if (!target)
		return;
	const char *source = *said == '/' ? path_normal(c->a, said) : in_build(c, s, said);
	if (!source) {
		say(c, SEV_ERROR, at, path_of(c, path, said),
			"the artifact \"%s\" lies outside of the module's source", said)
			->hint =
			"it is relative to the project and below develop.source, or absolute: a "
			"path that the build makes in its image";
		return;
	}
	target = *target == '/' ? path_normal(c->a, target) : target;
	if (*target != '/' || streq(target, "/")) {
		say(c, SEV_ERROR, pair->value->place, path_of(c, path, said),
			"an artifact's place in the image is an absolute path below /");
		return;
	}
	*list_push(c->a, &r->artifacts) =
		(struct artifact){ .source = source, .target = target, .said = said, .place = at };
}

static void stand_on(struct decode *c, const struct service *s, struct release *r,
	const struct node *n, const char *path)
{
	const char *from = text_at(n, "from");
	r->image = from ? project_image(c->p, from) : s->image;
	r->from = r->image ? NULL : from;
	if (s->image)
		return;
	say(c, SEV_ERROR, r->place, path, "a release is built in a rung, and %s stands on none",
		s->name)
		->hint = "name one of images: as its image";
}

void decode_release(struct decode *c, struct service *s, const char *path)
{
	const struct node *n = node_get(s->node, "release");
	const struct node_pair *pair;
	if (!n || n->kind != NODE_MAP)
		return;
	path = path_of(c, path, "release");
	if (!s->develop || !s->working_dir || *s->working_dir != '/') {
		say(c, SEV_ERROR, n->place, path,
			"%s has a release but is not a module: develop.source and working_dir are "
			"what "
			"it is made of",
			s->name);
		return;
	}
	struct release *r = arena_new(c->a, struct release);
	r->place = n->place;
	r->code = s->develop;
	r->build = text_at(n, "build");
	r->dependencies = truth(node_get(n, "dependencies"), true);
	stand_on(c, s, r, n, path);
	node_each_pair(node_get(n, "artifacts"), i, pair)
		artifact_read(c, s, r, pair, path_of(c, path, "artifacts"));
	if (!node_count(node_get(n, "artifacts")))
		say(c, SEV_ERROR, n->place, path, "the release of %s keeps nothing", s->name)
			->hint = arena_printf(c->a, "artifacts: { PATH: %s/PATH }", s->working_dir);
	if (s->image)
		s->release = r;
}

void leave_development(struct decode *c, struct service *s)
{
	if (s->release && !c->p->dev && s->where == RUN_CONTAINER)
		s->develop = NULL;
}

const struct develop *service_code(const struct service *s)
{
	return s->release ? s->release->code : s->develop;
}
