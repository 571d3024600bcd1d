/*
 * Stages as steps: in order, each gate before what follows; where they run; what is done once for
 * two modules; who follows a restart; what stands before a first start. And what a changed file
 * means.
 */
#include "planner.h"

static const char shop[] =
	"images: { base: { user: app, files: { etc/x.conf: /etc/x } },\n"
	"  own: { dockerfile: docker/Dockerfile, context: . } }\n"
	"services:\n"
	"  api: { image: base, command: x, working_dir: /srv, ports: { http: { target: 80 } },\n"
	"    develop: { source: api, compile: make, lint: { command: check, gate: warn },\n"
	"      test: prove, dependencies: { lock: [api/lock], install: get, into: .venv } } }\n"
	"  job: { image: base, command: y, working_dir: /srv, develop: { source: api,\n"
	"    compile: make, test: prove job, on_success: \"signal:HUP\",\n"
	"    dependencies: { lock: [api/lock], install: get, into: .venv } } }\n"
	"  web: { image: base, command: x, working_dir: /srv, develop: { source: web, test: t,\n"
	"    on_success: { exec: touch x } }, depends_on: [api] }\n"
	"  tail: { image: base, command: x, depends_on: { api: { on_restart: restart } } }\n"
	"  edge: { image: base, command: x, ports: { https: { target: 443 } } }\n"
	"  old: { image: own, command: x, working_dir: /w, develop: { source: old,\n"
	"    on_success: none } }\n"
	"routes: [{ host: a.localhost, path: /, to: api, via: edge }]\n";

enum { ALL = (1 << STAGES) - 1, GATES = ALL - (1 << STAGE_SUCCESS) };

static void open_shop(struct bench *b, const char *yaml)
{
	static const char *const inputs[] = { "/srv/shop/docker/Dockerfile", "/srv/shop",
		"/srv/shop/etc/x.conf", "/srv/shop/api/lock" };
	bench_open(b, yaml);
	for (size_t i = 0; i < countof(inputs); i++)
		bench_input(b, inputs[i], "hash");
}

static void open_settled(struct bench *b)
{
	open_shop(b, shop);
	bench_plan(b);
	bench_settle(b);
}

static void stages(struct bench *b, const char *service, unsigned bits)
{
	struct stage_request r = { project_service(&b->project, service), bits, "x changed" };
	b->result = plan_stages(&b->arena, &b->project, &b->world, &r, &b->plan, &b->diags);
	if (b->result)
		bench_print(b);
	assert_int_equal(b->result, 0);
}

static const char *words(struct bench *b, const char *id)
{
	return strs_join(&b->arena, &bench_step(b, id)->argv, " ");
}

static void a_run_is_a_chain(void **state)
{
	struct bench b;
	(void)state;
	open_settled(&b);
	stages(&b, "api", ALL);
	assert_string_equal(bench_steps(&b), "compile api\nlint api\ntest api\nreload api\nready "
					     "api\nreload tail\nready tail\nreload edge");
	assert_true(bench_needs(&b, "lint api", "compile api"));
	assert_true(bench_needs(&b, "test api", "lint api"));
	assert_true(bench_needs(&b, "reload api", "test api"));
	assert_true(bench_needs(&b, "ready api", "reload api"));
	assert_true(bench_needs(&b, "reload tail", "ready api"));
	assert_true(bench_needs(&b, "reload edge", "ready api"));
	assert_true(bench_step(&b, "lint api")->soft);
	assert_false(bench_step(&b, "compile api")->soft || bench_step(&b, "test api")->soft);
	assert_int_equal(bench_step(&b, "reload api")->argv.count, 0);
	assert_string_equal(
		bench_step(&b, "edge") ? "" : words(&b, "reload edge"), "nginx -s reload");
	const struct step *compile = bench_step(&b, "compile api");
	assert_string_equal(words(&b, "compile api"), "/bin/sh -c make");
	assert_string_equal(compile->containers.items[0], "id-api");
	assert_string_equal(compile->dir, "/srv");
	assert_false(compile->one_off);
	assert_int_equal(compile->place.line, 5);
	assert_string_equal(compile->why, "x changed");
	bench_close(&b);
}

