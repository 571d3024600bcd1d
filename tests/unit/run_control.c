/*
 * The control socket. Guards: whatever is written there, each whole line gets one reply, in order;
 * nothing that a reader leaves unread is waited for; events may be lost, replies never; other users
 * are not heard; nouns come out of the wire as they went in.
 */
#include "run_test.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "doc/json.h"
#include "run/control.h"
#include "run/launches.h"
#include "run/socket.h"

static const struct place nowhere;

struct served { /* a server in this process, turned by hand */
	struct loop *loop;
	struct control *control;
	const char *path;
	int requests, gone;
	const char *text; /* what "big" is answered with */
};

static struct node *answer(void *ctx, struct control_peer *p, struct arena *a,
	const struct node *request, struct err *e)
{
	struct served *s = ctx;
	const char *what = node_text(node_get(request, "do"));
	struct node *n = node_map(a, nowhere);
	s->requests++;
	if (streq(what, "follow"))
		control_follow(p, true);
	if (streq(what, "big"))
		map_put(a, n, "text", nowhere, node_str(a, s->text, nowhere));
	if (streq(what, "fail")) {
		e->place = (struct place){ .file = "devenv.yml", .line = 3, .col = 5 };
		err_set(e, ERR_BUSY, "no");
		err_hint(e, "later");
		return NULL;
	}
	map_put(a, n, "number", nowhere, node_int(a, s->requests, nowhere));
	return n;
}

static void gone(void *ctx, struct control_peer *p)
{
	struct served *s = ctx;
	(void)p;
	s->gone++;
}

static const struct control_ops ops = { answer, gone };

static void serve(struct home *h, struct served *s)
{
	*s = (struct served){ .loop = loop_new() };
	dir_make(h->places.state, 0700, &h->e);
	s->path = control_path(&h->a, &h->places);
	s->control = control_listen(s->loop, s->path, &ops, s, &h->e);
	assert_non_null(s->control);
}

static void end(struct served *s)
{
	control_close(s->control);
	loop_free(s->loop);
	assert_int_not_equal(access(s->path, F_OK), 0);
}

static void turn(struct served *s, int times)
{
	while (times-- > 0)
		loop_turn(s->loop, 5);
}

static int dial(const struct served *s)
{
	struct err e = ERR_INIT;
	int fd = socket_connect(s->path, 1000, &e);
	assert_true(fd >= 0);
	return fd;
}

static void put(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What can be read now, turning the server meanwhile until `lines` lines are there. */
static const char *get(struct home *h, struct served *s, int fd, size_t lines)
{
	struct buf b = BUF_INIT;
	char bytes[65536];
	size_t seen = 0;
	int64_t until = now_ms() + 20000;
	while (seen < lines && now_ms() < until) {
		turn(s, 1);
		ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n == 0)
			break;
		for (ssize_t i = 0; i < n; i++)
			seen += bytes[i] == '\n';
		if (n > 0)
			buf_add(&b, bytes, (size_t)n);
	}
	const char *out = arena_strdup(&h->a, buf_str(&b));
	buf_release(&b);
	return out;
}

static void lines_and_their_replies(void **state)
{
	struct home *h = *state;
	struct served s;
	serve(h, &s);
	assert_int_equal(mode_of(s.path), 0600);
	int fd = dial(&s);
	put(fd, "{\"do\":\"a\"}\n{\"do\":\"b\"}\n\n{\"do\"");
	const char *text = get(h, &s, fd, 2);
	assert_string_equal(text, "{\"ok\": true, \"number\": 1}\n{\"ok\": true, \"number\": 2}\n");
	put(fd, ":\"c\"}\n");
	assert_string_equal(get(h, &s, fd, 1), "{\"ok\": true, \"number\": 3}\n");
	put(fd, "{\"do\":\"fail\"}\n");
	text = get(h, &s, fd, 1);
	assert_non_null(strstr(text, "\"error\": \"no\", \"hint\": \"later\", \"file\": "
				     "\"devenv.yml\", \"line\": 3, \"column\": 5"));
	close(fd);
	turn(&s, 3);
	assert_int_equal(s.gone, 1);
	end(&s);
}

