/*
 * Who is replaced copy by copy, and what is handed on for it: the containers that give way, who
 * goes first, the proxies in front; who is not, and why; a replacement that was interrupted.
 */
#include <stdio.h>

#include "planner.h"

static const char shop[] =
	"volumes: { data: {} }\n"
	"services:\n"
	"  edge: { image: nginx, ports: { http: { target: 80 } } }\n"
	"  api: { image: debian, ports: { http: { target: 80 } }, %s environment: { A: \"%s\" } }\n"
	"routes: [{ host: a.localhost, path: /, to: api, via: edge }]\n";

static const char copies[] = "deploy: { replicas: 2 },";
static const char first[] = "deploy: { update_config: { order: start-first } },";

static struct container *add_copy(struct bench *b, int number)
{
	struct container c = *bench_seen(b, "api");
	c.number = number;
	c.id = arena_printf(&b->arena, "api-%d", number);
	struct container *added = list_push(&b->arena, &b->world.containers);
	*added = c;
	return added;
}

static const char *shop_of(char into[static 4096], const char *says, const char *version)
{
	int n = snprintf(into, 4096, shop, says, version);
	assert_in_range(n, 1, 4095);
	return into;
}

/* Up as it says, with this many copies; then changed and planned again. */
static void changed(struct bench *b, const char *says, int count)
{
	char text[4096];
	bench_open(b, shop_of(text, says, "b"));
	bench_plan(b);
	bench_settle(b);
	bench_seen(b, "api")->id = "api-1";
	for (int number = 2; number <= count; number++)
		add_copy(b, number);
	bench_change(b, shop_of(text, says, "c"));
	bench_plan(b);
}

static const char *words_of(struct bench *b, const struct strs *list)
{
	return strs_join(&b->arena, list, " ");
}

static void several_copies(void **state)
{
	struct bench b = { 0 };
	(void)state;
	changed(&b, copies, 2);
	assert_string_equal(
		bench_steps(&b), "write\ncreate api\nstart api\nready api\nreload edge");
	const char *words = words_of(&b, &bench_step(&b, "create api")->argv);
	assert_non_null(strstr(
		words, "up --no-start --no-build --no-deps --no-recreate --scale api=4 api"));
	const struct step *start = bench_step(&b, "start api");
	assert_string_equal(words_of(&b, &start->replaces), "api-1 api-2");
	assert_string_equal(words_of(&b, &start->proxies), "id-edge");
	assert_false(start->start_first);
	assert_true(bench_needs(&b, "start api", "create api"));
	bench_close(&b);
}

static void a_new_one_first(void **state)
{
	struct bench b = { 0 };
	(void)state;
	changed(&b, first, 1);
	assert_string_equal(words_of(&b, &bench_step(&b, "start api")->replaces), "api-1");
	assert_true(bench_step(&b, "start api")->start_first);
	bench_close(&b);
}

static void one_alone_is_replaced_by_compose(void **state)
{
	static const struct {
		const char *says, *note;
	} rows[] = {
		{ "", NULL },
		{ "deploy: { update_config: { order: stop-first } },", NULL },
		{ "deploy: { update_config: { order: start-first } }, container_name: x,",
			"api is stopped before its new container starts: it has a container_name" },
		{ "deploy: { update_config: { order: start-first } }, volumes: [\"data:/d\"],",
			"api is stopped before its new container starts: two cannot write its data "
			"(volume data)" },
		{ "deploy: { update_config: { order: start-first } }, compose: { ports: "
		  "[\"80:80\"] },",
			"api is stopped before its new container starts: it publishes a port of "
			"this machine" },
		{ "deploy: { update_config: { order: start-first } }, networks: { default: { "
		  "ipv4_address: 10.0.0.9 } },",
			"api is stopped before its new container starts: it has a fixed address" },
	};
	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		struct bench b = { 0 };
		changed(&b, rows[i].says, 1);
		assert_string_equal(bench_steps(&b),
			"write\ncreate containers\nstart api\nready api\nreload edge");
		assert_int_equal(bench_step(&b, "start api")->replaces.count, 0);
		assert_int_equal(b.plan.notes.count, rows[i].note != NULL);
		if (rows[i].note)
			assert_string_equal(b.plan.notes.items[0], rows[i].note);
		bench_close(&b);
	}
}

/* Two old ones, of which one was replaced; its copy is made, or runs. */
static void interrupted(void **state)
{
	struct bench b = { 0 };
	(void)state;
	changed(&b, copies, 2);
	const char *now = b.plan.chosen.items[1].hash;
	bench_seen(&b, "api")->state = UNIT_EXITED;
	add_copy(&b, 3)->hash = now;
	b.world.containers.items[b.world.containers.count - 1].state = UNIT_RUNNING;
	bench_plan(&b);
	assert_non_null(strstr(words_of(&b, &bench_step(&b, "create api")->argv), "api=4 api"));
	assert_string_equal(words_of(&b, &bench_step(&b, "start api")->replaces), "api-1 api-2");
	add_copy(&b, 4)->hash = now;
	bench_plan(&b);
	assert_null(bench_step(&b, "create api"));
	assert_string_equal(words_of(&b, &bench_step(&b, "start api")->replaces), "api-1 api-2");
	bench_close(&b);
}

/* More of the same, or none that serves: nothing is to be kept serving. */
static void nothing_to_replace(void **state)
{
	struct bench b = { 0 };
	char text[4096];
	(void)state;
	bench_open(&b, shop_of(text, copies, "b"));
	bench_plan(&b);
	bench_settle(&b);
	bench_plan(&b);
	assert_string_equal(bench_why(&b, "start api"), "1 containers instead of 2");
	assert_int_equal(bench_step(&b, "start api")->replaces.count, 0);
	bench_close(&b);
	b = (struct bench){ 0 };
	changed(&b, copies, 1);
	bench_seen(&b, "api")->state = UNIT_EXITED;
	bench_plan(&b);
	assert_int_equal(bench_step(&b, "start api")->replaces.count, 0);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(several_copies),
		cmocka_unit_test(a_new_one_first),
		cmocka_unit_test(one_alone_is_replaced_by_compose),
		cmocka_unit_test(interrupted),
		cmocka_unit_test(nothing_to_replace),
	};
	return cmocka_run_group_tests_name("planner: replacing copies", tests, NULL, NULL);
}
