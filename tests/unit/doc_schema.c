/* Room doc: field tables. Guards: every wrong type is named with its path, every format takes what
 * it should and nothing else, ${...} values take their field's type, editors get a schema. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "doc/json.h"
#include "doc/yaml.h"
#include "doc/schema.h"

static const char *const gates[] = { "on", "warn", NULL };
static const struct field text_item = { .types = T_TEXT };
static const struct field any_label = { .types = T_SCALAR };
static const struct schema labels = { .name = "labels", .any = &any_label };
static const struct schema service;
static const struct field service_fields[] = {
	{ .name = "image",
		.types = T_STR,
		.format = F_IMAGE,
		.flags = FIELD_REQUIRED,
		.help = "what runs" },
	{ .name = "port", .types = T_INT, .min = 1, .max = 65535 },
	{ .name = "ports",
		.types = T_LIST,
		.item = &text_item,
		.flags = FIELD_ONE_OR_MORE,
		.form = FORM_PORTS },
	{ .name = "init", .types = T_BOOL },
	{ .name = "gate", .types = T_STR, .choices = gates },
	{ .name = "cpus", .types = T_FLOAT },
	{ .name = "wait", .types = T_TEXT, .format = F_DURATION, .value = "10s" },
	{ .name = "labels", .types = T_MAP, .map = &labels, .form = FORM_ENV },
	{ .name = "watch", .types = T_BOOL | T_LIST },
	{ .name = "child", .types = T_MAP, .map = &service },
	{ .name = NULL },
};
static const char *const carried[] = { "ulimits", NULL };
static const struct schema service = {
	.name = "service", .fields = service_fields, .carried = carried
};
static const struct field any_service = { .types = T_MAP, .map = &service };
static const struct schema services = {
	.name = "services", .any = &any_service, .key_format = F_NAME
};
static const struct field top_fields[] = {
	{ .name = "services", .types = T_MAP, .map = &services },
	{ .name = NULL },
};
static const struct schema top = { .name = "devenv", .fields = top_fields, .help = "the file" };

struct checked {
	struct arena a;
	struct diags d;
	struct node *n;
};

static void check(struct checked *c, const char *yaml)
{
	*c = (struct checked){ .d = { 0 } };
	c->d.arena = &c->a;
	c->n = yaml_read(&c->a, yaml, strlen(yaml), "f.yml", "f.yml", &c->d, NULL);
	assert_non_null(c->n);
	schema_check(&c->a, &top, c->n, &c->d);
}

static void says(const char *yaml, const char *path, const char *message, const char *hint)
{
	struct checked c;
	check(&c, yaml);
	assert_int_equal(c.d.count, 1);
	const struct diag *g = &c.d.items[0];
	assert_string_equal(g->message, message);
	if (path)
		assert_string_equal(g->path, path);
	if (hint)
		assert_string_equal(g->hint, hint);
	assert_int_equal(g->place.line, 1);
	arena_release(&c.a);
}

#define API(field) "services: {api: {image: a, " field "}}"

static void findings_name_path_and_remedy(void **state)
{
	(void)state;
	says(API("port: abc"), "services.api.port",
		"expected a whole number from 1 to 65535, got a string \"abc\"", NULL);
	says(API("port: '80'"), "services.api.port",
		"expected a whole number from 1 to 65535, got a string \"80\"",
		"remove the quotes");
	says(API("port: 0"), "services.api.port",
		"expected a whole number from 1 to 65535, got a whole number 0", NULL);
	says(API("port: 080"), NULL,
		"the number 080 begins with 0, which some readers take for octal",
		"write 80, or 0o... for octal");
	says(API("port: 80.0"), NULL, "expected a whole number from 1 to 65535, got a number 80.0",
		"write 80");
	says(API("port: 1000000000000000000000000000000"), NULL,
		"expected a whole number from 1 to 65535, got a number "
		"1000000000000000000000000000000",
		NULL);
	says(API("init: yes"), NULL, "expected true or false, got a string \"yes\"",
		"\"yes\" is a string in YAML 1.2: write true");
	says(API("gate: onn"), NULL, "expected one of on, warn, got a string \"onn\"",
		"did you mean \"on\"?");
	says(API("gate: true"), NULL, "expected one of on, warn, got true", NULL);
	says(API("wait: 10"), NULL, "expected a duration, got a whole number 10",
		"write a number and a unit: 200ms, 10s, 1h30m");
	says(API("ports: 80"), NULL, "expected a list, got a whole number 80",
		"write it as a list: [80]");
	says(API("ports: []"), "services.api.ports", "this list must not be empty", NULL);
	says(API("ports: [1, {}]"), "services.api.ports[1]", "expected text, got a map", NULL);
	says(API("watch: 1"), NULL, "expected true or false or a list, got a whole number 1", NULL);
	says(API("labels: {a.b: []}"), "services.api.labels.\"a.b\"",
		"expected text or true or false, got a list", NULL);
	says(API("imge: x"), "services.api.imge", "unknown key \"imge\" in service",
		"did you mean \"image\"?");
	says(API("ulimit: x"), NULL, "unknown key \"ulimit\" in service",
		"did you mean \"ulimits\"?");
	says("services: {api: {port: 1}}", "services.api", "\"image\" is missing",
		"image: what runs");
	says("services: {api: {image: ~}}", "services.api", "\"image\" is missing", NULL);
	says("services: {'A b': {image: x}}", "services.\"A b\"", "\"A b\" cannot be a name", NULL);
	says("services: []", "services", "expected a map, got a list", NULL);
	says("[]", NULL, "expected a map, got a list", NULL);
	says("nope: 1", "nope", "unknown key \"nope\" in devenv", "known here: services");
}

static void accepts(void **state)
{
	(void)state;
	static const char *const good[] = {
		API("port: 65535, init: false, gate: warn, cpus: 2, wait: 1h30m"),
		API("port: ~, init: ~, ports: ~, x-mine: {a: [b]}, ulimits: {n: 3}"),
		API("labels: {a: 1, b: true, c: x, d: ~}, watch: [1], child: {image: b}"),
		"services: {x-web: 3}\nx-y: 1\n",
		"services: ~\n",
		"services: {api: {image: 'reg:5000/${secret.x}'}}\n",
	};
	for (size_t i = 0; i < countof(good); i++) {
		struct checked c;
		check(&c, good[i]);
		if (c.d.count)
			fail_msg("%s: %s", good[i], c.d.items[0].message);
		arena_release(&c.a);
	}
}

/* Each kind of value in each field: never a crash, an error exactly when the kind is not among
 * types. */
