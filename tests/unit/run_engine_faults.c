/* Engines that hang, drip, cut and lie (FAULTS C01-C07). Guards: a clear error with code 4, within
 * 5 s. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/os.h"
#include "run/engine/call.h"

static char dir[64], sock[100];

struct fake {
	pid_t pid;
	FILE *out;
};

static struct fake fake_start(const char *mode)
{
	struct fake f;
	int fds[2];
	char line[16] = "", log[120];
	unlink(sock);
	snprintf(log, sizeof(log), "%s.log", sock);
	unlink(log);
	assert_int_equal(pipe(fds), 0);
	f.pid = fork();
	if (f.pid == 0) {
		dup2(fds[1], 1);
		close(fds[0]);
		close(fds[1]);
		execlp("python3", "python3", "tests/faults/engine.py", mode, sock, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	f.out = fdopen(fds[0], "r");
	assert_non_null(fgets(line, sizeof(line), f.out));
	assert_string_equal(line, "ready\n");
	return f;
}

static void fake_stop(struct fake *f)
{
	kill(f->pid, SIGKILL);
	waitpid(f->pid, NULL, 0);
	fclose(f->out);
}

struct fault {
	const char *mode, *text; /* text: a part of the message */
	enum err_code code;
	int64_t least_ms, most_ms;
};

static const struct fault faults[] = {
	{ "hang", "does not answer", ERR_ENGINE, 1000, 5400 },
	{ "drip_header", "does not answer", ERR_ENGINE, 1000, 5400 },
	{ "drip_body", "does not answer", ERR_ENGINE, 1000, 5400 },
	{ "stall", "does not answer", ERR_ENGINE, 1000, 5400 },
	{ "truncated", "broken answer", ERR_ENGINE, 0, 2000 },
	{ "length", "broken answer", ERR_ENGINE, 0, 2000 },
	{ "chunk", "broken answer", ERR_ENGINE, 0, 2000 },
	{ "header", "header is longer than 64 KiB", ERR_ENGINE, 0, 2000 },
	{ "flood", "body is too long", ERR_ENGINE, 0, 3000 },
	{ "json", "the engine's answer", ERR_ENGINE, 0, 2000 },
	{ "utf8", "the engine's answer", ERR_ENGINE, 0, 2000 },
	{ "duplicate", "the engine's answer", ERR_ENGINE, 0, 2000 },
	{ "map", "should be a list", ERR_ENGINE, 0, 2000 },
	{ "labels", "Labels should be a map", ERR_ENGINE, 0, 2000 },
	{ "id", "Id should be a string", ERR_ENGINE, 0, 2000 },
	{ "created", "Created should be a whole number", ERR_ENGINE, 0, 2000 },
	{ "port", "port out of range", ERR_ENGINE, 0, 2000 },
	{ "depth", "the engine's answer", ERR_ENGINE, 0, 2000 },
	{ "redirect", "redirects (301)", ERR_ENGINE, 0, 2000 },
	{ "401", "wants credentials (401)", ERR_ENGINE, 0, 2000 },
	{ "407", "wants credentials (407)", ERR_ENGINE, 0, 2000 },
	{ "500", "disk on fire", ERR_FAILED, 0, 2000 },
	{ "old", "speaks API 1.30", ERR_ENGINE, 0, 2000 },
	{ "garbage", "broken answer", ERR_ENGINE, 0, 2000 },
	{ "empty", "broken answer", ERR_ENGINE, 0, 2000 },
};

/* In a process and with a socket of its own: the slow ones run side by side. */
static bool a_lie_is_a_clear_error(const struct fault *f)
{
	struct arena a = ARENA_INIT;
	struct world w = { 0 };
	struct err e = ERR_INIT;
	struct fake fake = fake_start(f->mode);
	struct engine *g = engine_open(&e);
	int64_t began = now_ms();
	int rc = g ? engine_look(g, &a, "fake", &w, &e) : 0;
	int64_t took = now_ms() - began;
	bool good = rc == -1 && strstr(e.text, f->text) && e.code == f->code &&
		    took >= f->least_ms && took <= f->most_ms && !w.containers.count;
	if (!good)
		fprintf(stderr, "%s: rc %d, code %d, \"%s\", %lld ms\n", f->mode, rc, e.code,
			e.text, (long long)took);
	engine_close(g);
	arena_release(&a);
	fake_stop(&fake);
	return good;
}

static pid_t in_background(const struct fault *f)
{
	char host[140];
	pid_t pid = fork();
	if (pid)
		return pid;
	snprintf(sock, sizeof(sock), "%s/%s.sock", dir, f->mode);
	snprintf(host, sizeof(host), "unix://%s", sock);
	setenv("DOCKER_HOST", host, 1);
	_exit(a_lie_is_a_clear_error(f) ? 0 : 1);
}

