/*
 * Data per branch: which data serve by the branch that is checked out, what a new branch begins
 * with, and that nobody uses the original while it is copied. And dumps that new volumes begin
 * with.
 */
#include "planner.h"

static const char shop[] = "volumes: { data: { per: branch } }\n"
			   "services:\n"
			   "  edge: { image: nginx, command: x }\n"
			   "  db: { image: \"postgres:17\", volumes: [\"data:/d\"] }\n"
			   "  api: { image: nginx, command: x, depends_on: [db] }\n";

static void have(struct bench *b, const char *volume)
{
	strs_add(&b->arena, &b->world.volumes, volume);
}

static void on_branch(struct bench *b, const char *branch, const char *parent)
{
	b->world.checkout = (struct checkout){ .repository = true, .branch = branch };
	if (parent)
		strs_add(&b->arena, &b->world.checkout.parents, parent);
}

static void record(struct bench *b, const char *branch, const char *engine, bool serves)
{
	*list_push(&b->arena, &b->world.volume_map) = (struct volume_record){
		.key = "data", .branch = branch, .engine = engine, .serves = serves
	};
}

static enum branch_verdict settle(struct bench *b)
{
	return plan_branches(&b->arena, &b->project, &b->world);
}

static const char *serves(const struct bench *b)
{
	const struct volume_record *r = world_volume(&b->world, "data");
	return r ? r->engine : "";
}

static void open_on(struct bench *b, const char *yaml, const char *branch)
{
	bench_open(b, yaml);
	on_branch(b, branch, NULL);
	b->world.volumes_known = b->world.images_known = true;
}

/* Whether there is an original is the engine's to say. */
static void the_engine_is_asked_first(void **state)
{
	struct bench b;
	(void)state;
	open_on(&b, shop, "main");
	b.world.volumes_known = false;
	assert_int_equal(settle(&b), BRANCHES_ASK);
	assert_int_equal(b.world.volume_map.count, 0);
	b.world.volumes_known = true;
	assert_int_equal(settle(&b), BRANCHES_SWITCH);
	assert_int_equal(b.world.unfilled.count, 0); /* nothing there to begin with */
	assert_int_equal(settle(&b), BRANCHES_STAY);
	assert_int_equal(b.world.volume_map.count, 1);
	bench_close(&b);
}

/* The map was lost with the state: a copy of another branch's data would take its place. */
static void data_of_the_branch_that_are_there_serve(void **state)
{
	struct bench b, again;
	(void)state;
	open_on(&b, shop, "feature/x");
	record(&b, "main", "v-main", true);
	have(&b, "v-main");
	assert_int_equal(settle(&b), BRANCHES_SWITCH);
	assert_int_equal(b.world.unfilled.count, 1);
	open_on(&again, shop, "feature/x");
	record(&again, "main", "v-main", true);
	have(&again, "v-main");
	have(&again, serves(&b));
	assert_int_equal(settle(&again), BRANCHES_SWITCH);
	assert_string_equal(serves(&again), serves(&b));
	assert_int_equal(again.world.unfilled.count, 0);
	bench_close(&again);
	bench_close(&b);
}

/* The parent's, the one's that served last, the workspace's own: the first that there is. */
static void a_new_branch_begins_with_the_nearest_data(void **state)
{
	static const struct {
		const char *parent, *has, *from;
	} rows[] = {
		{ "old", "v-old", "v-old" },
		{ "main", "v-main", "v-main" },
		{ "unknown", "v-main", "v-main" },
		{ "old", "v-main", "v-main" }, /* whose data are gone */
		{ "old", "other", NULL },
	};
	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		struct bench b;
		open_on(&b, shop, "feature/x");
		strs_add(&b.arena, &b.world.checkout.parents, rows[i].parent);
		record(&b, "old", "v-old", false);
		record(&b, "main", "v-main", true);
		have(&b, rows[i].has);
		assert_int_equal(settle(&b), BRANCHES_SWITCH);
		assert_int_equal(b.world.unfilled.count, rows[i].from ? 1 : 0);
		if (rows[i].from)
			assert_string_equal(b.world.unfilled.items[0].from, rows[i].from);
		bench_close(&b);
	}
}

static void the_workspaces_own_data_are_the_last_resort(void **state)
{
	struct bench b;
	(void)state;
	open_on(&b, shop, "main");
	const char *own = arena_printf(&b.arena, "%s_data", b.project.workspace);
	have(&b, own);
	settle(&b);
	assert_string_equal(b.world.unfilled.items[0].from, own);
	assert_string_not_equal(serves(&b), own);
	bench_close(&b);
}

/* Half a copy is no original. */
static void what_is_not_whole_is_not_copied(void **state)
{
	struct bench b;
	(void)state;
	open_on(&b, shop, "next");
	record(&b, "main", "v-main", true);
	have(&b, "v-main");
	*list_push(&b.arena, &b.world.unfilled) = (struct unfilled){ "v-main", "v-old" };
	settle(&b);
	assert_int_equal(b.world.unfilled.count, 1);
	bench_close(&b);
}

static void branches_of_like_names_have_volumes_of_their_own(void **state)
{
	struct bench b;
	(void)state;
	open_on(&b, shop, "a/b");
	settle(&b);
	const char *first = serves(&b);
	on_branch(&b, "a-b", NULL);
	settle(&b);
	assert_string_not_equal(first, serves(&b));
	bench_close(&b);
}

