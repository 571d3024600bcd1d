/* Connections passed on: bytes whole in both directions, the slower side sets the pace, a
 * half-closed connection goes on, more than the limit wait, a taken port needs no relay. 127.0.0.2
 * stands for the engine's gateway. */
#include "run_supervise_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/os.h"
#include "run/host/relay.h"

#define GATEWAY "127.0.0.2"

struct ends {
	struct loop *loop;
	struct relay *relay;
	int listener, port;
};

static int tcp_on(const char *address, int *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)*port) };
	socklen_t size = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	inet_pton(AF_INET, address, &a.sin_addr);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 512)) {
		close(fd);
		return -1;
	}
	getsockname(fd, (struct sockaddr *)&a, &size);
	*port = ntohs(a.sin_port);
	return fd;
}

static int set_up_ends(void **state)
{
	struct ends *s = xcalloc(1, sizeof(*s));
	struct err e = ERR_INIT;
	s->loop = loop_new();
	s->listener = tcp_on("127.0.0.1", &s->port);
	s->relay = relay_new(s->loop, GATEWAY, s->port, &e);
	*state = s;
	return s->relay ? 0 : -1;
}

static int tear_down_ends(void **state)
{
	struct ends *s = *state;
	relay_free(s->relay);
	loop_free(s->loop);
	close(s->listener);
	xfree(s);
	return 0;
}

static int connect_to(struct ends *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)s->port) };
	struct pollfd p = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
		.events = POLLOUT };
	inet_pton(AF_INET, GATEWAY, &a.sin_addr);
	connect(p.fd, (struct sockaddr *)&a, sizeof(a));
	eventually(s, poll(&p, 1, 0) > 0);
	assert_false(p.revents & POLLERR);
	return p.fd;
}

static int accept_from(struct ends *s)
{
	int fd = -1;
	eventually(s, (fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
	return fd;
}

/* Everything until the end of the stream. */
static size_t read_all(struct ends *s, int fd, uint32_t *sum)
{
	char part[65536];
	size_t count = 0;
	int64_t end = now_ms() + PATIENCE_MS;
	while (now_ms() < end) {
		ssize_t n = recv(fd, part, sizeof(part), 0);
		if (n == 0)
			return count;
		for (ssize_t i = 0; i < n; i++)
			*sum = *sum * 31 + (unsigned char)part[i];
		count += n > 0 ? (size_t)n : 0;
		loop_turn(s->loop, n > 0 ? 0 : 2);
	}
	fail_msg("the stream never ended");
	return 0;
}

static uint32_t send_some(struct ends *s, int fd, size_t size)
{
	uint32_t sum = 0, seed = 1;
	char part[4096];
	while (size) {
		size_t n = size < sizeof(part) ? size : sizeof(part), done = 0;
		for (size_t i = 0; i < n; i++) {
			seed = seed * 1103515245 + 12345;
			part[i] = (char)(seed >> 16);
			sum = sum * 31 + (unsigned char)part[i];
		}
		while (done < n) {
			ssize_t w = send(fd, part + done, n - done, MSG_NOSIGNAL);
			done += w > 0 ? (size_t)w : 0;
			loop_turn(s->loop, 0);
		}
		size -= n;
	}
	return sum;
}

static void both_directions_and_half_closed(void **state)
{
	struct ends *s = *state;
	uint32_t sum = 0;
	int client = connect_to(s), server = accept_from(s);
	uint32_t sent = send_some(s, client, 100000);
	shutdown(client, SHUT_WR);
	assert_int_equal(read_all(s, server, &sum), 100000);
	assert_int_equal(sum, sent);
	/* The other half is open yet. */
	sum = 0;
	sent = send_some(s, server, 200000);
	close(server);
	assert_int_equal(read_all(s, client, &sum), 200000);
	assert_int_equal(sum, sent);
	close(client);
}

static void a_slow_reader_sets_the_pace(void **state)
{
	struct ends *s = *state;
	char part[65536] = "";
	size_t sent = 0;
	uint32_t sum = 0;
	int client = connect_to(s), server = accept_from(s);
	int64_t quiet_since = now_ms();
	while (now_ms() - quiet_since < 200) { /* until nobody takes any more */
		ssize_t n = send(client, part, sizeof(part), MSG_NOSIGNAL);
		if (n > 0) {
			sent += (size_t)n;
			quiet_since = now_ms();
		}
		loop_turn(s->loop, 2);
		assert_true(sent < (64 << 20));
	}
	shutdown(client, SHUT_WR);
	assert_int_equal(read_all(s, server, &sum), sent);
	close(client);
	close(server);
}

static void nobody_behind_it_ends_the_connection(void **state)
{
	struct ends *s = *state;
	uint32_t sum = 0;
	close(s->listener);
	s->listener = -1;
	int client = connect_to(s);
	assert_int_equal(read_all(s, client, &sum), 0);
	close(client);
}

static void more_than_the_limit_wait(void **state)
{
	struct ends *s = *state;
	enum { MANY = RELAY_CONNECTIONS + 20 };
	static int clients[MANY], servers[MANY];
	for (int i = 0; i < MANY; i++)
		clients[i] = connect_to(s);
	for (int i = 0; i < RELAY_CONNECTIONS; i++)
		servers[i] = accept_from(s);
	for (int i = 0; i < 20; i++)
		loop_turn(s->loop, 2);
	assert_int_equal(accept(s->listener, NULL, NULL), -1);
	for (int i = 0; i < RELAY_CONNECTIONS; i++) {
		close(clients[i]);
		close(servers[i]);
	}
	for (int i = RELAY_CONNECTIONS; i < MANY; i++)
		close(accept_from(s));
	for (int i = RELAY_CONNECTIONS; i < MANY; i++)
		close(clients[i]);
}

static void a_taken_port_needs_none(void **state)
{
	struct ends *s = *state;
	struct err e = ERR_INIT;
	assert_null(relay_new(s->loop, GATEWAY, s->port, &e));
	assert_int_equal(e.code, ERR_OK);
	assert_null(relay_new(s->loop, "192.0.2.1", s->port, &e));
	assert_int_equal(e.code, ERR_FAILED);
	assert_null(relay_new(s->loop, "nonsense", s->port, &e));
	assert_int_equal(e.code, ERR_FAILED);
}

#define with_ends(f) cmocka_unit_test_setup_teardown(f, set_up_ends, tear_down_ends)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_ends(both_directions_and_half_closed),
		with_ends(a_slow_reader_sets_the_pace),
		with_ends(nobody_behind_it_ends_the_connection),
		with_ends(more_than_the_limit_wait),
		with_ends(a_taken_port_needs_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
