/*
 * The develop loop over real files and real processes on this host: a save becomes one run, a
 * failing gate keeps the process, a change during a run is followed by one more, modules that share
 * work do it once, inputs ask for everything anew, a loop that feeds itself is suspended.
 */
#include "cmd/develop.h" /* before cmocka, which has a fail() of its own */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/os.h"
#include "run/engine/call.h"
#include "run/io/spawn.h"
#include "run/host/supervise.h"

static const char config[] =
	"name: loop\n"
	"services:\n"
	"  api: { run: host, command: sleep 1000, develop: { source: api,\n"
	"    compile: sh compile.sh, lint: { command: sh lint.sh, gate: warn },\n"
	"    test: sh test.sh } }\n"
	"  worker: { run: host, command: sleep 1000, develop: { source: api,\n"
	"    compile: sh compile.sh, on_success: none } }\n"
	"  web: { run: host, command: sleep 1000, develop: { source: web, test: sh "
	"../test-web.sh,\n"
	"    on_success: none, dependencies: { lock: [web/lock], install: x, into: d } } }\n";

struct stage_set {
	char dir[64];
	struct context c;
	struct supervisor *supervisor;
	struct hosts *hosts;
	struct develop_loop *loop;
	struct buf notes, output, changed;
	unsigned told;
};

static struct stage_set set;

static void on_module(void *ctx, const struct module_state *m)
{
	(void)ctx, (void)m;
	set.told++;
}

static void on_output(
	void *ctx, const char *service, enum stage_kind stage, const char *line, size_t len)
{
	(void)ctx;
	buf_addf(&set.output, "%s %s: %.*s\n", service, stage_name(stage), (int)len, line);
}

static void on_note(void *ctx, const char *text)
{
	(void)ctx;
	buf_addf(&set.notes, "%s\n", text);
}

static void on_changed(void *ctx, const char *service, const struct strs *paths)
{
	(void)ctx;
	buf_addf(&set.changed, "%s:", service ? service : "-");
	for (size_t i = 0; i < paths->count; i++)
		buf_addf(&set.changed, " %s", paths->items[i]);
	buf_addc(&set.changed, '\n');
}

static const struct develop_ops ops = { on_module, on_output, on_note, on_changed };

static void on_unit(void *ctx, const struct container *unit)
{
	(void)ctx, (void)unit;
}

/* ---- files and time ---- */

static void put(const char *name, const char *text)
{
	struct err e = ERR_INIT;
	const char *path = arena_printf(&set.c.arena, "%s/%s", set.dir, name);
	if (file_write(path, text, strlen(text), 0644, false, &e))
		fail_msg("%s", e.text);
}

static bool there(const char *name)
{
	return file_exists(arena_printf(&set.c.arena, "%s/%s", set.dir, name));
}

static void turn(int max_ms)
{
	engine_turn(NULL, set.c.loop, develop_timeout(set.loop, max_ms));
	develop_turn(set.loop);
}

static void turn_for(int64_t ms)
{
	for (int64_t end = now_ms() + ms; now_ms() < end;)
		turn(20);
}

static const struct module_state *state_of(const char *service)
{
	struct module_states all = { 0 };
	develop_modules(set.loop, &set.c.arena, &all);
	for (size_t i = 0; i < all.count; i++)
		if (streq(all.items[i].service, service))
			return &all.items[i];
	fail_msg("no module %s", service);
	return NULL;
}

/* Until all is quiet and the module ran so often. */
static const struct module_state *after_runs(const char *service, unsigned runs)
{
	for (int64_t end = now_ms() + 20000; now_ms() < end;) {
		turn(100);
		if (state_of(service)->runs >= runs && !develop_busy(set.loop))
			break;
	}
	turn_for(100); /* no further one follows */
	assert_int_equal(state_of(service)->runs, runs);
	return state_of(service);
}

static void until(const char *name)
{
	for (int64_t end = now_ms() + 20000; now_ms() < end && !there(name);)
		turn(20);
	assert_true(there(name));
}

