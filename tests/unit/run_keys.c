/* Keys and certificates: whatever kind of key the authority has, and only its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "run/secrets/keys.h"

struct pair {
	struct buf certificate, key;
};

static struct arena arena;
static struct err error;

/* key: its own one, or empty for a new one. */
static void make_authority(struct pair *p)
{
	struct certificate_wish wish = {
		.name = "authority", .days = 9, .issuer_key = p->key.len ? &p->key : NULL
	};
	struct buf *key = p->key.len ? NULL : &p->key;
	assert_int_equal(certificate_make(&wish, &p->certificate, key, &error), 0);
}

static int make_leaf(const struct pair *by, const struct buf *key, struct pair *leaf)
{
	struct strs hosts = { 0 };
	strs_add(&arena, &hosts, "app.localhost");
	struct certificate_wish wish = { .name = "app.localhost",
		.hosts = &hosts,
		.days = 9,
		.issuer = &by->certificate,
		.issuer_key = key };
	return certificate_make(&wish, &leaf->certificate, &leaf->key, &error);
}

static void release(struct pair *p)
{
	buf_wipe(&p->certificate);
	buf_wipe(&p->key);
}

static void any_kind_of_key_signs(void **state)
{
	(void)state;
	for (int rsa = 0; rsa < 2; rsa++) {
		struct pair ca = { BUF_INIT, BUF_INIT }, leaf = { BUF_INIT, BUF_INIT };
		struct buf public = BUF_INIT;
		if (rsa)
			assert_int_equal(key_pair(RECIPE_RSA, 2048, &ca.key, &public, &error), 0);
		make_authority(&ca);
		assert_int_equal(make_leaf(&ca, &ca.key, &leaf), 0);
		assert_true(certificate_signed(&leaf.certificate, &ca.certificate));
		buf_release(&public);
		release(&ca);
		release(&leaf);
	}
}

static void the_key_of_another_does_not_sign(void **state)
{
	struct pair ca = { BUF_INIT, BUF_INIT }, other = { BUF_INIT, BUF_INIT };
	struct pair leaf = { BUF_INIT, BUF_INIT };
	(void)state;
	make_authority(&ca);
	make_authority(&other);
	assert_int_equal(make_leaf(&ca, &other.key, &leaf), -1);
	assert_non_null(strstr(error.text, "not that of the authority"));
	assert_int_equal(leaf.certificate.len, 0);
	release(&ca);
	release(&other);
	release(&leaf);
}

/* More certificates than are remembered, each asked about twice, told apart to the last byte. */
static void certificates_are_not_mixed_up(void **state)
{
	enum { COUNT = 7 };
	struct pair all[COUNT];
	const char *prints[COUNT];
	struct certificate_facts f;
	(void)state;
	memset(all, 0, sizeof(all));
	for (int i = 0; i < COUNT; i++) {
		make_authority(&all[i]);
		assert_int_equal(certificate_look(&arena, &all[i].certificate, &f, &error), 0);
		prints[i] = f.fingerprint;
		for (int k = 0; k < i; k++)
			assert_string_not_equal(prints[k], prints[i]);
	}
	for (int turn = 0; turn < 2; turn++) {
		for (int i = 0; i < COUNT; i++) {
			assert_int_equal(
				certificate_look(&arena, &all[i].certificate, &f, &error), 0);
			assert_string_equal(f.fingerprint, prints[i]);
		}
	}
	all[0].certificate.data[all[0].certificate.len / 2] ^= 1;
	bool read = !certificate_look(&arena, &all[0].certificate, &f, &error);
	assert_true(!read || strcmp(f.fingerprint, prints[0]));
	for (int i = 0; i < COUNT; i++)
		release(&all[i]);
}

static int drop(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_kind_of_key_signs),
		cmocka_unit_test(the_key_of_another_does_not_sign),
		cmocka_unit_test(certificates_are_not_mixed_up),
	};
	return cmocka_run_group_tests(tests, NULL, drop);
}
