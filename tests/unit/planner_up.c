/*
 * Steps: nothing to do is nothing planned; what changed is named; order follows need, through units
 * that have nothing to do; an interrupted run is carried on.
 */
#include "planner.h"

static const char shop[] =
	"images: { base: { user: app } }\n"
	"volumes: { data: {}, tmp: { kind: scratch } }\n"
	"services:\n"
	"  edge: { image: base, command: x, ports: { https: { target: 443 } } }\n"
	"  db: { image: \"postgres:17\", volumes: [\"data:/d\", \"tmp:/t\"], healthcheck: { test: "
	"x },"
	" ports: { pg: { target: 5432, published: auto } } }\n"
	"  init: { kind: job, image: base, command: x,"
	" depends_on: { db: { condition: service_healthy } } }\n"
	"  api: { image: base, command: x, ports: { http: { target: 80 } }, depends_on:"
	" { init: { condition: service_completed_successfully } } }\n"
	"  log: { image: base, command: x, depends_on: { db: { on_restart: restart } } }\n"
	"  docs: { image: base, command: x, profiles: [docs] }\n"
	"routes: [{ host: a.localhost, path: /, to: api, via: edge }]\n";

static void first_start(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, shop);
	bench_plan(&b);
	assert_string_equal(bench_steps(&b),
		"write\nbuild base\ncreate containers\nstart edge\nready edge\nstart db\nready db\n"
		"start init\nready init\nstart api\nready api\nstart log\nready log");
	assert_true(bench_needs(&b, "start init", "ready db"));
	assert_true(bench_needs(&b, "start log", "start db"));
	assert_true(bench_needs(&b, "start api", "ready init"));
	assert_true(bench_needs(&b, "build base", "write"));
	assert_true(bench_needs(&b, "create containers", "build base"));
	assert_string_equal(bench_why(&b, "start api"), "container absent");
	for (size_t i = 0; i < b.plan.chosen.count; i++)
		assert_string_not_equal(b.plan.chosen.items[i].service->name, "docs");
	bench_close(&b);
}

static void second_up_changes_nothing(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, shop);
	bench_plan(&b);
	bench_settle(&b);
	b.world.images_known = b.world.volumes_known = false; /* containers are proof enough */
	b.world.images.count = 0;
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "");
	assert_true(b.plan.files.count > 0);
	bench_close(&b);
}

static void create_words(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, shop);
	bench_plan(&b);
	const struct step *s = bench_step(&b, "create containers");
	const char *words = strs_join(&b.arena, &s->argv, " ");
	assert_string_equal(words,
		arena_printf(&b.arena,
			"docker compose -p %s -f /srv/shop/.devenv/generated/compose.yml"
			" --project-directory /srv/shop --env-file /dev/null --progress plain"
			" up --no-start --no-build --no-deps edge db init api log",
			b.project.workspace));
	bench_close(&b);
}

/* One line of the configuration, and what the plan says of it. */
static const struct {
	const char *from, *to, *why, *steps;
} changes[] = {
	{ "api: { image: base,", "api: { image: base, environment: { A: b },",
		"api: environment changed",
		"write\ncreate containers\nstart api\nready api\nreload edge" },
	{ "api: { image: base, command: x", "api: { image: base, command: y",
		"api: command changed",
		"write\ncreate containers\nstart api\nready api\nreload edge" },
	{ "api: { image: base,", "api: { image: base, volumes: [\"/srv/x:/y\"],",
		"api: mounts changed",
		"write\ncreate containers\nstart api\nready api\nreload edge" },
	{ "api: { image: base,", "api: { image: base, mem_limit: 5m,", "api: configuration changed",
		"write\ncreate containers\nstart api\nready api\nreload edge" },
	{ "path: /,", "path: /x,", "edge: routes changed",
		"write\ncreate containers\nstart edge\nready edge" },
	{ "postgres:17", "postgres:16", "db: image changed",
		"write\ncreate containers\nstart db\nready db\nstart init\nready init\n"
		"reload log\nready log" },
};

