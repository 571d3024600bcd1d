/*
 * Mounts: "src:dst:ro", "/anonymous", {name: target} -> a list of maps with type, source, target,
 * read_only and the options of the type. What the source is (a path or a volume) may show only
 * after substitution; until then type is left out.
 */
#include "config/canonical.h"

#include <string.h>

static const char mount_hint[] =
	"write [SOURCE:]TARGET[:ro], or a map with type, source and target";

/* Words behind the second colon; group and key say where they end up. */
static const struct option {
	const char *word, *group, *key;
} options[] = {
	{ "rw", NULL, NULL },
	{ "ro", NULL, "read_only" },
	{ "nocopy", "volume", "nocopy" },
	{ "z", "bind", "selinux" },
	{ "Z", "bind", "selinux" },
	{ "private", "bind", "propagation" },
	{ "rprivate", "bind", "propagation" },
	{ "shared", "bind", "propagation" },
	{ "rshared", "bind", "propagation" },
	{ "slave", "bind", "propagation" },
	{ "rslave", "bind", "propagation" },
	{ "cached", NULL, NULL }, /* accepted and without effect, as in Compose */
	{ "delegated", NULL, NULL },
	{ "consistent", NULL, NULL },
};

static const struct option *find_option(struct piece p)
{
	for (size_t i = 0; i < countof(options); i++)
		if (strlen(options[i].word) == p.len && !memcmp(options[i].word, p.s, p.len))
			return &options[i];
	return NULL;
}

/* map.group, made anew when absent (or when it is another layer's). */
static struct node *group_of(struct canonical *c, struct node *map, const char *group)
{
	struct node *old = node_get(map, group);
	struct node *now =
		old && old->kind == NODE_MAP ? node_copy(c->a, old) : node_map(c->a, map->place);
	node_reserve(c->a, now, now->map.count + 1);
	put_node(c, map, group, now);
	return now;
}

static void set_option(
	struct canonical *c, struct node *map, const struct option *o, struct piece p)
{
	bool truth = !strcmp(o->key, "read_only") || !strcmp(o->key, "nocopy");
	struct node *value = truth ? node_bool(c->a, true, map->place) : text_node(c, p, map);

	put_node(c, o->group ? group_of(c, map, o->group) : map, o->key, value);
}

static void set_options(struct canonical *c, struct node *map, struct piece p)
{
	for (size_t start = 0; start <= p.len;) {
		size_t n = find_piece_end(p.s + start, p.len - start, ',');
		struct piece word = { p.s + start, n };
		const struct option *o = find_option(word);
		if (o && o->key)
			set_option(c, map, o, word);
		else if (!o) {
			struct diag *d = diag_add(c->d, SEV_WARNING, map->place,
				"mount option \"%.*s\" is unknown and has no effect", (int)n,
				word.s);
			d->path = trail_text(c->d->arena, c->at);
		}
		start += n + 1;
	}
}

static bool is_path(const char *source)
{
	return source[0] == '.' || source[0] == '/' || source[0] == '~';
}

/* What the source tells about the type; NULL: it is still open. */
static const char *type_of(const struct canonical *c, const struct node *source)
{
	const char *text = node_text(source);

	if (node_is_open(c, source) && text[0] == '$')
		return NULL;
	return text && is_path(text) ? "bind" : "volume";
}

/* A short form makes the folder of a bind mount, as in Compose. */
static void set_type(struct canonical *c, struct node *map, const char *type)
{
	if (!type)
		return;
	put_node(c, map, "type", node_str(c->a, type, map->place));
	if (streq(type, "bind") && map->brief)
		put_node(c, group_of(c, map, "bind"), "create_host_path",
			node_bool(c->a, true, map->place));
}

static struct node *make_mount(struct canonical *c, const struct node *from, struct node *source,
	struct piece target, struct piece words)
{
	struct node *map = brief_map(c, from);
	const char *type = type_of(c, source);

	if (type)
		put_node(c, map, "type", node_str(c->a, type, map->place));
	if (source)
		put_node(c, map, "source", source);
	put_node(c, map, "target", text_node(c, target, from));
	set_type(c, map, type);
	if (words.s)
		set_options(c, map, words);
	return map;
}

