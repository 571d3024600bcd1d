/*
 * The control socket. Guards: whatever is written there, each whole line gets one reply, in order;
 * nothing that a reader leaves unread is waited for; events may be lost, replies never; other users
 * are not heard.
 */
#include "run_test.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/os.h"
#include "doc/json.h"
#include "run/control/control.h"
#include "run/io/socket.h"

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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