static void garbage_is_answered(void **state)
{
	static const char *const lines[] = { "nonsense\n", "[1]\n", "{}\n", "{\"do\":1.5e\n",
		"{\"do\":[1]}\n", "\xff\xfe\x01\n", "{\"do\":\"x\",\"do\":\"y\"}\n" };
	struct home *h = *state;
	struct served s;
	serve(h, &s);
	int fd = dial(&s);
	for (size_t i = 0; i < countof(lines); i++) {
		put(fd, lines[i]);
		assert_non_null(strstr(get(h, &s, fd, 1), "\"ok\": false"));
	}
	assert_int_equal(s.requests, 0);
	put(fd, "{\"do\":\"a\"}\n");
	assert_non_null(strstr(get(h, &s, fd, 1), "\"ok\": true"));
	close(fd);
	end(&s);
}

static void a_line_without_end(void **state)
{
	struct home *h = *state;
	struct served s;
	serve(h, &s);
	int fd = dial(&s);
	struct buf much = BUF_INIT;
	buf_pad(&much, 'x', CONTROL_LINE_MAX + 100000);
	for (size_t at = 0; at < much.len;) {
		ssize_t n = send(fd, much.data + at, much.len - at, MSG_NOSIGNAL | MSG_DONTWAIT);
		at += n > 0 ? (size_t)n : 0;
		turn(&s, 1);
		if (n < 0 && errno == EPIPE)
			break;
	}
	buf_release(&much);
	assert_non_null(strstr(get(h, &s, fd, 1), "too long"));
	char byte;
	int64_t until = now_ms() + 5000;
	while (recv(fd, &byte, 1, MSG_DONTWAIT) != 0 && errno != ECONNRESET && now_ms() < until)
		turn(&s, 1);
	assert_int_equal(s.gone, 1);
	close(fd);
	end(&s);
}

/* One who shuts down his half only still hears the answer: `printf ... | socat`. */
static void half_a_connection(void **state)
{
	struct home *h = *state;
	struct served s;
	serve(h, &s);
	int fd = dial(&s);
	put(fd, "{\"do\":\"a\"}\n");
	shutdown(fd, SHUT_WR);
	assert_non_null(strstr(get(h, &s, fd, 1), "\"number\": 1"));
	turn(&s, 5);
	assert_int_equal(s.gone, 1);
	close(fd);
	end(&s);
}

static struct node *event_of_size(struct arena *a, size_t size)
{
	struct buf text = BUF_INIT;
	struct node *n = node_map(a, nowhere);
	buf_pad(&text, 'e', size);
	map_put(a, n, "event", nowhere, node_str(a, "note", nowhere));
	map_put(a, n, "text", nowhere, node_str(a, buf_str(&text), nowhere));
	buf_release(&text);
	return n;
}

static void slow_readers_lose_events_only(void **state)
{
	struct home *h = *state;
	struct served s;
	serve(h, &s);
	int fd = dial(&s);
	put(fd, "{\"do\":\"follow\"}\n");
	get(h, &s, fd, 1);
	assert_int_equal(control_followers(s.control), 1);
	struct node *event = event_of_size(&h->a, 10000);
	int64_t began = now_ms();
	for (int i = 0; i < 1000; i++)
		control_event(s.control, event); /* 10 MB that nobody reads */
	assert_true(now_ms() - began < 5000);
	put(fd, "{\"do\":\"a\"}\n");
	turn(&s, 5);
	assert_int_equal(s.requests, 2);
	/* All that was kept, the reply, and how many were not kept. */
	char *text = NULL;
	size_t total = 0;
	int64_t until = now_ms() + 10000;
	while (!text && now_ms() < until) {
		const char *got = get(h, &s, fd, 1);
		total += strlen(got);
		if (strstr(got, "\"dropped\""))
			text = strstr(got, "\"count\": ");
	}
	assert_non_null(text);
	long dropped = strtol(text + 9, NULL, 10);
	assert_true(dropped > 500 && dropped < 1000);
	assert_true(total < CONTROL_QUEUE_MAX + 1000000);
	put(fd, "{\"do\":\"a\"}\n");
	assert_non_null(strstr(get(h, &s, fd, 1), "\"number\": 3"));
	close(fd);
	end(&s);
}

