/*
 * Field tables as a JSON Schema (draft 2020-12), for editors. Comes in: tables. Goes out: one tree:
 * each table once under $defs, so that tables may refer to one another. Editors see files before
 * substitution and before merging: any scalar may be a string that holds ${...}, short forms are
 * allowed, and nothing is required, since another layer may say it.
 */
#include "doc/schema.h"

#include <string.h>

#include "base/map.h"
#include "base/text.h"
#include "doc/yaml.h"

struct dump {
	struct arena *a;
	struct map names; /* name of a definition -> struct schema */
	const struct schema **todo;
	size_t count, cap; /* of todo; done up to `done` */
	size_t done;
};

static const struct place nowhere;

/* What each notation may look like besides its canonical form. */
static const char *const short_forms[] = {
	[FORM_LIST] = "[{type: [string, number, boolean]}]",
	[FORM_ENV] = "[{type: array, items: {type: string}}]",
	[FORM_KEYS] = "[{type: array, items: {type: string}}]",
	[FORM_DEPENDS] = "[{type: array, items: {type: string}}]",
	[FORM_PORTS] =
		"[{type: [string, integer]},"
		" {type: array, items: {type: [string, integer, object]}},"
		" {type: object, additionalProperties: {type: [string, integer, object, 'null']}}]",
	[FORM_VOLUMES] = "[{type: array, items: {type: [string, object]}},"
			 " {type: object, additionalProperties: {type: [string, object, 'null']}}]",
	[FORM_BUILD] = "[{type: string}]",
	[FORM_SECRETS] = "[{type: array, items: {type: [string, object]}}]",
	[FORM_ENV_FILE] = "[{type: string}, {type: array, items: {type: [string, object]}}]",
	[FORM_EXTRA_HOSTS] = "[{type: array, items: {type: string}},"
			     " {type: object, additionalProperties: {type: [string, array]}}]",
	[FORM_ULIMITS] =
		"[{type: object, additionalProperties: {type: [integer, string, object]}}]",
	[FORM_COMMAND] =
		"[{type: string}, {type: array, items: {type: [string, number, boolean]}}]",
	[FORM_EXTENDS] = "[{type: string}]",
	[FORM_INCLUDE] = "[{type: string}, {type: array, items: {type: [string, object]}}]",
};

static const struct type_name {
	unsigned mask;
	const char *name;
} type_names[] = {
	{ T_STR, "string" },
	{ T_INT, "integer" },
	{ T_FLOAT, "number" },
	{ T_BOOL, "boolean" },
	{ T_LIST, "array" },
	{ T_MAP, "object" },
};

static void put(struct dump *s, struct node *map, const char *key, struct node *value)
{
	map_put(s->a, map, key, nowhere, value);
}

static void put_text(struct dump *s, struct node *map, const char *key, const char *text)
{
	if (text)
		put(s, map, key, node_str(s->a, text, nowhere));
}

/* A value that a table holds as YAML text; a string when it is none. */
static struct node *yaml_value(struct dump *s, const char *text)
{
	struct diags d = DIAGS_INIT(s->a);
	struct node *n = yaml_read(s->a, text, strlen(text), NULL, NULL, &d, NULL);
	return n ? n : node_str(s->a, text, nowhere);
}

static struct node *schema_ref(struct dump *s, const struct schema *m)
{
	const char *name = m->name ? m->name : "map";
	const void *there = map_get(&s->names, name);
	for (int n = 2; there && there != m; n++) {
		name = arena_printf(s->a, "%s-%d", m->name ? m->name : "map", n);
		there = map_get(&s->names, name);
	}
	if (!there) {
		map_set(&s->names, name, (void *)m);
		s->todo = arena_grow(
			s->a, s->todo, s->count, &s->cap, s->count + 1, sizeof(*s->todo));
		s->todo[s->count++] = m;
	}
	struct node *ref = node_map(s->a, nowhere);
	put(s, ref, "$ref", node_strf(s->a, nowhere, "#/$defs/%s", name));
	return ref;
}

static struct node *field_schema(struct dump *s, const struct field *f);

static struct node *type_list(struct dump *s, unsigned types)
{
	struct node *list = node_list(s->a, nowhere);
	for (size_t i = 0; i < countof(type_names); i++) {
		bool whole = type_names[i].mask == T_INT && types & T_FLOAT; /* a number anyway */
		if (types & type_names[i].mask && !whole)
			list_add(s->a, list, node_str(s->a, type_names[i].name, nowhere));
	}
	list_add(s->a, list, node_str(s->a, "null", nowhere));
	return list;
}

/* A string that substitution will fill in. */
static struct node *reference_schema(struct dump *s)
{
	return yaml_value(s, "{type: string, pattern: '\\$'}");
}

static struct node *choices_schema(struct dump *s, const struct field *f)
{
	struct node *one = node_map(s->a, nowhere), *values = node_list(s->a, nowhere);
	for (const char *const *c = f->choices; *c; c++)
		list_add(s->a, values, node_str(s->a, *c, nowhere));
	put(s, one, "enum", values);
	return one;
}

