/* Children. Guards: status and output arrive whole; TERM then KILL reach the whole group; a pipe
 * held by an orphan does not hold us; the environment is clean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/os.h"
#include "run/io/child.h"

static struct loop *loop;

static int sh(const char *script, struct spawn s, int *status, struct err *e)
{
	const char *argv[] = { "sh", "-c", script, NULL };
	s.argv = argv;
	return spawn_run(loop, &s, status, e);
}

static void status_and_streams(void **state)
{
	cleanup_buf struct buf out = BUF_INIT, err = BUF_INIT;
	struct err e = ERR_INIT;
	int status = -1;
	(void)state;
	assert_int_equal(sh("echo out; echo err >&2; exit 3",
				 (struct spawn){ .out = &out, .err = &err }, &status, &e),
		0);
	assert_int_equal(status, 3);
	assert_string_equal(buf_str(&out), "out\n");
	assert_string_equal(buf_str(&err), "err\n");
	assert_int_equal(sh("kill -9 $$", (struct spawn){ 0 }, &status, &e), 0);
	assert_int_equal(status, 137);
}

static void a_megabyte_goes_through(void **state)
{
	cleanup_buf struct buf in = BUF_INIT, out = BUF_INIT;
	struct err e = ERR_INIT;
	int status = -1;
	(void)state;
	buf_pad(&in, 'x', 4 << 20);
	assert_int_equal(sh("cat", (struct spawn){ .input = &in, .out = &out }, &status, &e), 0);
	assert_int_equal(status, 0);
	assert_int_equal(out.len, in.len);
	/* One that does not read its input is no trouble. */
	assert_int_equal(sh("exit 0", (struct spawn){ .input = &in }, &status, &e), 0);
	assert_int_equal(status, 0);
}

static void add_line(void *ctx, const char *line, size_t len)
{
	buf_addf(ctx, "[%.*s]", (int)len, line);
}

static void lines_arrive(void **state)
{
	cleanup_buf struct buf lines = BUF_INIT;
	struct err e = ERR_INIT;
	int status;
	(void)state;
	assert_int_equal(sh("printf 'a\\r\\nb\\n\\nc'",
				 (struct spawn){ .line = add_line, .ctx = &lines }, &status, &e),
		0);
	assert_string_equal(buf_str(&lines), "[a][b][][c]");
}

static void time_runs_out(void **state)
{
	struct err e = ERR_INIT;
	int status;
	int64_t began = now_ms();
	(void)state;
	assert_int_equal(sh("sleep 60", (struct spawn){ .timeout_ms = 200 }, &status, &e), -1);
	assert_non_null(strstr(e.text, "did not end within"));
	assert_in_range(now_ms() - began, 150, 3000);
}

/* The leader dies by TERM, a member of its group ignores it: nobody survives. */
static void no_member_of_the_group_survives(void **state)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	int status;
	(void)state;
	sh("sh -c 'trap \"\" TERM; echo $$; while :; do sleep 0.1; done' & wait",
		(struct spawn){ .out = &out, .timeout_ms = 300 }, &status, &e);
	int64_t pid = 0;
	*strchr(out.data, '\n') = '\0';
	assert_true(parse_int(out.data, &pid));
	int64_t until = now_ms() + 2000;
	while (kill((pid_t)pid, 0) == 0 && now_ms() < until)
		usleep(10000);
	/* Dead, or a zombie that its new parent has not reaped. */
	char path[64];
	snprintf(path, sizeof(path), "/proc/%lld/exe", (long long)pid);
	assert_int_equal(readlink(path, (char[64]){ 0 }, 63), -1);
}

static void an_orphan_with_our_pipe_does_not_hold_us(void **state)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	int status;
	int64_t began = now_ms();
	(void)state;
	assert_int_equal(
		sh("setsid sleep 5 & echo done", (struct spawn){ .out = &out }, &status, &e), 0);
	assert_string_equal(buf_str(&out), "done\n");
	assert_in_range(now_ms() - began, 0, 2000);
}

