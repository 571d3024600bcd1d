/*
 * YAML into the tree, event by event. Comes in: text of any origin. Goes out: a tree whose nodes
 * know their places, or diagnostics. Depth, aliases and nodes are counted as events arrive, so that
 * hostile text costs no more than its own length. Aliases share the node that they name.
 */
#include "doc/yaml.h"

#include <string.h>
#include <yaml.h>

#include "base/map.h"
#include "base/text.h"
#include "yaml_in.h"

/* What an anchor names, and what expanding it costs. */
struct anchor {
	struct node *node;
	struct place place;
	size_t size; /* nodes in it, aliases expanded */
	int height;  /* levels of lists and maps in it */
	bool open;   /* still being read: an alias to it would contain itself */
};

/* A list or map being read. */
struct frame {
	struct node *node;
	struct anchor *anchor; /* NULL: none */
	size_t first;          /* its first child among the reader's children */
	size_t nodes_before;
	int height;      /* of its highest child */
	const char *key; /* maps: the key whose value comes next, or NULL */
	struct place key_place;
};

struct reader {
	struct arena *a;
	struct yaml_source source;
	yaml_parser_t parser;
	yaml_event_t event;
	struct map anchors; /* name -> struct anchor */
	struct frame frames[YAML_MAX_DEPTH];
	int depth;
	struct node_pair *children; /* of all open frames; each takes its own off at its end */
	size_t count, cap;
	struct node *root;
	size_t nodes, aliases, documents;
	size_t errors_before;
};

/* The key under which `<<` waits for the end of its map; compared by address. */
static const char merge_key[] = "<<";

static struct place place_of(const struct reader *r, yaml_mark_t m)
{
	return (struct place){ r->source.file, r->source.layer, (int)m.line + 1,
		(int)m.column + 1 };
}

static struct place event_place(const struct reader *r)
{
	return place_of(r, r->event.start_mark);
}

static struct diag *fault(struct reader *r, struct place at, const char *message, const char *hint)
{
	struct diag *g = diag_add(r->source.diags, SEV_ERROR, at, "%s", message);
	g->hint = hint;
	return g;
}

/* The budgets. False when one is used up: reading stops. */
static bool within_budgets(struct reader *r, int height)
{
	if (r->depth + height > YAML_MAX_DEPTH)
		fault(r, event_place(r), "nested deeper than 64 levels", NULL);
	else if (r->nodes > YAML_MAX_NODES)
		fault(r, event_place(r), "more than 100000 values once aliases are expanded",
			"use fewer aliases, or split the file up");
	else if (r->aliases > YAML_MAX_ALIASES)
		fault(r, event_place(r), "more than 1000 aliases", "use fewer aliases");
	else
		return true;
	return false;
}

/* A node is complete: it becomes the root, an item or a value. */
static void place_child(struct reader *r, struct node *n, int height)
{
	if (!r->depth) {
		r->root = n;
		return;
	}
	struct frame *f = &r->frames[r->depth - 1];
	if (height > f->height)
		f->height = height;
	if (r->count == r->cap) {
		r->cap *= 2;
		r->children = xrealloc(r->children, r->cap * sizeof(*r->children));
	}
	r->children[r->count++] = (struct node_pair){ f->key, f->key_place, n };
	f->key = NULL;
}

static bool wants_key(const struct reader *r)
{
	const struct frame *f = r->depth ? &r->frames[r->depth - 1] : NULL;
	return f && f->node->kind == NODE_MAP && !f->key;
}

static void key_set(struct reader *r, const char *key)
{
	struct frame *f = &r->frames[r->depth - 1];
	f->key = key;
	f->key_place = event_place(r);
}

static struct anchor *anchor_add(struct reader *r, const yaml_char_t *name, struct node *n)
{
	if (!name)
		return NULL;
	struct anchor *an = arena_new(r->a, struct anchor);
	*an = (struct anchor){ .node = n, .place = n->place, .size = 1 };
	map_set(&r->anchors, arena_strdup(r->a, (const char *)name), an);
	return an;
}

#define YAML_ORG "tag:yaml.org,2002:"

