/*
 * Stages on the real engine: in the module's own container with its status and its lines; ended
 * early without a survivor, whatever they started; one at a time per module; signals.
 */
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

static struct project project = { .name = "t", .workspace = ws };

static struct plan new_plan(void)
{
	return (struct plan){ .arena = &arena, .project = &project };
}

static struct step *stage(struct plan *p, const struct container *c, const char *line)
{
	struct step *s = plan_add(p, STEP_STAGE, c->service,
		(struct place){ .file = "devenv.yml", .line = 7, .col = 3 }, "test");
	s->id = "test mod";
	s->stage = STAGE_TEST;
	s->timeout_ms = 60000;
	strs_add(&arena, &s->argv, "/bin/sh");
	strs_add(&arena, &s->argv, "-c");
	strs_add(&arena, &s->argv, line);
	strs_add(&arena, &s->containers, c->id);
	return s;
}

static struct performer performer_of(struct world *w, struct heard *h)
{
	return (struct performer){ .loop = loop,
		.engine = engine,
		.places = &places,
		.world = w,
		.event = hear,
		.ctx = h };
}

static const struct container *module(struct world *w)
{
	make("run -d --init -u 1234", "mod", "-w /tmp -e IT=is", "sleep 600");
	*w = look();
	return seen(w, "mod");
}

/* Processes of the container but for its own, as the engine sees them. */
static void assert_quiet(void)
{
	docker("docker top $W-mod-1 -o pid,args | grep -q 'sleep 600'; for i in $(seq 100); do "
	       "n=$(docker top $W-mod-1 -o pid,stat,args | tail -n +2 | grep -v ' Z' | "
	       "grep -vc 'sleep 600') || true; "
	       "[ $n = 0 ] && exit 0; sleep 0.1; done; docker top $W-mod-1; exit 1");
}

static void lines_and_status(void **state)
{
	struct heard h = { BUF_INIT };
	struct world w;
	struct err e = ERR_INIT;
	struct plan good = new_plan(), bad = new_plan();
	const struct container *c = module(&w);
	struct performer pf = performer_of(&w, &h);
	(void)state;
	stage(&good, c, "id -u; pwd; echo $IT; echo err >&2");
	struct step *s = stage(&bad, c, "echo going wrong; printf end; exit 7");
	assert_int_equal(perform(&pf, &good, &e), 0);
	assert_int_equal(good.steps.items[0]->status, 0);
	/* In order; the engine may put the other stream's line anywhere between. */
	const char *at = strstr(h.text.data, "output test mod: 1234\n");
	assert_non_null(at);
	assert_non_null(at = strstr(at, "output test mod: /tmp\n"));
	assert_non_null(strstr(at, "output test mod: is\n"));
	assert_non_null(strstr(h.text.data, "output test mod: err\n"));
	assert_int_equal(perform(&pf, &bad, &e), -1);
	assert_int_equal(s->status, 7);
	assert_string_equal(e.text, "test of mod ended with status 7\ngoing wrong\nend");
	assert_int_equal(e.place.line, 7);
	buf_release(&h.text);
}

/* Runs until it said so, then cancels it. */
static void run_and_cancel(struct performer *pf, struct heard *h, struct plan *p)
{
	struct err e = ERR_INIT;
	struct performance *x = perform_begin(pf, p);
	while (perform_step(x) && !strstr(buf_str(&h->text), "output test mod: ready"))
		engine_turn(engine, loop, perform_timeout(x, 200));
	perform_cancel(x, 1);
	int64_t began = now_ms();
	while (perform_step(x))
		engine_turn(engine, loop, perform_timeout(x, 200));
	assert_in_range(now_ms() - began, 0, 12000);
	assert_int_equal(perform_end(x, &e), -1);
	assert_string_equal(e.text, "interrupted");
}

