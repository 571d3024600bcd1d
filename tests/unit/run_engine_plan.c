/* Whole plans on the real engine. Guards: order, events, failures that skip only what needs them,
 * interrupts. */
#include "run/io/event.h"
#include "run/perform.h"
#include "run_engine_test.h"

struct heard {
	struct buf text;
};

static void hear(void *ctx, const struct event *ev)
{
	static const char *const words[] = { "start", "progress", "output", "done", "failed",
		"skipped", "note" };
	struct heard *h = ctx;
	buf_addf(&h->text, "%s %s: %s\n", words[ev->kind], ev->step ? ev->step->id : "-",
		ev->text ? ev->text : "");
}

static struct step *step(struct plan *p, enum step_kind kind, const char *unit, struct step *needed)
{
	struct step *s = plan_add(
		p, kind, unit, (struct place){ .file = "devenv.yml", .line = 4, .col = 2 }, "test");
	plan_need(p, s, needed);
	return s;
}

static struct step *shell_step(struct plan *p, const char *script, struct step *needed)
{
	struct step *s = step(p, STEP_EXEC, NULL, needed);
	s->id = "exec";
	strs_add(p->arena, &s->argv, "sh");
	strs_add(p->arena, &s->argv, "-ec");
	strs_add(p->arena, &s->argv, arena_printf(p->arena, "W=%s; %s", ws, script));
	return s;
}

static struct build build_of(const char *tag, const char *dockerfile)
{
	static struct image image = { .name = "rung",
		.place = { .file = "devenv.yml", .line = 21, .col = 1 } };
	return (struct build){
		.image = &image, .tag = tag, .dockerfile = dockerfile, .timeout_ms = 60000
	};
}

static int carry_out(struct plan *p, struct heard *h, struct world *w, struct err *e)
{
	struct performer pf = { .loop = loop,
		.engine = engine,
		.places = &places,
		.world = w,
		.event = hear,
		.ctx = h };
	*e = (struct err)ERR_INIT;
	return perform(&pf, p, e);
}

static void a_plan_is_carried_out(void **state)
{
	struct err e;
	struct heard h = { BUF_INIT };
	struct world w = look();
	struct project project = { .name = "t", .workspace = ws };
	struct plan p = { .arena = &arena, .project = &project };
	struct service s = service("web", CHECK_TCP);
	const char *tag = arena_printf(&arena, "devenv-test/%s:1", ws);
	struct build b = build_of(tag, "FROM " IMAGE "\nRUN echo built > /built\n");
	(void)state;
	s.stop_grace_ms = 1000;
	struct step *build = step(&p, STEP_BUILD, "rung", NULL);
	build->build = &b;
	struct step *create = shell_step(&p,
		arena_printf(&arena,
			"docker create --name $W-web-1 --label devenv.workspace=$W "
			"--label com.docker.compose.service=web %s " SERVER,
			tag),
		build);
	struct step *start = step(&p, STEP_START, "web", create);
	start->service = &s;
	struct step *ready = step(&p, STEP_READY, "web", start);
	ready->service = &s;
	struct step *reload = step(&p, STEP_RELOAD, "web", ready);
	reload->service = &s;
	strs_add(&arena, &reload->argv, "cat");
	strs_add(&arena, &reload->argv, "/built");
	struct step *stop = step(&p, STEP_STOP, "web", reload);
	stop->service = &s;
	struct step *gone = step(&p, STEP_REMOVE, "web", stop);
	gone->service = &s;
	if (carry_out(&p, &h, &w, &e))
		fail_msg("%s\n%s", e.text, h.text.data);
	assert_true(world_has_image(&w, tag));
	assert_null(world_container(&w, "web"));
	assert_int_equal(w.records.count, 1);
	assert_string_equal(w.records.items[0].service, "web");
	assert_non_null(strstr(h.text.data, "2/2 RUN echo built"));
	assert_null(strstr(h.text.data, "failed"));
	cleanup_buf struct buf log = BUF_INIT;
	assert_int_equal(
		file_read(arena_printf(&arena, "%s/web.log", places.logs), 1 << 20, &log, &e), 0);
	assert_non_null(strstr(log.data, " web o listening\n"));
	buf_release(&h.text);
}