static void only_what_is_asked(void **state)
{
	struct bench b;
	(void)state;
	open_settled(&b);
	stages(&b, "api", 1 << STAGE_TEST);
	assert_string_equal(bench_steps(&b), "test api");
	stages(&b, "old", ALL);
	assert_string_equal(bench_steps(&b), "");
	stages(&b, "api", 1 << STAGE_SUCCESS);
	assert_true(starts_with(bench_steps(&b), "reload api\nready api\n"));
	bench_close(&b);
}

static void other_answers_to_success(void **state)
{
	struct bench b;
	(void)state;
	open_settled(&b);
	stages(&b, "job", 1 << STAGE_SUCCESS);
	assert_string_equal(bench_steps(&b), "reload job\nready job");
	assert_string_equal(bench_step(&b, "reload job")->signal, "HUP");
	stages(&b, "web", ALL);
	assert_string_equal(bench_steps(&b), "test web\non_success web\nready web");
	assert_string_equal(words(&b, "on_success web"), "/bin/sh -c touch x");
	assert_true(bench_needs(&b, "on_success web", "test web"));
	bench_close(&b);
}

static void a_module_that_is_down(void **state)
{
	struct bench b;
	(void)state;
	open_settled(&b);
	struct container *c = bench_seen(&b, "api");
	c->state = UNIT_EXITED;
	c->exit_code = 143;
	stages(&b, "api", ALL);
	assert_string_equal(bench_steps(&b), "compile api\nlint api\ntest api");
	assert_true(bench_step(&b, "compile api")->one_off);
	const char *name = arena_printf(&b.arena, "%s-stage-api", b.project.workspace);
	assert_string_equal(bench_step(&b, "compile api")->containers.items[0], name);
	assert_true(ends_with(words(&b, "compile api"),
		arena_printf(&b.arena,
			" run --rm --no-deps -T --name %s --entrypoint /bin/sh api -c make",
			name)));
	c->exit_code = 1; /* it failed: what was saved may be the remedy */
	stages(&b, "api", ALL);
	assert_non_null(bench_step(&b, "reload api"));
	c = bench_seen(&b, "job");
	c->state = UNIT_EXITED;
	c->exit_code = 2;
	stages(&b, "job", 1 << STAGE_SUCCESS);
	assert_null(bench_step(&b, "reload job")->signal);
	bench_close(&b);
}

static void common_work_is_done_once(void **state)
{
	struct bench b;
	(void)state;
	open_settled(&b);
	const struct service *api = project_service(&b.project, "api"),
			     *job = project_service(&b.project, "job"),
			     *web = project_service(&b.project, "web");
	struct stage_request both[] = { { api, GATES, "x" }, { job, GATES, "x" } };
	assert_true(stages_shared(api, job));
	assert_false(stages_shared(api, web));
	assert_true(stage_is_common(api, job, STAGE_COMPILE));
	assert_false(stage_is_common(api, job, STAGE_TEST));
	assert_int_equal(
		plan_all_stages(&b.arena, &b.project, &b.world, both, 2, false, &b.plan, &b.diags),
		0);
	assert_string_equal(bench_steps(&b), "compile api\nlint api\ntest api\ntest job");
	assert_true(bench_needs(&b, "test job", "compile api"));
	assert_false(bench_needs(&b, "test job", "test api"));
	bench_close(&b);
}

static void one_shots_stand_each_for_themselves(void **state)
{
	struct bench b;
	(void)state;
	open_settled(&b);
	struct stage_request two[] = {
		{ project_service(&b.project, "web"), 1 << STAGE_TEST, "asked" },
		{ project_service(&b.project, "api"), 1 << STAGE_TEST, "asked" },
	};
	assert_int_equal(
		plan_all_stages(&b.arena, &b.project, &b.world, two, 2, true, &b.plan, &b.diags),
		0);
	assert_string_equal(bench_steps(&b), "test api\ntest web");
	assert_true(bench_needs(&b, "test web", "test api"));
	assert_true(bench_step(&b, "test api")->soft && bench_step(&b, "test web")->soft);
	bench_close(&b);
}