static const char *replace(struct bench *b, const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	assert_non_null(at);
	return arena_printf(&b->arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void changes_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(changes); i++) {
		struct bench b;
		bench_open(&b, shop);
		bench_plan(&b);
		bench_settle(&b);
		bench_change(&b, replace(&b, shop, changes[i].from, changes[i].to));
		bench_plan(&b);
		assert_string_equal(bench_why(&b, "create containers"), changes[i].why);
		assert_string_equal(bench_steps(&b), changes[i].steps);
		bench_close(&b);
	}
}

static void moved_port(void **state)
{
	static struct allocation al = { .service = "db", .target = 5432, .protocol = "tcp" };
	struct bench b;
	(void)state;
	bench_open(&b, shop);
	al.published = 5432;
	b.world.allocations.items = &al;
	b.world.allocations.count = 1;
	bench_plan(&b);
	bench_settle(&b);
	al.published = 5433;
	al.moved_from = 5432;
	al.holder = "pid 812 (postgres)";
	bench_plan(&b);
	assert_string_equal(
		bench_why(&b, "start db"), "port 5432 moved to 5433: pid 812 (postgres) holds it");
	bench_close(&b);
}

static void unknown_parts(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, shop);
	bench_plan(&b);
	bench_settle(&b);
	bench_seen(&b, "api")->hash = "other";
	bench_seen(&b, "api")->inputs = NULL;
	bench_plan(&b);
	assert_string_equal(bench_why(&b, "start api"), "configuration changed");
	bench_close(&b);
}

static void stopped_ones_start(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, shop);
	bench_plan(&b);
	bench_settle(&b);
	bench_seen(&b, "db")->state = UNIT_EXITED;
	bench_seen(&b, "db")->exit_code = 3;
	bench_seen(&b, "api")->state = UNIT_CREATED;
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "write\nstart db\nready db\nstart api\nready api\n"
					     "reload edge\nreload log\nready log");
	assert_string_equal(bench_why(&b, "start db"), "it has stopped with status 3");
	/* init has nothing to do, yet what it needs is not there for api before db is */
	assert_true(bench_needs(&b, "start api", "ready db"));
	assert_int_equal(bench_step(&b, "reload log")->argv.count, 0);
	assert_string_equal(
		strs_join(&b.arena, &bench_step(&b, "reload edge")->argv, " "), "nginx -s reload");
	bench_close(&b);
}

static void jobs(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, shop);
	bench_plan(&b);
	bench_settle(&b);
	bench_seen(&b, "init")->exit_code = 1;
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "write\nstart init\nready init");
	bench_seen(&b, "init")->exit_code = 0;
	for (size_t i = 0; i < b.world.records.count; i++)
		b.world.records.items[i].job_hash = "other";
	bench_plan(&b);
	assert_string_equal(bench_why(&b, "start init"), "its success was not seen");
	bench_seen(&b, "init")->state = UNIT_RUNNING;
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "write\nready init");
	bench_close(&b);
}

static void sources_of_a_job_count(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, "images: { r: {} }\n"
		       "services: { j: { kind: job, image: r, command: x, working_dir: /s,"
		       " develop: { source: sql } } }\n");
	struct strs inputs = { 0 };
	plan_inputs(&b.arena, &b.project, &inputs);
	assert_int_equal(inputs.count, 1);
	assert_string_equal(inputs.items[0], "/srv/shop/sql");
	bench_input(&b, "/srv/shop/sql", "one");
	bench_plan(&b);
	bench_settle(&b);
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "");
	bench_input(&b, "/srv/shop/sql", "two");
	bench_plan(&b);
	assert_string_equal(bench_why(&b, "start j"), "its sources changed");
	bench_close(&b);
}

static void readiness_is_remembered(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, shop);
	bench_plan(&b);
	bench_settle(&b);
	bench_seen(&b, "api")->uptime_s = 10; /* restarted by the engine since it was ready */
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "write\nready api");
	bench_seen(&b, "api")->uptime_s = 100;
	bench_seen(&b, "api")->health = HEALTH_UNHEALTHY;
	bench_plan(&b);
	assert_string_equal(bench_why(&b, "ready api"), "unhealthy");
	bench_close(&b);
}