static const struct tag {
	const char *name;
	unsigned kinds; /* bits of the node kinds that it may stand on */
	enum node_tag tag;
} tags[] = {
	{ "!", ~0u, TAG_NONE },
	{ "!reset", ~0u, TAG_RESET },
	{ "!override", ~0u, TAG_OVERRIDE },
	{ YAML_ORG "str", 1 << NODE_STR, TAG_NONE },
	{ YAML_ORG "int", 1 << NODE_INT, TAG_NONE },
	{ YAML_ORG "float", 1 << NODE_FLOAT, TAG_NONE },
	{ YAML_ORG "bool", 1 << NODE_BOOL, TAG_NONE },
	{ YAML_ORG "null", 1 << NODE_NULL, TAG_NONE },
	{ YAML_ORG "map", 1 << NODE_MAP, TAG_NONE },
	{ YAML_ORG "seq", 1 << NODE_LIST, TAG_NONE },
};

/* "!!name" for tags of YAML itself, else the tag as it is. */
static const char *tag_shown(struct reader *r, const char *tag)
{
	size_t n = strlen(YAML_ORG);
	return strncmp(tag, YAML_ORG, n) ? tag : arena_printf(r->a, "!!%s", tag + n);
}

/* Gives n the meaning of its tag; says so when there is none. */
static void tag_apply(struct reader *r, struct node *n, const yaml_char_t *name)
{
	const struct tag *t = NULL;
	if (!name)
		return;
	for (size_t i = 0; i < countof(tags) && !t; i++)
		if (streq(tags[i].name, (const char *)name))
			t = &tags[i];
	if (!t) {
		diag_add(r->source.diags, SEV_ERROR, n->place, "unknown tag %s",
			tag_shown(r, (const char *)name))
			->hint = "known tags: !reset, !override, !!str, !!int, !!float, !!bool, "
				 "!!null, !!map, !!seq";
		return;
	}
	n->tag = t->tag;
	if (!(t->kinds & 1u << n->kind))
		diag_add(r->source.diags, SEV_ERROR, n->place, "%s does not fit %s",
			tag_shown(r, (const char *)name), node_kind_name(n->kind));
}

static bool means_string(const yaml_char_t *tag)
{
	return tag && (streq((const char *)tag, "!") || streq((const char *)tag, YAML_ORG "str"));
}

static struct node *scalar_node(struct reader *r)
{
	const char *s = (const char *)r->event.data.scalar.value;
	size_t len = r->event.data.scalar.length;
	const yaml_char_t *tag = r->event.data.scalar.tag;
	bool plain = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	bool text = !plain || means_string(tag);
	struct node *n;
	if (text)
		n = node_strn(r->a, s, len, event_place(r));
	else
		n = node_plain(r->a, s, len, event_place(r));
	n->quoted = text;
	if (tag && streq((const char *)tag, YAML_ORG "float") && n->kind == NODE_INT) {
		n->kind = NODE_FLOAT;
		n->real = (double)n->integer;
	}
	tag_apply(r, n, tag);
	return n;
}

/* A key: its text as written, or merge_key. False when it is none. */
static bool scalar_key(struct reader *r)
{
	size_t len = r->event.data.scalar.length;
	const char *s = (const char *)r->event.data.scalar.value;
	bool plain = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (plain && !len) {
		fault(r, event_place(r), "a key is missing before ':'", "write the key, or \"\"");
		return false;
	}
	if (r->event.data.scalar.tag || r->event.data.scalar.anchor) {
		struct node *n = scalar_node(r);
		anchor_add(r, r->event.data.scalar.anchor, n);
	}
	key_set(r, plain && streq(s, merge_key) ? merge_key : arena_strndup(r->a, s, len));
	return true;
}

static bool read_scalar(struct reader *r)
{
	if (memchr(r->event.data.scalar.value, '\0', r->event.data.scalar.length)) {
		fault(r, event_place(r), "text cannot hold a NUL character (\"\\0\")", "remove it");
		return false;
	}
	if (wants_key(r))
		return scalar_key(r);
	r->nodes++;
	struct node *n = scalar_node(r);
	anchor_add(r, r->event.data.scalar.anchor, n);
	place_child(r, n, 0);
	return within_budgets(r, 0);
}