static void stages_before_a_first_start(void **state)
{
	struct bench b;
	(void)state;
	open_shop(&b, shop);
	bench_plan(&b);
	const struct step *compile = bench_step(&b, "compile api");
	assert_non_null(compile);
	assert_true(compile->one_off && compile->alike);
	assert_string_equal(words(&b, "compile api"), "/bin/sh -c make");
	assert_null(bench_step(&b, "lint api"));
	assert_null(bench_step(&b, "test web"));
	assert_true(bench_needs(&b, "start api", "compile api"));
	assert_true(bench_needs(&b, "start job", "compile api"));
	assert_null(bench_step(&b, "compile job"));
	assert_true(bench_needs(&b, "compile api", "install api"));
	assert_true(bench_needs(&b, "compile api", "create containers"));
	bench_close(&b);

	struct arena a = ARENA_INIT;
	open_shop(&b, arena_printf(&a, "up: { test: before_start, lint: on_change }\n%s", shop));
	bench_plan(&b);
	assert_true(bench_needs(&b, "start api", "test api"));
	assert_true(bench_needs(&b, "test api", "compile api"));
	assert_true(bench_needs(&b, "start web", "test web"));
	assert_null(bench_step(&b, "lint api"));
	bench_settle(&b);
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "");
	bench_close(&b);
	arena_release(&a);
}

/* What fails leaves those that serve as they are, and those that need them. */
static void gates_before_a_replacement(void **state)
{
	static const char *const lines[] = { "command: x, working_dir", "command: y, working_dir" };
	struct bench b;
	struct arena a = ARENA_INIT;
	(void)state;
	open_settled(&b);
	const char *at = strstr(shop, lines[0]);
	const char *changed = arena_printf(
		&a, "%.*s%s%s", (int)(at - shop), shop, lines[1], at + strlen(lines[0]));
	bench_change(&b, changed);
	bench_plan(&b);
	assert_null(bench_step(&b, "create containers"));
	assert_true(bench_step(&b, "compile api")->one_off);
	assert_false(bench_step(&b, "compile api")->alike); /* what is there is made otherwise */
	assert_true(bench_needs(&b, "compile api", "install api"));
	assert_true(bench_needs(&b, "create api", "compile api"));
	assert_true(bench_needs(&b, "start api", "create api"));
	assert_true(ends_with(words(&b, "create api"), "up --no-start --no-build --no-deps api"));
	assert_string_equal(bench_step(&b, "create api")->containers.items[0], "id-api");
	assert_null(bench_step(&b, "create web")); /* it is as it was */

	/* One that is not there yet is made with all that no gate guards. */
	bench_seen(&b, "api")->state = UNIT_EXITED;
	bench_plan(&b);
	assert_null(bench_step(&b, "create api"));
	assert_true(bench_needs(&b, "compile api", "create containers"));

	/* Who needs it is replaced when it is ready, not before. */
	bench_seen(&b, "api")->state = UNIT_RUNNING;
	b.request.recreate = true;
	bench_plan(&b);
	assert_true(bench_needs(&b, "create tail", "start api"));
	assert_true(bench_needs(&b, "create api", "create containers"));
	assert_null(strstr(words(&b, "create containers"), " api"));
	assert_null(strstr(words(&b, "create containers"), " tail"));
	assert_non_null(strstr(words(&b, "create containers"), " edge"));
	bench_close(&b);
	arena_release(&a);
}

