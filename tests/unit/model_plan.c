/*
 * Steps of a plan are named, stated as needed and found again; the world answers by name.
 */
#include "model.h"

#include "model/plan.h"
#include "model/world.h"

static void steps(void **state)
{
	struct arena a = ARENA_INIT;
	struct plan p = { .arena = &a };
	struct place at = { .file = "devenv.yml", .line = 3, .col = 5 };
	(void)state;
	struct step *build =
		plan_add(&p, STEP_BUILD, "python", at, "packages of %s changed", "python");
	struct step *start = plan_add(&p, STEP_START, "api", at, "image changed");
	struct step *all = plan_add(&p, STEP_WRITE, NULL, at, "always");
	plan_need(&p, start, build);
	plan_need(&p, start, NULL);
	assert_string_equal(build->id, "build python");
	assert_string_equal(build->why, "packages of python changed");
	assert_string_equal(all->id, "write");
	assert_int_equal(start->place.line, 3);
	assert_int_equal(start->needs.count, 1);
	assert_ptr_equal(start->needs.items[0], build);
	assert_ptr_equal(plan_find(&p, STEP_START, "api"), start);
	assert_ptr_equal(plan_find(&p, STEP_WRITE, NULL), all);
	assert_null(plan_find(&p, STEP_STOP, "api"));
	assert_null(plan_find(&p, STEP_START, "web"));
	arena_release(&a);
}

static void kinds_have_names(void **state)
{
	(void)state;
	for (int k = STEP_WRITE; k <= STEP_DROP_NETWORK; k++)
		assert_true(*step_kind_name(k));
	for (int s = UNIT_ABSENT; s <= UNIT_DEAD; s++)
		assert_true(*unit_state_name(s));
}

static void seen(void **state)
{
	struct container containers[] = { { .service = "api", .number = 1, .one_off = true },
		{ .service = "api", .number = 2 }, { .service = "api", .number = 1 } };
	struct allocation allocations[] = { { "db", 5432, "tcp", 6000, 0, NULL },
		{ "db", 5432, "udp", 6001, 0, NULL } };
	struct unit_record records[] = { { .service = "db" } };
	struct world w = { 0 };
	(void)state;
	w.containers.items = containers;
	w.containers.count = countof(containers);
	w.allocations.items = allocations;
	w.allocations.count = countof(allocations);
	w.records.items = records;
	w.records.count = countof(records);
	map_set(&w.inputs, "/x", "hash");
	assert_ptr_equal(world_container(&w, "api"), &containers[2]);
	assert_null(world_container(&w, "db"));
	assert_int_equal(world_allocation(&w, "db", 5432, "udp")->published, 6001);
	assert_null(world_allocation(&w, "db", 5433, "tcp"));
	assert_ptr_equal(world_record(&w, "db"), &records[0]);
	assert_null(world_record(&w, "api"));
	assert_string_equal(world_input(&w, "/x"), "hash");
	assert_null(world_input(&w, "/y"));
	map_release(&w.inputs);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(steps),
		cmocka_unit_test(kinds_have_names), cmocka_unit_test(seen) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