static void a_failed_step_keeps_what_needs_it(void **state)
{
	struct err e;
	struct heard h = { BUF_INIT };
	struct world w = { 0 };
	struct project project = { .name = "t", .workspace = ws };
	struct plan p = { .arena = &arena, .project = &project };
	struct build b = build_of(arena_printf(&arena, "devenv-test/%s:2", ws),
		"FROM " IMAGE "\nRUN echo going wrong; exit 9\n");
	(void)state;
	struct step *build = step(&p, STEP_BUILD, "rung", NULL);
	build->build = &b;
	struct step *after = shell_step(&p, "exit 0", build);
	after->id = "after";
	struct step *aside = shell_step(&p, "sleep 0.3; echo aside", NULL);
	aside->id = "aside";
	struct step *soft = shell_step(&p, "exit 1", NULL);
	soft->soft = true;
	struct step *despite = shell_step(&p, "exit 0", soft);
	despite->id = "despite";
	assert_int_equal(carry_out(&p, &h, &w, &e), -1);
	assert_non_null(strstr(e.text, "building rung: ended with status "));
	assert_non_null(strstr(e.text, "going wrong"));
	assert_int_equal(e.place.line, 21);
	assert_non_null(strstr(h.text.data, "skipped after"));
	assert_non_null(strstr(h.text.data, "done aside"));
	assert_non_null(strstr(h.text.data, "done despite"));
	assert_int_equal(w.images.count, 0);
	buf_release(&h.text);
}

/* With room for one build at a time, the one that others wait for comes first. */
static void the_longest_chain_is_built_first(void **state)
{
	struct err e = ERR_INIT;
	struct heard h = { BUF_INIT };
	struct world w = { 0 };
	struct project project = { .name = "t", .workspace = ws };
	struct plan p = { .arena = &arena, .project = &project };
	const char *tag = arena_printf(&arena, "devenv-test/%s:3", ws);
	struct build b = build_of(tag, "FROM " IMAGE "\nRUN true\n");
	struct performer pf = { .loop = loop,
		.engine = engine,
		.places = &places,
		.world = &w,
		.event = hear,
		.ctx = &h,
		.parallel = 1 };
	(void)state;
	step(&p, STEP_BUILD, "short", NULL)->build = &b;
	struct step *build = step(&p, STEP_BUILD, "long", NULL);
	build->build = &b;
	shell_step(&p, "exit 0", shell_step(&p, "exit 0", build));
	assert_int_equal(perform(&pf, &p, &e), 0);
	const char *first = strstr(h.text.data, "start build long");
	const char *second = strstr(h.text.data, "start build short");
	assert_non_null(first);
	assert_non_null(second);
	assert_true(first < second);
	buf_release(&h.text);
}

static void an_interrupt_stops_a_plan(void **state)
{
	struct err e;
	struct heard h = { BUF_INIT };
	struct world w = { 0 };
	struct project project = { .name = "t", .workspace = ws };
	struct plan p = { .arena = &arena, .project = &project };
	int64_t began = now_ms();
	(void)state;
	struct step *slow = shell_step(&p, "kill -INT $PPID; sleep 60", NULL);
	struct step *after = shell_step(&p, "exit 0", slow);
	after->id = "after";
	assert_int_equal(carry_out(&p, &h, &w, &e), -1);
	assert_string_equal(e.text, "interrupted");
	assert_non_null(strstr(h.text.data, "skipped after"));
	assert_in_range(now_ms() - began, 0, 3000);
	loop_rearm(loop);
	buf_release(&h.text);
}

/* A loop that serves more than one plan; one of them is cancelled, the other is not touched. */
static void plans_run_beside_each_other(void **state)
{
	struct err e = ERR_INIT;
	struct heard h = { BUF_INIT };
	struct world w = { 0 };
	struct project project = { .name = "t", .workspace = ws };
	struct plan one = { .arena = &arena, .project = &project }, two = one;
	struct performer pf = {
		.loop = loop, .places = &places, .world = &w, .event = hear, .ctx = &h
	};
	int64_t began = now_ms();
	(void)state;
	struct step *endless = shell_step(&one, "sleep 60", NULL);
	shell_step(&one, "exit 0", endless)->id = "after";
	shell_step(&two, "echo here; sleep 0.3; echo still here", NULL)->id = "brief";
	struct performance *a = perform_begin(&pf, &one), *b = perform_begin(&pf, &two);
	assert_true(perform_step(a));
	assert_true(perform_step(b));
	while (!strstr(buf_str(&h.text), "output brief: here"))
		loop_turn(loop, perform_timeout(b, 1000)), perform_step(b);
	perform_cancel(a, 1);
	for (bool more_a = true, more_b = true; more_a || more_b;) {
		loop_turn(loop, 200);
		more_a = more_a && perform_step(a);
		more_b = more_b && perform_step(b);
	}
	assert_int_equal(perform_end(a, &e), -1);
	assert_string_equal(e.text, "interrupted");
	assert_int_equal(perform_end(b, &e), 0);
	assert_non_null(strstr(h.text.data, "output brief: still here"));
	assert_null(strstr(h.text.data, "start after"));
	assert_in_range(now_ms() - began, 0, 20000);
	buf_release(&h.text);
}