/* FAULTS C02, C03, C04, C05, C06 */
static void lies(void **state)
{
	pid_t slow[countof(faults)] = { 0 };
	int bad = 0, status;
	(void)state;
	for (size_t i = 0; i < countof(faults); i++)
		if (faults[i].least_ms)
			slow[i] = in_background(&faults[i]);
	for (size_t i = 0; i < countof(faults); i++) {
		if (!slow[i])
			bad += !a_lie_is_a_clear_error(&faults[i]);
	}
	for (size_t i = 0; i < countof(faults); i++)
		if (slow[i] && (waitpid(slow[i], &status, 0) != slow[i] || status))
			bad++;
	assert_int_equal(bad, 0);
}

static struct engine *opened(void)
{
	struct err e = ERR_INIT;
	struct engine *g = engine_open(&e);
	if (!g)
		fail_msg("%s", e.text);
	return g;
}

static bool libcurl_is_loaded(void)
{
	char line[600];
	bool found = false;
	FILE *f = fopen("/proc/self/maps", "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		found |= strstr(line, "libcurl") != NULL;
	fclose(f);
	return found;
}

/* It comes first: whoever asks once must not wait for forty libraries. */
static void one_question_needs_no_library(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct world w = { 0 };
	struct err e = ERR_INIT;
	struct fake fake = fake_start("good");
	struct engine *g = opened();
	if (engine_look(g, &a, "fake", &w, &e))
		fail_msg("%s", e.text);
	assert_int_equal(w.containers.count, 1);
	assert_false(libcurl_is_loaded());
	engine_close(g);
	arena_release(&a);
	fake_stop(&fake);
}

/* Proxy variables do not matter; one request; all fields arrive. FAULTS C06. */
static void an_honest_answer_is_read(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct world w = { 0 };
	struct err e = ERR_INIT;
	struct fake fake = fake_start("good");
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	struct engine *g = opened();
	if (engine_look(g, &a, "fake", &w, &e))
		fail_msg("%s", e.text);
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	assert_int_equal(w.containers.count, 1);
	const struct container *c = &w.containers.items[0];
	assert_string_equal(c->name, "fake-db-1");
	assert_string_equal(c->service, "db");
	assert_string_equal(c->ip, "172.18.0.2");
	assert_int_equal(c->state, UNIT_RUNNING);
	assert_int_equal(c->health, HEALTH_HEALTHY);
	assert_int_equal(c->uptime_s, 180);
	assert_int_equal(c->ports.items[0].published, 15432);
	assert_string_equal(w.api_version, "1.41");
	cleanup_buf struct buf log = BUF_INIT;
	char path[120];
	snprintf(path, sizeof(path), "%s.log", sock);
	assert_int_equal(file_read(path, 65536, &log, &e), 0);
	assert_ptr_equal(
		strchr(log.data, '\n'), log.data + log.len - 1); /* one line: one request */
	assert_int_equal(strncmp(log.data, "GET /containers/json?all=1&filters=", 35), 0);
	engine_close(g);
	arena_release(&a);
	fake_stop(&fake);
}

/* FAULTS C07 */
static void newer_engines_get_our_newest_version(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct world w = { 0 };
	struct err e = ERR_INIT;
	struct fake fake = fake_start("new");
	struct engine *g = opened();
	assert_int_equal(engine_look(g, &a, "fake", &w, &e), 0);
	assert_string_equal(w.api_version, "1.51");
	engine_close(g);
	arena_release(&a);
	fake_stop(&fake);
}

/* Without the header the version is asked for; an engine that refuses it names its minimum. FAULTS
 * C07. */
static void versions_are_negotiated(void **state)
{
	static const char *const modes[][2] = { { "no_version", "1.41" }, { "minimum", "1.44" } };
	(void)state;
	for (size_t i = 0; i < countof(modes); i++) {
		struct arena a = ARENA_INIT;
		struct world w = { 0 };
		struct err e = ERR_INIT;
		struct fake fake = fake_start(modes[i][0]);
		struct engine *g = opened();
		assert_int_equal(engine_look(g, &a, "fake", &w, &e), 0);
		if (engine_volumes(g, &a, "fake", &w, &e))
			fail_msg("%s: %s", modes[i][0], e.text);
		assert_string_equal(g->api, modes[i][1]);
		engine_close(g);
		arena_release(&a);
		fake_stop(&fake);
	}
}

/* A long order lasts while pings are answered, and ends soon after they are not. */
static void patience_depends_on_pings(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	struct fake fake = fake_start("stop_slow");
	struct engine *g = opened();
	int64_t began = now_ms();
	if (engine_stop(g, "c", 1000, &e))
		fail_msg("%s", e.text);
	assert_in_range(now_ms() - began, 5900, 7000);
	engine_close(g);
	fake_stop(&fake);
	fake = fake_start("stop_hang");
	g = opened();
	began = now_ms();
	assert_int_equal(engine_stop(g, "c", 1000, &e), -1);
	assert_non_null(strstr(e.text, "does not answer"));
	assert_int_equal(e.code, ERR_ENGINE);
	assert_in_range(now_ms() - began, 3000, 6000);
	engine_close(g);
	fake_stop(&fake);
}

static void expect_no_engine(const char *text)
{
	struct err e = ERR_INIT;
	int64_t began = now_ms();
	assert_null(engine_open(&e));
	assert_int_equal(e.code, ERR_ENGINE);
	if (!strstr(e.text, text))
		fail_msg("\"%s\" lacks \"%s\"", e.text, text);
	assert_true(e.hint[0] != '\0');
	assert_in_range(now_ms() - began, 0, 1000);
}

/* FAULTS C01 */
static void four_messages(void **state)
{
	(void)state;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	unlink(sock);
	expect_no_engine("there is no socket");
	memcpy(addr.sun_path, sock, strlen(sock) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
	expect_no_engine("nobody listens");
	if (getuid() == 0) { /* root may do everything: as somebody else */
		chmod(dir, 0755);
		chmod(sock, 0600);
		assert_int_equal(seteuid(65534), 0);
		expect_no_engine("no permission");
		assert_int_equal(seteuid(0), 0);
	}
	unlink(sock);
	close(open(sock, O_CREAT | O_WRONLY, 0600));
	expect_no_engine("is not a socket");
	unlink(sock);
}

static void addresses_are_checked(void **state)
{
	static const char *const bad[][2] = { { "ssh://me@host", "by ssh" },
		{ "npipe:////./pipe/docker", "not an engine's address" },
		{ "/var/run/docker.sock", "not an engine's address" } };
	char saved[120];
	(void)state;
	snprintf(saved, sizeof(saved), "%s", getenv("DOCKER_HOST"));
	for (size_t i = 0; i < countof(bad); i++) {
		setenv("DOCKER_HOST", bad[i][0], 1);
		expect_no_engine(bad[i][1]);
	}
	setenv("DOCKER_HOST", "tcp://127.0.0.1:2376", 1);
	setenv("DOCKER_TLS_VERIFY", "1", 1);
	expect_no_engine("wants TLS");
	unsetenv("DOCKER_TLS_VERIFY");
	setenv("DOCKER_HOST", saved, 1);
}

/* Without DOCKER_HOST docker's own configuration says which engine is meant. */
static void contexts_are_followed(void **state)
{
	char path[300], host[300], name[65], saved[120];
	struct err e = ERR_INIT;
	(void)state;
	snprintf(saved, sizeof(saved), "%s", getenv("DOCKER_HOST"));
	unsetenv("DOCKER_HOST");
	setenv("DOCKER_CONFIG", dir, 1);
	snprintf(path, sizeof(path), "%s/config.json", dir);
	assert_int_equal(file_write(path, "{\"currentContext\":\"mine\"}", 25, 0600, false, &e), 0);
	assert_int_equal(engine_find_host(host, sizeof(host), &e), -1);
	assert_non_null(strstr(e.text, "mine"));
	hash_hex("mine", 4, name);
	snprintf(path, sizeof(path), "%s/contexts/meta/%s", dir, name);
	assert_int_equal(dir_make(path, 0700, &e), 0);
	snprintf(path, sizeof(path), "%s/contexts/meta/%s/meta.json", dir, name);
	static const char meta[] =
		"{\"Name\":\"mine\",\"Endpoints\":{\"docker\":{\"Host\":\"unix:///x/y.sock\"}}}";
	assert_int_equal(file_write(path, meta, sizeof(meta) - 1, 0600, false, &e), 0);
	assert_int_equal(engine_find_host(host, sizeof(host), &e), 0);
	assert_string_equal(host, "unix:///x/y.sock");
	unsetenv("DOCKER_CONFIG");
	setenv("DOCKER_HOST", saved, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_question_needs_no_library),
		cmocka_unit_test(four_messages),
		cmocka_unit_test(addresses_are_checked),
		cmocka_unit_test(contexts_are_followed),
		cmocka_unit_test(an_honest_answer_is_read),
		cmocka_unit_test(newer_engines_get_our_newest_version),
		cmocka_unit_test(versions_are_negotiated),
		cmocka_unit_test(lies),
		cmocka_unit_test(patience_depends_on_pings),
	};
	char host[120];
	snprintf(dir, sizeof(dir), "/tmp/devenv-fault-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	snprintf(sock, sizeof(sock), "%s/engine.sock", dir);
	snprintf(host, sizeof(host), "unix://%s", sock);
	setenv("DOCKER_HOST", host, 1);
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	struct err e = ERR_INIT;
	tree_remove(dir, &e);
	return rc;
}