static void every_kind_in_every_field(void **state)
{
	(void)state;
	static const char *const values[] = { "~", "true", "5", "1.5", "a", "[a]",
		"{x-a: b, image: c}" };
	static const char *const names[] = { "image", "port", "ports", "init", "cpus", "labels",
		"child" };
	for (size_t f = 0; f < countof(names); f++)
		for (size_t v = 0; v < countof(values); v++) {
			struct arena a = ARENA_INIT;
			struct checked c;
			check(&c, arena_printf(&a, "services: {api: {child: {image: b}, %s: %s%s}}",
					  streq(names[f], "child") ? "x-n" : names[f], values[v],
					  streq(names[f], "image") ? "" : ", image: a"));
			const struct field *field = schema_field(&service, names[f]);
			bool fits = v == NODE_NULL
					    ? f != 0
					    : field->types & 1u << v ||
						      (v == NODE_INT && field->types & T_FLOAT);
			if (!streq(names[f], "child") && fits != !c.d.errors)
				fail_msg("%s: %s: %s", names[f], values[v],
					c.d.count ? c.d.items[0].message : "accepted");
			arena_release(&c.a);
			arena_release(&a);
		}
}

static void substituted_takes_the_type(void **state)
{
	(void)state;
	struct checked c = { .d = { 0 } };
	c.d.arena = &c.a;
	static const char yaml[] =
		"services: {api: {image: '1', port: '80', init: 'on', cpus: '1.5', ports: ['1']}}";
	c.n = yaml_read(&c.a, yaml, strlen(yaml), "f", "f", &c.d, NULL);
	struct node *api = node_path(c.n, "services.api"), *item = node_path(api, "ports[0]");
	struct node_pair *p;
	node_each_pair(api, i, p)
	{
		p->value->substituted = true;
		p->value->quoted = false;
	}
	item->substituted = true;
	schema_check(&c.a, &top, c.n, &c.d);
	assert_int_equal(c.d.count, 0);
	assert_int_equal(node_get(api, "image")->kind, NODE_STR);
	assert_int_equal(node_get(api, "port")->integer, 80);
	assert_true(node_get(api, "init")->boolean);
	assert_true(node_get(api, "cpus")->real == 1.5);
	assert_int_equal(item->kind, NODE_STR);
	arena_release(&c.a);
}

static void secrets_are_not_shown(void **state)
{
	(void)state;
	struct checked c = { .d = { 0 } };
	c.d.arena = &c.a;
	static const char yaml[] = API("port: hunter2");
	c.n = yaml_read(&c.a, yaml, strlen(yaml), "f", "f", &c.d, NULL);
	node_path(c.n, "services.api.port")->secret = true;
	schema_check(&c.a, &top, c.n, &c.d);
	assert_int_equal(c.d.errors, 1);
	assert_null(strstr(c.d.items[0].message, "hunter2"));
	arena_release(&c.a);
}

static bool fits(enum text_format format, const char *text)
{
	struct arena a = ARENA_INIT;
	struct diags d = DIAGS_INIT(&a);
	const struct place at = { "f", "f", 1, 1 };
	const struct field fields[] = { { .name = "v", .types = T_TEXT, .format = format },
		{ .name = NULL } };
	const struct schema s = { .fields = fields };
	struct node *n = node_map(&a, at);
	map_put(&a, n, "v", at, node_str(&a, text, at));
	schema_check(&a, &s, n, &d);
	bool good = !d.count;
	arena_release(&a);
	return good;
}

