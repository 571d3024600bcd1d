/* What is remembered of certificates is what OpenSSL says of them, and never a key. */
#include "run_test.h"

#include "base/os.h"
#include "run/secrets/certificate.h"
#include "run/secrets/certificate_facts.h"
#include "run/io/spawn.h"

static struct buf leaf_of(struct home *h, const char *name)
{
	struct strs hosts = { 0 };
	struct buf pem = BUF_INIT;
	strs_add(&h->a, &hosts, name);
	strs_add(&h->a, &hosts, "localhost");
	assert_int_equal(leaf_ensure(&h->places, &h->a, &hosts, &h->world, &h->e), 0);
	const char *path = path_join(&h->a, h->places.state, "leaf.pem");
	assert_int_equal(file_read(path, 1 << 16, &pem, &h->e), 0);
	return pem;
}

static struct buf authority_of(struct home *h)
{
	struct buf pem = BUF_INIT;
	assert_int_equal(certificate_pem(&h->places, FROM_AUTHORITY, false, &pem, &h->e), 0);
	return pem;
}

static void assert_same(struct home *h, const struct buf *pem)
{
	struct certificate_facts seen, known;
	assert_int_equal(certificate_look(&h->a, pem, &seen, &h->e), 0);
	assert_int_equal(certificate_facts(&h->a, &h->places, pem, &known, &h->e), 0);
	assert_string_equal(known.subject, seen.subject);
	assert_string_equal(known.fingerprint, seen.fingerprint);
	assert_string_equal(
		strs_join(&h->a, &known.hosts, ","), strs_join(&h->a, &seen.hosts, ","));
	assert_true(known.not_before == seen.not_before && known.not_after == seen.not_after);
}

/* Calls fn with each file of the cache; how many there were. */
static int each_file(struct home *h, void (*fn)(struct home *, const char *path))
{
	const char *dir = path_join(&h->a, h->places.cache, "certificates");
	const char *list = path_join(&h->a, h->dir, "list");
	int count = 0;
	const char *command = arena_printf(&h->a, "ls -d %s/* >%s", dir, list);
	struct spawn s = { .argv = (const char *[]){ "sh", "-c", command, NULL } };
	int status = 1;
	struct loop *l = loop_new();
	assert_int_equal(spawn_run(l, &s, &status, &h->e), 0);
	loop_free(l);
	for (const char *p = get_file(h, list); p && *p; p += strcspn(p, "\n") + 1, count++)
		fn(h, arena_strndup(&h->a, p, strcspn(p, "\n")));
	return count;
}

static void has_no_key(struct home *h, const char *path)
{
	const char *text = get_file(h, path);
	assert_null(strstr(text, "KEY"));
	assert_null(strstr(text, "MI")); /* how such base64 begins */
	assert_int_equal(mode_of(path), 0600);
}

static void damage(struct home *h, const char *path)
{
	put_file(h, path, "{ \"subject\": \"x\" ");
}

static void facts_are_those_of_openssl(void **state)
{
	struct home *h = *state;
	struct buf leaf = leaf_of(h, "app.localhost"), authority = authority_of(h);
	for (int turn = 0; turn < 2; turn++) {
		assert_same(h, &leaf);
		assert_same(h, &authority);
		assert_true(certificate_issued(&h->places, &leaf, &authority));
		assert_false(certificate_issued(&h->places, &authority, &leaf));
	}
	assert_int_equal(each_file(h, has_no_key), 3); /* two of facts, one signature */
	each_file(h, damage);
	assert_same(h, &leaf);
	assert_same(h, &authority);
	buf_wipe(&leaf);
	buf_release(&authority);
}

static void another_certificate_is_looked_at(void **state)
{
	struct home *h = *state;
	struct buf one = leaf_of(h, "one.localhost"), authority = authority_of(h);
	assert_same(h, &one);
	assert_true(certificate_issued(&h->places, &one, &authority));
	struct buf two = leaf_of(h, "two.localhost");
	assert_same(h, &two);
	assert_same(h, &one);
	assert_int_equal(tree_remove(path_join(&h->a, h->places.data, "ca"), &h->e), 0);
	struct buf three = leaf_of(h, "two.localhost"), other = authority_of(h);
	assert_false(certificate_issued(&h->places, &one, &other));
	assert_true(certificate_issued(&h->places, &three, &other));
	buf_wipe(&one);
	buf_wipe(&two);
	buf_wipe(&three);
	buf_release(&authority);
	buf_release(&other);
}

/* A cache that cannot be written costs time, nothing else. */
static void no_cache_is_no_harm(void **state)
{
	struct home *h = *state;
	put_file(h, h->places.cache, "in the way");
	struct buf leaf = leaf_of(h, "app.localhost"), authority = authority_of(h);
	assert_same(h, &leaf);
	assert_true(certificate_issued(&h->places, &leaf, &authority));
	h->places.cache = NULL;
	assert_same(h, &leaf);
	assert_true(certificate_issued(&h->places, &leaf, &authority));
	buf_wipe(&leaf);
	buf_release(&authority);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			facts_are_those_of_openssl, home_setup, home_teardown),
		cmocka_unit_test_setup_teardown(
			another_certificate_is_looked_at, home_setup, home_teardown),
		cmocka_unit_test_setup_teardown(no_cache_is_no_harm, home_setup, home_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
