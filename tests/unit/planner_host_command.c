/*
 * The command of a host service in all its forms, and what --host makes of a project.
 */
#include "planner_host.h"

static const struct {
	const char *yaml, *argv;
} commands[] = {
	{ "command: make serve", "sh|-c|exec make serve" },
	{ "command: \"make -s && exec x\"", "sh|-c|make -s && exec x" },
	{ "command: \"cd x\"", "sh|-c|cd x" },
	{ "command: \"A=1 x\"", "sh|-c|A=1 x" },
	{ "command: \". ./env\"", "sh|-c|. ./env" },
	{ "command: [a, \"b c\"]", "a|b c" },
	{ "entrypoint: [tini, --], command: [a, b]", "tini|--|a|b" },
	{ "entrypoint: [tini, --], command: a b", "sh|-c|exec \"$@\" a b|sh|tini|--" },
	{ "entrypoint: run it, command: a b", "sh|-c|exec run it a b" },
	{ "entrypoint: run it, command: [a, b]", "sh|-c|exec run it \"$@\"|sh|a|b" },
	{ "entrypoint: [tini, --], command: x, host: { command: y }", "sh|-c|exec y" },
};

static void command_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(commands); i++) {
		struct bench b;
		char yaml[200];
		snprintf(yaml, sizeof(yaml), "services: { a: { run: host, %s } }\n",
			commands[i].yaml);
		bench_open(&b, yaml);
		bench_plan(&b);
		assert_string_equal(
			strs_join(&b.arena, &spec_of(&b, "a", 0)->argv, "|"), commands[i].argv);
		bench_close(&b);
	}
}

static void secrets_stay_out_of_commands(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, "secrets: { pw: { generate: password } }\n"
		       "services: { a: { run: host, command: \"x ${secret.pw}\" } }\n");
	bench_try(&b);
	assert_int_equal(b.result, -1);
	assert_string_equal(b.diags.items[0].message,
		"a secret would be visible here to everyone on this machine");
	assert_int_equal(b.diags.items[0].place.line, 2);
	bench_close(&b);
}

static const char portable[] =
	"services:\n"
	"  db: { image: x, ports: { pg: { target: 5 } } }\n"
	"  log: { image: x }\n"
	"  api: { image: x, command: c, host: { command: h }, depends_on: { db: { required: false "
	"} } }\n";

static void with_host(void **state)
{
	struct bench b;
	(void)state;
	bench_open_as(&b, portable, true);
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "write\nstart api\nready api");
	assert_int_equal(b.plan.notes.count, 1);
	assert_string_equal(b.plan.notes.items[0], "left out, they have no host command: db, log");
	strs_add(&b.arena, &b.request.services, "db");
	bench_try(&b);
	assert_int_equal(b.result, -1);
	assert_string_equal(b.diags.items[0].message, "db cannot run on the host");
	bench_close(&b);
	bench_open_as(&b,
		"services:\n  db: { image: x }\n"
		"  api: { image: x, host: { command: h }, depends_on: [db] }\n",
		true);
	bench_try(&b);
	assert_int_equal(b.result, -1);
	assert_string_equal(b.diags.items[0].message, "api needs db, which cannot run on the host");
	assert_int_equal(b.diags.items[0].place.line, 3);
	assert_non_null(b.diags.items[0].hint);
	bench_close(&b);
}

/* What is added for the host changes nothing of the container. */
static void container_is_untouched(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, "services: { api: { image: x, command: c } }\n");
	bench_plan(&b);
	bench_settle(&b);
	bench_change(&b, "services: { api: { image: x, command: c, success_exit_codes: [1],\n"
			 "  host: { command: h, environment: { A: b } } } }\n");
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "");
	bench_close(&b);
}

static const char module[] =
	"secrets: { pw: { generate: hex } }\n"
	"services:\n"
	"  web: { run: host, command: x, environment: { A: b, P: \"${secret.pw}\" }, develop: {\n"
	"    source: web, compile: make, test: check, dependencies: { lock: [web/lock], install: "
	"get,"
	" into: deps } } }\n"
	"hooks: { post-up: [{ exec: ./seed, service: web }] }\n";

/* What is installed depends on the lock files; what it is told holds no secret. */
static void dependencies_come_first(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, module);
	bench_input(&b, "/srv/shop/web/lock", "one");
	bench_plan(&b);
	assert_string_equal(bench_steps(&b),
		"write\ninstall web\ncompile web\nstart web\nready web\nhook post-up 1");
	const struct step *s = bench_step(&b, "install web");
	assert_true(bench_needs(&b, "start web", "install web"));
	assert_true(bench_needs(&b, "compile web", "install web"));
	assert_true(bench_needs(&b, "start web", "compile web"));
	assert_string_equal(s->dir, "/srv/shop/web");
	assert_string_equal(s->argv.items[4], "/srv/shop/web/deps");
	assert_true(strs_has(&s->env, "A=b"));
	assert_null(strstr(strs_join(&b.arena, &s->env, " "), "pw"));
	const char *digest = s->argv.items[5];
	bench_input(&b, "/srv/shop/web/lock", "two");
	bench_plan(&b);
	assert_string_not_equal(bench_step(&b, "install web")->argv.items[5], digest);
	const struct step *hook = bench_step(&b, "hook post-up 1");
	assert_string_equal(strs_join(&b.arena, &hook->argv, " "), "/bin/sh -c ./seed");
	assert_string_equal(hook->dir, "/srv/shop/web");
	bench_close(&b);
}

/* Stages run with what the service itself would get. */
static void stages_have_the_environment(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, module);
	bench_plan(&b);
	const struct step *s = bench_step(&b, "compile web");
	assert_int_equal(s->hosts.count, 1);
	assert_string_equal(variable(&b, s->hosts.items[0], "P"), "<pw>");
	assert_string_equal(variable(&b, s->hosts.items[0], "A"), "b");
	assert_string_equal(s->hosts.items[0]->dir, "/srv/shop/web");
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(command_forms),
		cmocka_unit_test(secrets_stay_out_of_commands), cmocka_unit_test(with_host),
		cmocka_unit_test(dependencies_come_first),
		cmocka_unit_test(stages_have_the_environment),
		cmocka_unit_test(container_is_untouched) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