static bool begin(
	struct reader *r, enum node_kind kind, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (wants_key(r)) {
		diag_add(r->source.diags, SEV_ERROR, event_place(r), "a key must be text, got %s",
			node_kind_name(kind))
			->hint = "text that starts with '{' or '[' needs quotes";
		return false;
	}
	r->nodes++;
	if (!within_budgets(r, 1))
		return false;
	struct node *n =
		kind == NODE_MAP ? node_map(r->a, event_place(r)) : node_list(r->a, event_place(r));
	tag_apply(r, n, tag);
	struct anchor *an = anchor_add(r, anchor, n);
	if (an)
		an->open = true;
	r->frames[r->depth++] = (struct frame){
		.node = n, .anchor = an, .first = r->count, .nodes_before = r->nodes - 1
	};
	return true;
}

/* Adds what n has and into does not: explicit keys and earlier sources win. */
static void merge_map(struct reader *r, struct node *into, const struct node *n)
{
	const struct node_pair *p;
	node_each_pair(n, i, p) map_add(r->a, into, p->key, p->key_place, p->value);
}

static void merge_value(struct reader *r, struct node *into, const struct node_pair *merge)
{
	const struct node *n = merge->value;
	struct node *item;
	if (n->kind == NODE_MAP)
		merge_map(r, into, n);
	node_each_item(n, i, item)
	{
		if (item->kind == NODE_MAP)
			merge_map(r, into, item);
		else
			n = item;
	}
	if (n->kind != NODE_MAP && n != merge->value)
		diag_add(r->source.diags, SEV_ERROR, n->place,
			"'<<' takes a map or a list of maps, got %s in the list",
			node_kind_name(n->kind));
	else if (n->kind != NODE_MAP && n->kind != NODE_LIST)
		diag_add(r->source.diags, SEV_ERROR, merge->key_place,
			"'<<' takes a map or a list of maps, got %s", node_kind_name(n->kind))
			->hint = "name an anchor: `<<: *name`";
}

static void say_duplicate(struct reader *r, const struct node_pair *p, struct place first)
{
	struct diag *g = diag_add(r->source.diags, SEV_ERROR, p->key_place,
		"the key \"%.80s\" appears twice", p->key);
	g->hint = p->key == merge_key ? "write `<<: [*a, *b]`" : "keep one of the two";
	g->other = first;
	g->other_label = "first defined here";
}

static void end_map(struct reader *r, struct node *map, const struct node_pair *p, size_t count)
{
	const struct node_pair *merge = NULL;
	node_reserve(r->a, map, count);
	for (size_t i = 0; i < count; i++) {
		if (p[i].key == merge_key && merge) {
			say_duplicate(r, &p[i], merge->key_place);
		} else if (p[i].key == merge_key) {
			merge = &p[i];
		} else {
			struct node_pair *there =
				map_add(r->a, map, p[i].key, p[i].key_place, p[i].value);
			if (there)
				say_duplicate(r, &p[i], there->key_place);
		}
	}
	if (merge)
		merge_value(r, map, merge);
}

static bool end(struct reader *r)
{
	struct frame *f = &r->frames[--r->depth];
	const struct node_pair *p = r->children + f->first;
	size_t count = r->count - f->first;
	if (f->node->kind == NODE_MAP) {
		end_map(r, f->node, p, count);
	} else {
		node_reserve(r->a, f->node, count);
		for (size_t i = 0; i < count; i++)
			list_add(r->a, f->node, p[i].value);
	}
	if (f->anchor) {
		f->anchor->size = r->nodes - f->nodes_before;
		f->anchor->height = f->height + 1;
		f->anchor->open = false;
	}
	r->count = f->first;
	place_child(r, f->node, f->height + 1);
	return true;
}