static void orphans_go(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, shop);
	bench_plan(&b);
	bench_settle(&b);
	*list_push(&b.arena, &b.world.containers) = (struct container){ .id = "old",
		.name = "shop-old-1",
		.service = "old",
		.number = 1,
		.state = UNIT_RUNNING };
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "write\nstop shop-old-1\nremove shop-old-1");
	bench_close(&b);
}

static void forced(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, shop);
	bench_plan(&b);
	bench_settle(&b);
	b.request.goal = GOAL_RECREATE;
	strs_add(&b.arena, &b.request.services, "api");
	bench_plan(&b);
	assert_string_equal(
		bench_steps(&b), "write\ncreate containers\nstart api\nready api\nreload edge");
	assert_true(strs_has(&bench_step(&b, "create containers")->argv, "--force-recreate"));
	assert_true(strs_has(&bench_step(&b, "create containers")->containers, "id-api"));
	bench_close(&b);
}

static const char module[] =
	"images: { r: { user: app } }\n"
	"services:\n"
	"  web: { image: r, command: x, working_dir: /srv/web, environment: { A: \"b c\" },\n"
	"    develop: { source: \"w,eb\", dependencies: { lock: [lock], install: \"npm ci\","
	" into: node_modules, cache: [~/.npm] } } }\n";

static void dependencies(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, module);
	bench_input(&b, "/srv/shop/lock", "one");
	bench_plan(&b);
	const struct step *install = bench_step(&b, "install web");
	assert_non_null(install);
	assert_true(strs_has(&install->argv, "A=b c"));
	assert_true(
		strs_has(&install->argv, "type=bind,\"source=/srv/shop/w,eb\",target=/srv/web"));
	assert_string_equal(install->argv.items[install->argv.count - 4], "1234:1234");
	assert_string_equal(install->argv.items[install->argv.count - 3], "npm ci");
	assert_true(bench_needs(&b, "start web", "install web"));
	assert_true(bench_needs(&b, "install web", "mount points"));
	assert_true(strs_has(&bench_step(&b, "mount points")->argv, "/srv/shop/w,eb/node_modules"));
	bench_settle(&b);
	bench_seen(&b, "web")->state = UNIT_EXITED; /* it was ready once, so its volume is whole */
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "write\nmount points\nstart web\nready web");
	bench_seen(&b, "web")->state = UNIT_RUNNING; /* `git clean` took what it is mounted upon */
	b.world.records.items[0].stale = "/srv/shop/w,eb/node_modules";
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "write\nmount points\nstop web\nstart web\nready web");
	bench_seen(&b, "web")->state = UNIT_EXITED;
	b.world.records.count = 0; /* an interrupted run: is it? */
	bench_plan(&b);
	assert_string_equal(
		bench_steps(&b), "write\nmount points\ninstall web\nstart web\nready web");
	bench_close(&b);
}

static void down(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, shop);
	bench_plan(&b);
	bench_settle(&b);
	b.request.goal = GOAL_DOWN;
	bench_plan(&b);
	assert_true(bench_needs(&b, "stop db", "stop log"));
	assert_true(bench_needs(&b, "stop db", "stop api")); /* through init, which has ended */
	assert_true(bench_needs(&b, "remove db", "stop db"));
	assert_null(bench_step(&b, "stop init"));
	b.world.volumes_known = false;
	bench_plan(&b);
	const char *tmp = arena_printf(&b.arena, "drop volume %s_tmp", b.project.workspace);
	const char *data = arena_printf(&b.arena, "drop volume %s_data", b.project.workspace);
	assert_non_null(bench_step(&b, tmp));
	assert_null(bench_step(&b, data));
	b.request.volumes = true;
	bench_plan(&b);
	assert_non_null(bench_step(&b, data));
	assert_true(bench_needs(&b, data, "remove db"));
	strs_add(&b.arena, &b.request.services, "api");
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "stop api\nremove api");
	bench_close(&b);
}