/* Plain scalars: JSON Schema applies `pattern` to strings only and `minimum` to numbers only. */
static struct node *scalar_schema(struct dump *s, const struct field *f, unsigned types)
{
	const struct format *fm = format_of(f->format);
	struct node *one = node_map(s->a, nowhere);
	put(s, one, "type", type_list(s, types | T_STR));
	if (fm->pattern && types & T_STR)
		put(s, one, "pattern", node_strf(s->a, nowhere, "%s|\\$", fm->pattern));
	else if (!(types & T_STR))
		put(s, one, "pattern", node_str(s->a, "\\$", nowhere));
	if (f->min < f->max) {
		put(s, one, "minimum", node_int(s->a, f->min, nowhere));
		put(s, one, "maximum", node_int(s->a, f->max, nowhere));
	}
	return one;
}

static struct node *list_schema(struct dump *s, const struct field *f)
{
	struct node *one = node_map(s->a, nowhere);
	put(s, one, "type", node_str(s->a, "array", nowhere));
	if (f->item)
		put(s, one, "items", field_schema(s, f->item));
	if (f->flags & FIELD_ONE_OR_MORE)
		put(s, one, "minItems", node_int(s->a, 1, nowhere));
	return one;
}

static struct node *alternatives(struct dump *s, const struct field *f)
{
	struct node *any = node_list(s->a, nowhere), *form;
	unsigned scalars = f->types & T_SCALAR;
	if (f->choices) {
		list_add(s->a, any, choices_schema(s, f));
		list_add(s->a, any, reference_schema(s));
		scalars &= (scalars & T_TEXT) == T_TEXT ? T_BOOL : T_BOOL | T_NUM;
	}
	if (scalars)
		list_add(s->a, any, scalar_schema(s, f, scalars));
	if (f->types & T_LIST)
		list_add(s->a, any, list_schema(s, f));
	if (f->types & T_MAP)
		list_add(s->a, any,
			f->map ? schema_ref(s, f->map) : yaml_value(s, "{type: object}"));
	if (f->form < countof(short_forms) && short_forms[f->form]) {
		struct node *forms = yaml_value(s, short_forms[f->form]);
		node_each_item(forms, i, form) list_add(s->a, any, form);
	}
	return any;
}

static void put_words(struct dump *s, struct node *n, const struct field *f)
{
	put_text(s, n, "description", f->help);
	if (f->value)
		put(s, n, "default", yaml_value(s, f->value));
}

static struct node *field_schema(struct dump *s, const struct field *f)
{
	struct node *n = node_map(s->a, nowhere);
	put_words(s, n, f);
	if ((f->types & T_ANY & ~(unsigned)T_NULL) == (T_ANY & ~(unsigned)T_NULL) && !f->map &&
		!f->item)
		return n;
	struct node *any = alternatives(s, f),
		    *one = node_count(any) == 1 ? any->list.items[0] : NULL;
	if (one && one->kind == NODE_MAP && !node_get(one, "$ref") && node_get(one, "pattern")) {
		struct node_pair *p;
		node_each_pair(one, i, p) put(s, n, p->key, p->value);
		return n;
	}
	list_add(s->a, any, yaml_value(s, "{type: 'null'}"));
	put(s, n, "anyOf", any);
	return n;
}

/* Keys beyond the named ones: those of `any`, those carried, and x-. */
static void put_other_keys(struct dump *s, struct node *n, const struct schema *m)
{
	struct node *patterns = node_map(s->a, nowhere);
	const char *keys = format_of(m->key_format)->pattern;
	put(s, patterns, "^x-", node_map(s->a, nowhere));
	if (m->any && keys)
		put(s, patterns, arena_printf(s->a, "^(?!x-)%s", keys + 1),
			field_schema(s, m->any));
	put(s, n, "patternProperties", patterns);
	if (m->any && !keys)
		put(s, n, "additionalProperties", field_schema(s, m->any));
	else
		put(s, n, "additionalProperties", node_bool(s->a, false, nowhere));
}

static void put_schema(struct dump *s, struct node *n, const struct schema *m)
{
	struct node *properties = node_map(s->a, nowhere);
	put(s, n, "type", yaml_value(s, "[object, 'null']"));
	put_text(s, n, "description", m->help);
	for (const struct field *f = m->fields; f && f->name; f++)
		put(s, properties, f->name, field_schema(s, f));
	for (const char *const *k = m->carried; k && *k; k++)
		put(s, properties, *k, node_map(s->a, nowhere));
	if (node_count(properties))
		put(s, n, "properties", properties);
	put_other_keys(s, n, m);
}

struct node *schema_json(struct arena *a, const struct schema *s, const char *title)
{
	struct dump d = { .a = a };
	struct node *root = node_map(a, nowhere), *defs = node_map(a, nowhere);
	put_text(&d, root, "$schema", "https://json-schema.org/draft/2020-12/schema");
	put_text(&d, root, "title", title);
	put(&d, root, "$ref", node_get(schema_ref(&d, s), "$ref"));
	while (d.done < d.count) {
		struct node *one = node_map(a, nowhere);
		const char *name = d.names.entries[d.done].key;
		put_schema(&d, one, d.todo[d.done++]);
		put(&d, defs, name, one);
	}
	put(&d, root, "$defs", defs);
	map_release(&d.names);
	return root;
}
