/* Room base: memory, text, maps, paths, files. Guards: whole writes, exact modes, hostile text made
 * visible. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/sha256.h"
#include "base/map.h"
#include "base/os.h"
#include "base/text.h"

static void map_keeps_order(void **state)
{
	(void)state;
	struct map m = MAP_INIT;
	struct arena a = ARENA_INIT;
	for (intptr_t i = 0; i < 1000; i++)
		map_set(&m, arena_printf(&a, "k%d", (int)i), (void *)(i + 1));
	for (intptr_t i = 0; i < 1000; i++)
		assert_int_equal((intptr_t)map_get(&m, arena_printf(&a, "k%d", (int)i)), i + 1);
	assert_true(map_remove(&m, "k500"));
	assert_false(map_has(&m, "k500"));
	assert_string_equal(m.entries[500].key, "k501");
	assert_int_equal((intptr_t)map_get(&m, "k999"), 1000);
	map_release(&m);
	arena_release(&a);
}

/* What waits for a slow disk: two buffers that grow in turns, and go. */
static void burst(size_t most)
{
	cleanup_buf struct buf filling = BUF_INIT, writing = BUF_INIT;
	for (size_t size = 1024; size <= most; size *= 2) {
		buf_pad(&filling, '1', size);
		buf_pad(&writing, '2', size);
	}
}

static void a_burst_leaves_no_memory_behind(void **state)
{
	(void)state;
	heap_gives_back();
	const char *end = sbrk(0);
	burst(1 << 20); /* the largest is what a heap takes as its measure */
	for (int i = 0; i < 20; i++)
		burst(1 << 18);
	assert_true((const char *)sbrk(0) - end < 512 * 1024);
}

static void paths_are_normalised(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "/a/b/../c", "/a/c" },
		{ "a//./b/", "a/b" },
		{ "..", ".." },
		{ "a/../..", ".." },
		{ "/..", "/" },
		{ "", "." },
		{ "a/..", "." },
		{ "../../x/..", "../.." },
		{ "/", "/" },
		{ "../a/../b", "../b" },
	};
	struct arena a = ARENA_INIT;
	for (size_t i = 0; i < countof(cases); i++)
		assert_string_equal(path_normal(&a, cases[i][0]), cases[i][1]);
	assert_true(path_inside("/a/b", "/a/b/c"));
	assert_true(path_inside("/", "/a"));
	assert_false(path_inside("/a/b", "/a/bc"));
	assert_string_equal(path_dir(&a, "/x"), "/");
	assert_string_equal(path_dir(&a, "/x/y"), "/x");
	arena_release(&a);
}

static void numbers(void **state)
{
	(void)state;
	int64_t v;
	assert_true(parse_duration("1h30m", &v) && v == 5400000);
	assert_true(parse_duration("1.5s", &v) && v == 1500);
	assert_true(parse_duration("200ms", &v) && v == 200);
	assert_false(parse_duration("5", &v));
	assert_false(parse_duration("-5s", &v));
	assert_false(parse_duration("5 s", &v));
	assert_true(parse_bytes("64m", &v) && v == 64 << 20);
	assert_true(parse_bytes("1.5gb", &v) && v == 3LL << 29);
	assert_false(parse_bytes("12 parsecs", &v));
	assert_true(parse_int("-12", &v) && v == -12);
	assert_false(parse_int("012", &v));
	assert_false(parse_int("99999999999999999999", &v));
}

static void nearest(void **state)
{
	(void)state;
	static const char *const names[] = { "environment", "env_file", "ports", "image" };
	assert_string_equal(nearest_name("enviroment", names, countof(names)), "environment");
	assert_string_equal(nearest_name("prots", names, countof(names)), "ports");
	assert_null(nearest_name("zebra", names, countof(names)));
}

static void hostile_text_is_visible(void **state)
{
	(void)state;
	struct buf b = BUF_INIT;
	const char in[] = "a\x1b]0;evil\a\x1b[31mred\x1b[0m\xff\xe2\x80\xae\r\tz";
	text_clean(&b, in, sizeof(in) - 1, true);
	assert_string_equal(b.data, "a\\x1b]0;evil\\x07\x1b[31mred\x1b[0m\\xff\\u202e\\x0d\tz");
	buf_truncate(&b, 0);
	text_clean(&b, "\x1b[2J", 4, true);
	assert_string_equal(b.data, "\\x1b[2J");
	buf_release(&b);
	assert_int_equal(text_width("abc"), 3);
}

static void words(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	size_t n;
	const char *why = NULL;
	char **w = split_words(&a, "a 'b c' \"d\\\"e\" f\\ g ''", &n, &why);
	assert_int_equal(n, 5);
	assert_string_equal(w[1], "b c");
	assert_string_equal(w[2], "d\"e");
	assert_string_equal(w[3], "f g");
	assert_string_equal(w[4], "");
	assert_null(split_words(&a, "a 'b", &n, &why));
	assert_string_equal(why, "a single quote is not closed");
	struct buf b = BUF_INIT;
	shell_quote(&b, "it's");
	assert_string_equal(b.data, "'it'\\''s'");
	buf_release(&b);
	arena_release(&a);
}

