/* Bytes between two threads, and the map of a workspace's volumes. Guards: all of it comes through
 * in order, whoever is slower; what failed first is told; what the map says is read back. */
#include "run_test.h"

#include "run/io/conduit.h"
#include "run/io/http.h"
#include "run/data/volume_map.h"

enum { MUCH = 9 * 1000 * 1000 + 7 };

struct side {
	size_t stop_at; /* fails there; 0: never */
	size_t piece;   /* bytes at once */
	size_t passed;
	bool pulls;
};

static unsigned char byte_at(size_t i)
{
	return (unsigned char)(i * 31 + i / 251);
}

static int give(void *ctx, struct conduit *c, struct err *e)
{
	struct side *s = ctx;
	char piece[70000];
	while (s->passed < MUCH) {
		size_t n = s->piece < MUCH - s->passed ? s->piece : MUCH - s->passed;
		if (s->stop_at && s->passed >= s->stop_at)
			return err_set(e, ERR_FAILED, "the giver failed");
		for (size_t i = 0; i < n; i++)
			piece[i] = (char)byte_at(s->passed + i);
		if (!conduit_put(c, piece, n))
			return err_set(e, ERR_FAILED, "nobody takes");
		s->passed += n;
	}
	return 0;
}

static ssize_t next(struct side *s, struct conduit *c, const char **data, char *own, size_t size)
{
	if (!s->pulls)
		return conduit_take(c, data);
	*data = own;
	size_t n = conduit_pull(c, own, size);
	return n == HTTP_GIVE_UP ? -1 : (ssize_t)n;
}

static int take(void *ctx, struct conduit *c, struct err *e)
{
	struct side *s = ctx;
	const char *data;
	char own[1000];
	ssize_t n;
	while ((n = next(s, c, &data, own, sizeof(own))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			if ((unsigned char)data[i] != byte_at(s->passed + (size_t)i))
				return err_set(e, ERR_FAILED, "a wrong byte");
		s->passed += (size_t)n;
		if (s->stop_at && s->passed >= s->stop_at)
			return err_set(e, ERR_FAILED, "the taker failed");
	}
	return n < 0 ? err_set(e, ERR_FAILED, "cut off") : 0;
}

static int pass(struct side *giver, struct side *taker, bool gives_here, struct err *e)
{
	struct conduit_side g = { give, giver }, t = { take, taker };
	return conduit_run(gives_here ? &g : &t, gives_here ? &t : &g, gives_here, e);
}

static void all_of_it_comes_through(void **state)
{
	static const size_t pieces[] = { 1000, 16384, 65536, 70000 };
	(void)state;
	for (size_t i = 0; i < 2 * countof(pieces); i++) {
		struct err e = ERR_INIT;
		struct side giver = { .piece = pieces[i / 2] }, taker = { .pulls = i % 2 };
		assert_int_equal(pass(&giver, &taker, i % 2, &e), 0);
		assert_int_equal(taker.passed, MUCH);
	}
}

static void what_failed_first_is_told(void **state)
{
	(void)state;
	for (int here = 0; here < 2; here++) {
		struct err e = ERR_INIT;
		struct side giver = { .piece = 5000, .stop_at = 3000000 },
			    taker = { .pulls = here };
		assert_int_equal(pass(&giver, &taker, here, &e), -1);
		assert_string_equal(e.text, "the giver failed");
		giver = (struct side){ .piece = 5000 };
		taker = (struct side){ .stop_at = 3000000 };
		assert_int_equal(pass(&giver, &taker, here, &e), -1);
		assert_string_equal(e.text, "the taker failed");
		assert_true(giver.passed < MUCH);
	}
}

static void the_map_is_read_back(void **state)
{
	struct home *h = *state;
	struct world w = { .now = 0 };
	struct volume_record *r = volume_map_at(&h->a, &h->world, "data", NULL);
	r->engine = "shop_data.1234abcd";
	r->before = "shop_data";
	volume_map_serve(&h->world, r);
	strs_add(&h->a, &h->world.leaving, "shop_data.00000000");
	h->world.halted.by = "restore";
	strs_add(&h->a, &h->world.halted.services, "db");
	assert_int_equal(volume_map_save(&h->places, &h->world, &h->e), 0);
	assert_int_equal(volume_map_load(&h->a, &h->places, &w, &h->e), 0);
	assert_string_equal(world_volume(&w, "data")->before, "shop_data");
	assert_true(strs_has(&w.leaving, "shop_data.00000000") && w.leaving.count == 1);
	assert_string_equal(w.halted.by, "restore");
	assert_true(strs_has(&w.halted.services, "db") && w.halted.services.count == 1);
	/* What nobody says is none, also where there was some before. */
	w.leaving.count = w.halted.services.count = 0;
	assert_int_equal(volume_map_save(&h->places, &w, &h->e), 0);
	assert_int_equal(volume_map_load(&h->a, &h->places, &h->world, &h->e), 0);
	assert_int_equal(h->world.leaving.count + h->world.halted.services.count, 0);
	assert_int_equal(volume_map_forget(&h->places, &h->world, &h->e), 0);
	assert_int_equal(h->world.volume_map.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it_comes_through),
		cmocka_unit_test(what_failed_first_is_told),
		cmocka_unit_test_setup_teardown(the_map_is_read_back, home_setup, home_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