static pid_t pid_of(const char *service)
{
	struct world w = { 0 };
	struct err e = ERR_INIT;
	set.hosts->ops->look(set.hosts, &set.c.arena, &w, &e);
	const struct container *k = world_container(&w, service);
	return k && k->state == UNIT_RUNNING ? k->pid : 0;
}

/* ---- setting up ---- */

static void start_service(const char *name)
{
	struct err e = ERR_INIT;
	struct host_spec spec = { .service = name,
		.number = 1,
		.dir = "/",
		.stop_signal = "TERM",
		.stop_grace_ms = 1000,
		.hash = "h",
		.inputs = "" };
	struct host_launch l = { .spec = &spec,
		.env = (const char *const *)clean_environment(&set.c.arena, NULL) };
	strs_add(&set.c.arena, &spec.argv, "sleep");
	strs_add(&set.c.arena, &spec.argv, "1000");
	if (set.hosts->ops->start(set.hosts, &l, &e))
		fail_msg("%s", e.text);
}

static void make_files(void)
{
	struct err e = ERR_INIT;
	snprintf(set.dir, sizeof(set.dir), "/tmp/devenv-loop-XXXXXX");
	assert_non_null(mkdtemp(set.dir));
	setenv("XDG_STATE_HOME", arena_printf(&set.c.arena, "%s/state", set.dir), 1);
	setenv("XDG_DATA_HOME", arena_printf(&set.c.arena, "%s/data", set.dir), 1);
	setenv("XDG_CACHE_HOME", arena_printf(&set.c.arena, "%s/cache", set.dir), 1);
	setenv("XDG_CONFIG_HOME", arena_printf(&set.c.arena, "%s/config", set.dir), 1);
	dir_make(arena_printf(&set.c.arena, "%s/p/api", set.dir), 0755, &e);
	dir_make(arena_printf(&set.c.arena, "%s/p/web", set.dir), 0755, &e);
	put("p/devenv.yml", config);
	put("p/api/compile.sh", "echo x >>../../compiled\n");
	put("p/api/lint.sh", "exit 0\n");
	put("p/api/test.sh", "exit 0\n");
	put("p/test-web.sh", "exit 0\n");
	put("p/web/lock", "1\n");
}

static int set_up(void **state)
{
	struct err e = ERR_INIT;
	struct develop_switches on = { true, true, true };
	(void)state;
	memset(&set, 0, sizeof(set));
	make_files();
	set.c.lock.fd = set.c.summoned = -1;
	set.c.diags.arena = &set.c.arena;
	set.c.sought = true;
	set.c.g.dir = arena_printf(&set.c.arena, "%s/p", set.dir);
	set.c.g.quiet = true;
	if (open_places(&set.c))
		fail_msg("%s", set.c.error.text);
	set.c.loop = loop_new();
	set.supervisor = supervisor_new(set.c.loop, &set.c.places, on_unit, NULL, &e);
	if (!set.supervisor)
		fail_msg("%s", e.text);
	set.hosts = supervisor_hosts(set.supervisor);
	start_service("api");
	set.loop = develop_new(&set.c, set.hosts, NULL, on, &ops, NULL, &e);
	if (!set.loop)
		fail_msg("%s", e.text);
	for (int64_t end = now_ms() + 10000; now_ms() < end && !pid_of("api");)
		turn(20);
	assert_true(pid_of("api") > 0);
	return 0;
}

static int tear_down(void **state)
{
	struct err e = ERR_INIT;
	(void)state;
	develop_free(set.loop);
	supervisor_stop(set.supervisor, 3);
	for (int64_t end = now_ms() + 10000; now_ms() < end && supervisor_running(set.supervisor);)
		loop_turn(set.c.loop, 20);
	supervisor_free(set.supervisor);
	tree_remove(set.dir, &e);
	buf_release(&set.notes);
	buf_release(&set.output);
	buf_release(&set.changed);
	context_release(&set.c);
	return 0;
}

