/* One copy and its supervisor: started, ended, restarted, given up, stopped in order; errors come
 * before anything runs; its state says what is. FAULTS F01, F02, F05, F11, F12. */
#include "base/os.h"
#include "run_supervise_test.h"

#include <sys/resource.h>

static void it_runs_and_ends(void **state)
{
	struct stage_set *t = *state;
	assert_null(supervisor_guard(t->s));
	assert_int_equal(
		start(t, (struct spec_of){ .script = "echo out; echo err >&2; exit 3" }), 0);
	assert_non_null(supervisor_guard(t->s));
	eventually(t, is_in(t, "host:api.1", UNIT_EXITED));
	struct container c = look(t, "host:api.1");
	assert_true(c.host);
	assert_int_equal(c.exit_code, 3);
	assert_int_equal(c.pid, 0);
	assert_string_equal(c.service, "api");
	assert_string_equal(c.hash, "h1");
	assert_string_equal(c.workspace, t->h->project.workspace);
	eventually(t, strstr(log_text(t, "api.log"), "ended with status 3"));
	assert_non_null(strstr(log_text(t, "api.log"), " api o out\n"));
	assert_non_null(strstr(log_text(t, "api.log"), " api e err\n"));
	assert_non_null(strstr(log_text(t, "api.log"), " api - process "));
	assert_int_equal(supervisor_running(t->s), 0);
}

static void its_surroundings_are_its_own(void **state)
{
	struct stage_set *t = *state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(
		start(t,
			(struct spec_of){
				.script = "pwd; env; ls -l /proc/self/fd | "
					  "grep -c -- '->'; grep Sig /proc/self/status;"
					  "readlink /proc/self/fd/0;"
					  "awk '{print \"sid\", $1 == $6}' /proc/$$/stat" }),
		0);
	eventually(t, strstr(log_text(t, "api.log"), "ended with status 0"));
	const char *log = log_text(t, "api.log");
	assert_non_null(strstr(log, t->h->project.dir));
	assert_non_null(strstr(log, " o A=1\n"));
	assert_non_null(strstr(log, " o DEVENV_UNIT=api.1\n"));
	assert_non_null(strstr(
		log, arena_printf(&t->h->a, " o DEVENV_WORKSPACE=%s\n", t->h->project.workspace)));
	assert_null(strstr(log, "HOME="));
	assert_non_null(strstr(log, " o 4\n")); /* 0, 1, 2 and ls's own */
	assert_non_null(strstr(log, "SigBlk:\t0000000000000000"));
	assert_non_null(strstr(log, "SigIgn:\t0000000000000000"));
	assert_non_null(strstr(log, " o /dev/null\n"));
}

static void what_it_was_started_with_is_known(void **state)
{
	struct stage_set *t = *state;
	struct host_launch l;
	static const char *const missing[] = { "no-such-program", NULL };
	assert_int_equal(start(t, (struct spec_of){ .script = "exec sleep 1000" }), 0);
	assert_int_equal(start(t, (struct spec_of){ .argv = missing }), -1);
	assert_int_equal(supervisor_units(t->s), 1);
	assert_int_equal(t->hosts->ops->launched(t->hosts, &t->h->a, "host:api.1", &l, &t->e), 0);
	assert_string_equal(l.spec->argv.items[2], "exec sleep 1000");
	assert_string_equal(l.spec->dir, t->h->project.dir);
	assert_string_equal(l.env[1], "A=1");
	/* The newest that was asked for, though the one before still ends. */
	assert_int_equal(start(t, (struct spec_of){ .script = "exec sleep 2000" }), 0);
	assert_int_equal(t->hosts->ops->launched(t->hosts, &t->h->a, "host:api.1", &l, &t->e), 0);
	assert_string_equal(l.spec->argv.items[2], "exec sleep 2000");
	assert_int_equal(t->hosts->ops->stop(t->hosts, "host:api.1", 0, true, &t->e), 0);
	eventually(t, !supervisor_units(t->s));
	assert_int_equal(t->hosts->ops->launched(t->hosts, &t->h->a, "host:api.1", &l, &t->e), -1);
	assert_string_equal(l.env[1], "A=1"); /* what was told is the asker's */
}

