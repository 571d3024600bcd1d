/* The real engine: look, act, exec. Guards: what the engine says is what the world holds;
 * terminals, pipes and statuses pass through. */
#include "base/os.h"
#include "run_engine_test.h"

static void states_are_seen(void **state)
{
	struct err e = ERR_INIT;
	(void)state;
	make("run -d", "up", "-p 127.0.0.1::7777", "sleep 600");
	make("run -d", "bad", "", "sh -c 'exit 7'");
	make("create", "new", "", "true");
	struct world w = look();
	const struct container *c = seen(&w, "up");
	assert_int_equal(c->state, UNIT_RUNNING);
	assert_int_equal(c->number, 1);
	assert_string_equal(c->workspace, ws);
	assert_string_equal(c->hash, "h1");
	assert_non_null(c->ip);
	assert_int_equal(c->ports.items[0].target, 7777);
	assert_true(c->ports.items[0].published > 0);
	assert_int_equal(seen(&w, "new")->state, UNIT_CREATED);
	while ((w = look(), seen(&w, "bad")->state) != UNIT_EXITED)
		usleep(20000);
	assert_int_equal(seen(&w, "bad")->exit_code, 7);
	assert_int_equal(engine_start(engine, seen(&w, "new")->id, &e), 0);
	assert_int_equal(engine_start(engine, seen(&w, "up")->id, &e), 0); /* already so */
	assert_int_equal(engine_stop(engine, seen(&w, "up")->id, 0, &e), 0);
	w = look();
	assert_int_equal(seen(&w, "up")->state, UNIT_EXITED);
	assert_int_equal(engine_remove(engine, seen(&w, "up")->id, &e), 0);
	assert_int_equal(engine_remove(engine, seen(&w, "up")->id, &e), 0); /* gone is fine */
	w = look();
	assert_null(world_container(&w, "up"));
	assert_int_equal(engine_start(engine, "nosuchcontainer", &e), -1);
	assert_non_null(strstr(e.text, "No such container"));
}

static void images_and_names(void **state)
{
	struct err e = ERR_INIT;
	struct world w = { 0 };
	struct strs tags = { 0 };
	(void)state;
	strs_add(&arena, &tags, IMAGE);
	strs_add(&arena, &tags, "devenv-test/none:1");
	assert_int_equal(engine_images(engine, &arena, &tags, &w, &e), 0);
	assert_true(world_has_image(&w, IMAGE));
	assert_non_null(world_image(&w, "devenv-test/none:1"));
	assert_false(world_has_image(&w, "devenv-test/none:1"));
	docker("docker volume create --label devenv.workspace=$W $W-v; docker network create "
	       "--label devenv.workspace=$W $W-n");
	assert_int_equal(engine_volumes(engine, &arena, ws, &w, &e), 0);
	assert_int_equal(engine_networks(engine, &arena, ws, &w, &e), 0);
	const char *volume = arena_printf(&arena, "%s-v", ws);
	assert_true(strs_has(&w.volumes, volume)); /* beside those that workspaces share */
	assert_int_equal(w.networks.count, 1);
	assert_int_equal(engine_remove_volume(engine, volume, &e), 0);
	assert_int_equal(engine_remove_network(engine, w.networks.items[0], &e), 0);
	assert_int_equal(engine_volumes(engine, &arena, ws, &w, &e), 0);
	assert_int_equal(engine_networks(engine, &arena, ws, &w, &e), 0);
	assert_false(strs_has(&w.volumes, volume));
	assert_int_equal(w.networks.count, 0);
}