static bool needs(const struct step *s, const struct step *needed)
{
	for (size_t i = 0; s && i < s->needs.count; i++)
		if (s->needs.items[i] == needed)
			return true;
	return false;
}

/* Invariant: its users stop, then it is copied, then they are made anew; nobody else is touched. */
static void the_original_is_not_used_while_it_is_copied(void **state)
{
	struct bench b;
	(void)state;
	open_on(&b, shop, "main");
	settle(&b);
	bench_plan(&b);
	bench_settle(&b);
	have(&b, serves(&b));
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "");
	on_branch(&b, "feature/x", "main");
	settle(&b);
	bench_plan(&b);
	assert_string_equal(bench_why(&b, "start db"),
		"the branch is feature/x now: its own data serve as data");
	assert_string_equal(bench_why(&b, "copy data"),
		"the branch is feature/x now: it begins with the data of branch main");
	assert_true(needs(bench_step(&b, "copy data"), bench_step(&b, "stop db")));
	assert_true(needs(bench_step(&b, "create containers"), bench_step(&b, "copy data")));
	assert_null(bench_step(&b, "start edge"));
	assert_null(bench_step(&b, "start api"));
	/* Back again: the other data serve, nothing is copied. */
	b.world.unfilled.count = 0;
	b.world.containers.count = 0;
	bench_settle(&b);
	on_branch(&b, "main", NULL);
	settle(&b);
	bench_plan(&b);
	assert_string_equal(
		bench_why(&b, "start db"), "the branch is main now: its own data serve as data");
	assert_null(bench_step(&b, "copy data"));
	assert_null(bench_step(&b, "stop db"));
	bench_close(&b);
}

/* A copy that was cut off is made again, whatever there is. */
static void a_copy_that_was_cut_off_is_made_again(void **state)
{
	struct bench b;
	(void)state;
	open_on(&b, shop, "next");
	record(&b, "next", "v-next", true);
	have(&b, "v-next");
	*list_push(&b.arena, &b.world.unfilled) = (struct unfilled){ "v-next", "v-main" };
	assert_int_equal(settle(&b), BRANCHES_STAY);
	bench_plan(&b);
	assert_non_null(bench_step(&b, "copy data"));
	assert_true(needs(bench_step(&b, "create containers"), bench_step(&b, "copy data")));
	bench_close(&b);
}

static void without_a_branch_what_served_goes_on(void **state)
{
	struct bench b;
	(void)state;
	open_on(&b, shop, NULL);
	record(&b, "main", "v-main", true);
	assert_int_equal(settle(&b), BRANCHES_STAY);
	assert_string_equal(serves(&b), "v-main");
	bench_plan(&b);
	assert_int_equal(b.plan.notes.count, 1);
	assert_string_equal(b.plan.notes.items[0],
		"no branch is checked out: volume data keeps the data of branch main");
	bench_close(&b);
}

static const char seeded[] =
	"volumes: { data: { initial: seed.sql.gz } }\n"
	"services:\n"
	"  db: { image: \"postgres:17\", volumes: [\"data:/d\"], load: [psql, -f, \"-\"] }\n"
	"  api: { image: nginx, command: x, depends_on: [db] }\n"
	"  web: { image: nginx, command: x, depends_on: [api] }\n";

/* After the service is ready, before any that needs it, and only where the volume is new. */
static void a_dump_is_loaded_into_a_new_volume(void **state)
{
	struct bench b;
	(void)state;
	open_on(&b, seeded, NULL);
	bench_plan(&b);
	assert_string_equal(bench_why(&b, "load data"), "the volume is new");
	assert_true(needs(bench_step(&b, "load data"), bench_step(&b, "ready db")));
	assert_true(needs(bench_step(&b, "start api"), bench_step(&b, "load data")));
	assert_int_equal(b.plan.loads.count, 1);
	have(&b, b.plan.loads.items[0]);
	bench_plan(&b);
	assert_null(bench_step(&b, "load data"));
	bench_close(&b);
}

static void a_dump_that_was_not_loaded_is_loaded_by_the_next_run(void **state)
{
	struct bench b;
	(void)state;
	open_on(&b, seeded, NULL);
	const char *volume = arena_printf(&b.arena, "%s_data", b.project.workspace);
	have(&b, volume);
	bench_plan(&b);
	bench_settle(&b);
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "");
	*list_push(&b.arena, &b.world.unfilled) = (struct unfilled){ volume, NULL };
	bench_plan(&b);
	assert_string_equal(bench_why(&b, "load data"), "its dump was not loaded to the end");
	assert_int_equal(b.plan.loads.count, 0);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_engine_is_asked_first),
		cmocka_unit_test(data_of_the_branch_that_are_there_serve),
		cmocka_unit_test(a_new_branch_begins_with_the_nearest_data),
		cmocka_unit_test(the_workspaces_own_data_are_the_last_resort),
		cmocka_unit_test(what_is_not_whole_is_not_copied),
		cmocka_unit_test(branches_of_like_names_have_volumes_of_their_own),
		cmocka_unit_test(the_original_is_not_used_while_it_is_copied),
		cmocka_unit_test(a_copy_that_was_cut_off_is_made_again),
		cmocka_unit_test(without_a_branch_what_served_goes_on),
		cmocka_unit_test(a_dump_is_loaded_into_a_new_volume),
		cmocka_unit_test(a_dump_that_was_not_loaded_is_loaded_by_the_next_run),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
