/*
 * Room config: canonical forms, merging, --explain's words. Guards: short forms meet on equal terms
 * and ${...} is never split; Compose's rules by field; !reset and !override; falsy values win, null
 * says so; conflicts name both places; a merged node knows what it replaced.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/os.h"
#include "config/config.h"
#include "doc/json.h"
#include "doc/yaml.h"
#include "model/schema.h"

static struct arena arena;
static struct diags diags;

static int set_up(void **state)
{
	(void)state;
	arena = (struct arena)ARENA_INIT;
	diags = (struct diags)DIAGS_INIT(&arena);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static struct node *layer(const char *name, const char *text)
{
	struct node *n = yaml_read(&arena, text, strlen(text), name, name, &diags, NULL);

	assert_non_null(n);
	return config_canonical(&arena, n, &schema_devenv, &diags);
}

/* The value at path after both layers, as JSON on one line; "absent". */
static const char *shown(const struct node *tree, const char *path)
{
	const struct node *n = node_path(tree, path);
	struct buf out = BUF_INIT;

	if (!n)
		return "absent";
	json_write(&out, n, 0);
	char *text = arena_strdup(&arena, buf_str(&out)), *to = text;
	for (const char *s = text; *s; s++) /* no value here has a blank behind , or : */
		if (*s != ' ' || s == text || (s[-1] != ',' && s[-1] != ':'))
			*to++ = *s;
	*to = '\0';
	buf_release(&out);
	return text;
}

static struct node *merged(const char *low, const char *high)
{
	return config_merge(&arena, layer("low", low), layer("high", high), &schema_devenv, &diags);
}

static const char *service(const char *low, const char *high, const char *path)
{
	const char *a = arena_printf(&arena, "services: {api: {%s}}", low);
	const char *b = arena_printf(&arena, "services: {api: {%s}}", high);

	return shown(merged(a, b), arena_printf(&arena, "services.api.%s", path));
}

struct canonical_case {
	const char *in, *path, *want;
};