/* Who ends a performance early leaves no child of it. */
static void a_plan_that_is_dropped_leaves_nothing(void **state)
{
	struct err e = ERR_INIT;
	struct heard h = { BUF_INIT };
	struct world w = { 0 };
	struct project project = { .name = "t", .workspace = ws };
	struct plan p = { .arena = &arena, .project = &project };
	struct performer pf = {
		.loop = loop, .places = &places, .world = &w, .event = hear, .ctx = &h
	};
	(void)state;
	shell_step(&p, "echo pid $$; exec sleep 60", NULL);
	struct performance *x = perform_begin(&pf, &p);
	while (perform_step(x) && !strstr(buf_str(&h.text), "pid "))
		loop_turn(loop, perform_timeout(x, 1000));
	int pid = atoi(strstr(buf_str(&h.text), "pid ") + 4);
	assert_int_equal(kill(pid, 0), 0);
	assert_int_equal(perform_end(x, &e), -1);
	for (int64_t end = now_ms() + 10000; kill(pid, 0) == 0 && now_ms() < end;)
		loop_turn(loop, 20);
	assert_int_not_equal(kill(pid, 0), 0);
	buf_release(&h.text);
}

static void stops_run_side_by_side_and_tell(void **state)
{
	struct err e;
	struct heard h = { BUF_INIT };
	struct project project = { .name = "t", .workspace = ws };
	struct plan p = { .arena = &arena, .project = &project };
	struct service a = service("deaf", CHECK_NONE), b = service("mute", CHECK_NONE);
	(void)state;
	a.stop_grace_ms = b.stop_grace_ms = 2000;
	make("run -d", "deaf", "", "sh -c 'trap \"\" TERM; while :; do sleep 1; done'");
	make("run -d", "mute", "", "sh -c 'trap \"\" TERM; while :; do sleep 1; done'");
	struct world w = look();
	step(&p, STEP_STOP, "deaf", NULL)->service = &a;
	step(&p, STEP_STOP, "mute", NULL)->service = &b;
	int64_t began = now_ms();
	if (carry_out(&p, &h, &w, &e))
		fail_msg("%s", e.text);
	assert_in_range(now_ms() - began, 1900, 3900);
	assert_non_null(strstr(h.text.data, "waiting for deaf to stop: 1 s of 2 s"));
	assert_int_equal(seen(&w, "deaf")->state, UNIT_EXITED);
	buf_release(&h.text);
}

static void missing_compose_is_explained(void **state)
{
	struct err e;
	struct heard h = { BUF_INIT };
	struct world w = { 0 };
	struct project project = { .name = "t", .workspace = ws };
	struct plan p = { .arena = &arena, .project = &project };
	(void)state;
	const char *docker_path = arena_printf(&arena, "%s/docker", dir);
	static const char script[] =
		"#!/bin/sh\necho \"unknown shorthand flag: 'f' in -f\" >&2\nexit 125\n";
	assert_int_equal(file_write(docker_path, script, sizeof(script) - 1, 0755, false, &e), 0);
	struct step *s = step(&p, STEP_EXEC, NULL, NULL);
	s->id = "creating containers";
	strs_add(&arena, &s->argv, docker_path);
	strs_add(&arena, &s->argv, "compose");
	assert_int_equal(carry_out(&p, &h, &w, &e), -1);
	assert_string_equal(e.text, "creating containers: Docker Compose v2 is not installed");
	assert_non_null(strstr(e.hint, "docker-compose-plugin"));
	buf_release(&h.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_is_carried_out),
		cmocka_unit_test(a_failed_step_keeps_what_needs_it),
		cmocka_unit_test(the_longest_chain_is_built_first),
		cmocka_unit_test(an_interrupt_stops_a_plan),
		cmocka_unit_test(plans_run_beside_each_other),
		cmocka_unit_test(a_plan_that_is_dropped_leaves_nothing),
		cmocka_unit_test(stops_run_side_by_side_and_tell),
		cmocka_unit_test(missing_compose_is_explained),
	};
	return on_the_engine(tests, countof(tests));
}