static void commands_run_inside(void **state)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	int status = -1;
	(void)state;
	make("run -d", "box", "", "sleep 600");
	struct world w = look();
	struct strs env = { 0 };
	strs_add(&arena, &env, "A=b c\"d");
	const char *argv[] = { "sh", "-c",
		"echo \"$A\"; pwd; id -u; sleep 0.1; echo oops >&2; exit 5", NULL };
	struct exec_request r = { .container = seen(&w, "box")->id,
		.argv = argv,
		.env = &env,
		.dir = "/tmp",
		.user = "33" };
	if (engine_exec_capture(engine, &r, &out, &status, 10000, &e))
		fail_msg("%s", e.text);
	assert_int_equal(status, 5);
	assert_non_null(strstr(buf_str(&out), "b c\"d\n/tmp\n33\n"));
	assert_non_null(strstr(buf_str(&out), "oops\n"));
	const char *slow[] = { "sleep", "600", NULL };
	r.argv = slow;
	int64_t began = now_ms();
	assert_int_equal(engine_exec_capture(engine, &r, &out, &status, 300, &e), -1);
	assert_in_range(now_ms() - began, 250, 2000);
}

/* A child process of ours on a pseudo terminal that execs into the container. */
static void a_terminal_passes_through(void **state)
{
	struct world w = look();
	const char *id = seen(&w, "box")->id;
	const char *argv[] = { "sh", "-c", "sleep 0.5; stty size; read x; echo got-$x; exit 9",
		NULL };
	struct winsize size = { .ws_row = 33, .ws_col = 99 };
	cleanup_buf struct buf out = BUF_INIT;
	int fd, status;
	(void)state;
	pid_t pid = forkpty(&fd, NULL, NULL, &size);
	if (pid == 0) {
		struct err e = ERR_INIT;
		struct termios t;
		int code = -1;
		struct loop *l = loop_new();
		struct engine *g = engine_open(&e);
		struct exec_request r = {
			.container = id, .argv = argv, .tty = true, .stdin_open = true
		};
		if (engine_exec(g, l, &r, &code, &e))
			printf("failed: %s\n", e.text);
		tcgetattr(0, &t);
		printf("echo-%s\n", t.c_lflag & ECHO ? "restored" : "lost");
		fflush(stdout);
		_exit(code);
	}
	bool typed = false;
	char chunk[512];
	for (ssize_t n; (n = read(fd, chunk, sizeof(chunk))) > 0;) {
		buf_add(&out, chunk, (size_t)n);
		if (!typed && strstr(out.data, "33 99")) {
			typed = true;
			assert_int_equal(
				write(fd, "hi\x10\r", 4), 4); /* ctrl-p is passed on at once */
		}
	}
	waitpid(pid, &status, 0);
	close(fd);
	if (!typed || !strstr(buf_str(&out), "got-hi") || !strstr(buf_str(&out), "echo-restored"))
		fail_msg("\"%s\"", buf_str(&out));
	assert_int_equal(WEXITSTATUS(status), 9);
}

/* Without a terminal: streams apart, end of input passed on, status passed on. */
static void pipes_pass_through(void **state)
{
	struct world w = look();
	const char *id = seen(&w, "box")->id;
	const char *argv[] = { "sh", "-c", "cat; echo err >&2; exit 4", NULL };
	int in[2], out[2], err[2], status;
	char text[2][64] = { "", "" };
	(void)state;
	assert_int_equal(pipe(in) | pipe(out) | pipe(err), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct err e = ERR_INIT;
		int code = -1;
		dup2(in[0], 0), dup2(out[1], 1), dup2(err[1], 2);
		close(in[1]), close(out[0]), close(err[0]);
		struct engine *g = engine_open(&e);
		struct exec_request r = { .container = id, .argv = argv, .stdin_open = true };
		engine_exec(g, NULL, &r, &code, &e);
		_exit(code);
	}
	close(in[0]), close(out[1]), close(err[1]);
	assert_int_equal(write(in[1], "hello\n", 6), 6);
	close(in[1]);
	waitpid(pid, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 4);
	assert_true(read(out[0], text[0], 63) > 0);
	assert_true(read(err[0], text[1], 63) > 0);
	assert_string_equal(text[0], "hello\n");
	assert_string_equal(text[1], "err\n");
	close(out[0]), close(err[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_are_seen),
		cmocka_unit_test(images_and_names),
		cmocka_unit_test(commands_run_inside),
		cmocka_unit_test(a_terminal_passes_through),
		cmocka_unit_test(pipes_pass_through),
	};
	return on_the_engine(tests, countof(tests));
}
