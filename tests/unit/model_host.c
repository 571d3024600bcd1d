/*
 * Host services as decoded: where they run, by what command, what follows their end; and what
 * --host makes of a project.
 */
#include "model.h"

static const struct service *find(const struct subject *s, const char *name)
{
	const struct service *found = project_service(&s->project, name);
	assert_non_null(found);
	return found;
}

static void runs_on_the_host(void **state)
{
	struct subject s;
	(void)state;
	subject_read(&s, "services:\n"
			 "  docs: { run: host, command: make serve, working_dir: docs }\n"
			 "  bare: { run: host, command: [a, b] }\n"
			 "  both: { run: host, command: x, host: { command: y } }\n");
	assert_int_equal(s.result, 0);
	const struct host_run *docs = find(&s, "docs")->on_host, *bare = find(&s, "bare")->on_host;
	assert_int_equal(find(&s, "docs")->where, RUN_HOST);
	assert_string_equal(docs->working_dir, "/home/shop/docs");
	assert_string_equal(node_text(docs->command), "make serve");
	assert_int_equal(docs->place.line, 2);
	assert_string_equal(bare->working_dir, "/home/shop");
	assert_int_equal(bare->command->kind, NODE_LIST);
	assert_string_equal(node_text(find(&s, "both")->on_host->command), "y");
	subject_release(&s);
}

static const char mixed[] =
	"services:\n"
	"  api:\n"
	"    image: x\n"
	"    command: in-container\n"
	"    working_dir: /srv/api\n"
	"    develop: { source: api }\n"
	"    host: { command: ./run, environment: { A: b } }\n"
	"  tool: { image: y, command: same, host: { working_dir: /opt/tool } }\n"
	"  db: { image: z }\n";

static void beside_a_container(void **state)
{
	struct subject s;
	(void)state;
	subject_read(&s, mixed);
	assert_int_equal(s.result, 0);
	const struct service *api = find(&s, "api");
	assert_int_equal(api->where, RUN_CONTAINER);
	assert_string_equal(api->working_dir, "/srv/api");
	assert_string_equal(node_text(api->command), "in-container");
	assert_string_equal(api->on_host->working_dir, "/home/shop/api");
	assert_int_equal(api->on_host->environment.count, 1);
	assert_string_equal(node_text(find(&s, "tool")->on_host->command), "same");
	assert_string_equal(find(&s, "tool")->on_host->working_dir, "/opt/tool");
	assert_null(find(&s, "db")->on_host);
	assert_false(find(&s, "db")->left_out);
	subject_release(&s);
}

static void with_host(void **state)
{
	struct subject s;
	(void)state;
	subject_read_as(&s, mixed, true);
	assert_int_equal(s.result, 0);
	assert_true(s.project.host);
	assert_int_equal(find(&s, "api")->where, RUN_HOST);
	assert_int_equal(find(&s, "tool")->where, RUN_HOST);
	assert_int_equal(find(&s, "db")->where, RUN_CONTAINER);
	assert_true(find(&s, "db")->left_out);
	assert_false(find(&s, "api")->left_out);
	subject_release(&s);
	subject_read_as(&s, "services: { db: { image: z } }\n", true);
	assert_int_equal(s.result, -1);
	assert_string_equal(
		s.diags.items[0].message, "no service of this project can run on the host");
	assert_non_null(s.diags.items[0].hint);
	subject_release(&s);
}

static void policies(void **state)
{
	static const struct {
		const char *yaml;
		enum restart restart;
		int max;
	} table[] = {
		{ "restart: \"no\"", RESTART_NO, 0 },
		{ "restart: always", RESTART_ALWAYS, 0 },
		{ "restart: unless-stopped", RESTART_UNLESS_STOPPED, 0 },
		{ "restart: on-failure", RESTART_ON_FAILURE, 0 },
		{ "restart: \"on-failure:5\"", RESTART_ON_FAILURE, 5 },
		{ "deploy: { restart_policy: { max_attempts: 3 } }", RESTART_ALWAYS, 3 },
		{ "deploy: { restart_policy: { condition: on-failure } }", RESTART_ON_FAILURE, 0 },
		{ "deploy: { restart_policy: { condition: none } }", RESTART_NO, 0 },
		{ "deploy: { replicas: 2 }", RESTART_NO, 0 },
	};
	(void)state;
	for (size_t i = 0; i < countof(table); i++) {
		char yaml[200];
		struct subject s;
		snprintf(yaml, sizeof(yaml), "services: { a: { run: host, command: x, %s } }\n",
			table[i].yaml);
		subject_read(&s, yaml);
		assert_int_equal(s.result, 0);
		assert_int_equal(find(&s, "a")->restart, table[i].restart);
		assert_int_equal(find(&s, "a")->restart_max, table[i].max);
		assert_int_equal(find(&s, "a")->restart_policy, table[i].restart != RESTART_NO);
		subject_release(&s);
	}
}

static void successes(void **state)
{
	struct subject s;
	(void)state;
	subject_read(&s, "services: { a: { run: host, command: x, success_exit_codes: [143, 7],"
			 " healthcheck: { notify: true } } }\n");
	const struct service *a = find(&s, "a");
	assert_true(service_success(a, 0));
	assert_true(service_success(a, 143));
	assert_true(service_success(a, 7));
	assert_false(service_success(a, 1));
	assert_int_equal(a->check.kind, CHECK_NOTIFY);
	subject_release(&s);
}

static void watch_rules(void **state)
{
	struct subject s;
	(void)state;
	subject_read(&s,
		"services: { a: { image: x, working_dir: /w, develop: { source: src, watch: [\n"
		"  { path: lib, include: [\"*.c\"], ignore: [out/], debounce: 0 },\n"
		"  { path: ./src/x.json, action: rebuild },\n"
		"  { debounce: 1s } ] } } }\n");
	const struct develop *d = find(&s, "a")->develop;
	assert_int_equal(s.result, 0);
	assert_int_equal(d->watch.count, 3);
	assert_string_equal(d->watch.items[0].path, "/home/shop/src/lib");
	assert_string_equal(d->watch.items[0].include.items[0], "*.c");
	assert_string_equal(d->watch.items[0].ignore.items[0], "out/");
	assert_int_equal(d->watch.items[0].debounce_ms, 0);
	assert_string_equal(d->watch.items[1].path, "/home/shop/src/x.json");
	assert_int_equal(d->watch.items[1].debounce_ms, 20);
	assert_string_equal(d->watch.items[2].path, "/home/shop/src");
	assert_int_equal(d->watch.items[2].debounce_ms, 1000);
	subject_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(runs_on_the_host),
		cmocka_unit_test(beside_a_container), cmocka_unit_test(with_host),
		cmocka_unit_test(policies), cmocka_unit_test(successes),
		cmocka_unit_test(watch_rules) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
