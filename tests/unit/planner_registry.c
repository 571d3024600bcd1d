/*
 * Registry images whose names mean another image than before: what stands on them is made anew, by
 * name and with its reason, and nothing else is. Nothing is concluded from what nobody knows.
 */
#include "planner.h"

#include "planner/lock.h"

static const char project[] = "images:\n"
			      "  base: { from: \"ground:1\", run: [make] }\n"
			      "  tool: { from: base, run: [more] }\n"
			      "  own: { from: base, dockerfile: Dockerfile }\n"
			      "services:\n"
			      "  api: { image: tool, command: x }\n"
			      "  other: { image: own, command: x }\n"
			      "  db: { image: \"postgres:17\" }\n";

#define OLD "sha256:old"
#define NEW "sha256:new"

static void note(struct bench *b, const char *name, const char *id)
{
	world_note_image(&b->arena, &b->world, &(struct seen_image){ .name = name, .id = id });
}

static struct seen_image *image_of(struct bench *b, const char *rung)
{
	const char *mark = arena_printf(&b->arena, "devenv/%s:", rung);
	for (size_t i = 0; i < b->world.images.count; i++)
		if (starts_with(b->world.images.items[i].name, mark))
			return &b->world.images.items[i];
	fail_msg("no image of %s", rung);
	return NULL;
}

static void open_project(struct bench *b)
{
	bench_open(b, project);
	bench_input(b, "/srv/shop/Dockerfile", "text");
	bench_input(b, "/srv/shop", "context");
}

/* All runs, built on OLD. */
static void open_built(struct bench *b)
{
	open_project(b);
	note(b, "ground:1", OLD);
	bench_plan(b);
	bench_settle(b);
	for (size_t i = 0; i < b->world.images.count; i++)
		b->world.images.items[i].base = OLD;
	bench_seen(b, "api")->base = bench_seen(b, "other")->base = OLD;
	bench_plan(b);
	assert_string_equal(bench_steps(b), "");
}

static void a_base_that_moved(void **state)
{
	static const char why[] = "base image ground:1 is another one now";
	struct bench b;
	struct strs names = { 0 };
	(void)state;
	open_built(&b);
	plan_bases(&b.arena, &b.project, &b.world, &names);
	assert_int_equal(names.count, 1);
	assert_string_equal(names.items[0], "ground:1");
	note(&b, "ground:1", NEW);
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "write\nbuild base\nbuild tool\nbuild own\n"
					     "create containers\nstart api\nready api\n"
					     "start other\nready other");
	assert_string_equal(bench_why(&b, "build base"), why);
	assert_string_equal(bench_why(&b, "build own"), why);
	assert_string_equal(bench_why(&b, "start api"), why);
	/* Another workspace has built it: the containers are still of the old one. */
	image_of(&b, "base")->base = image_of(&b, "tool")->base = image_of(&b, "own")->base = NEW;
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "write\ncreate containers\nstart api\nready api\n"
					     "start other\nready other");
	bench_close(&b);
}

static void what_nobody_knows(void **state)
{
	struct bench b;
	(void)state;
	open_built(&b);
	note(&b, "ground:1", NULL); /* a machine that only has the rungs: of a cache, say */
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "");
	note(&b, "ground:1", NEW);
	bench_seen(&b, "api")->base = NULL; /* made by who noted nothing */
	bench_seen(&b, "other")->base = "";
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "");
	bench_close(&b);
}

static void a_digest_never_moves(void **state)
{
	struct locked_image ground = { .name = "ground:1", .digest = "sha256:0" };
	struct lockfile lock = { .images = { &ground, 1, 1 } };
	struct bench b;
	struct strs names = { 0 };
	(void)state;
	open_project(&b);
	b.world.locked = &lock;
	plan_bases(&b.arena, &b.project, &b.world, &names);
	assert_int_equal(names.count, 0);
	bench_plan(&b);
	assert_null(bench_step(&b, "build base")->build->on);
	ground.local = true; /* an id of this engine's is only remembered */
	plan_bases(&b.arena, &b.project, &b.world, &names);
	assert_int_equal(names.count, 1);
	bench_close(&b);
}

static void what_a_build_notes(void **state)
{
	struct bench b;
	(void)state;
	open_project(&b);
	bench_plan(&b);
	assert_string_equal(bench_step(&b, "build base")->build->on, "ground:1");
	assert_null(bench_step(&b, "build tool")->build->on); /* it comes along */
	const struct build *own = bench_step(&b, "build own")->build;
	assert_true(own->on_rung && starts_with(own->on, "devenv/base:"));
	assert_null(plan_find(&b.plan, STEP_EXEC, "ground:1")); /* who knows? the builder pulls */
	note(&b, "ground:1", NULL);
	bench_plan(&b);
	assert_true(bench_needs(&b, "build base", "pull ground:1"));
	bench_close(&b);
}

/* The list of containers tells an id where a name was taken away. */
static void a_container_whose_image_lost_its_name(void **state)
{
	struct bench b;
	struct strs names = { 0 };
	(void)state;
	open_built(&b);
	bench_seen(&b, "db")->image = OLD;
	assert_true(plan_unnamed(&b.arena, &b.project, &b.world, &names));
	assert_string_equal(names.items[0], "postgres:17");
	note(&b, "postgres:17", NULL); /* removed: it runs all the same */
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "");
	note(&b, "postgres:17", NEW);
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "write\ncreate containers\nstart db\nready db");
	assert_string_equal(bench_why(&b, "start db"), "image postgres:17 is another one now");
	assert_true(strs_has(&bench_step(&b, "create containers")->argv, "--force-recreate"));
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_base_that_moved),
		cmocka_unit_test(what_nobody_knows),
		cmocka_unit_test(a_digest_never_moves),
		cmocka_unit_test(what_a_build_notes),
		cmocka_unit_test(a_container_whose_image_lost_its_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
