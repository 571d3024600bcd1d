/*
 * The tables: each field is told of, its default fits it, and a value of any kind at any field
 * gives a diagnostic when the table says so and never more than that (A10).
 */
#include "model.h"

#include "config/config.h"
#include "doc/schema.h"

#define PATH_DEEP 16

/* From the top of the file to one field. */
struct route_to {
	const struct field *field[PATH_DEEP];
	const char *key[PATH_DEEP]; /* NULL: an item of a list */
	size_t deep;
	char name[300];
};

typedef void visit_fn(const struct route_to *r, void *ctx);

static void walk_schema(const struct schema *s, struct route_to *r, visit_fn *fn, void *ctx);

static void walk_field(
	const char *key, const struct field *f, struct route_to *r, visit_fn *fn, void *ctx)
{
	size_t len = strlen(r->name);
	assert_true(r->deep < PATH_DEEP);
	r->field[r->deep] = f;
	r->key[r->deep++] = key;
	snprintf(r->name + len, sizeof(r->name) - len, ".%s", key ? key : "[]");
	fn(r, ctx);
	if (f->map)
		walk_schema(f->map, r, fn, ctx);
	if (f->item)
		walk_field(NULL, f->item, r, fn, ctx);
	r->deep--;
	r->name[len] = '\0';
}

static void walk_schema(const struct schema *s, struct route_to *r, visit_fn *fn, void *ctx)
{
	for (const struct field *f = s->fields; f && f->name; f++)
		walk_field(f->name, f, r, fn, ctx);
	if (s->any)
		walk_field("key", s->any, r, fn, ctx);
}

static void told(const struct route_to *r, void *ctx)
{
	const struct field *f = r->field[r->deep - 1];
	size_t *count = ctx;
	++*count;
	bool fine = f->types && (!f->map || f->types & T_MAP) && (!f->item || f->types & T_LIST) &&
		    f->min <= f->max && (!f->choices || f->types & (T_STR | T_BOOL));
	if (f->name)
		fine = fine && f->help && strlen(f->help) < 160 && !ends_with(f->help, ".") &&
		       !strchr(f->help, '\n');
	if (!fine)
		fail_msg("%s", r->name);
}

static void each_field_is_told_of(void **state)
{
	struct route_to r = { 0 };
	size_t count = 0;
	(void)state;
	walk_schema(&schema_devenv, &r, told, &count);
	walk_schema(&schema_template, &r, told, &count);
	assert_true(count > 500);
}

static void fields_are_unique(const struct route_to *r, void *ctx)
{
	const struct schema *s = r->field[r->deep - 1]->map;
	(void)ctx;
	for (const struct field *f = s ? s->fields : NULL; f && f->name; f++) {
		if (schema_field(s, f->name) != f)
			fail_msg("%s.%s is there twice", r->name, f->name);
	}
	for (const char *const *k = s ? s->carried : NULL; k && *k; k++) {
		if (schema_field(s, *k))
			fail_msg("%s.%s is carried and a field", r->name, *k);
	}
}

static void each_field_is_there_once(void **state)
{
	struct route_to r = { 0 };
	(void)state;
	walk_schema(&schema_devenv, &r, fields_are_unique, NULL);
}

/* A file that says nothing but this value; its place is line 77. */
static struct node *file_with(struct arena *a, const struct route_to *r, struct node *value)
{
	struct place at = { .file = "devenv.yml", .layer = "devenv.yml", .line = 1, .col = 1 };
	struct node *n = value;
	for (size_t i = r->deep; i-- > 0;) {
		struct node *outer = r->key[i] ? node_map(a, at) : node_list(a, at);
		if (r->key[i])
			map_put(a, outer, r->key[i], at, n);
		else
			list_add(a, outer, n);
		n = outer;
	}
	return n;
}

static struct node *value_of(struct arena *a, enum node_kind kind)
{
	struct place at = { .file = "devenv.yml", .layer = "devenv.yml", .line = 77, .col = 7 };
	switch (kind) {
	case NODE_NULL:
		return node_null(a, at);
	case NODE_BOOL:
		return node_bool(a, true, at);
	case NODE_INT:
		return node_int(a, 4242424242424242, at);
	case NODE_FLOAT:
		return node_float(a, 1.5e300, "1.5e300", at);
	case NODE_STR:
		return node_str(a, "\033[31m%s${", at);
	case NODE_LIST:
		return node_list(a, at);
	case NODE_MAP:
		break;
	}
	return node_map(a, at);
}

