/*
 * Room run, ports. Guards: the same port again, never one that is taken or another workspace's, an
 * own container is no conflict, and who holds a port is named.
 */
#include "base/os.h"
#include "run/files/places.h"
#include "run/ports.h"
#include "run/registry.h"
#include "run_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static int listener(int port, int type)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, type, 0), yes = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static int allocate(struct home *h, const struct port_request *r, size_t n, bool strict)
{
	return ports_allocate(
		&h->a, &h->places, h->project.workspace, r, n, strict, NULL, &h->world, &h->e);
}

static int given(struct home *h, const char *service)
{
	for (size_t i = 0; i < h->world.allocations.count; i++)
		if (streq(h->world.allocations.items[i].service, service))
			return h->world.allocations.items[i].published;
	return 0;
}

static const struct port_request two[] = { { "db", "tcp", NULL, 5432, 0, { 0 } },
	{ "web", "tcp", NULL, 8000, 0, { 0 } } };

static void ports_are_remembered(void **state)
{
	struct home *h = *state;
	struct stat before, after;
	const char *path = path_join(&h->a, h->places.state, "ports.json");
	assert_int_equal(allocate(h, two, 2, false), 0);
	int db = given(h, "db"), web = given(h, "web");
	assert_true(db >= 20000 && db < 30000 && web >= 20000 && web < 30000 && db != web);
	assert_int_equal(lstat(path, &before), 0);
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(
		allocate(h, two + 1, 1, false), 0); /* db is not in this run and stays remembered */
	assert_int_equal(given(h, "web"), web);
	assert_int_equal(given(h, "db"), db);
	assert_int_equal(allocate(h, two, 2, false), 0);
	assert_int_equal(given(h, "db"), db);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(allocate(h, two, 2, false), 0);
	assert_int_equal(given(h, "db"), db); /* chosen from names alone */
	assert_int_equal(lstat(path, &before), 0);
	assert_int_equal(allocate(h, two, 2, false), 0);
	assert_int_equal(lstat(path, &after), 0);
	assert_true(before.st_ino == after.st_ino); /* not written again */
}

static void a_taken_port_moves_and_names_its_holder(void **state)
{
	struct home *h = *state;
	assert_int_equal(allocate(h, two, 1, false), 0);
	int first = given(h, "db"), fd = listener(first, SOCK_STREAM);
	assert_int_equal(allocate(h, two, 1, true), -1);
	assert_non_null(strstr(h->e.text, "is taken by pid"));
	assert_int_equal(allocate(h, two, 1, false), 0);
	assert_int_not_equal(given(h, "db"), first);
	assert_int_equal(h->world.allocations.items[0].moved_from, first);
	const char *me = arena_printf(&h->a, "pid %ld (run_ports)", (long)getpid());
	assert_string_equal(h->world.allocations.items[0].holder, me);
	close(fd);
	int second = given(h, "db");
	assert_int_equal(allocate(h, two, 1, false), 0);
	assert_int_equal(given(h, "db"), second);
	assert_int_equal(h->world.allocations.items[0].moved_from, 0);
}

static void a_wanted_port_comes_first(void **state)
{
	struct home *h = *state;
	struct port_request r = { "db", "tcp", NULL, 5432, 28731, { 0 } };
	int fd = listener(28731, SOCK_STREAM);
	assert_int_equal(allocate(h, &r, 1, false), 0);
	int other = given(h, "db");
	assert_int_not_equal(other, 28731);
	assert_int_equal(h->world.allocations.items[0].moved_from, 28731);
	assert_int_equal(allocate(h, &r, 1, false), 0);
	assert_int_equal(given(h, "db"), other); /* moved, but always to the same one */
	close(fd);
	assert_int_equal(allocate(h, &r, 1, true), 0);
	assert_int_equal(given(h, "db"), 28731);
}

static void an_own_container_is_no_conflict(void **state)
{
	struct home *h = *state;
	assert_int_equal(allocate(h, two, 1, false), 0);
	int port = given(h, "db"), fd = listener(port, SOCK_STREAM);
	struct container *c = list_push(&h->a, &h->world.containers);
	*c = (struct container){ .service = "db", .state = UNIT_RUNNING };
	*list_push(&h->a, &c->ports) =
		(struct seen_port){ .target = 5432, .published = port, .protocol = "tcp" };
	assert_int_equal(allocate(h, two, 1, true), 0);
	assert_int_equal(given(h, "db"), port);
	c->state = UNIT_EXITED; /* it holds nothing now, so somebody else does */
	assert_int_equal(allocate(h, two, 1, true), -1);
	close(fd);
}

static void workspaces_do_not_meet(void **state)
{
	struct home *h = *state;
	struct places other;
	struct world w = { .now = 0 };
	struct project p = h->project;
	p.workspace = "other-12345678";
	assert_int_equal(places_find(&h->a, h->project.dir, p.workspace, &other, &h->e), 0);
	assert_int_equal(registry_note(&other, &p, &h->e), 0);
	assert_int_equal(allocate(h, two, 1, false), 0);
	int port = given(h, "db");
	assert_int_equal(unlink(path_join(&h->a, h->places.state, "ports.json")), 0);
	/* The other workspace remembers what this one would choose. */
	put_file(h, path_join(&h->a, other.state, "ports.json"),
		arena_printf(&h->a,
			"{\"version\":1,\"ports\":[{\"service\":\"x\",\"target\":1,\"protocol\":"
			"\"tcp\",\"published\":%d}]}",
			port));
	assert_int_equal(allocate(h, two, 1, false), 0);
	assert_int_not_equal(given(h, "db"), port);
	assert_int_equal(ports_allocate(&h->a, &other, p.workspace,
				 &(struct port_request){ "x", "tcp", NULL, 1, 0, { 0 } }, 1, false,
				 NULL, &w, &h->e),
		0);
	assert_int_equal(w.allocations.items[0].published, port);
}

static void protocols_are_apart(void **state)
{
	struct home *h = *state;
	int fd = listener(28732, SOCK_DGRAM);
	struct port_request r[] = { { "a", "tcp", NULL, 53, 28732, { 0 } },
		{ "a", "udp", NULL, 53, 28732, { 0 } } };
	assert_int_equal(allocate(h, r, 2, false), 0);
	assert_int_equal(h->world.allocations.items[0].published, 28732);
	assert_int_not_equal(h->world.allocations.items[1].published, 28732);
	assert_non_null(strstr(h->world.allocations.items[1].holder, "run_ports"));
	close(fd);
}

static void one_run_gives_no_port_twice(void **state)
{
	struct home *h = *state;
	struct port_request r[] = { { "a", "tcp", NULL, 80, 28733, { 0 } },
		{ "b", "tcp", NULL, 80, 28733, { 0 } } };
	assert_int_equal(allocate(h, r, 2, false), 0);
	assert_int_not_equal(given(h, "a"), given(h, "b"));
	assert_string_equal(h->world.allocations.items[1].holder, "service a");
	assert_int_equal(allocate(h, r, 2, true), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(ports_are_remembered),
		test(a_taken_port_moves_and_names_its_holder),
		test(a_wanted_port_comes_first),
		test(an_own_container_is_no_conflict),
		test(workspaces_do_not_meet),
		test(protocols_are_apart),
		test(one_run_gives_no_port_twice),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