static void what_is_not_there_is_named(void **state)
{
	const char *argv[] = { "devenv-no-such-program", NULL };
	struct spawn s = { .argv = argv };
	struct err e = ERR_INIT;
	int status;
	(void)state;
	assert_int_equal(spawn_run(loop, &s, &status, &e), -1);
	assert_string_equal(e.text, "cannot run devenv-no-such-program: it is not installed");
	s.dir = "/no/such/dir";
	assert_int_equal(spawn_run(loop, &s, &status, &e), -1);
	assert_non_null(strstr(e.text, "/no/such/dir"));
}

static void the_environment_is_clean(void **state)
{
	struct arena a = ARENA_INIT;
	struct strs extra = { 0 };
	const char *found[4] = { 0 };
	(void)state;
	setenv("COMPOSE_FILE", "/evil.yml", 1);
	setenv("COMPOSE_PROJECT_NAME", "other", 1);
	setenv("DOCKER_CONFIG", "/keep", 1);
	setenv("BUILDKIT_PROGRESS", "tty", 1);
	strs_add(&a, &extra, "A=b");
	strs_add(&a, &extra, "DOCKER_CONFIG=/new");
	char **env = clean_environment(&a, &extra);
	for (size_t i = 0; env[i]; i++) {
		assert_int_not_equal(strncmp(env[i], "COMPOSE_", 8), 0);
		if (starts_with(env[i], "DOCKER_CONFIG="))
			found[0] = env[i];
		if (starts_with(env[i], "BUILDKIT_PROGRESS="))
			found[1] = env[i];
		if (starts_with(env[i], "A="))
			found[2] = env[i];
		if (starts_with(env[i], "PATH="))
			found[3] = env[i];
	}
	assert_string_equal(found[0], "DOCKER_CONFIG=/new");
	assert_string_equal(found[1], "BUILDKIT_PROGRESS=plain");
	assert_string_equal(found[2], "A=b");
	assert_non_null(found[3]);
	arena_release(&a);
}

static void an_interrupt_ends_a_child(void **state)
{
	struct err e = ERR_INIT;
	int status;
	(void)state;
	assert_int_equal(loop_interrupts(loop), 0);
	assert_int_equal(sh("kill -INT $PPID; sleep 60", (struct spawn){ 0 }, &status, &e), -1);
	assert_string_equal(e.text, "interrupted");
	assert_int_equal(loop_interrupts(loop), 1);
	assert_int_equal(loop_signal(loop), SIGINT);
	loop_rearm(loop);
	assert_int_equal(loop_interrupts(loop), 0);
}

static void several_at_once(void **state)
{
	struct child *c[20];
	struct err e = ERR_INIT;
	const char *argv[] = { "sleep", "0.3", NULL };
	struct spawn s = { .argv = argv };
	int64_t began = now_ms();
	(void)state;
	for (size_t i = 0; i < countof(c); i++)
		assert_non_null(c[i] = child_start(loop, &s, &e));
	for (size_t i = 0; i < countof(c); i++) {
		while (!child_done(c[i]))
			loop_turn(loop, 100);
		assert_int_equal(child_status(c[i]), 0);
		child_free(c[i]);
	}
	assert_in_range(now_ms() - began, 290, 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_and_streams),
		cmocka_unit_test(a_megabyte_goes_through),
		cmocka_unit_test(lines_arrive),
		cmocka_unit_test(time_runs_out),
		cmocka_unit_test(no_member_of_the_group_survives),
		cmocka_unit_test(an_orphan_with_our_pipe_does_not_hold_us),
		cmocka_unit_test(what_is_not_there_is_named),
		cmocka_unit_test(the_environment_is_clean),
		cmocka_unit_test(an_interrupt_ends_a_child),
		cmocka_unit_test(several_at_once),
	};
	loop = loop_new();
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	loop_free(loop);
	return rc;
}