static void a_cancelled_stage_leaves_nothing(void **state)
{
	static const char *const lines[] = {
		"echo ready; sleep 300",
		"trap '' TERM; echo ready; while :; do sleep 1; done",
		"sleep 301 & setsid sh -c 'trap \"\" TERM HUP; sleep 302 & sleep 303' & "
		"(env -i sleep 304 &) ; nohup sleep 305 & echo ready; wait",
	};
	struct world w;
	const struct container *c = module(&w);
	(void)state;
	for (size_t i = 0; i < countof(lines); i++) {
		struct heard h = { BUF_INIT };
		struct performer pf = performer_of(&w, &h);
		struct plan p = new_plan();
		stage(&p, c, lines[i]);
		run_and_cancel(&pf, &h, &p);
		assert_quiet();
		buf_release(&h.text);
	}
	assert_int_equal(seen(&w, "mod")->state, UNIT_RUNNING);
}

static void one_that_takes_too_long(void **state)
{
	struct heard h = { BUF_INIT };
	struct world w;
	struct err e = ERR_INIT;
	struct plan p = new_plan();
	struct performer pf = performer_of(&w, &h);
	const struct container *c = module(&w);
	(void)state;
	stage(&p, c, "echo here; sleep 300")->timeout_ms = 4000;
	assert_int_equal(perform(&pf, &p, &e), -1);
	assert_string_equal(e.text, "test of mod did not end within 4.0 s\nhere");
	assert_quiet();
	buf_release(&h.text);
}

/* Two who want the same module's stages take turns. */
static void one_run_at_a_time(void **state)
{
	struct heard h = { BUF_INIT };
	struct world w;
	struct err e = ERR_INIT;
	struct plan one = new_plan(), two = new_plan();
	struct performer pf = performer_of(&w, &h);
	const struct container *c = module(&w);
	(void)state;
	static const char line[] = "[ ! -e /tmp/busy ] || exit 9; touch /tmp/busy; sleep 0.5; "
				   "rm /tmp/busy";
	stage(&one, c, line);
	stage(&two, c, line);
	struct performance *a = perform_begin(&pf, &one), *b = perform_begin(&pf, &two);
	for (bool more_a = true, more_b = true; more_a || more_b;) {
		more_a = more_a && perform_step(a);
		more_b = more_b && perform_step(b);
		engine_turn(engine, loop, 50);
	}
	assert_int_equal(perform_end(a, &e), 0);
	if (perform_end(b, &e))
		fail_msg("%s", e.text);
	buf_release(&h.text);
}

static struct service own_service = { .name = "own" };

static struct step *stage_alike(struct plan *p, const struct container *c, const char *line)
{
	struct step *s = stage(p, c, line);
	s->containers.items[0] = arena_printf(&arena, "%s-stage-own", ws);
	s->service = &own_service;
	s->one_off = s->alike = true;
	return s;
}

static void assert_no_container_alike(void)
{
	docker("[ -z \"$(docker ps -aq --filter name=$W-stage-own)\" ]");
}