static void say_unknown_anchor(struct reader *r, const char *name)
{
	struct strs names = { NULL, 0, 0 };
	struct diag *g = diag_add(r->source.diags, SEV_ERROR, event_place(r),
		"no anchor &%.80s before this alias", name);
	for (size_t i = 0; i < r->anchors.count; i++)
		strs_add(r->a, &names, r->anchors.entries[i].key);
	const char *near = nearest_name(name, names.items, names.count);
	g->hint = near ? arena_printf(r->source.diags->arena, "did you mean *%s?", near)
		       : "define it first, or put the value in quotes";
}

static bool read_alias(struct reader *r)
{
	const char *name = (const char *)r->event.data.alias.anchor;
	struct anchor *an = map_get(&r->anchors, name);
	if (!an) {
		say_unknown_anchor(r, name);
		return false;
	}
	if (an->open) {
		struct diag *g = diag_add(r->source.diags, SEV_ERROR, event_place(r),
			"the alias *%.80s refers to itself", name);
		g->other = an->place;
		g->other_label = "it is part of this value";
		return false;
	}
	r->aliases++;
	if (wants_key(r)) {
		if (node_is_scalar(an->node))
			key_set(r, an->node->text);
		else
			diag_add(r->source.diags, SEV_ERROR, event_place(r),
				"a key must be text, got %s", node_kind_name(an->node->kind));
		return node_is_scalar(an->node) && within_budgets(r, 0);
	}
	r->nodes += an->size;
	place_child(r, an->node, an->height);
	return within_budgets(r, an->height);
}

static bool begin_document(struct reader *r)
{
	if (r->documents++ == 0)
		return true;
	fault(r, event_place(r), "a second document starts here",
		"a file holds one document: remove the `---`, or split the file up");
	return false;
}

/* One event; false ends the reading. */
static bool read_event(struct reader *r)
{
	switch (r->event.type) {
	case YAML_DOCUMENT_START_EVENT:
		return begin_document(r);
	case YAML_SCALAR_EVENT:
		return read_scalar(r);
	case YAML_ALIAS_EVENT:
		return read_alias(r);
	case YAML_SEQUENCE_START_EVENT:
		return begin(r, NODE_LIST, r->event.data.sequence_start.anchor,
			r->event.data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return begin(r, NODE_MAP, r->event.data.mapping_start.anchor,
			r->event.data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return end(r);
	case YAML_STREAM_END_EVENT:
		return false;
	default:
		return true;
	}
}

static void parse_error(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	const yaml_mark_t *m = &p->problem_mark, *c = &p->context_mark;
	if (p->error == YAML_READER_ERROR) {
		yaml_explain_byte(&r->source, p->problem_offset);
		return;
	}
	struct yaml_fault f = { .problem = p->problem ? p->problem : "out of memory",
		.context = p->context,
		.line = (int)m->line + 1,
		.col = (int)m->column + 1 };
	if (p->context) {
		f.context_line = (int)c->line + 1;
		f.context_col = (int)c->column + 1;
	}
	yaml_explain(&r->source, &f);
}

static void read_all(struct reader *r)
{
	if (!yaml_parser_initialize(&r->parser))
		bug("out of memory");
	yaml_parser_set_input_string(
		&r->parser, (const unsigned char *)r->source.text, r->source.len);
	for (bool more = true; more;) {
		if (!yaml_parser_parse(&r->parser, &r->event)) {
			parse_error(r);
			break;
		}
		more = read_event(r);
		yaml_event_delete(&r->event);
	}
	yaml_parser_delete(&r->parser);
}

struct node *yaml_read(struct arena *a, const char *text, size_t len, const char *file,
	const char *layer, struct diags *d, bool *empty)
{
	struct reader r = {
		.a = a, .source = { text, len, file, layer, d }, .errors_before = d->errors
	};
	if (empty)
		*empty = false;
	if (!yaml_acceptable(&r.source))
		return NULL;
	r.cap = 256;
	r.children = xmalloc(r.cap * sizeof(*r.children));
	read_all(&r);
	map_release(&r.anchors);
	xfree(r.children);
	if (d->errors != r.errors_before)
		return NULL;
	bool none = !r.root || (r.root->kind == NODE_NULL && !r.root->len && !r.root->tag);
	if (empty)
		*empty = none;
	return none ? NULL : r.root;
}
