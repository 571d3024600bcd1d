/*
 * Data: which volume of the engine serves is part of what a container is made of, and what goes
 * with `down -v`.
 */
#include "planner.h"

static const char shop[] = "volumes: { data: {}, tmp: { kind: scratch } }\n"
			   "services:\n"
			   "  edge: { image: nginx, command: x }\n"
			   "  db: { image: \"postgres:17\", volumes: [\"data:/d\", \"tmp:/t\"] }\n"
			   "  api: { image: nginx, command: x, depends_on: [db] }\n";

/* Invariant: a switch of data recreates its users and nobody else, and is named. */
static void another_volume_serves(void **state)
{
	struct bench b;
	struct volume_record r = {
		.key = "data", .engine = "x_data.2", .before = "x_data", .serves = true
	};
	(void)state;
	bench_open(&b, shop);
	bench_plan(&b);
	bench_settle(&b);
	*list_push(&b.arena, &b.world.volume_map) = r;
	bench_plan(&b);
	assert_string_equal(bench_why(&b, "start db"), "other data serves as volume data now");
	assert_null(bench_step(&b, "start edge"));
	assert_null(bench_step(&b, "start api"));
	assert_non_null(strstr(bench_file(&b, "compose.yml"), "x_data.2"));
	b.world.containers.count = 0;
	bench_settle(&b);
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "");
	b.world.volume_map.items[0].branch = "feature/x";
	b.world.volume_map.items[0].engine = "x_data.3";
	bench_plan(&b);
	assert_string_equal(
		bench_why(&b, "start db"), "the branch is feature/x now: its own data serve as data");
	b.world.volume_map.items[0].serves = false;
	bench_plan(&b);
	assert_string_equal(bench_why(&b, "start db"), "other data serves as volume data now");
	bench_close(&b);
}

/* down -v drops what serves, what served before, what belongs to a branch; nothing else. */
static void down_drops_every_volume(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, shop);
	const char *ws = b.project.workspace, *serves = arena_printf(&b.arena, "%s_data.2", ws),
		   *before = arena_printf(&b.arena, "%s_data", ws);
	struct volume_record r = {
		.key = "data", .engine = serves, .before = before, .serves = true
	};
	*list_push(&b.arena, &b.world.volume_map) = r;
	b.world.volumes_known = b.world.images_known = true;
	strs_add(&b.arena, &b.world.volumes, serves);
	strs_add(&b.arena, &b.world.volumes, before);
	strs_add(&b.arena, &b.world.volumes, "devenv-deps-web-1");
	b.request.goal = GOAL_DOWN;
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "");
	b.request.volumes = true;
	bench_plan(&b);
	assert_string_equal(bench_steps(&b),
		arena_printf(&b.arena, "drop volume %s\ndrop volume %s", serves, before));
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_volume_serves),
		cmocka_unit_test(down_drops_every_volume),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