/* ---- tests ---- */

static void a_save_is_one_run(void **state)
{
	pid_t before = pid_of("api");
	(void)state;
	put("p/api/app.c", "1");
	const struct module_state *m = after_runs("api", 1);
	for (int k = 0; k < STAGES; k++)
		if (m->stages[k].state != STAGE_PASSED)
			fail_msg("%s is %s (%d): %s", stage_name((enum stage_kind)k),
				stage_state_name(m->stages[k].state), m->stages[k].status,
				m->stages[k].output);
	assert_string_equal(m->stages[STAGE_SUCCESS].command, "restart");
	assert_string_equal(m->cause, "api/app.c");
	assert_int_not_equal(pid_of("api"), before);
	assert_int_equal(state_of("worker")->runs, 1);
	assert_int_equal(state_of("worker")->stages[STAGE_COMPILE].state, STAGE_PASSED);
	assert_int_equal(state_of("web")->runs, 0);
	cleanup_buf struct buf compiled = BUF_INIT;
	struct err e = ERR_INIT;
	file_read(arena_printf(&set.c.arena, "%s/compiled", set.dir), 1000, &compiled, &e);
	assert_string_equal(buf_str(&compiled), "x\n"); /* once for both */
	put("p/web/x", "1");
	after_runs("web", 1);
	assert_int_equal(state_of("api")->runs, 1);
}

/* Between the stages nothing waits for a timer. The best of some runs: others use the machine, too.
 */
static void devenvs_own_share_is_small(void **state)
{
	int64_t best = INT64_MAX;
	(void)state;
	for (unsigned i = 1; i <= 5 && best >= 50; i++) {
		put("p/api/app.c", arena_printf(&set.c.arena, "%u", i));
		const struct module_state *m = after_runs("api", i);
		int64_t share = m->took_ms;
		for (int k = 0; k < STAGES; k++)
			share -= m->stages[k].duration_ms;
		best = share < best ? share : best;
	}
	assert_in_range(best, 0, 50);
}

static void a_gate_keeps_the_last_good_process(void **state)
{
	pid_t before = pid_of("api");
	(void)state;
	put("p/api/test.sh", "echo two lines; echo of a failure >&2; exit 3\n");
	const struct module_state *m = after_runs("api", 1);
	assert_int_equal(m->stages[STAGE_TEST].state, STAGE_FAILED);
	assert_int_equal(m->stages[STAGE_TEST].status, 3);
	assert_string_equal(m->stages[STAGE_TEST].output, "two lines\nof a failure\n");
	assert_int_equal(m->stages[STAGE_SUCCESS].state, STAGE_SKIPPED);
	assert_int_equal(pid_of("api"), before);
	put("p/api/compile.sh", "exit 1\n");
	m = after_runs("api", 2);
	assert_int_equal(m->stages[STAGE_COMPILE].state, STAGE_FAILED);
	assert_int_equal(m->stages[STAGE_TEST].state, STAGE_SKIPPED);
	assert_int_equal(state_of("worker")->stages[STAGE_COMPILE].state, STAGE_FAILED);
	put("p/api/compile.sh", "exit 0\n");
	after_runs("api", 3);
	put("p/api/test.sh", "exit 0\n");
	after_runs("api", 4);
	pid_t good = pid_of("api");
	assert_int_not_equal(good, before);
	put("p/api/lint.sh", "exit 1\n"); /* gate: warn */
	m = after_runs("api", 5);
	assert_int_equal(m->stages[STAGE_LINT].state, STAGE_WARNED);
	assert_int_equal(m->stages[STAGE_SUCCESS].state, STAGE_PASSED);
	assert_int_not_equal(pid_of("api"), good);
}

