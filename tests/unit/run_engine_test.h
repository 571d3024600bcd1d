/* What tests on the real engine share: a workspace of a random name, containers in it, their
 * removal. */
#ifndef RUN_ENGINE_TEST_H
#define RUN_ENGINE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/os.h"
#include "run/engine/call.h"
#include "run/io/child.h"
#include "run/files/places.h"

#define IMAGE "debian:bookworm-slim"

static char ws[40], dir[64];
static struct loop *loop;
static struct engine *engine;
static struct arena arena;
static struct places places;

static inline void docker(const char *script)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	int status = -1;
	const char *line = arena_printf(&arena, "W=%s; %s", ws, script);
	const char *argv[] = { "sh", "-ec", line, NULL };
	struct spawn s = { .argv = argv, .out = &out, .timeout_ms = 60000 };
	if (spawn_run(loop, &s, &status, &e) || status)
		fail_msg("%s: %s%s", script, e.text, buf_str(&out));
}

/* docker run/create with the labels of a service. */
static inline void make(
	const char *verb, const char *service, const char *options, const char *command)
{
	docker(arena_printf(&arena,
		"docker %s --name $W-%s-1 --label devenv.workspace=$W "
		"--label com.docker.compose.service=%s --label devenv.hash=h1 %s " IMAGE " %s",
		verb, service, service, options, command));
}

static inline struct world look(void)
{
	struct world w = { 0 };
	struct err e = ERR_INIT;
	if (engine_look(engine, &arena, ws, &w, &e))
		fail_msg("%s", e.text);
	return w;
}

static inline const struct container *seen(const struct world *w, const char *service)
{
	const struct container *c = world_container(w, service);
	if (!c)
		fail_msg("%s is not seen", service);
	return c;
}

static int teardown(void **state)
{
	(void)state;
	docker("docker ps -aq --filter label=devenv.workspace=$W | xargs -r docker rm -f; "
	       "docker volume ls -q --filter label=devenv.workspace=$W | xargs -r docker volume "
	       "rm; "
	       "docker network ls -q --filter label=devenv.workspace=$W | xargs -r docker network "
	       "rm; "
	       /* By name: layers are shared with the images of tests that run beside this one. */
	       "docker images --format '{{.Repository}}:{{.Tag}}' \"devenv-test/$W\" | "
	       "xargs -r docker rmi");
	return 0;
}

static inline struct service service(const char *name, enum check_kind kind)
{
	struct service s = { .name = name,
		.place = { .file = "devenv.yml", .line = 7, .col = 3 },
		.check = { .kind = kind, .port = 8000 } };
	s.check.place = (struct place){ .file = "devenv.yml", .line = 9, .col = 5 };
	s.check.deadline_ms = 10000;
	return s;
}

#define SERVER                                                                                     \
	"perl -MIO::Socket::INET -e '"                                                             \
	"select(undef,undef,undef,0.4); $s = "                                                     \
	"IO::Socket::INET->new(LocalPort=>8000,Listen=>5,ReuseAddr=>1); $|=1; "                    \
	"print \"listening\\n\"; $n = 0; while ($c = $s->accept) { $n++; sysread $c, $b, 999; "    \
	"print $c \"HTTP/1.1 \", ($n > 3 ? 200 : 503), \" x\\r\\nContent-Length: "                 \
	"0\\r\\n\\r\\n\"; close $c }'"

static int on_the_engine(const struct CMUnitTest *tests, size_t count)
{
	struct err e = ERR_INIT;
	unsigned char random[4];
	random_bytes(random, sizeof(random), &e);
	snprintf(ws, sizeof(ws), "devenv-test-%02x%02x%02x%02x", random[0], random[1], random[2],
		random[3]);
	snprintf(dir, sizeof(dir), "/tmp/%s", ws);
	places = (struct places){
		.logs = arena_printf(&arena, "%s/logs", dir), .state = dir, .turns = dir
	};
	loop = loop_new();
	engine = engine_open(&e);
	if (!engine || dir_make(dir, 0700, &e)) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	int rc = _cmocka_run_group_tests(ws, tests, count, NULL, teardown);
	tree_remove(dir, &e);
	engine_close(engine);
	loop_free(loop);
	arena_release(&arena);
	return rc;
}

#endif