static struct node *bad_mount(struct canonical *c, const struct node *item)
{
	canonical_error(c, item, mount_hint, "\"%s\" is no mount", node_text(item));
	return NULL;
}

static bool has_empty(const struct piece *part, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!part[i].len)
			return true;
	return false;
}

/* NULL: no mount (said so). */
static struct node *short_mount(struct canonical *c, struct node *item)
{
	struct piece part[3] = { { 0 } };
	size_t count = split_pieces(item->text, item->len, ':', part, countof(part));

	if (count > countof(part) || has_empty(part, count))
		return bad_mount(c, item);
	if (piece_is_open(c, count == 1 ? part[0] : part[2]))
		return item; /* may still turn out to be several parts, or any options */
	if (count == 1)
		return make_mount(c, item, NULL, part[0], part[1]);
	return make_mount(c, item, text_node(c, part[0], item), part[1], part[2]);
}

static bool burst(const struct node *n)
{
	return n && n->substituted && n->text && strchr(n->text, ':');
}

/* A part turned out to hold several: split once more, keeping the options that were there. */
static struct node *split_again(struct canonical *c, struct node *item)
{
	const struct node_pair *pair;
	struct node *text = node_strf(c->a, item->place, "%s:%s",
		node_text(node_get(item, "source")), node_text(node_get(item, "target")));

	text->substituted = true;
	text->tag = item->tag;
	struct node *map = short_mount(c, text);
	node_each_pair(item, i, pair)
	{
		if (map && !node_pair(map, pair->key))
			map_put(c->a, map, pair->key, pair->key_place, pair->value);
	}
	return map;
}

static struct node *long_mount(struct canonical *c, struct node *item)
{
	const struct node *source = node_get(item, "source"), *target = node_get(item, "target");

	if (c->after && item->brief && node_text(source) && node_text(target) &&
		(burst(source) || burst(target)))
		return split_again(c, item);
	if (node_get(item, "type") || item->tag == TAG_RESET)
		return item;
	const char *type = type_of(c, source);
	struct node *typed = type ? node_copy(c->a, item) : item;
	set_type(c, typed, type);
	return typed;
}

/* Our own notation: {source: "target[:options]"} or {source: {target: ...}}. */
static struct node *named_mount(struct canonical *c, const struct node_pair *pair)
{
	struct node *value = pair->value, *source = node_str(c->a, pair->key, pair->key_place);

	if (node_is_scalar(value)) {
		struct piece part[2] = { { 0 } };
		size_t count = split_pieces(value->text, value->len, ':', part, countof(part));
		if (count > countof(part) || has_empty(part, count))
			return bad_mount(c, value);
		return make_mount(c, value, source, part[0], part[1]);
	}
	if (value->kind == NODE_LIST) {
		canonical_error(c, value, mount_hint, "mount %s is a list", pair->key);
		return NULL;
	}
	struct node *map =
		value->kind == NODE_MAP ? node_copy(c->a, value) : node_map(c->a, value->place);
	map->tag = value->tag;
	if (!node_get(map, "source"))
		put_node(c, map, "source", source);
	return long_mount(c, map);
}

static struct node *any_mount(struct canonical *c, struct node *item)
{
	if (node_is_scalar(item))
		return short_mount(c, item);
	if (item->kind == NODE_MAP)
		return long_mount(c, item);
	canonical_error(c, item, mount_hint, "%s is no mount", node_kind_name(item->kind));
	return NULL;
}

struct node *form_volumes(struct canonical *c, struct node *n, const struct field *f)
{
	struct node *from = as_list(c, n), *item, *now;
	struct gather list = { .c = c, .from = n };
	const struct node_pair *pair;

	if (from->kind == NODE_NULL)
		return n;
	node_each_pair(from, i, pair)
	{
		if ((now = named_mount(c, pair)))
			gather_add(&list, now);
	}
	node_each_item(from, i, item)
	{
		if ((now = any_mount(c, item)))
			gather_add(&list, now);
	}
	return unify(c, gather_done(&list), f);
}