static void nothing_is_down_already(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, shop);
	b.request.goal = GOAL_DOWN;
	b.world.images_known = b.world.volumes_known = true;
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "");
	bench_close(&b);
}

static void restart(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, shop);
	bench_plan(&b);
	bench_settle(&b);
	b.request.goal = GOAL_RESTART;
	bench_plan(&b);
	assert_null(bench_step(&b, "start init"));
	assert_true(bench_needs(&b, "start api", "ready db"));
	assert_true(bench_needs(&b, "stop db", "stop api"));
	strs_add(&b.arena, &b.request.services, "db");
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "stop db\nstart db\nready db\nreload log\nready log");
	bench_close(&b);
}

static void hooks(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, "services: { a: { image: x } }\n"
		       "hooks: { pre-up: [{ exec-host: \"one $x\" }, { exec: no, service: a }],"
		       " post-up: [{ exec: two, service: a }, { exec-host: three }] }\n");
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "write\nhook pre-up 1\ncreate containers\nstart a\n"
					     "ready a\nhook post-up 1\nhook post-up 2");
	assert_string_equal(strs_join(&b.arena, &bench_step(&b, "hook pre-up 1")->argv, "|"),
		"/bin/sh|-c|one $x");
	assert_true(bench_needs(&b, "hook post-up 1", "ready a"));
	assert_true(bench_needs(&b, "hook post-up 2", "hook post-up 1"));
	assert_true(bench_needs(&b, "create containers", "hook pre-up 1"));
	assert_int_equal(b.plan.notes.count, 1);
	b.request.no_hooks = true;
	bench_plan(&b);
	assert_null(bench_step(&b, "hook post-up 1"));
	bench_close(&b);
}

static void namespaces_are_shared(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, "services:\n"
		       "  a: { image: x }\n"
		       "  b: { image: x, network_mode: \"service:a\" }\n");
	bench_plan(&b);
	bench_settle(&b);
	bench_seen(&b, "a")->state = UNIT_DEAD;
	bench_plan(&b);
	assert_string_equal(
		bench_why(&b, "start b"), "it shares namespaces of a, which is made anew");
	assert_true(strs_has(&bench_step(&b, "create containers")->argv, "--force-recreate"));
	bench_close(&b);
}

static void built_by_compose(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, "services: { a: { build: app }, b: { build: \"https://x.test/y.git\" } }\n");
	bench_input(&b, "/srv/shop/app", "one");
	bench_plan(&b);
	assert_true(bench_needs(&b, "create containers", "compose build a"));
	bench_settle(&b);
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "");
	bench_input(&b, "/srv/shop/app", "two");
	bench_plan(&b);
	assert_string_equal(bench_why(&b, "compose build a"), "image changed");
	assert_null(bench_step(&b, "compose build b"));
	b.request.goal = GOAL_BUILD;
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "write\ncompose build a");
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_start),
		cmocka_unit_test(second_up_changes_nothing),
		cmocka_unit_test(create_words),
		cmocka_unit_test(changes_are_named),
		cmocka_unit_test(moved_port),
		cmocka_unit_test(unknown_parts),
		cmocka_unit_test(stopped_ones_start),
		cmocka_unit_test(jobs),
		cmocka_unit_test(sources_of_a_job_count),
		cmocka_unit_test(readiness_is_remembered),
		cmocka_unit_test(orphans_go),
		cmocka_unit_test(forced),
		cmocka_unit_test(dependencies),
		cmocka_unit_test(down),
		cmocka_unit_test(nothing_is_down_already),
		cmocka_unit_test(restart),
		cmocka_unit_test(hooks),
		cmocka_unit_test(namespaces_are_shared),
		cmocka_unit_test(built_by_compose),
	};
	return cmocka_run_group_tests_name("planner: steps", tests, NULL, NULL);
}