/* One who asks and asks and never reads is not heard any more, and costs a bound. */
static void greedy_askers_wait(void **state)
{
	struct home *h = *state;
	struct served s;
	struct buf big = BUF_INIT;
	serve(h, &s);
	buf_pad(&big, 'b', 100000);
	s.text = big.data;
	int fd = dial(&s);
	for (int i = 0; i < 200; i++)
		put(fd, "{\"do\":\"big\"}\n");
	turn(&s, 50);
	assert_true(s.requests < 40);
	const char *text = get(h, &s, fd, 200);
	size_t lines = 0;
	for (; *text; text++)
		lines += *text == '\n';
	assert_int_equal(lines, 200);
	assert_int_equal(s.requests, 200);
	close(fd);
	end(&s);
	buf_release(&big);
}

static void many_connections(void **state)
{
	struct home *h = *state;
	struct served s;
	int fds[600];
	size_t answered = 0, refused = 0;
	serve(h, &s);
	for (size_t i = 0; i < countof(fds); i++) {
		fds[i] = dial(&s);
		turn(&s, 1);
	}
	for (size_t i = 0; i < countof(fds); i++) {
		(void)!send(fds[i], "{\"do\":\"a\"}\n", 11, MSG_NOSIGNAL);
		const char *text = get(h, &s, fds[i], 1);
		answered += strstr(text, "\"ok\": true") != NULL;
		refused += strstr(text, "too many connections") != NULL;
		close(fds[i]);
	}
	assert_int_equal(answered + refused, countof(fds));
	assert_true(answered >= 256);
	turn(&s, 20);
	for (int i = 0; i < 1000; i++) {
		int fd = dial(&s);
		close(fd);
		if (i % 50 == 0)
			turn(&s, 2);
	}
	turn(&s, 20);
	int fd = dial(&s);
	put(fd, "{\"do\":\"a\"}\n");
	assert_non_null(strstr(get(h, &s, fd, 1), "\"ok\": true"));
	close(fd);
	turn(&s, 5);
	assert_int_equal(control_peers(s.control), 0);
	end(&s);
}

static void other_users_are_not_heard(void **state)
{
	struct home *h = *state;
	struct served s;
	if (geteuid())
		skip(); /* only root can be somebody else */
	serve(h, &s);
	chmod(s.path, 0666);
	chmod(h->places.state, 0755);
	for (const char *dir = h->places.state; !streq(dir, "/"); dir = path_dir(&h->a, dir))
		if (starts_with(dir, h->dir))
			chmod(dir, 0755);
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		struct err e = ERR_INIT;
		char text[300] = "";
		if (setgid(65534) || setuid(65534))
			_exit(2);
		int fd = socket_connect(s.path, 1000, &e);
		(void)!send(fd, "{\"do\":\"a\"}\n", 11, MSG_NOSIGNAL);
		for (int i = 0; i < 500 && recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT) < 0; i++)
			usleep(10000);
		(void)!write(ends[1], text, strlen(text) + 1);
		_exit(0);
	}
	int status = 0;
	while (waitpid(child, &status, WNOHANG) == 0)
		turn(&s, 1);
	char text[300] = "";
	(void)!read(ends[0], text, sizeof(text) - 1);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(status, 0);
	assert_non_null(strstr(text, "another user"));
	assert_int_equal(s.requests, 0);
	end(&s);
}

