/*
 * Room run, packed streams. Guards: what was written comes back whole, by name packed and by
 * content unpacked; a stream that is cut short is an error, never an end; a portion is given as it
 * comes.
 */
#include "run/files/packed.h"

#include <fcntl.h>

#include "base/buf.h"
#include "base/os.h"
#include "run_test.h"

enum { BIG = 300000 };

static char big[BIG];

static void fill(void)
{
	for (size_t i = 0; i < BIG; i++)
		big[i] = (char)("0123456789abcdef"[(i * i / 7) % 16]);
}

static void pack(struct home *h, const char *path, const char *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	struct packing *p = packing_new(fd, path, &h->e);
	assert_non_null(p);
	for (size_t at = 0; at < len; at += 1000)
		assert_int_equal(
			packing_write(p, data + at, len - at < 1000 ? len - at : 1000, &h->e), 0);
	assert_int_equal(packing_end(p, &h->e), 0);
	packing_free(p);
	close(fd);
}

/* Length of what comes out, or -1. */
static long unpack(struct home *h, const char *path, struct buf *out)
{
	char chunk[777];
	ssize_t n = -1;
	int fd = open(path, O_RDONLY);
	struct unpacking *u = unpacking_new(fd, path, &h->e);
	while (u && (n = unpacking_read(u, chunk, sizeof(chunk), &h->e)) > 0)
		buf_add(out, chunk, (size_t)n);
	unpacking_free(u);
	close(fd);
	return n < 0 ? -1 : (long)out->len;
}

static void it_comes_back_whole(void **state)
{
	static const char *const names[] = { "a.sql", "a.sql.gz", "a.sql.zst" };
	struct home *h = *state;
	struct stat st;
	fill();
	for (size_t i = 0; i < countof(names); i++) {
		cleanup_buf struct buf out = BUF_INIT;
		const char *path = in_home(h, names[i]);
		pack(h, path, big, BIG);
		assert_int_equal(unpack(h, path, &out), BIG);
		assert_memory_equal(out.data, big, BIG);
		stat(path, &st);
		assert_true(i ? st.st_size < BIG : st.st_size == BIG);
	}
}

static void nothing_is_nothing(void **state)
{
	struct home *h = *state;
	cleanup_buf struct buf out = BUF_INIT;
	pack(h, in_home(h, "empty.gz"), "", 0);
	assert_int_equal(unpack(h, in_home(h, "empty.gz"), &out), 0);
	pack(h, in_home(h, "empty"), "", 0);
	assert_int_equal(unpack(h, in_home(h, "empty"), &out), 0);
}

static void a_cut_is_an_error(void **state)
{
	static const char *const names[] = { "a.gz", "a.zst" };
	struct home *h = *state;
	struct stat st;
	fill();
	for (size_t i = 0; i < countof(names); i++) {
		cleanup_buf struct buf out = BUF_INIT;
		const char *path = in_home(h, names[i]);
		pack(h, path, big, BIG);
		stat(path, &st);
		assert_int_equal(truncate(path, st.st_size - 10), 0);
		assert_int_equal(unpack(h, path, &out), -1);
		assert_non_null(strstr(h->e.text, names[i]));
	}
}

/* The rest of the pipe may be a long time coming. */
static void a_portion_is_given_as_it_comes(void **state)
{
	struct home *h = *state;
	char chunk[1000];
	int ends[2];
	const char *first = "select 1; -- long enough for all that looks at a beginning\n";
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fd_write(ends[1], first, strlen(first)), 0);
	struct unpacking *u = unpacking_new(ends[0], "pipe", &h->e);
	assert_non_null(u);
	assert_int_equal(unpacking_read(u, chunk, sizeof(chunk), &h->e), strlen(first));
	assert_int_equal(fd_write(ends[1], "two", 3), 0);
	assert_int_equal(unpacking_read(u, chunk, sizeof(chunk), &h->e), 3);
	close(ends[1]);
	assert_int_equal(unpacking_read(u, chunk, sizeof(chunk), &h->e), 0);
	unpacking_free(u);
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_comes_back_whole, home_setup, home_teardown),
		cmocka_unit_test_setup_teardown(nothing_is_nothing, home_setup, home_teardown),
		cmocka_unit_test_setup_teardown(a_cut_is_an_error, home_setup, home_teardown),
		cmocka_unit_test_setup_teardown(
			a_portion_is_given_as_it_comes, home_setup, home_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