static void switched_off(void **state)
{
	(void)state;
	develop_set(set.loop, (struct develop_switches){ true, false, false });
	assert_int_equal(state_of("api")->stages[STAGE_LINT].state, STAGE_OFF);
	put("p/api/test.sh", "exit 3\n");
	const struct module_state *m = after_runs("api", 1);
	assert_int_equal(m->stages[STAGE_TEST].state, STAGE_OFF);
	assert_int_equal(m->stages[STAGE_SUCCESS].state, STAGE_PASSED);
	develop_set(set.loop, (struct develop_switches){ false, false, false });
	put("p/api/x", "1");
	turn_for(300);
	assert_int_equal(state_of("api")->runs, 1);
	struct err e = ERR_INIT;
	assert_int_equal(develop_ask(set.loop, "api", 1U << STAGE_TEST, &e), 0);
	m = after_runs("api", 2); /* what is asked for is run, and nothing else */
	assert_int_equal(m->stages[STAGE_TEST].state, STAGE_FAILED);
	assert_string_equal(m->cause, "asked");
	assert_int_equal(develop_ask(set.loop, "nobody", 0, &e), -1);
	put("p/api/x", "2");
	turn_for(300);
	develop_set(set.loop, (struct develop_switches){ true, false, false });
	after_runs("api", 3); /* what was saved meanwhile */
}

/* FAULTS E06 */
static void a_change_during_a_run(void **state)
{
	(void)state;
	put("p/api/compile.sh", "test -e ../../begun || { touch ../../begun; sleep 1000; }\n"
				"cat app >../../seen\n");
	put("p/api/app", "1");
	until("begun");
	put("p/api/app", "2");
	put("p/api/app", "3");
	const struct module_state *m = after_runs("api", 2);
	assert_int_equal(m->stages[STAGE_COMPILE].state, STAGE_PASSED);
	cleanup_buf struct buf seen = BUF_INIT;
	struct err e = ERR_INIT;
	file_read(arena_printf(&set.c.arena, "%s/seen", set.dir), 100, &seen, &e);
	assert_string_equal(buf_str(&seen), "3");
	assert_null(strstr(buf_str(&set.notes), "interrupted"));
}

/* Neither it nor what it left in a session of its own outlives the next change: they hold a lock.
 * FAULTS E07. */
static void a_run_that_will_not_end(void **state)
{
	struct lock lock = { .fd = -1 };
	struct err e = ERR_INIT;
	(void)state;
	put("p/api/compile.sh", "grep -q 1 app || exit 0\n"
				"exec 9>../../held && flock 9 && trap '' TERM INT HUP\n"
				"setsid sleep 1000 & touch ../../begun\n"
				"while :; do sleep 1; done\n");
	put("p/api/app", "1");
	until("begun");
	put("p/api/app", "2");
	const struct module_state *m = after_runs("api", 2);
	assert_int_equal(m->stages[STAGE_COMPILE].state, STAGE_PASSED);
	assert_null(strstr(buf_str(&set.notes), "could not be ended"));
	const char *held = arena_printf(&set.c.arena, "%s/held", set.dir);
	if (lock_take(&lock, held, 1000, &e))
		fail_msg("%s", e.text);
	lock_drop(&lock);
}

/* Five seconds of changes, as a checkout makes them, by a child that sees no loop. */
static pid_t change_for_long(void)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	for (int64_t i = 0, end = now_ms() + 5000; now_ms() < end; i++) {
		put(arena_printf(&set.c.arena, "p/api/f%d", (int)(i % 500)), "1");
		usleep(1000);
	}
	put("p/api/app", "2");
	_exit(0);
}