static void files_are_whole(void **state)
{
	(void)state;
	char dir[] = "/tmp/devenv-base-XXXXXX";
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct stat st;
	bool changed;
	assert_non_null(mkdtemp(dir));
	static const mode_t masks[] = { 000, 022, 077 };
	for (size_t i = 0; i < countof(masks); i++) {
		mode_t old = umask(masks[i]);
		char *p = path_join(&a, dir, "f");
		assert_int_equal(file_write(p, "one", 3, 0640, true, &e), 0);
		umask(old);
		assert_int_equal(stat(p, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0640);
		assert_int_equal(file_update(p, "one", 3, 0640, &changed, &e), 0);
		assert_false(changed);
		assert_int_equal(file_update(p, "two", 3, 0640, &changed, &e), 0);
		assert_true(changed);
	}
	struct buf b = BUF_INIT;
	assert_int_equal(mkfifo(path_join(&a, dir, "fifo"), 0600), 0);
	assert_int_equal(file_read(path_join(&a, dir, "fifo"), 10, &b, &e), -1);
	assert_non_null(strstr(e.text, "not a regular file"));
	assert_int_equal(file_read("/dev/zero", 10, &b, &e), -1);
	assert_int_equal(file_read(path_join(&a, dir, "f"), 2, &b, &e), -1);
	assert_int_equal(file_read(path_join(&a, dir, "f"), 3, &b, &e), 0);
	assert_string_equal(buf_str(&b), "two");
	buf_release(&b);
	assert_int_equal(tree_remove(dir, &e), 0);
	assert_false(dir_exists(dir));
	arena_release(&a);
}

static void a_lock_is_exclusive(void **state)
{
	(void)state;
	char path[] = "/tmp/devenv-lock-XXXXXX";
	struct err e = ERR_INIT;
	struct lock one, two;
	close(mkstemp(path));
	assert_int_equal(lock_take(&one, path, 0, &e), 0);
	assert_int_equal(lock_take(&two, path, 50, &e), -1);
	assert_int_equal(e.code, ERR_BUSY);
	assert_non_null(strstr(e.text, "pid "));
	lock_drop(&one);
	assert_int_equal(lock_take(&two, path, 0, &e), 0);
	lock_drop(&two);
	unlink(path);
}

static void hashes(void **state)
{
	(void)state;
	char hex[HASH_HEX + 1], other[HASH_HEX + 1];
	hash_hex("abc", 3, hex);
	assert_string_equal(
		hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	struct hasher *h = hasher_new();
	hasher_str(h, "ab");
	hasher_str(h, "c");
	hasher_end(h, hex);
	h = hasher_new();
	hasher_str(h, "a");
	hasher_str(h, "bc");
	hasher_end(h, other);
	assert_string_not_equal(hex, other);
}

/* What is hashed here and what libcrypto hashes must be the same, wherever a block ends. */
static void hashes_agree(void **state)
{
	enum { LENGTHS = 260, PIECE = 100 << 10 };
	static char text[PIECE], hex[LENGTHS][HASH_HEX + 1], other[HASH_HEX + 1];
	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 7 + i / 256);
	for (size_t n = 0; n < LENGTHS; n++)
		hash_hex(text, n, hex[n]);
	for (int i = 0; i < 20; i++) /* from here on there is much to hash */
		hash_hex(text, sizeof(text), other);
	for (size_t n = 0; n < LENGTHS; n++) {
		hash_hex(text, n, other);
		assert_string_equal(hex[n], other);
	}
}

/* The cases of RFC 4231 that differ: a short key, a key longer than a block, much data. */
static void keyed_hashes(void **state)
{
	static const unsigned char long_key[131] = { [0 ... 130] = 0xaa };
	static const struct {
		const void *key;
		size_t len;
		const char *data, *want;
	} cases[] = {
		{ "Jefe", 4, "what do ya want for nothing?",
			"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
		{ long_key, sizeof(long_key),
			"Test Using Larger Than Block-Size Key - Hash Key First",
			"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
		{ "", 0, "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" },
	};
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		unsigned char raw[SHA256_SIZE];
		char hex[2 * SHA256_SIZE + 1];
		sha256_keyed(cases[i].key, cases[i].len, cases[i].data, strlen(cases[i].data), raw);
		for (size_t k = 0; k < sizeof(raw); k++)
			snprintf(hex + 2 * k, 3, "%02x", raw[k]);
		assert_string_equal(hex, cases[i].want);
	}
}

/* One that grows out of the small is the same as one that was given all at once. */
static void a_long_hash_in_pieces(void **state)
{
	static char text[600000];
	char hex[HASH_HEX + 1], other[HASH_HEX + 1];
	(void)state;
	memset(text, 'x', sizeof(text));
	struct hasher *h = hasher_new();
	for (size_t i = 0; i < sizeof(text); i += 1000)
		hasher_add(h, text + i, 1000);
	hasher_end(h, hex);
	hash_hex(text, sizeof(text), other);
	assert_string_equal(hex, other);
}

static void errors_wrap(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	err_set(&e, ERR_ENGINE, "no answer");
	err_wrap(&e, "starting %s", "api");
	assert_string_equal(e.text, "starting api: no answer");
	assert_int_equal(e.code, ERR_ENGINE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_keeps_order),
		cmocka_unit_test(a_burst_leaves_no_memory_behind),
		cmocka_unit_test(paths_are_normalised),
		cmocka_unit_test(numbers),
		cmocka_unit_test(nearest),
		cmocka_unit_test(hostile_text_is_visible),
		cmocka_unit_test(words),
		cmocka_unit_test(files_are_whole),
		cmocka_unit_test(a_lock_is_exclusive),
		cmocka_unit_test(hashes),
		cmocka_unit_test(a_long_hash_in_pieces),
		cmocka_unit_test(hashes_agree),
		cmocka_unit_test(keyed_hashes),
		cmocka_unit_test(errors_wrap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