/* FAULTS F12 */
static void what_cannot_run_says_so_before(void **state)
{
	struct stage_set *t = *state;
	const char *script = in_home(t->h, "script");
	static const char *const missing[] = { "no-such-program", NULL };
	const char *const plain[] = { script, NULL };
	assert_int_equal(start(t, (struct spec_of){ .argv = missing }), -1);
	assert_non_null(strstr(t->e.text, "no-such-program: it is not installed"));
	put_file(t->h, script, "echo hello\n");
	assert_int_equal(start(t, (struct spec_of){ .argv = plain }), -1);
	assert_non_null(strstr(t->e.text, "it is not executable"));
	chmod(script, 0755);
	assert_int_equal(start(t, (struct spec_of){ .argv = plain }), -1);
	assert_non_null(strstr(t->e.text, "it is not a program"));
	put_file(t->h, script, "#!/no/such/interpreter\n");
	chmod(script, 0755);
	assert_int_equal(start(t, (struct spec_of){ .argv = plain }), -1);
	assert_non_null(strstr(t->e.text, "what interprets it is missing"));
	assert_int_equal(start(t, (struct spec_of){ .script = "true", .dir = "/no/such/dir" }), -1);
	assert_non_null(strstr(t->e.text, "the directory /no/such/dir is gone"));
	assert_int_equal(look(t, "host:api.1").state, UNIT_ABSENT);
	/* One that runs is not touched by a start that cannot be. */
	assert_int_equal(start(t, (struct spec_of){ .script = "exec sleep 1000" }), 0);
	pid_t pid = look(t, "host:api.1").pid;
	assert_int_equal(start(t, (struct spec_of){ .argv = missing }), -1);
	assert_int_equal(look(t, "host:api.1").pid, pid);
	assert_int_equal(kill(pid, 0), 0);
}

/* Each becomes what it would have become alone: nobody gets another's program, streams, or fate. */
static void many_start_beside_each_other(void **state)
{
	enum { MANY = 24 };
	struct stage_set *t = *state;
	struct host_start all[MANY] = { 0 };
	struct host_spec specs[MANY];
	static const char *const missing[] = { "no-such-program", NULL };
	for (int i = 0; i < MANY; i++) {
		specs[i] = spec_for(&t->h->a, t->h,
			(struct spec_of){ .service = arena_printf(&t->h->a, "s%d", i),
				.argv = i % 8 == 5 ? missing : NULL,
				.script = arena_printf(&t->h->a,
					"echo I am %d; echo bad %d >&2; exec sleep 1000", i, i) });
		all[i].launch = (struct host_launch){ .spec = &specs[i], .env = plain_env() };
	}
	specs[7].service = "s6"; /* asked for twice */
	hosts_start_all(t->hosts, all, MANY);
	for (int i = 0; i < MANY; i++) {
		const char *name = arena_printf(&t->h->a, "s%d", i);
		const char *id = host_id(&t->h->a, name, 1);
		bool bad = i % 8 == 5 || i == 7;
		assert_int_equal(all[i].failed, bad);
		assert_int_equal(look(t, id).state, bad ? UNIT_ABSENT : UNIT_RUNNING);
		if (bad)
			continue;
		const char *log = arena_printf(&t->h->a, "s%d.log", i);
		eventually(t, strstr(log_text(t, log), arena_printf(&t->h->a, " o I am %d\n", i)));
		eventually(t, strstr(log_text(t, log), arena_printf(&t->h->a, " e bad %d\n", i)));
		for (int k = 0; k < i; k++)
			assert_true(look(t, host_id(&t->h->a, specs[k].service, 1)).pid !=
				    look(t, id).pid);
	}
	assert_non_null(strstr(all[5].error.text, "it is not installed"));
	assert_non_null(strstr(all[7].error.text, "asked for twice"));
	/* None has an end of another's pipe: each one's output ends with it. */
	struct container c = look(t, "host:s0.1");
	assert_int_equal(kill(c.pid, SIGKILL), 0);
	eventually(t, is_in(t, "host:s0.1", UNIT_EXITED));
	assert_int_equal(supervisor_running(t->s), MANY - 5);
}

/* FAULTS F01 */
static void a_stubborn_child_gets_its_grace_and_no_more(void **state)
{
	struct stage_set *t = *state;
	assert_int_equal(
		start(t,
			(struct spec_of){
				.script = "trap '' TERM; echo up; while :; do sleep 1; done",
				.grace_ms = 400 }),
		0);
	eventually(t, strstr(log_text(t, "api.log"), "o up"));
	int64_t began = now_ms();
	t->hosts->ops->stop(t->hosts, "host:api.1", -1, false, &t->e);
	eventually(t, is_in(t, "host:api.1", UNIT_EXITED));
	int64_t took = now_ms() - began;
	assert_in_range(took, 400, 400 + 200 + 400); /* 0.2 s, and what a loaded machine adds */
	assert_int_equal(look(t, "host:api.1").exit_code, 137);
}