static void short_forms_become_canonical(void **state)
{
	static const struct canonical_case cases[] = {
		{ "ports: ['8080:80']", "ports",
			"[{\"target\":80,\"published\":\"8080\",\"protocol\":\"tcp\"}]" },
		{ "ports: [80]", "ports", "[{\"target\":80,\"protocol\":\"tcp\"}]" },
		{ "ports: ['127.0.0.1::53/UDP']", "ports",
			"[{\"target\":53,\"protocol\":\"udp\",\"host_ip\":\"127.0.0.1\"}]" },
		{ "ports: ['[::1]:1:2']", "ports",
			"[{\"target\":2,\"published\":\"1\",\"protocol\":\"tcp\",\"host_ip\":\"::"
			"1\"}]" },
		{ "ports: ['${P:-80:80}:8000']", "ports",
			"[{\"target\":8000,\"published\":\"${P:-80:80}\",\"protocol\":\"tcp\"}]" },
		{ "ports: ['${P:-{}}:8000']", "ports[0].published", "\"${P:-{}}\"" },
		{ "ports: ['${P}']", "ports", "[\"${P}\"]" },
		{ "ports: {http: {target: 8000, published: auto}}", "ports",
			"[{\"target\":8000,\"published\":\"auto\",\"name\":\"http\"}]" },
		{ "ports: {http: 8000}", "ports",
			"[{\"name\":\"http\",\"target\":8000,\"protocol\":\"tcp\"}]" },
		{ "ports: ['auto:8000']", "ports[0].published", "\"auto\"" },
		{ "ports: ['1-2:11-12']", "ports[1]",
			"{\"target\":12,\"published\":\"2\",\"protocol\":\"tcp\"}" },
		{ "volumes: {data: /srv}", "volumes",
			"[{\"type\":\"volume\",\"source\":\"data\",\"target\":\"/srv\"}]" },
		{ "volumes: {./src: '/srv:ro'}", "volumes",
			"[{\"type\":\"bind\",\"source\":\"./src\",\"target\":\"/srv\","
			"\"bind\":{\"create_host_path\":true},\"read_only\":true}]" },
		{ "volumes: ['${D:-./a:b}:/srv']", "volumes",
			"[{\"source\":\"${D:-./a:b}\",\"target\":\"/srv\"}]" },
		{ "volumes: ['d:/w']", "volumes[0].source", "\"d\"" },
		{ "volumes: [{source: a, target: /x}]", "volumes[0].type", "\"volume\"" },
		{ "environment: ['A=${B:-c=d}', E, 'F=']", "environment",
			"{\"A\":\"${B:-c=d}\",\"E\":null,\"F\":\"\"}" },
		{ "depends_on: [db]", "depends_on",
			"{\"db\":{\"condition\":\"service_started\",\"required\":true}}" },
		{ "networks: [a, b]", "networks", "{\"a\":null,\"b\":null}" },
		{ "build: ./x", "build", "{\"context\":\"./x\"}" },
		{ "env_file: .env", "env_file", "[{\"path\":\".env\",\"required\":true}]" },
		{ "env_file: [{path: a, required: false}]", "env_file",
			"[{\"path\":\"a\",\"required\":false}]" },
		{ "secrets: [a, {source: b, target: c}]", "secrets",
			"[{\"source\":\"a\"},{\"source\":\"b\",\"target\":\"c\"}]" },
		{ "extra_hosts: ['a:::1', 'b=[::2]', 'a=1.2.3.4']", "extra_hosts",
			"{\"a\":[\"::1\",\"1.2.3.4\"],\"b\":[\"::2\"]}" },
		{ "ulimits: {nofile: 5}", "ulimits", "{\"nofile\":{\"soft\":5,\"hard\":5}}" },
		{ "command: a b", "command", "\"a b\"" },
		{ "extends: base", "extends", "{\"service\":\"base\"}" },
		{ "dns: 1.1.1.1", "dns", "[\"1.1.1.1\"]" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		const char *text = arena_printf(&arena, "services:\n  api:\n    %s", cases[i].in);
		struct node *n = layer("f", text);
		const char *path = arena_printf(&arena, "services.api.%s", cases[i].path);
		assert_string_equal(shown(n, path), cases[i].want);
		const char *again = shown(n, "");
		n = config_canonical(&arena, n, &schema_devenv, &diags);
		assert_string_equal(shown(n, ""), again);
	}
	assert_int_equal(diags.count, 0);
}

static void bad_short_forms_are_named(void **state)
{
	static const char *const cases[][2] = {
		{ "ports: ['0']", "\"0\" is no port" },
		{ "ports: ['65536']", "\"65536\" is no port" },
		{ "ports: ['080:80']", "\"080:80\" is no port" },
		{ "ports: ['1-3:1-2']", "the two ranges of \"1-3:1-2\" differ in length" },
		{ "ports: ['5-3']", "\"5-3\" is no port" },
		{ "ports: [80.5]", "\"80.5\" is no port" },
		{ "ports: ['a:']", "\"a:\" is no port" },
		{ "ports: ['1-30000']", "more than 20000 ports in one file" },
		{ "ports: {a: 1-3}", "\"a\" names several ports" },
		{ "ports: {a: [1]}", "port a is a list" },
		{ "volumes: ['a:/b:ro:x']", "\"a:/b:ro:x\" is no mount" },
		{ "volumes: ['a::ro']", "\"a::ro\" is no mount" },
		{ "environment: ['=x']", "a name is missing before \"=\"" },
		{ "environment: [{A: b}]", "a map cannot stand here" },
		{ "extra_hosts: [a]", "no host with an address" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		size_t before = diags.count;
		layer("f", arena_printf(&arena, "services: {api: {%s}}", cases[i][0]));
		assert_int_equal(diags.count, before + 1);
		assert_string_equal(diags.items[before].message, cases[i][1]);
		assert_int_equal(diags.items[before].place.line, 1);
		assert_true(diags.items[before].path != NULL);
	}
}

static void ports_meet_by_target_and_name(void **state)
{
	(void)state;
	assert_string_equal(
		service("ports: ['8080:80', '53:53/udp']", "ports: ['9090:80']", "ports"),
		"[{\"target\":80,\"published\":\"9090\",\"protocol\":\"tcp\"},"
		"{\"target\":53,\"published\":\"53\",\"protocol\":\"udp\"}]");
	assert_string_equal(service("ports: {dns: {target: 53, protocol: udp, published: auto}}",
				    "ports: {dns: {published: 5353}}", "ports"),
		"[{\"target\":53,\"protocol\":\"udp\",\"published\":\"5353\",\"name\":\"dns\"}]");
	assert_string_equal(service("ports: {pg: {target: 5432, published: auto}}",
				    "ports: ['5433:5432']", "ports[0].name"),
		"\"pg\"");
	assert_string_equal(service("ports: ['1:80', '2:80', '3:81']", "ports: ['4:80']", "ports"),
		"[{\"target\":80,\"published\":\"4\",\"protocol\":\"tcp\"},"
		"{\"target\":81,\"published\":\"3\",\"protocol\":\"tcp\"}]");
	assert_string_equal(service("ports: {a: 80, b: 81}", "ports: {a: !reset null}", "ports"),
		"[{\"name\":\"b\",\"target\":81,\"protocol\":\"tcp\"}]");
	assert_int_equal(diags.count, 0);
}

/* More items than are compared one by one take the way through the tables. */
static void long_lists_meet_alike(void **state)
{
	struct buf low = BUF_INIT, high = BUF_INIT;

	(void)state;
	for (int i = 1; i <= 40; i++) {
		buf_addf(&low, "'%d:%d', ", 1000 + i, i);
		buf_addf(&high, "'%d:%d', ", 2000 + i, i + 20);
	}
	const char *a = arena_printf(&arena, "ports: [%s]", buf_str(&low));
	const char *b = arena_printf(&arena, "ports: [%s]", buf_str(&high));
	struct node *n = merged(
		arena_printf(&arena, "services: {api: {%s, expose: [%s]}}", a, buf_str(&low)),
		arena_printf(&arena, "services: {api: {%s, expose: [%s]}}", b, buf_str(&low)));
	assert_int_equal(node_count(node_path(n, "services.api.ports")), 60);
	assert_int_equal(node_count(node_path(n, "services.api.expose")), 40);
	assert_string_equal(shown(n, "services.api.ports[0].published"), "\"1001\"");
	assert_string_equal(shown(n, "services.api.ports[20].published"), "\"2001\"");
	assert_string_equal(shown(n, "services.api.ports[59].target"), "60");
	buf_release(&low);
	buf_release(&high);
}

static void mounts_are_replaced_by_target(void **state)
{
	(void)state;
	assert_string_equal(service("volumes: ['./a:/srv:ro', 'd:/data/']",
				    "volumes: ['e:/data', 'f:/f']", "volumes"),
		"[{\"type\":\"bind\",\"source\":\"./a\",\"target\":\"/srv\",\"bind\":{"
		"\"create_host_path\":true},\"read_only\":true},"
		"{\"type\":\"volume\",\"source\":\"e\",\"target\":\"/data\"},"
		"{\"type\":\"volume\",\"source\":\"f\",\"target\":\"/f\"}]");
	assert_string_equal(
		service("volumes: ['a:/a', 'b:/b']", "volumes: {a: !reset null}", "volumes"),
		"[{\"type\":\"volume\",\"source\":\"b\",\"target\":\"/b\"}]");
	assert_string_equal(service("volumes: ['a:/a', 'b:/a']", "user: x", "volumes"),
		"[{\"type\":\"volume\",\"source\":\"b\",\"target\":\"/a\"}]");
}

static void falsy_values_win(void **state)
{
	struct node *n =
		merged("up: {watch: true, services: [a], lint: on_change}\n"
		       "routes: [{host: a}]\nparity: {allow: [x]}\nservices: {a: {scale: 3}}",
			"up: {watch: false, services: [], lint: ''}\nroutes: []\nparity: "
			"{}\nservices: {a: {scale: 0}}");

	(void)state;
	assert_string_equal(shown(n, "up.watch"), "false");
	assert_string_equal(shown(n, "up.services"), "[]");
	assert_string_equal(shown(n, "up.lint"), "\"\"");
	assert_string_equal(shown(n, "routes"), "[]");
	assert_string_equal(shown(n, "parity"), "{}");
	assert_string_equal(shown(n, "services.a.scale"), "0");
	assert_int_equal(diags.count, 0);
}

static void empty_entries_lose_nothing(void **state)
{
	struct node *n = merged("services: {a: {image: i}}", "services: {a: {}}");

	(void)state;
	assert_string_equal(shown(n, "services.a.image"), "\"i\"");
	n = merged("services: {a: {image: i}}", "services: {a: }");
	assert_string_equal(shown(n, "services.a.image"), "\"i\"");
	assert_int_equal(diags.count, 0);
}

static void null_changes_nothing_and_says_so(void **state)
{
	(void)state;
	assert_string_equal(service("user: a", "user: null", "user"), "\"a\"");
	assert_int_equal(diags.count, 1);
	assert_int_equal(diags.items[0].severity, SEV_WARNING);
	assert_string_equal(diags.items[0].path, "services.api.user");
	assert_string_equal(diags.items[0].other.file, "low");
	assert_string_equal(service("command: a", "command: null", "command"), "null");
	assert_string_equal(
		service("environment: {A: 1}", "environment: [A]", "environment.A"), "null");
	assert_int_equal(diags.count, 1);
	assert_string_equal(service("ports: [80]", "ports: []", "ports[0].target"), "80");
	assert_int_equal(diags.count, 2);
}

static void conflicts_name_both_places(void **state)
{
	(void)state;
	service("healthcheck: {retries: 1}", "healthcheck: [a]", "healthcheck");
	assert_int_equal(diags.errors, 1);
	assert_string_equal(diags.items[0].message, "a list cannot be merged with a map");
	assert_string_equal(diags.items[0].path, "services.api.healthcheck");
	assert_string_equal(diags.items[0].place.file, "high");
	assert_string_equal(diags.items[0].other.file, "low");
	assert_int_equal(diags.items[0].other.line, 1);
	service("healthcheck: {retries: 1}", "healthcheck: !override [a]", "healthcheck");
	assert_int_equal(diags.errors, 1);
}

static void tags_work_at_any_depth(void **state)
{
	(void)state;
	assert_string_equal(service("environment: {A: 1, B: 2}", "environment: {A: !reset null}",
				    "environment"),
		"{\"B\":2}");
	assert_string_equal(
		service("user: a", "environment: {A: !reset null, B: 1}", "environment"),
		"{\"B\":1}");
	assert_string_equal(
		service("cap_add: [A]", "cap_add: !override [B]", "cap_add"), "[\"B\"]");
	assert_string_equal(service("build: {target: t}", "build: !override ./x", "build"),
		"{\"context\":\"./x\"}");
	assert_string_equal(service("deploy: {replicas: 1, labels: {a: b}}",
				    "deploy: {labels: !reset {}}", "deploy"),
		"{\"replicas\":1}");
	assert_string_equal(service("cap_add: [A, B]", "cap_add: [!reset A, C]", "cap_add"),
		"[\"A\",\"B\",\"C\"]");
}

static void nodes_know_what_they_replaced(void **state)
{
	struct node *n = merged("services:\n  api:\n    user: a\n    cap_add: [A]",
		"services:\n\n  api:\n    user: b\n    cap_add: [B]");
	const struct node *user = node_path(n, "services.api.user");

	(void)state;
	assert_string_equal(user->place.file, "high");
	assert_int_equal(user->place.line, 4);
	assert_non_null(user->replaced);
	assert_string_equal(node_text(user->replaced), "a");
	assert_int_equal(user->replaced->place.line, 3);
	assert_int_equal(node_count(node_path(n, "services.api.cap_add")->replaced), 1);
	assert_string_equal(node_path(n, "services.api.cap_add[0]")->place.file, "low");
}

static void carried_fields_follow_the_general_rule(void **state)
{
	(void)state;
	assert_string_equal(service("blkio_config: {weight: 1, a: [1]}",
				    "blkio_config: {a: [2, 1]}", "blkio_config"),
		"{\"weight\":1,\"a\":[1,2]}");
	assert_string_equal(
		service("storage_opt: [size=1G]", "storage_opt: {size: 2G}", "storage_opt"),
		"{\"size\":\"2G\"}");
	assert_string_equal(service("x-a: {k: 1}", "x-a: {l: 2}", "x-a"), "{\"l\":2}");
}

static void depth_is_bounded(void **state)
{
	struct node *low = node_map(&arena, (struct place){ 0 }),
		    *high = node_map(&arena, (struct place){ 0 });

	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct node *a = node_map(&arena, (struct place){ 0 }),
			    *b = node_map(&arena, (struct place){ 0 });
		map_put(&arena, a, "compose", (struct place){ 0 }, low);
		map_put(&arena, b, "compose", (struct place){ 0 }, high);
		low = a;
		high = b;
	}
	config_merge(&arena, config_canonical(&arena, low, &schema_devenv, &diags), high,
		&schema_devenv, &diags);
	assert_true(diags.errors > 0);
}

#define fresh(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fresh(short_forms_become_canonical),
		fresh(bad_short_forms_are_named),
		fresh(ports_meet_by_target_and_name),
		fresh(long_lists_meet_alike),
		fresh(mounts_are_replaced_by_target),
		fresh(falsy_values_win),
		fresh(empty_entries_lose_nothing),
		fresh(null_changes_nothing_and_says_so),
		fresh(conflicts_name_both_places),
		fresh(tags_work_at_any_depth),
		fresh(nodes_know_what_they_replaced),
		fresh(carried_fields_follow_the_general_rule),
		fresh(depth_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