static void one_listens(void **state)
{
	struct home *h = *state;
	struct served s;
	serve(h, &s);
	struct err e = ERR_INIT;
	assert_null(control_listen(s.loop, s.path, &ops, &s, &e));
	assert_int_equal(e.code, ERR_BUSY);
	end(&s);
	/* What a killed agent leaves is replaced; what is no socket stays. */
	int stale = socket_listen(s.path, &e);
	close(stale);
	assert_int_equal(access(s.path, F_OK), 0);
	assert_null(control_connect(s.path, &e));
	assert_int_equal(e.code, ERR_OK);
	serve(h, &s);
	end(&s);
	put_file(h, s.path, "mine");
	assert_int_equal(socket_listen(s.path, &e), -1);
	assert_string_equal(get_file(h, s.path), "mine");
}

static void long_paths(void **state)
{
	struct home *h = *state;
	struct buf deep = BUF_INIT;
	struct err e = ERR_INIT;
	buf_adds(&deep, h->dir);
	for (int i = 0; i < 20; i++)
		buf_adds(&deep, "/a-rather-long-name");
	h->places.state = deep.data;
	struct served s;
	serve(h, &s);
	int fd = dial(&s);
	put(fd, "{\"do\":\"a\"}\n");
	assert_non_null(strstr(get(h, &s, fd, 1), "\"ok\": true"));
	close(fd);
	end(&s);
	assert_null(control_connect(s.path, &e));
	assert_int_equal(e.code, ERR_OK);
	buf_release(&deep);
}

/* ---- the client, against a server in another process ---- */

static pid_t background(struct served *s, void (*fn)(struct served *s))
{
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		fn(s);
		_exit(0);
	}
	return child;
}

static void say_events(struct served *s)
{
	int fd = -1;
	char line[1000];
	while ((fd = accept(s->requests, NULL, NULL)) < 0)
		usleep(1000);
	while (recv(fd, line, sizeof(line), 0) > 0)
		put(fd, "{\"event\":\"note\",\"text\":\"one\"}\nnonsense\n"
			"{\"ok\":true,\"x\":1}\n{\"event\":\"note\",\"text\":\"two\"}\n");
}

static struct node *asking(struct arena *a, const char *what)
{
	struct node *n = node_map(a, nowhere);
	map_put(a, n, "do", nowhere, node_str(a, what, nowhere));
	return n;
}

static void events_wait_for_their_turn(void **state)
{
	struct home *h = *state;
	struct served s = { 0 };
	struct node *event;
	dir_make(h->places.state, 0700, &h->e);
	s.path = control_path(&h->a, &h->places);
	s.requests = socket_listen(s.path, &h->e);
	pid_t child = background(&s, say_events);
	struct control_client *c = control_connect(s.path, &h->e);
	assert_non_null(c);
	struct node *reply = control_ask(c, &h->a, asking(&h->a, "a"), &h->e);
	assert_non_null(node_get(reply, "x"));
	assert_int_equal(control_next(c, &h->a, &event, 5000), 1);
	assert_string_equal(node_text(node_get(event, "text")), "one");
	assert_int_equal(control_next(c, &h->a, &event, 5000), 1);
	assert_string_equal(node_text(node_get(event, "text")), "two");
	assert_int_equal(control_next(c, &h->a, &event, 20), 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(control_next(c, &h->a, &event, 5000), -1);
	assert_null(control_ask(c, &h->a, asking(&h->a, "a"), &h->e));
	assert_non_null(strstr(h->e.text, "has ended meanwhile"));
	control_disconnect(c);
	close(s.requests);
}

/* ---- nouns ---- */

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
		test(lines_and_their_replies),
		test(garbage_is_answered),
		test(a_line_without_end),
		test(half_a_connection),
		test(slow_readers_lose_events_only),
		test(greedy_askers_wait),
		test(many_connections),
		test(other_users_are_not_heard),
		test(one_listens),
		test(long_paths),
		test(events_wait_for_their_turn),
		test(units_go_there_and_back),
		test(launches_go_there_and_back),
		test(modules_go_there_and_back),
		test(launches_are_remembered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