/* What the module's own container is made of, though that never ran; and nothing of it stays. */
static void in_a_container_alike(void **state)
{
	struct heard h = { BUF_INIT };
	struct err e = ERR_INIT;
	struct plan good = new_plan(), bad = new_plan();
	(void)state;
	docker("for n in 1 2; do docker network create --label devenv.workspace=$W $W-n$n; done");
	make("create --init -u 1234 --network $W-n1", "own",
		"-w /tmp -e IT=is -h fixed -v /var/anonymous --tmpfs /quick --pids-limit 77 "
		"-p 127.0.0.1::80 --restart always --network-alias own --health-cmd false",
		"sleep 600");
	docker("docker network connect $W-n2 $W-own-1");
	struct world w = look();
	struct performer pf = performer_of(&w, &h);
	const struct container *c = seen(&w, "own");
	stage_alike(&good, c,
		"id -u; pwd; echo $IT; hostname; ls -x /sys/class/net; test -d /var/anonymous && "
		"grep -c /quick /proc/mounts; cat /sys/fs/cgroup/pids/pids.max "
		"/sys/fs/cgroup/pids.max 2>/dev/null; echo err >&2; printf end");
	struct step *s = stage_alike(&bad, c, "echo going wrong; exit 7");
	if (perform(&pf, &good, &e))
		fail_msg("%s", e.text);
	static const char *const said[] = { "1234", "/tmp", "is", "fixed", "eth0  eth1  lo", "1",
		"77", "err", "end" };
	for (size_t i = 0; i < countof(said); i++) {
		const char *line = arena_printf(&arena, "output test mod: %s\n", said[i]);
		if (!strstr(h.text.data, line))
			fail_msg("not said: %s\n%s", said[i], h.text.data);
	}
	assert_no_container_alike();
	assert_int_equal(perform(&pf, &bad, &e), -1);
	assert_int_equal(s->status, 7);
	assert_string_equal(e.text, "test of own ended with status 7\ngoing wrong");
	assert_no_container_alike();
	assert_int_equal(seen(&w, "own")->state, UNIT_CREATED);
	buf_release(&h.text);
}

static void a_cancelled_container_is_gone(void **state)
{
	struct heard h = { BUF_INIT };
	struct plan p = new_plan();
	(void)state;
	make("create", "own", "", "sleep 600");
	struct world w = look();
	struct performer pf = performer_of(&w, &h);
	stage_alike(&p, seen(&w, "own"), "trap '' TERM; echo ready; while :; do sleep 1; done");
	run_and_cancel(&pf, &h, &p);
	assert_no_container_alike();
	buf_release(&h.text);
}

static void no_container_to_be_like(void **state)
{
	struct heard h = { BUF_INIT };
	struct world w = look();
	struct err e = ERR_INIT;
	struct plan p = new_plan();
	struct container gone = { .id = "gone", .service = "own" };
	struct performer pf = performer_of(&w, &h);
	(void)state;
	stage_alike(&p, &gone, "true");
	assert_int_equal(perform(&pf, &p, &e), -1);
	assert_string_equal(e.text, "test mod: own has no container");
	buf_release(&h.text);
}

static void a_signal_after_success(void **state)
{
	struct heard h = { BUF_INIT };
	struct world w;
	struct err e = ERR_INIT;
	struct plan p = new_plan();
	struct service s = { .name = "sig", .stop_grace_ms = 1000 };
	struct performer pf = performer_of(&w, &h);
	(void)state;
	make("run -d", "sig", "",
		"sh -c 'trap \"echo got it\" HUP; echo up; while :; do sleep 0.1; done'");
	docker("for i in $(seq 100); do docker logs $W-sig-1 | grep -q up && break; sleep 0.1; "
	       "done");
	w = look();
	struct step *r = plan_add(&p, STEP_RELOAD, "sig", (struct place){ 0 }, "test");
	r->service = &s;
	r->signal = "HUP";
	if (perform(&pf, &p, &e))
		fail_msg("%s", e.text);
	docker("for i in $(seq 100); do docker logs $W-sig-1 | grep -q 'got it' && exit 0; sleep "
	       "0.1; done; exit 1");
	buf_release(&h.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(lines_and_status, teardown),
		cmocka_unit_test_teardown(a_cancelled_stage_leaves_nothing, teardown),
		cmocka_unit_test_teardown(one_that_takes_too_long, teardown),
		cmocka_unit_test_teardown(one_run_at_a_time, teardown),
		cmocka_unit_test_teardown(in_a_container_alike, teardown),
		cmocka_unit_test_teardown(a_cancelled_container_is_gone, teardown),
		cmocka_unit_test_teardown(no_container_to_be_like, teardown),
		cmocka_unit_test_teardown(a_signal_after_success, teardown),
	};
	return on_the_engine(tests, countof(tests));
}