/* FAULTS E05, E06 */
static void a_storm_during_a_run(void **state)
{
	int status = -1;
	(void)state;
	put("p/api/compile.sh", "cat app >>../../seen; touch ../../begun; sleep 1\n");
	put("p/api/app", "1");
	until("begun");
	pid_t pid = change_for_long();
	while (waitpid(pid, &status, WNOHANG) == 0)
		turn(20);
	assert_int_equal(status, 0);
	for (int64_t end = now_ms() + 20000; now_ms() < end && develop_busy(set.loop);)
		turn(100);
	turn_for(200);
	assert_false(develop_busy(set.loop));
	assert_in_range(state_of("api")->runs, 2, 4); /* it may seem to be over, once or twice */
	cleanup_buf struct buf seen = BUF_INIT;
	struct err e = ERR_INIT;
	file_read(arena_printf(&set.c.arena, "%s/seen", set.dir), 100, &seen, &e);
	assert_int_equal(buf_str(&seen)[seen.len - 1], '2');
}

static void inputs_ask_for_everything_anew(void **state)
{
	(void)state;
	put("p/web/lock", "1\n"); /* the same content */
	turn_for(300);
	assert_string_equal(buf_str(&set.changed), "");
	put("p/web/lock", "2\n");
	for (int64_t end = now_ms() + 10000; now_ms() < end && !set.changed.len;)
		turn(20);
	assert_non_null(strstr(buf_str(&set.changed), "web/lock\n"));
	assert_true(develop_busy(set.loop));
	put("p/web/x", "1"); /* waits for its dependencies */
	turn_for(300);
	assert_int_equal(state_of("web")->runs, 0);
	develop_settled(set.loop, true);
	after_runs("web", 1);
	buf_truncate(&set.changed, 0);
	put("p/devenv.local.yml", "up: { lint: \"off\" }\n");
	for (int64_t end = now_ms() + 10000; now_ms() < end && !set.changed.len;)
		turn(20);
	assert_string_equal(buf_str(&set.changed), "-: devenv.local.yml\n");
	develop_settled(set.loop, false);
	assert_false(develop_busy(set.loop));
}

/* FAULTS E08 */
static void what_feeds_itself_is_suspended(void **state)
{
	(void)state;
	put("p/test-web.sh", "echo x >>made\n");
	put("p/web/x", "1");
	for (int64_t end = now_ms() + 20000; now_ms() < end && !state_of("web")->suspended;)
		turn(50);
	const struct module_state *m = state_of("web");
	assert_true(m->suspended);
	assert_non_null(strstr(m->why, "web/made"));
	assert_non_null(strstr(buf_str(&set.notes), "web runs again and again"));
	assert_in_range(m->runs, 5, 6);
	unsigned runs = m->runs;
	turn_for(500);
	assert_int_equal(state_of("web")->runs, runs);
	put("p/test-web.sh", "exit 0\n");
	put("p/web/x", "2");
	after_runs("web", runs + 1);
	assert_false(state_of("web")->suspended);
	assert_null(state_of("web")->why);
}

static void a_newer_configuration_takes_over(void **state)
{
	struct err e = ERR_INIT;
	(void)state;
	put("p/api/app", "1");
	after_runs("api", 1);
	put("p/api/compile.sh", "test -e ../../begun || { touch ../../begun; sleep 1000; }\n");
	until("begun");
	struct develop_loop *next = develop_new(&set.c, set.hosts, NULL,
		(struct develop_switches){ true, true, true }, &ops, NULL, &e);
	assert_non_null(next);
	develop_take_over(next, set.loop);
	develop_free(set.loop);
	set.loop = next;
	const struct module_state *m = after_runs("api", 3); /* the one under way, anew */
	assert_int_equal(m->stages[STAGE_COMPILE].state, STAGE_PASSED);
	assert_string_equal(m->cause, "api/compile.sh");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_save_is_one_run, set_up, tear_down),
		cmocka_unit_test_setup_teardown(devenvs_own_share_is_small, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_gate_keeps_the_last_good_process, set_up, tear_down),
		cmocka_unit_test_setup_teardown(switched_off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_change_during_a_run, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_run_that_will_not_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_storm_during_a_run, set_up, tear_down),
		cmocka_unit_test_setup_teardown(inputs_ask_for_everything_anew, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_feeds_itself_is_suspended, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_newer_configuration_takes_over, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