static size_t errors_at(const struct diags *d, int line)
{
	size_t count = 0;
	for (size_t i = 0; i < d->count; i++)
		count += d->items[i].severity == SEV_ERROR && d->items[i].place.line == line;
	return count;
}

static void each_kind(const struct route_to *r, void *ctx)
{
	const struct field *f = r->field[r->deep - 1];
	size_t *wrong = ctx;
	for (int kind = NODE_NULL; kind <= NODE_MAP; kind++) {
		struct subject s = { .diags = { .arena = &s.arena } };
		struct node *tree = file_with(&s.arena, r, value_of(&s.arena, kind));
		schema_check(&s.arena, &schema_devenv, tree, &s.diags);
		unsigned bit = 1u << kind;
		bool integral = kind == NODE_INT && f->types & T_FLOAT;
		bool fits =
			f->types & bit || integral || kind == NODE_NULL; /* null: nothing said */
		if (!fits && !errors_at(&s.diags, 77)) {
			print_error("%s takes %s\n", r->name, node_kind_name(kind));
			++*wrong;
		}
		subject_decode(&s, tree);
		subject_release(&s);
	}
}

/* FAULTS A10 */
static void each_field_with_each_kind(void **state)
{
	struct route_to r = { 0 };
	size_t wrong = 0;
	(void)state;
	walk_schema(&schema_devenv, &r, each_kind, &wrong);
	assert_int_equal(wrong, 0);
}

/* Before merging, short forms are made long: that must bear any kind too. */
static void each_kind_short(const struct route_to *r, void *ctx)
{
	(void)ctx;
	for (int kind = NODE_NULL; kind <= NODE_MAP; kind++) {
		struct subject s = { .diags = { .arena = &s.arena } };
		struct node *tree = file_with(&s.arena, r, value_of(&s.arena, kind));
		tree = config_canonical(&s.arena, tree, &schema_devenv, &s.diags);
		if (tree && !s.diags.errors)
			schema_check(&s.arena, &schema_devenv, tree, &s.diags);
		if (tree)
			subject_decode(&s, tree);
		subject_release(&s);
	}
}

static void each_field_with_each_kind_in_short(void **state)
{
	struct route_to r = { 0 };
	(void)state;
	walk_schema(&schema_devenv, &r, each_kind_short, NULL);
}

static void default_fits(const struct route_to *r, void *ctx)
{
	const struct field *f = r->field[r->deep - 1];
	struct place at = { .file = "devenv.yml", .layer = "devenv.yml", .line = 77, .col = 7 };
	(void)ctx;
	if (!f->value)
		return;
	struct subject s = { .diags = { .arena = &s.arena } };
	struct node *v = node_plain(&s.arena, f->value, strlen(f->value), at);
	schema_check(&s.arena, &schema_devenv, file_with(&s.arena, r, v), &s.diags);
	if (errors_at(&s.diags, 77))
		fail_msg("%s: its default %s does not fit", r->name, f->value);
	subject_release(&s);
}

static void each_default_fits(void **state)
{
	struct route_to r = { 0 };
	(void)state;
	walk_schema(&schema_devenv, &r, default_fits, NULL);
}

static void defaults_are_valid(void **state)
{
	struct subject s = { .diags = { .arena = &s.arena } };
	(void)state;
	struct node *tree = schema_defaults(&s.arena);
	schema_check(&s.arena, &schema_devenv, tree, &s.diags);
	subject_decode(&s, tree);
	assert_int_equal(s.diags.count, 0);
	assert_string_equal(node_path(tree, "up.data")->place.layer, "default");
	subject_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_field_is_told_of),
		cmocka_unit_test(each_field_is_there_once),
		cmocka_unit_test(each_field_with_each_kind),
		cmocka_unit_test(each_field_with_each_kind_in_short),
		cmocka_unit_test(each_default_fits), cmocka_unit_test(defaults_are_valid) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
