/*
 * Nouns on the agent's wire. Guards: they come out as they went in; what is not said, or is
 * nonsense, is nothing; what a copy was started with is remembered until it is removed.
 */
#include "run_test.h"

#include "doc/json.h"
#include "run/control.h"
#include "run/launches.h"

static const struct place nowhere;

static struct node *through_text(struct arena *a, struct node *n)
{
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	json_write(&b, n, 0);
	assert_null(strchr(b.data, '\n'));
	struct node *back = json_read(a, b.data, b.len, "it", &e);
	buf_release(&b);
	assert_non_null(back);
	return back;
}

static void units_go_there_and_back(void **state)
{
	struct home *h = *state;
	struct container u = { .host = true,
		.id = "host:api.2",
		.name = "api.2",
		.service = "api",
		.number = 2,
		.state = UNIT_RESTARTING,
		.health = HEALTH_NONE,
		.exit_code = 143,
		.pid = 77,
		.restarts = 3,
		.note = "restarts in 3.2 s \xe2\x80\x94 \"x\"",
		.notified = true,
		.hash = "abc",
		.inputs = "{}",
		.image = "make",
		.uptime_s = 12,
		.created = 1700000000 };
	*list_push(&h->a, &u.ports) = (struct seen_port){ 8000, 40001, "tcp", "127.0.0.1" };
	struct container v;
	unit_from_node(&h->a, through_text(&h->a, unit_to_node(&h->a, &u)), &v);
	assert_true(v.host && v.notified);
	assert_string_equal(v.id, u.id);
	assert_string_equal(v.service, u.service);
	assert_string_equal(v.note, u.note);
	assert_string_equal(v.hash, u.hash);
	assert_int_equal(v.state, u.state);
	assert_int_equal(v.number, 2);
	assert_int_equal(v.exit_code, 143);
	assert_int_equal(v.pid, 77);
	assert_int_equal(v.restarts, 3);
	assert_int_equal(v.uptime_s, 12);
	assert_int_equal(v.ports.count, 1);
	assert_int_equal(v.ports.items[0].published, 40001);
	/* What is not said, or is nonsense, is nothing. */
	unit_from_node(&h->a, node_map(&h->a, nowhere), &v);
	assert_string_equal(v.id, "");
	assert_int_equal(v.state, UNIT_ABSENT);
}

static void launches_go_there_and_back(void **state)
{
	struct home *h = *state;
	struct host_spec s = { .service = "api",
		.number = 1,
		.hash = "abc",
		.dir = "/srv",
		.stop_signal = "INT",
		.stop_grace_ms = 2500,
		.restart = RESTART_ON_FAILURE,
		.restart_max = 4,
		.job = true,
		.place = { .file = "devenv.yml", .line = 7, .col = 3 } };
	static const char *const env[] = { "A=1", "B=two words", "BAD=\xff", NULL };
	struct host_launch l = { &s, env }, back;
	strs_add(&h->a, &s.argv, "sh");
	strs_add(&h->a, &s.argv, "-c");
	strs_add(&h->a, &s.success_codes, "143");
	*list_push(&h->a, &s.ports) = (struct host_port){ 80, 8080, "tcp" };
	struct node *n = through_text(&h->a, launch_to_node(&h->a, &l));
	assert_int_equal(launch_from_node(&h->a, n, &back, &h->e), 0);
	assert_string_equal(back.spec->service, "api");
	assert_string_equal(back.spec->argv.items[1], "-c");
	assert_string_equal(back.spec->stop_signal, "INT");
	assert_int_equal(back.spec->stop_grace_ms, 2500);
	assert_int_equal(back.spec->restart, RESTART_ON_FAILURE);
	assert_int_equal(back.spec->restart_max, 4);
	assert_true(back.spec->job && !back.spec->notify);
	assert_string_equal(back.spec->success_codes.items[0], "143");
	assert_int_equal(back.spec->ports.items[0].published, 8080);
	assert_int_equal(back.spec->place.line, 7);
	assert_string_equal(back.env[1], "B=two words");
	assert_null(back.env[2]);
	static const char *const bad[] = { "{}", "{\"spec\":{},\"env\":[]}",
		"{\"spec\":{\"service\":\"a\",\"number\":1,\"argv\":[\"x\"],\"dir\":\"rel\"},"
		"\"env\":[]}",
		"{\"spec\":{\"service\":\"a\",\"number\":0,\"argv\":[\"x\"],\"dir\":\"/\"},"
		"\"env\":[]}",
		"{\"spec\":{\"service\":\"a\",\"number\":1,\"argv\":[],\"dir\":\"/\"},\"env\":[]}",
		"{\"spec\":{\"service\":\"a\",\"number\":1,\"argv\":[\"x\"],\"dir\":\"/\"},"
		"\"env\":[1]}",
		"{\"spec\":{\"service\":\"a\",\"number\":1,\"argv\":[\"x\"],\"dir\":\"/\"}}" };
	for (size_t i = 0; i < countof(bad); i++) {
		n = json_read(&h->a, bad[i], strlen(bad[i]), "it", &h->e);
		assert_int_equal(launch_from_node(&h->a, n, &back, &h->e), -1);
	}
}

