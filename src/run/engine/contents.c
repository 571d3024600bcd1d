/*
 * What images are and hold. Comes in: names of images that the engine has. Goes out: ids, digests,
 * packages. A container is made from the image to read from, never started, and removed.
 */
#include "run/engine/contents.h"

#include <stdlib.h>
#include <string.h>

#include "run/engine/carrier.h"
#include "run/engine/call.h"
#include "run/files/tar.h"

/* ---- what a name means now ---- */

/* "debian@sha256:..." of the repository that the name is of. */
static const char *digest_of(const struct node *image, const char *name)
{
	const char *slash = strrchr(name, '/'), *last = slash ? slash : name;
	size_t len = (size_t)(last - name) + strcspn(last, ":@");
	struct node *item;
	const char *any = NULL;
	node_each_item(node_get(image, "RepoDigests"), i, item)
	{
		const char *text = node_text(item), *at = text ? strchr(text, '@') : NULL;
		if (!at)
			continue;
		any = at + 1;
		if ((size_t)(at - text) == len && !strncmp(text, name, len))
			return at + 1;
	}
	return any;
}

int engine_image(
	struct engine *g, struct arena *a, const char *name, struct seen_image *out, struct err *e)
{
	struct node *n;
	*out = (struct seen_image){ .name = name };
	if (engine_find(g, a, &n, e, "/images/%s/json", name))
		return -1;
	const struct node *size = node_get(n, "Size");
	out->id = node_text(node_get(n, "Id"));
	out->digest = digest_of(n, name);
	out->base = node_text(node_get(node_path(n, "Config.Labels"), "devenv.base"));
	out->size = size && size->kind == NODE_INT ? size->integer : 0;
	return 0;
}

int engine_images(
	struct engine *g, struct arena *a, const struct strs *names, struct world *w, struct err *e)
{
	struct seen_image seen;
	for (size_t i = 0; i < names->count; i++) {
		if (engine_image(g, a, names->items[i], &seen, e))
			return -1;
		world_note_image(a, w, &seen);
	}
	return 0;
}

/* ---- packages ---- */

/* The value of "Name: value" within one stanza; folded lines belong to it. */
static const char *field_of(struct arena *a, const char *stanza, size_t len, const char *name)
{
	size_t name_len = strlen(name);
	for (const char *s = stanza, *end = stanza + len; s < end;) {
		const char *stop = memchr(s, '\n', (size_t)(end - s));
		stop = stop ? stop : end;
		if ((size_t)(stop - s) > name_len && !strncmp(s, name, name_len) &&
			s[name_len] == ':') {
			s += name_len + 1;
			while (s < stop && *s == ' ')
				s++;
			return arena_strndup(a, s, (size_t)(stop - s));
		}
		s = stop + 1;
	}
	return NULL;
}

static void read_stanza(struct arena *a, const char *s, size_t len, struct packages *out,
	struct strs *architectures)
{
	const char *name = field_of(a, s, len, "Package"),
		   *version = field_of(a, s, len, "Version"),
		   *status = field_of(a, s, len, "Status"),
		   *depends = field_of(a, s, len, "Depends"),
		   *before = field_of(a, s, len, "Pre-Depends");
	if (!name || !version || (status && !ends_with(status, " installed")))
		return;
	*list_push(a, out) = (struct deb_package){
		.name = name,
		.version = version,
		.needs = depends && before ? arena_printf(a, "%s, %s", before, depends)
			 : depends         ? depends
					   : before,
		.provides = field_of(a, s, len, "Provides"),
	};
	const char *architecture = field_of(a, s, len, "Architecture");
	strs_add(a, architectures, architecture ? architecture : "all");
}

/* dpkg itself is of the architecture that needs no naming. */
static void name_foreign(struct arena *a, struct packages *l, const struct strs *architectures)
{
	const char *native = NULL;
	for (size_t i = 0; i < l->count; i++)
		if (streq(l->items[i].name, "dpkg"))
			native = architectures->items[i];
	for (size_t i = 0; native && i < l->count; i++) {
		const char *its = architectures->items[i];
		if (!streq(its, native) && !streq(its, "all"))
			l->items[i].name = arena_printf(a, "%s:%s", l->items[i].name, its);
	}
}

void dpkg_status(struct arena *a, const char *text, size_t len, struct packages *out)
{
	struct strs architectures = { 0 };
	for (const char *s = text, *end = text + len; s < end;) {
		const char *stop = s;
		while (stop < end && !(*stop == '\n' && (stop + 1 == end || stop[1] == '\n')))
			stop++;
		read_stanza(a, s, (size_t)(stop - s), out, &architectures);
		s = stop + (stop < end);
		while (s < end && *s == '\n')
			s++;
	}
	name_foreign(a, out, &architectures);
	packages_sort(out);
}

/* ---- reading from an image ---- */

static bool begins(void *text, const struct tar_entry *entry)
{
	(void)text;
	(void)entry; /* the one that was asked for */
	return true;
}

static void keep(void *text, const char *data, size_t len)
{
	buf_add(text, data, len);
}

static void ends(void *text)
{
	(void)text;
}

static bool feed(void *tar, const char *data, size_t len)
{
	return tar_feed(tar, data, len);
}

/* No such file is no error: an image without dpkg. */
static int fetch_status(
	struct engine *g, struct arena *a, const char *name, struct packages *out, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct tar *tar = tar_new(
		&(struct tar_sink){ .entry = begins, .data = keep, .end = ends, .ctx = &text });
	struct engine_ask ask = {
		.path = arena_printf(a, "/containers/%s/archive?path=/var/lib/dpkg/status", name),
		.patient = true,
		.data = feed,
		.ctx = tar,
	};
	struct engine_call *c = engine_begin(g, &ask, e);
	while (c && !engine_done(c))
		engine_turn(g, NULL, 1000);
	bool absent = c && engine_answer(c)->status == 404;
	int rc = absent ? 0 : c ? engine_finish(c, e) : -1;
	if (!rc && !absent && tar_whole(tar))
		dpkg_status(a, buf_str(&text), text.len, out);
	else if (!rc && !absent)
		rc = err_set(e, ERR_ENGINE, "the engine's archive is cut off");
	engine_call_free(c);
	tar_free(tar);
	return rc;
}

int image_packages(struct engine *g, struct arena *a, const char *image, const char *owner,
	struct packages *out, struct err *e)
{
	const char *name = arena_printf(a, "%s-contents", owner);
	struct err ignored = ERR_INIT;
	*out = (struct packages){ 0 };
	if (engine_remove(g, name, e)) /* of a run that was killed */
		return -1;
	char id[CARRIER_ID];
	struct carrier_wish w = {
		.image = image, .workspace = owner, .name = name, .service = "devenv-contents"
	};
	int rc = carrier_make(g, &w, id, e);
	if (rc)
		return err_wrap(e, "reading the packages of %s", image);
	rc = fetch_status(g, a, name, out, e);
	engine_remove(g, name, rc ? &ignored : e);
	return rc ? err_wrap(e, "reading the packages of %s", image) : 0;
}