static void the_stop_signal_is_its_own(void **state)
{
	struct stage_set *t = *state;
	assert_int_equal(
		start(t, (struct spec_of){ .script = "trap 'echo bye; exit 7' USR2; echo up;"
						     "while :; do sleep 0.05; done",
				 .stop_signal = "SIGUSR2" }),
		0);
	eventually(t, strstr(log_text(t, "api.log"), "o up"));
	t->hosts->ops->stop(t->hosts, "host:api.1", -1, false, &t->e);
	eventually(t, is_in(t, "host:api.1", UNIT_EXITED));
	assert_int_equal(look(t, "host:api.1").exit_code, 7);
	eventually(t, strstr(log_text(t, "api.log"), "o bye"));
	/* Stopped once more it stays so; removed, it is gone. */
	t->hosts->ops->stop(t->hosts, "host:api.1", -1, false, &t->e);
	assert_int_equal(look(t, "host:api.1").state, UNIT_EXITED);
	t->hosts->ops->stop(t->hosts, "host:api.1", -1, true, &t->e);
	eventually(t, is_in(t, "host:api.1", UNIT_ABSENT));
}

static void one_that_is_held_hears_the_stop(void **state)
{
	struct stage_set *t = *state;
	assert_int_equal(start(t, (struct spec_of){ .script = "echo up; exec sleep 1000" }), 0);
	eventually(t, strstr(log_text(t, "api.log"), "o up"));
	assert_int_equal(t->hosts->ops->signal(t->hosts, "host:api.1", "STOP", &t->e), 0);
	t->hosts->ops->stop(t->hosts, "host:api.1", -1, false, &t->e);
	eventually(t, is_in(t, "host:api.1", UNIT_EXITED));
	assert_int_equal(look(t, "host:api.1").exit_code, 128 + SIGTERM);
}

static void a_killed_child_is_back_at_once(void **state)
{
	struct stage_set *t = *state;
	assert_int_equal(start(t, (struct spec_of){ .script = "exec sleep 1000",
					  .restart = RESTART_ALWAYS }),
		0);
	pid_t pid = look(t, "host:api.1").pid;
	int64_t began = now_ms();
	kill(pid, SIGKILL);
	eventually(t, look(t, "host:api.1").pid > 0 && look(t, "host:api.1").pid != pid);
	assert_in_range(now_ms() - began, 0, 50);
	struct container c = look(t, "host:api.1");
	assert_int_equal(c.restarts, 1);
	/* The second in a row waits. */
	kill(c.pid, SIGKILL);
	eventually(t, is_in(t, "host:api.1", UNIT_RESTARTING));
	assert_non_null(strstr(look(t, "host:api.1").note, "restarts in 0."));
	eventually(t, is_in(t, "host:api.1", UNIT_RUNNING));
	assert_in_range(now_ms() - began, 90, 5000);
}

/* FAULTS F05 */
static void a_crash_loop_is_given_up(void **state)
{
	struct stage_set *t = *state;
	assert_int_equal(start(t, (struct spec_of){ .script = "exit 1",
					  .restart = RESTART_ON_FAILURE,
					  .restart_max = 3 }),
		0);
	eventually(t, is_in(t, "host:api.1", UNIT_DEAD));
	assert_string_equal(look(t, "host:api.1").note, "given up after 3 restarts");
	eventually(t, strstr(log_text(t, "api.log"), LOG_AT_REST));
	const char *log = log_text(t, "api.log");
	int runs = 0;
	for (const char *p = log; (p = strstr(p, " started 2")); p++)
		runs++;
	assert_int_equal(runs, 4);
	/* Asked for anew, it has all its chances again. */
	assert_int_equal(t->hosts->ops->restart(t->hosts, "host:api.1", &t->e), 0);
	eventually(t, is_in(t, "host:api.1", UNIT_DEAD));
	t->hosts->ops->stop(t->hosts, "host:api.1", -1, true, &t->e);
	eventually(t, is_in(t, "host:api.1", UNIT_ABSENT));
}

