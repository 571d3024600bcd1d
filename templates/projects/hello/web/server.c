/*
 * Serves what page.c answers: a socket at ADDRESS (127.0.0.1) and PORT (8080), as many connections
 * at once as there are slots, none of which can hold up the others. SIGTERM and SIGINT end it when
 * the answers in hand are sent.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "page.h"

enum { SLOTS = 64, REQUEST_MAX = 4096, PATIENCE_S = 10 };

struct connection {
	int fd;       /* -1: the slot is free */
	time_t until; /* nobody is waited for any longer */
	size_t got;   /* bytes of the request */
	char request[REQUEST_MAX];
	size_t size, sent; /* of the answer; size 0: the request is not complete */
	char answer[ANSWER_MAX];
};

static struct connection connections[SLOTS];
static int wakeup[2]; /* written to by signals, so that poll() returns */

static void on_signal(int number)
{
	char byte = (char)number;
	ssize_t done = write(wakeup[1], &byte, 1);
	(void)done; /* a full pipe wakes as well */
}

static time_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static int make_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

static const char *setting(const char *name, const char *otherwise)
{
	const char *value = getenv(name);
	return value && *value ? value : otherwise;
}

/* A listening socket, or -1 with errno. */
static int listen_at(const char *address, const char *port)
{
	char *end;
	long number = strtol(port, &end, 10);
	struct sockaddr_in at = { .sin_family = AF_INET };
	if (*end || number < 1 || number > 65535 ||
		inet_pton(AF_INET, address, &at.sin_addr) != 1) {
		errno = EINVAL;
		return -1;
	}
	at.sin_port = htons((unsigned short)number);
	int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, SLOTS) ||
		make_nonblocking(fd)) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static void let_go(struct connection *c)
{
	close(c->fd);
	c->fd = -1;
}

static struct connection *free_slot(void)
{
	for (struct connection *c = connections; c < connections + SLOTS; c++)
		if (c->fd < 0)
			return c;
	return NULL;
}

static void take(int listener)
{
	struct connection *c = free_slot();
	int fd = accept(listener, NULL, NULL);
	if (fd < 0)
		return;
	if (!c || make_nonblocking(fd)) {
		close(fd);
		return;
	}
	c->fd = fd;
	c->until = now() + PATIENCE_S;
	c->got = c->size = c->sent = 0;
}

/* Reads what is there; when the head of the request is complete, its answer is ready. */
static void hear(struct connection *c)
{
	ssize_t n = read(c->fd, c->request + c->got, REQUEST_MAX - 1 - c->got);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		let_go(c);
		return;
	}
	c->got += (size_t)n;
	c->request[c->got] = '\0';
	if (strstr(c->request, "\r\n\r\n") || c->got == REQUEST_MAX - 1)
		c->size = page_answer(c->request, &build, setting("PLACE", "a shell"), c->answer);
}

static void say(struct connection *c)
{
	ssize_t n = send(c->fd, c->answer + c->sent, c->size - c->sent, MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	c->sent += n > 0 ? (size_t)n : 0;
	if (n < 0 || c->sent == c->size)
		let_go(c);
}

static int busy(void)
{
	for (const struct connection *c = connections; c < connections + SLOTS; c++)
		if (c->fd >= 0 && c->size)
			return 1;
	return 0;
}

/* One turn: waits for what happens on any socket, and does it. False when a signal came. */
static int turn(int listener)
{
	struct pollfd polled[SLOTS + 2];
	for (int i = 0; i < SLOTS; i++)
		polled[i] = (struct pollfd){ connections[i].fd,
			connections[i].size ? POLLOUT : POLLIN, 0 };
	polled[SLOTS] = (struct pollfd){ listener, POLLIN, 0 };
	polled[SLOTS + 1] = (struct pollfd){ wakeup[0], POLLIN, 0 };
	if (poll(polled, SLOTS + 2, 1000) < 0)
		return errno == EINTR;
	for (int i = 0; i < SLOTS; i++) {
		struct connection *c = &connections[i];
		if (polled[i].revents && c->size)
			say(c);
		else if (polled[i].revents)
			hear(c);
		if (c->fd >= 0 && now() > c->until)
			let_go(c);
	}
	if (polled[SLOTS].revents)
		take(listener);
	return !polled[SLOTS + 1].revents;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

int main(void)
{
	const char *address = setting("ADDRESS", "127.0.0.1"), *port = setting("PORT", "8080");
	for (struct connection *c = connections; c < connections + SLOTS; c++)
		c->fd = -1;
	int listener = listen_at(address, port);
	if (listener < 0 || pipe(wakeup) || make_nonblocking(wakeup[1])) {
		fprintf(stderr, "hello: %s:%s: %s\n", address, port, strerror(errno));
		return 1;
	}
	catch_signals();
	printf("hello: build %u listens on %s:%s\n", build.number, address, port);
	fflush(stdout);
	while (turn(listener))
		;
	close(listener);
	wakeup[0] = -1; /* poll() leaves it out: it stays readable */
	for (time_t end = now() + 1; busy() && now() <= end;)
		turn(-1);
	printf("hello: build %u ends\n", build.number);
	return 0;
}