static void modules_go_there_and_back(void **state)
{
	struct home *h = *state;
	struct module_state m = { .service = "api",
		.cause = "api/app.py",
		.more = 2,
		.runs = 9,
		.running = true,
		.suspended = true,
		.why = "it feeds itself",
		.began_ms = 1700000000123,
		.took_ms = 340 },
			    v;
	m.stages[STAGE_LINT] = (struct stage_result){ .state = STAGE_WARNED,
		.status = 3,
		.duration_ms = 120,
		.command = "ruff check .",
		.output = "bad\n",
		.place = { .file = "devenv.yml", .line = 9, .col = 4 } };
	module_from_node(&h->a, through_text(&h->a, module_to_node(&h->a, &m, true)), &v);
	assert_string_equal(v.service, "api");
	assert_string_equal(v.cause, "api/app.py");
	assert_string_equal(v.why, m.why);
	assert_true(v.running && v.suspended);
	assert_int_equal(v.began_ms, m.began_ms);
	assert_int_equal(v.stages[STAGE_COMPILE].state, STAGE_ABSENT);
	assert_int_equal(v.stages[STAGE_LINT].state, STAGE_WARNED);
	assert_int_equal(v.stages[STAGE_LINT].status, 3);
	assert_string_equal(v.stages[STAGE_LINT].output, "bad\n");
	assert_int_equal(v.stages[STAGE_LINT].place.line, 9);
	module_from_node(&h->a, module_to_node(&h->a, &m, false), &v);
	assert_null(v.stages[STAGE_LINT].output);
}

/* ---- launches.c ---- */

static int start_fails_for_b(struct hosts *h, const struct host_launch *l, struct err *e)
{
	(void)h;
	return streq(l->spec->service, "b") ? err_set(e, ERR_FAILED, "no") : 0;
}

static int stop_is_fine(struct hosts *h, const char *id, int64_t ms, bool gone_too, struct err *e)
{
	(void)h, (void)id, (void)ms, (void)gone_too, (void)e;
	return 0;
}

static void launches_are_remembered(void **state)
{
	static const struct hosts_ops inner_ops = { .start = start_fails_for_b,
		.stop = stop_is_fine };
	struct hosts inner = { &inner_ops };
	struct home *h = *state;
	struct launches *all = launches_new(&inner);
	struct hosts *o = launches_hosts(all);
	char service[] = "a", var[] = "X=1";
	const char *env[] = { var, NULL };
	struct host_spec s = { .service = service, .number = 1, .dir = "/srv" };
	struct host_launch l = { &s, env }, back;
	strs_add(&h->a, &s.argv, "x");
	assert_int_equal(o->ops->start(o, &l, &h->e), 0);
	assert_int_equal(o->ops->start(o, &l, &h->e), 0);
	assert_int_equal(launches_count(all), 1);
	var[2] = '2'; /* it kept its own */
	assert_int_equal(o->ops->launched(o, &h->a, "host:a.1", &back, &h->e), 0);
	assert_string_equal(back.env[0], "X=1");
	assert_string_equal(back.spec->dir, "/srv");
	service[0] = 'b';
	assert_int_equal(o->ops->start(o, &l, &h->e), -1);
	assert_int_equal(o->ops->launched(o, &h->a, "host:b.1", &back, &h->e), -1);
	assert_int_equal(o->ops->stop(o, "host:a.1", -1, false, &h->e), 0);
	assert_int_equal(launches_count(all), 1);
	assert_int_equal(o->ops->stop(o, "host:a.1", -1, true, &h->e), 0);
	assert_int_equal(launches_count(all), 0);
	launches_free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(units_go_there_and_back),
		test(launches_go_there_and_back),
		test(modules_go_there_and_back),
		test(launches_are_remembered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