static void policies(void **state)
{
	struct stage_set *t = *state;
	static const struct {
		const char *script, *success;
		enum restart restart;
		bool job;
		enum unit_state end;
	} rows[] = {
		{ "exit 0", NULL, RESTART_ON_FAILURE, false, UNIT_EXITED },
		{ "exit 1", NULL, RESTART_ON_FAILURE, false, UNIT_DEAD },
		{ "exit 143", "143", RESTART_ON_FAILURE, false, UNIT_EXITED },
		{ "exit 1", NULL, RESTART_NO, false, UNIT_EXITED },
		{ "exit 0", NULL, RESTART_ALWAYS, false, UNIT_DEAD },
		{ "exit 1", NULL, RESTART_ALWAYS, true, UNIT_EXITED },
		{ "exit 0", NULL, RESTART_UNLESS_STOPPED, false, UNIT_DEAD },
	};
	for (size_t i = 0; i < countof(rows); i++)
		assert_int_equal(start(t, (struct spec_of){ .script = rows[i].script,
						  .success = rows[i].success,
						  .restart = rows[i].restart,
						  .restart_max = 1,
						  .job = rows[i].job,
						  .number = (int)i + 1 }),
			0);
	for (size_t i = 0; i < countof(rows); i++) {
		const char *id = host_id(&t->h->a, "api", (int)i + 1);
		eventually(t, is_in(t, id, rows[i].end));
	}
}

static void a_newer_spec_replaces_it(void **state)
{
	struct stage_set *t = *state;
	assert_int_equal(start(t, (struct spec_of){ .script = "echo one; exec sleep 1000" }), 0);
	eventually(t, strstr(log_text(t, "api.log"), "o one"));
	pid_t pid = look(t, "host:api.1").pid;
	assert_int_equal(start(t, (struct spec_of){ .script = "echo two; exec sleep 1000" }), 0);
	assert_int_equal(look(t, "host:api.1").state, UNIT_RESTARTING);
	eventually(t, strstr(log_text(t, "api.log"), "o two"));
	assert_true(look(t, "host:api.1").pid != pid);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(supervisor_running(t->s), 1);
	/* A restart while it stops, a stop while it restarts: the last word counts. */
	t->hosts->ops->stop(t->hosts, "host:api.1", -1, false, &t->e);
	t->hosts->ops->restart(t->hosts, "host:api.1", &t->e);
	eventually(t, is_in(t, "host:api.1", UNIT_RUNNING));
	t->hosts->ops->restart(t->hosts, "host:api.1", &t->e);
	t->hosts->ops->stop(t->hosts, "host:api.1", -1, false, &t->e);
	eventually(t, is_in(t, "host:api.1", UNIT_EXITED));
	assert_int_equal(supervisor_running(t->s), 0);
}

static void all_stop_in_reverse_order(void **state)
{
	struct stage_set *t = *state;
	const char *mark = in_home(t->h, "order");
	for (int i = 1; i <= 3; i++) {
		const char *name = arena_printf(&t->h->a, "s%d", i);
		const char *script = arena_printf(&t->h->a,
			"trap 'echo %d >>%s; exit 0' TERM; echo up; while :; do sleep 0.02; done",
			i, mark);
		assert_int_equal(
			start(t, (struct spec_of){ .service = name, .script = script }), 0);
		eventually(t, strstr(log_text(t, arena_printf(&t->h->a, "s%d.log", i)), "o up"));
	}
	supervisor_stop(t->s, 1);
	eventually(t, supervisor_running(t->s) == 0);
	assert_string_equal(get_file(t->h, mark), "3\n2\n1\n");
}

static void the_second_stop_kills(void **state)
{
	struct stage_set *t = *state;
	for (int i = 1; i <= 3; i++)
		assert_int_equal(
			start(t, (struct spec_of){ .script = "trap '' TERM; echo up; while :; do "
							     "sleep 1; done",
					 .number = i,
					 .grace_ms = 60000,
					 .restart = RESTART_ALWAYS }),
			0);
	eventually(t, strstr(log_text(t, "api.3.log"), "o up"));
	supervisor_stop(t->s, 1);
	loop_turn(t->loop, 20);
	assert_int_equal(supervisor_running(t->s), 3);
	supervisor_stop(t->s, 2);
	eventually(t, supervisor_running(t->s) == 0);
	assert_int_equal(look(t, "host:api.2").state, UNIT_EXITED);
}

