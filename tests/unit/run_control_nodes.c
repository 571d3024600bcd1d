/*
 * Nouns on the agent's wire. Guards: they come out as they went in; what is not said, or is
 * nonsense, is nothing; what many launches have in common is told once and reaches all of them.
 */
#include "run_test.h"

#include "doc/json.h"
#include "run/control/control.h"

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
	struct host_launch l = { .spec = &s, .env = env, .gateway = "172.17.0.1" }, back;
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
	assert_string_equal(back.gateway, "172.17.0.1");
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

/* ---- many launches ---- */

static struct host_start start_of(struct home *h, const char *service, const char *const *env)
{
	struct host_spec *spec = arena_new(&h->a, struct host_spec);
	*spec = (struct host_spec){ .service = service, .number = 1, .dir = "/srv" };
	strs_add(&h->a, &spec->argv, "x");
	return (struct host_start){ .launch = { .spec = spec, .env = env } };
}

static void many_say_once_what_they_share(void **state)
{
	struct home *h = *state;
	static const char *const first[] = { "PATH=/bin", "HOME=/root", "BAD=\xff", "P=1", NULL };
	static const char *const second[] = { "PATH=/bin", "HOME=/tmp", "BAD=\xff", "P=2",
		"Q=", NULL };
	static const char *const third[] = { "PATH=/bin", "HOME=/root", NULL };
	struct host_start all[] = { start_of(h, "a", first), start_of(h, "b", second),
		start_of(h, "c", third) };
	size_t count = 0;
	struct node *n = through_text(&h->a, starts_to_node(&h->a, all, 3));
	assert_int_equal(node_count(node_get(n, "env")), 1);
	struct host_start *back = starts_from_node(&h->a, n, &count, &h->e);
	assert_non_null(back);
	assert_int_equal(count, 3);
	assert_string_equal(back[1].launch.spec->service, "b");
	assert_string_equal(back[0].launch.env[0], "PATH=/bin");
	assert_string_equal(back[0].launch.env[1], "HOME=/root");
	assert_string_equal(back[0].launch.env[2], "P=1");
	assert_null(back[0].launch.env[3]);
	assert_string_equal(back[1].launch.env[1], "HOME=/tmp");
	assert_string_equal(back[1].launch.env[2], "P=2");
	assert_string_equal(back[1].launch.env[3], "Q=");
	assert_null(back[1].launch.env[4]);
	assert_string_equal(back[2].launch.env[1], "HOME=/root");
	assert_null(back[2].launch.env[2]);
	/* One alone shares nothing. */
	back = starts_from_node(
		&h->a, through_text(&h->a, starts_to_node(&h->a, all, 1)), &count, &h->e);
	assert_int_equal(count, 1);
	assert_string_equal(back[0].launch.env[2], "P=1");
}

static void one_that_cannot_be_read_refuses_all(void **state)
{
	struct home *h = *state;
	static const char *const env[] = { "A=1", NULL };
	struct host_start all[] = { start_of(h, "a", env), start_of(h, "", env) };
	size_t count;
	struct node *n = starts_to_node(&h->a, all, 2);
	assert_null(starts_from_node(&h->a, n, &count, &h->e));
	assert_int_equal(h->e.code, ERR_USAGE);
	assert_null(starts_from_node(&h->a, node_map(&h->a, nowhere), &count, &h->e));
}

static void each_has_its_own_outcome(void **state)
{
	struct home *h = *state;
	struct host_start all[3] = { 0 }, back[3] = { 0 };
	all[1].failed = true;
	err_set(&all[1].error, ERR_BUSY, "cannot run x: it is not installed");
	err_hint(&all[1].error, "install x");
	outcomes_from_node(through_text(&h->a, outcomes_to_node(&h->a, all, 3)), back, 3);
	assert_true(!back[0].failed && back[1].failed && !back[2].failed);
	assert_int_equal(back[1].error.code, ERR_BUSY);
	assert_string_equal(back[1].error.text, all[1].error.text);
	assert_string_equal(back[1].error.hint, "install x");
	/* Nonsense harms nobody. */
	outcomes_from_node(outcomes_to_node(&h->a, all, 3), back, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(units_go_there_and_back),
		test(launches_go_there_and_back),
		test(modules_go_there_and_back),
		test(many_say_once_what_they_share),
		test(one_that_cannot_be_read_refuses_all),
		test(each_has_its_own_outcome),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