/* A command beside a service needs what a start would, but for the container. */
static void what_a_command_needs(void **state)
{
	struct bench b;
	(void)state;
	open_shop(&b, shop);
	b.request.goal = GOAL_RUN;
	strs_add(&b.arena, &b.request.services, "api");
	bench_plan(&b);
	assert_non_null(bench_step(&b, "build base"));
	assert_true(bench_needs(&b, "install api", "build base"));
	assert_null(bench_step(&b, "build own"));
	assert_null(bench_step(&b, "install job"));
	assert_null(bench_step(&b, "compile api"));
	assert_null(bench_step(&b, "start api"));
	b.request.goal = GOAL_UP;
	b.request.services.count = 0;
	bench_plan(&b);
	bench_settle(&b);
	b.request.goal = GOAL_RUN;
	b.request.services.count = 1;
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "");
	bench_input(&b, "/srv/shop/api/lock", "other");
	bench_plan(&b);
	assert_non_null(bench_step(&b, "install api"));
	bench_close(&b);
}

/* What lies under it was removed: it serves until what is compiled now can take its place. */
static void gates_before_a_stop(void **state)
{
	struct bench b;
	(void)state;
	open_settled(&b);
	for (size_t i = 0; i < b.world.records.count; i++) {
		if (streq(b.world.records.items[i].service, "api"))
			b.world.records.items[i].stale = "/srv/shop/api";
	}
	bench_plan(&b);
	assert_true(bench_needs(&b, "stop api", "compile api"));
	bench_close(&b);
}

static void nothing_secret_in_a_command(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, "images: { base: {} }\nsecrets: { s: { generate: password } }\n"
		       "services: { a: { image: base, command: x, working_dir: /w,\n"
		       " develop: { source: a, test: \"t ${secret.s}\" } } }\n");
	struct stage_request r = { project_service(&b.project, "a"), ALL, "x" };
	assert_int_equal(plan_stages(&b.arena, &b.project, &b.world, &r, &b.plan, &b.diags), -1);
	assert_int_equal(b.diags.items[0].place.line, 4);
	bench_close(&b);
}

static void what_a_change_means(void **state)
{
	static const struct {
		const char *service, *path;
		enum change change;
	} cases[] = {
		{ "api", "api/app.c", CHANGE_SOURCE },
		{ "api", "api/lock", CHANGE_DEPENDENCIES },
		{ "web", "api/lock", CHANGE_SOURCE },
		{ "api", "etc/x.conf", CHANGE_IMAGE },
		{ "old", "docker/Dockerfile", CHANGE_IMAGE },
		{ "old", "old/main.c", CHANGE_SOURCE },
		{ "old", "README", CHANGE_IMAGE },
		{ "api", "README", CHANGE_SOURCE },
		{ NULL, "README", CHANGE_IMAGE },
		{ "api", "devenv.yml", CHANGE_CONFIGURATION },
		{ "api", "devenv.local.yml", CHANGE_CONFIGURATION },
		{ "api", "devenv.d/x.dev.yml", CHANGE_CONFIGURATION },
		{ "api", "api/devenv.yml", CHANGE_SOURCE },
		{ NULL, "team/base.yml", CHANGE_CONFIGURATION },
	};
	struct bench b;
	struct strs files = { 0 };
	(void)state;
	bench_open(&b, shop);
	strs_add(&b.arena, &files, "/srv/shop/devenv.yml");
	strs_add(&b.arena, &files, "/srv/shop/team/base.yml");
	for (size_t i = 0; i < countof(cases); i++) {
		const struct service *s =
			cases[i].service ? project_service(&b.project, cases[i].service) : NULL;
		if (plan_change(&b.project, &files, s, cases[i].path) != cases[i].change)
			fail_msg("%s of %s", cases[i].path, cases[i].service);
	}
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_is_a_chain),
		cmocka_unit_test(only_what_is_asked),
		cmocka_unit_test(other_answers_to_success),
		cmocka_unit_test(a_module_that_is_down),
		cmocka_unit_test(common_work_is_done_once),
		cmocka_unit_test(one_shots_stand_each_for_themselves),
		cmocka_unit_test(stages_before_a_first_start),
		cmocka_unit_test(gates_before_a_replacement),
		cmocka_unit_test(gates_before_a_stop),
		cmocka_unit_test(what_a_command_needs),
		cmocka_unit_test(nothing_secret_in_a_command),
		cmocka_unit_test(what_a_change_means),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