/* As long as there are descriptors; what runs already does not notice. FAULTS F12. */
static void no_descriptor_left_is_an_error(void **state)
{
	struct stage_set *t = *state;
	struct rlimit old, few;
	int number = 0;
	assert_int_equal(
		start(t, (struct spec_of){ .service = "first", .script = "exec sleep 1000" }), 0);
	pid_t pid = look(t, "host:first.1").pid;
	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	few.rlim_cur = 64;
	setrlimit(RLIMIT_NOFILE, &few);
	while (start(t, (struct spec_of){ .script = "exec sleep 1000", .number = ++number }) == 0)
		assert_true(number < 64);
	assert_non_null(strstr(t->e.text, "Too many open files"));
	assert_int_equal(look(t, "host:first.1").pid, pid);
	assert_int_equal(look(t, host_id(&t->h->a, "api", number)).state, UNIT_ABSENT);
	loop_turn(t->loop, 10);
	setrlimit(RLIMIT_NOFILE, &old);
	assert_int_equal(
		start(t, (struct spec_of){ .script = "exec sleep 1000", .number = number }), 0);
	supervisor_stop(t->s, 1);
	eventually(t, supervisor_running(t->s) == 0);
}

/* FAULTS F11 */
static void a_thousand_zombies_are_reaped(void **state)
{
	struct stage_set *t = *state;
	assert_int_equal(
		start(t,
			(struct spec_of){ .script =
						  "i=0; while [ $i -lt 1000 ]; do (: &) ; "
						  "i=$((i+1)); done; echo made; exec sleep 1000" }),
		0);
	eventually(t, strstr(log_text(t, "api.log"), "o made"));
	pid_t pid = look(t, "host:api.1").pid;
	t->hosts->ops->stop(t->hosts, "host:api.1", -1, false, &t->e);
	eventually(t, is_in(t, "host:api.1", UNIT_EXITED));
	assert_int_equal(kill(-pid, 0), -1);
}

static void sd_notify_is_heard(void **state)
{
	struct stage_set *t = *state;
	const char *script = "python3 -c 'import os,socket,time\n"
			     "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
			     "s.connect(os.environ[\"NOTIFY_SOCKET\"])\n"
			     "s.send(b\"STATUS=warming up\\nMAINPID=1\")\n"
			     "s.send(b\"READY=1\\nSTATUS=serving\")\n"
			     "time.sleep(1000)'";
	assert_int_equal(start(t, (struct spec_of){ .script = script, .notify = true }), 0);
	eventually(t, look(t, "host:api.1").notified);
	assert_string_equal(look(t, "host:api.1").note, "serving");
	t->hosts->ops->restart(t->hosts, "host:api.1", &t->e);
	eventually(t, !look(t, "host:api.1").notified);
	eventually(t, look(t, "host:api.1").notified);
}

static void on_line(void *ctx, const char *line, size_t len)
{
	buf_addf(ctx, "[%.*s]", (int)len, line);
}

static void a_command_runs_once(void **state)
{
	struct stage_set *t = *state;
	cleanup_buf struct buf said = BUF_INIT;
	struct host_spec s = spec_for(
		&t->h->a, t->h, (struct spec_of){ .script = "echo a; printf b >&2; exit 4" });
	struct host_launch l = { .spec = &s, .env = plain_env() };
	struct host_run_once *r = supervisor_run(t->s, &l, on_line, &said, &t->e);
	assert_non_null(r);
	eventually(t, host_run_done(r));
	assert_int_equal(host_run_status(r), 4);
	assert_non_null(strstr(buf_str(&said), "[a]"));
	assert_non_null(strstr(buf_str(&said), "[b]"));
	host_run_free(r);
	s = spec_for(&t->h->a, t->h, (struct spec_of){ .script = "sleep 1000 & sleep 1000" });
	r = supervisor_run(t->s, &l, on_line, &said, &t->e);
	host_run_signal(r, SIGTERM);
	eventually(t, host_run_done(r));
	assert_int_equal(host_run_status(r), 128 + SIGTERM);
	host_run_free(r);
	static const char *const missing[] = { "no-such-program", NULL };
	s = spec_for(&t->h->a, t->h, (struct spec_of){ .argv = missing });
	assert_null(supervisor_run(t->s, &l, on_line, &said, &t->e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		case_of(it_runs_and_ends),
		case_of(its_surroundings_are_its_own),
		case_of(what_it_was_started_with_is_known),
		case_of(what_cannot_run_says_so_before),
		case_of(many_start_beside_each_other),
		case_of(a_stubborn_child_gets_its_grace_and_no_more),
		case_of(the_stop_signal_is_its_own),
		case_of(one_that_is_held_hears_the_stop),
		case_of(a_killed_child_is_back_at_once),
		case_of(a_crash_loop_is_given_up),
		case_of(policies),
		case_of(a_newer_spec_replaces_it),
		case_of(all_stop_in_reverse_order),
		case_of(the_second_stop_kills),
		case_of(no_descriptor_left_is_an_error),
		case_of(a_thousand_zombies_are_reaped),
		case_of(sd_notify_is_heard),
		case_of(a_command_runs_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