static void formats(void **state)
{
	(void)state;
	static const struct {
		enum text_format format;
		const char *good[9], *bad[9];
	} cases[] = {
		{ F_NAME, { "a", "a-b_1", "0x" },
			{ "", "A", "-a", "_a", "a/b", "a b", "\xc3\xa4",
				"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				"a" } },
		{ F_DURATION, { "10s", "1h30m", "1.5s", "200ms", "0" },
			{ "", "10", "-1s", "1x", "s" } },
		{ F_BYTES, { "64m", "1.5gb", "1024", "2GiB" }, { "", "m", "-1", "1x" } },
		{ F_PORT, { "1", "65535" },
			{ "", "0", "65536", "080", "a", "22:22", "-1", "1e3" } },
		{ F_PORT_RANGE, { "80", "8000-8010", "80-80" },
			{ "", "8010-8000", "1-", "-1", "1-2-3", "0-9", "1-70000", "1 - 2" } },
		{ F_MODE, { "644", "0644", "0o644", "1777", "01777" },
			{ "", "8", "0648", "07", "77777", "rw" } },
		{ F_PATH, { "a", "/a b", "~/x" }, { "", "a\nb", "\x1b[2J" } },
		{ F_ENV_NAME, { "A", "discovery.type", "_x1" }, { "", "A=B", "A B", "A\n" } },
		{ F_IMAGE,
			{ "a", "debian:bookworm-slim", "r.io/a/b:1", "localhost:5000/a_b",
				"a__b/c-d",
				"a@sha256:"
				"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
				"R.IO/a" },
			{ "", "A", "a:", "a b", "a:b:c", "/a", "a//b", "a@x", "-a" } },
		{ F_HOST, { "a", "shop.localhost", "*.shop.localhost", "127.0.0.1", "::1", "a_b" },
			{ "", "a..b", "-a", "a-", "a b", "*", "a.*.b", "http://a", "a/" } },
		{ F_SIGNAL, { "SIGTERM", "HUP", "15", "RTMIN+3" },
			{ "", "0", "65", "SIGX", "term", "RTMIN+99" } },
		{ F_VERSION_RANGE,
			{ ">=1.0", ">=1.0, <2", "1", "=1.2.3-rc1", "~> 1.4", "1.0,!=1.1" },
			{ "", ">", ">=x", "1..2", "1,", ">>>1", "1 2", "1." } },
		{ F_REGEX, { "^a+$", "a{1,3}", "[0-9]" },
			{ "(", "[", "a{2,1}", "a{255}{255}{255}", "*)" } },
	};
	for (size_t i = 0; i < countof(cases); i++) {
		for (const char *const *t = cases[i].good; t < cases[i].good + 9 && *t; t++)
			if (!fits(cases[i].format, *t))
				fail_msg("format %d refuses %s", cases[i].format, *t);
		for (const char *const *t = cases[i].bad; t < cases[i].bad + 9 && *t; t++)
			if (fits(cases[i].format, *t))
				fail_msg("format %d takes \"%s\"", cases[i].format, *t);
	}
}

static void fields_are_found(void **state)
{
	(void)state;
	assert_ptr_equal(schema_field(&service, "port"), &service_fields[1]);
	assert_null(schema_field(&service, "ulimits"));
	assert_null(schema_field(&service, "x-a"));
	assert_null(schema_field(&service, "nope"));
	assert_ptr_equal(schema_field(&services, "api"), &any_service);
}

static void editors_get_a_schema(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct node *n = schema_json(&a, &top, "devenv.yml");
	assert_string_equal(node_text(node_get(n, "$ref")), "#/$defs/devenv");
	assert_int_equal(node_count(node_get(n, "$defs")), 4);
	const struct node *port = node_path(n, "\"$defs\".service.properties.port");
	assert_int_equal(node_get(port, "maximum")->integer, 65535);
	assert_string_equal(
		node_text(node_path(n, "\"$defs\".service.properties.wait.default")), "10s");
	assert_non_null(node_path(n, "\"$defs\".service.properties.ulimits"));
	assert_false(node_path(n, "\"$defs\".service.additionalProperties")->boolean);
	assert_non_null(node_path(n, "\"$defs\".service.properties.labels.anyOf[1].items"));
	struct err e = ERR_INIT;
	struct buf out = BUF_INIT;
	json_write(&out, n, 2);
	assert_true(node_equal(n, json_read(&a, out.data, out.len, "schema", &e)));
	buf_release(&out);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(findings_name_path_and_remedy),
		cmocka_unit_test(accepts),
		cmocka_unit_test(every_kind_in_every_field),
		cmocka_unit_test(substituted_takes_the_type),
		cmocka_unit_test(secrets_are_not_shown),
		cmocka_unit_test(formats),
		cmocka_unit_test(fields_are_found),
		cmocka_unit_test(editors_get_a_schema),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
