/* Volumes as streams, on the real engine. Guards: what went in comes out, with owners, modes and
 * links; a clone is equal; nothing is left on the way. */
#include <fcntl.h>

#include "run/data/volume.h"
#include "run_engine_test.h"

static struct volume_desk desk(void)
{
	return (struct volume_desk){
		.engine = engine, .loop = loop, .workspace = ws, .root = "/nowhere"
	};
}

static const char *file(const char *name)
{
	return arena_printf(&arena, "%s/%s", dir, name);
}

static const char *make_volume(const char *key)
{
	struct err e = ERR_INIT;
	struct volume_desk d = desk();
	struct volume_spec s = {
		.name = arena_printf(&arena, "%s_%s", ws, key), .key = key, .kind = "data"
	};
	if (volume_make(&d, &s, &e) || volume_make(&d, &s, &e)) /* twice is fine */
		fail_msg("%s", e.text);
	return s.name;
}

static bool put_fd(void *ctx, const char *data, size_t len)
{
	return !fd_write(*(int *)ctx, data, len);
}

static size_t pull_fd(void *ctx, char *into, size_t size)
{
	ssize_t n = read(*(int *)ctx, into, size);
	return n < 0 ? HTTP_GIVE_UP : (size_t)n;
}

static bool put_nowhere(void *ctx, const char *data, size_t len)
{
	(void)ctx, (void)data, (void)len;
	return false;
}

static int stream(const char *volume, const char *tar, bool in, struct err *e)
{
	struct volume_desk d = desk();
	int fd = open(file(tar), in ? O_RDONLY : O_CREAT | O_TRUNC | O_WRONLY, 0600);
	assert_true(fd >= 0);
	int rc = in ? volume_import(&d, volume, pull_fd, &fd, e)
		    : volume_export(&d, volume, put_fd, &fd, e);
	close(fd);
	return rc;
}

static void make_tree(void)
{
	docker(arena_printf(&arena,
		"cd %s; mkdir -p volume/d/e; chmod 0750 volume/d; echo hello >volume/d/f; "
		"head -c 3000000 /dev/urandom >volume/d/e/big; chmod 4751 volume/d/f; "
		"ln volume/d/f volume/hard; ln -s ../../etc/passwd volume/soft; "
		"mkfifo volume/fifo; touch -d 2020-01-02T03:04:05.25 volume/d/f; "
		"chmod 2700 volume; "
		"tar --format=pax --owner=999 --group=998 --numeric-owner -cf in.tar volume",
		dir));
}

/* Names, owners, modes, links, times to the second, sizes; then the bytes. */
static void same(const char *a, const char *b)
{
	docker(arena_printf(&arena,
		"cd %s; for i in %s %s; do rm -rf at.$i; mkdir at.$i; "
		"tar --numeric-owner --full-time -tvf $i | sed 's/\\.[0-9]*  *volume/ volume/; "
		"s/hard link to/link to/' | sort -k6 >$i.list; tar -C at.$i -xf $i; done; "
		"cut -d' ' -f1,2 %s.list | sort >x; cut -d' ' -f1,2 %s.list | sort >y; cmp x y; "
		"diff -r --no-dereference at.%s at.%s -x fifo",
		dir, a, b, a, b, a, b));
}

static void what_went_in_comes_out(void **state)
{
	struct err e = ERR_INIT;
	struct volume_desk d = desk();
	(void)state;
	make_tree();
	const char *one = make_volume("one"), *two = make_volume("two");
	if (stream(one, "in.tar", true, &e) || stream(one, "out.tar", false, &e) ||
		volume_clone(&d, one, two, &e) || stream(two, "clone.tar", false, &e))
		fail_msg("%s", e.text);
	same("in.tar", "out.tar");
	same("out.tar", "clone.tar");
	docker("test -z \"$(docker ps -aq --filter label=devenv.workspace=$W)\"");
}

static void absent_ones_fail(void **state)
{
	struct err e = ERR_INIT;
	struct volume_desk d = desk();
	struct volume_seen v;
	(void)state;
	const char *three = make_volume("three");
	assert_int_equal(volume_look(engine, &arena, three, &v, &e), 0);
	assert_true(v.exists);
	assert_string_equal(v.workspace, ws);
	assert_string_equal(v.key, "three");
	assert_int_equal(volume_look(engine, &arena, "devenv-test-none", &v, &e), 0);
	assert_false(v.exists);
	assert_int_equal(volume_export(&d, "devenv-test-none", put_nowhere, NULL, &e), -1);
	assert_int_equal(volume_clone(&d, "devenv-test-none", three, &e), -1);
	assert_non_null(strstr(e.text, "no such volume"));
	assert_int_equal(volume_export(&d, three, put_nowhere, NULL, &e), -1);
	assert_non_null(strstr(e.text, "nobody takes its data"));
}

static void users_are_seen_and_leavings_go(void **state)
{
	struct err e = ERR_INIT;
	struct volume_desk d = desk();
	struct world w = { 0 };
	(void)state;
	const char *four = make_volume("four");
	make("create", "db", arena_printf(&arena, "-v %s:/x", four), "true");
	docker(arena_printf(&arena,
		"docker create --label devenv.workspace=$W --label devenv.carrier=$W "
		"--label devenv.service=devenv-volume -v %s:/x " IMAGE " true",
		four));
	assert_int_equal(volume_users(engine, &arena, four, &w, &e), 0);
	assert_int_equal(w.containers.count, 1);
	assert_string_equal(w.containers.items[0].service, "db");
	assert_int_equal(volume_tidy(&d, &e), 0);
	docker("test -z \"$(docker ps -aq --filter label=devenv.carrier=$W)\"");
	docker("docker rm $W-db-1");
	assert_int_equal(engine_remove_volume(engine, four, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_went_in_comes_out),
		cmocka_unit_test(absent_ones_fail),
		cmocka_unit_test(users_are_seen_and_leavings_go),
	};
	return on_the_engine(tests, countof(tests));
}
