/*
 * Room run, secrets. Guards: a value stays until its recipe changes or a rotation is asked for, a
 * keyring that others could read is refused, values never reach a fingerprint or a redacted text.
 */
#include "run_test.h"

#include <ctype.h>

#include "run/secrets/keyring.h"
#include "run/secrets/marks.h"
#include "run/secrets/vault.h"

static struct vault *opened(struct home *h)
{
	struct vault *v = vault_open(&h->places, true, &h->e);
	assert_non_null(v);
	return v;
}

static const char *value(struct home *h, struct vault *v, const char *name)
{
	struct buf out = BUF_INIT;
	assert_int_equal(vault_get(v, name, &out, &h->e), 0);
	const char *text = arena_strdup(&h->a, buf_str(&out));
	buf_wipe(&out);
	return text;
}

static const char *keyring(struct home *h)
{
	return path_join(&h->a, h->places.state, "keyring.json");
}

static void recipes_have_their_shape(void **state)
{
	struct home *h = *state;
	struct buf public = BUF_INIT;
	add_secret(h, "p", RECIPE_PASSWORD, 40, NULL);
	add_secret(h, "h", RECIPE_HEX, 16, NULL);
	add_secret(h, "b", RECIPE_BASE64, 30, NULL);
	add_secret(h, "u", RECIPE_UUID, 0, NULL);
	add_secret(h, "e", RECIPE_ED25519, 0, NULL);
	add_secret(h, "r", RECIPE_RSA, 2048, NULL);
	struct vault *v = opened(h);
	assert_true(vault_fresh(v));
	assert_int_equal(vault_ensure(v, NULL, &h->project, &h->e), 0);
	const char *p = value(h, v, "p");
	assert_int_equal(strlen(p), 40);
	for (size_t i = 0; p[i]; i++)
		assert_true(isalnum((unsigned char)p[i]));
	assert_int_equal(strlen(value(h, v, "h")), 32);
	assert_int_equal(strlen(value(h, v, "b")), 40);
	const char *u = value(h, v, "u");
	assert_int_equal(strlen(u), 36);
	assert_true(u[14] == '4' && strchr("89ab", u[19]));
	assert_true(starts_with(value(h, v, "r"), "-----BEGIN PRIVATE KEY-----"));
	assert_int_equal(vault_public(v, "e", &public, &h->e), 0);
	assert_true(starts_with(buf_str(&public), "-----BEGIN PUBLIC KEY-----"));
	assert_int_equal(vault_public(v, "p", &public, &h->e), -1);
	buf_release(&public);
	assert_int_equal(mode_of(keyring(h)), 0600);
	assert_int_equal(mode_of(h->places.state), 0700);
	vault_close(v);
}

static void passwords_are_unbiased(void **state)
{
	struct home *h = *state;
	unsigned seen[256] = { 0 };
	add_secret(h, "p", RECIPE_PASSWORD, 62000, NULL);
	struct vault *v = opened(h);
	assert_int_equal(vault_ensure(v, NULL, &h->project, &h->e), 0);
	for (const char *p = value(h, v, "p"); *p; p++)
		seen[(unsigned char)*p]++;
	for (int c = 0; c < 256; c++) /* 1000 expected; six standard deviations */
		assert_true(isalnum(c) ? seen[c] > 810 && seen[c] < 1190 : !seen[c]);
	vault_close(v);
}

static void values_stay(void **state)
{
	struct home *h = *state;
	add_secret(h, "db", RECIPE_PASSWORD, 32, NULL);
	struct vault *v = opened(h);
	assert_int_equal(vault_ensure(v, NULL, &h->project, &h->e), 0);
	const char *first = value(h, v, "db");
	vault_fingerprints(v, &h->a, &h->project, &h->world);
	const char *print = h->world.secrets.items[0].fingerprint;
	assert_null(strstr(print, first));
	vault_close(v);

	struct stat before, after;
	assert_int_equal(lstat(keyring(h), &before), 0);
	v = opened(h);
	assert_false(vault_fresh(v));
	assert_int_equal(vault_ensure(v, NULL, &h->project, &h->e), 0);
	assert_string_equal(value(h, v, "db"), first);
	assert_int_equal(lstat(keyring(h), &after), 0);
	assert_true(before.st_ino == after.st_ino); /* not even rewritten */
	h->world.secrets.count = 0;
	vault_fingerprints(v, &h->a, &h->project, &h->world);
	assert_string_equal(h->world.secrets.items[0].fingerprint, print);

	h->project.secrets.items[0].length = 20;
	assert_int_equal(vault_ensure(v, NULL, &h->project, &h->e), 0);
	assert_int_equal(strlen(value(h, v, "db")), 20);
	h->world.secrets.count = 0;
	vault_fingerprints(v, &h->a, &h->project, &h->world);
	assert_string_not_equal(h->world.secrets.items[0].fingerprint, print);
	vault_close(v);
}

static void rotation_keeps_the_old_value(void **state)
{
	struct home *h = *state;
	struct buf old = BUF_INIT;
	add_secret(h, "db", RECIPE_PASSWORD, 32, NULL);
	add_secret(h, "key", RECIPE_ED25519, 0, NULL);
	struct vault *v = opened(h);
	assert_int_equal(vault_ensure(v, NULL, &h->project, &h->e), 0);
	const char *first = value(h, v, "db"), *key = value(h, v, "key");
	assert_int_equal(vault_rotate(v, &h->project.secrets.items[0], &h->e), 0);
	assert_int_equal(vault_rotate(v, &h->project.secrets.items[1], &h->e), 0);
	const char *second = value(h, v, "db");
	assert_string_not_equal(first, second);
	vault_close(v); /* as if killed before the database followed */

	v = opened(h);
	assert_int_equal(vault_ensure(v, NULL, &h->project, &h->e), 0);
	assert_string_equal(value(h, v, "db"), second);
	assert_true(vault_previous(v, "db", &old));
	assert_string_equal(buf_str(&old), first);
	buf_wipe(&old);
	assert_int_equal(vault_settle(v, "db", true, &h->e), 0);
	assert_false(vault_previous(v, "db", &old));
	assert_int_equal(vault_settle(v, "key", false, &h->e), 0);
	assert_string_equal(value(h, v, "key"), key);
	assert_int_equal(vault_public(v, "key", &old, &h->e), 0);
	assert_true(old.len > 0);
	buf_wipe(&old);
	vault_close(v);
}

static void a_rotation_can_be_taken_back(void **state)
{
	struct home *h = *state;
	add_secret(h, "db", RECIPE_PASSWORD, 32, NULL);
	struct vault *v = opened(h), *other = opened(h);
	assert_int_equal(vault_ensure(v, NULL, &h->project, &h->e), 0);
	const char *first = value(h, v, "db");
	assert_int_equal(vault_offer(v, "db", "mine", 4, &h->e), 0);
	assert_string_equal(value(h, v, "db"), "mine");
	assert_int_equal(vault_swap(v, "db", &h->e), 0);
	assert_string_equal(value(h, v, "db"), first);
	assert_int_equal(vault_refresh(other, &h->e), 0); /* another process reads it again */
	assert_string_equal(value(h, other, "db"), first);
	assert_int_equal(vault_swap(v, "db", &h->e), 0);
	assert_int_equal(vault_settle(v, "db", true, &h->e), 0);
	assert_string_equal(value(h, other, "db"), first);
	assert_int_equal(vault_refresh(other, &h->e), 0);
	assert_string_equal(value(h, other, "db"), "mine");
	vault_close(other);
	vault_close(v);
}

/* Marks are of the machine: the same value has the same one in another keyring. */
static void marks_outlive_the_keyring(void **state)
{
	struct home *h = *state;
	unsigned char key[32], again[32];
	struct volume_marks marks = { 0 }, read = { 0 }, label = { 0 };
	add_secret(h, "db", RECIPE_PASSWORD, 32, NULL);
	assert_int_equal(marks_key(&h->places, false, key, &h->e), 1);
	assert_int_equal(marks_key(&h->places, true, key, &h->e), 0);
	assert_int_equal(marks_key(&h->places, false, again, &h->e), 0);
	assert_memory_equal(key, again, sizeof(key));
	struct vault *v = opened(h);
	assert_int_equal(vault_set(v, "db", "one", 3, &h->e), 0);
	vault_fingerprints(v, &h->a, &h->project, &h->world);
	vault_marks(v, &h->a, key, &h->world);
	const char *mark = h->world.secrets.items[0].mark,
		   *print = h->world.secrets.items[0].fingerprint;
	assert_null(h->world.secrets.items[0].previous_mark);
	vault_close(v);
	assert_int_equal(unlink(keyring(h)), 0);
	v = opened(h);
	assert_int_equal(vault_set(v, "db", "one", 3, &h->e), 0);
	assert_int_equal(vault_rotate(v, &h->project.secrets.items[0], &h->e), 0);
	vault_fingerprints(v, &h->a, &h->project, &h->world);
	vault_marks(v, &h->a, key, &h->world);
	assert_string_equal(h->world.secrets.items[0].previous_mark, mark);
	assert_string_not_equal(h->world.secrets.items[0].mark, mark);
	assert_string_not_equal(h->world.secrets.items[0].fingerprint, print);
	vault_close(v);

	marks_parse(
		&h->a, "vol", arena_printf(&h->a, "db=%s broken= x other=%s", mark, mark), &label);
	assert_int_equal(label.count, 2);
	*list_push(&h->a, &marks) = *volume_mark_find(&label, "vol", "db");
	assert_int_equal(marks_save(&h->places, &marks, &h->e), 0);
	marks_load(&h->a, &h->places, &read);
	assert_true(strs_has(&volume_mark_find(&read, "vol", "db")->marks, mark));
	assert_null(volume_mark_find(&read, "vol", "other"));
}

static void open_keyrings_are_refused(void **state)
{
	struct home *h = *state;
	add_secret(h, "db", RECIPE_PASSWORD, 32, NULL);
	struct vault *v = opened(h);
	assert_int_equal(vault_ensure(v, NULL, &h->project, &h->e), 0);
	vault_close(v);
	assert_int_equal(chmod(keyring(h), 0644), 0);
	assert_null(vault_open(&h->places, true, &h->e));
	assert_non_null(strstr(h->e.hint, "chmod 600"));
	assert_int_equal(
		mode_of(keyring(h)), 0644); /* never narrowed behind the developer's back */
	assert_int_equal(chmod(keyring(h), 0600), 0);
	assert_int_equal(chmod(h->places.state, 0777), 0);
	assert_null(vault_open(&h->places, true, &h->e));
	assert_int_equal(chmod(h->places.state, 0700), 0);
	if (!geteuid()) {
		assert_int_equal(chown(keyring(h), 12345, 12345), 0);
		assert_null(vault_open(&h->places, true, &h->e));
		assert_non_null(strstr(h->e.text, "uid 12345"));
		assert_int_equal(chown(keyring(h), 0, 0), 0);
	}
	const char *away = in_home(h, "away");
	assert_int_equal(rename(keyring(h), away), 0);
	assert_int_equal(symlink(away, keyring(h)), 0);
	assert_null(vault_open(&h->places, true, &h->e));
	assert_int_equal(unlink(keyring(h)), 0);
	assert_int_equal(rename(away, keyring(h)), 0);
	v = opened(h);
	vault_close(v);
}

static void a_damaged_keyring_is_not_replaced(void **state)
{
	static const char *const damage[] = { "", "{", "{\"key\":\"AA==\"}",
		"{\"version\":1,\"key\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\","
		"\"secrets\":{\"db\":{\"value\":\"!!!!\"}}}" };
	struct home *h = *state;
	assert_int_equal(dir_make(h->places.state, 0700, &h->e), 0);
	for (size_t i = 0; i < countof(damage); i++) {
		assert_int_equal(
			file_write(keyring(h), damage[i], strlen(damage[i]), 0600, false, &h->e),
			0);
		assert_null(vault_open(&h->places, true, &h->e));
		assert_string_equal(get_file(h, keyring(h)), damage[i]);
	}
}

static void sources_are_read_on_every_run(void **state)
{
	struct home *h = *state;
	put_file(h, in_project(h, "token"), "one\n");
	setenv("DEVENV_TEST_KEY", "from env", 1);
	add_secret(h, "f", RECIPE_FILE, 0, "token");
	add_secret(h, "v", RECIPE_ENVIRONMENT, 0, "DEVENV_TEST_KEY");
	add_secret(h, "c", RECIPE_COMMAND, 0, "printf 'a\\nb\\n'; exit ${FAIL_WITH:-0}");
	add_secret(h, "l", RECIPE_VALUE, 0, "literal");
	struct loop *l = loop_new();
	struct vault *v = opened(h);
	assert_int_equal(vault_ensure(v, l, &h->project, &h->e), 0);
	assert_string_equal(value(h, v, "f"), "one\n");
	assert_string_equal(value(h, v, "v"), "from env");
	assert_string_equal(value(h, v, "c"), "a\nb");
	assert_string_equal(value(h, v, "l"), "literal");
	assert_false(file_exists(keyring(h))); /* none of them is ours to keep */
	put_file(h, in_project(h, "token"), "two\n");
	unsetenv("DEVENV_TEST_KEY");
	setenv("FAIL_WITH", "3", 1);
	assert_int_equal(vault_ensure(v, l, &h->project, &h->e), 0);
	assert_string_equal(value(h, v, "f"), "two\n");
	struct buf out = BUF_INIT;
	assert_int_equal(vault_get(v, "v", &out, &h->e), -1);
	assert_non_null(strstr(h->e.text, "DEVENV_TEST_KEY is not set"));
	assert_int_equal(vault_get(v, "c", &out, &h->e), -1);
	assert_non_null(strstr(h->e.text, "status 3"));
	unsetenv("FAIL_WITH");
	assert_int_equal(vault_set(v, "v", "by hand", 7, &h->e), 0);
	vault_close(v);
	v = opened(h);
	assert_int_equal(vault_ensure(v, l, &h->project, &h->e), 0);
	assert_string_equal(value(h, v, "v"), "by hand");
	vault_close(v);
	loop_free(l);
}

static void any_bytes_are_kept(void **state)
{
	struct home *h = *state;
	static const size_t lengths[] = { 0, 1, 2, 3, 4, 65536 };
	char *bytes = arena_alloc(&h->a, 65536);
	assert_int_equal(random_bytes(bytes, 65536, &h->e), 0);
	struct vault *v = opened(h);
	for (size_t i = 0; i < countof(lengths); i++)
		assert_int_equal(
			vault_set(v, arena_printf(&h->a, "s%zu", i), bytes, lengths[i], &h->e), 0);
	vault_close(v);
	v = opened(h);
	for (size_t i = 0; i < countof(lengths); i++) {
		struct buf out = BUF_INIT;
		assert_int_equal(vault_get(v, arena_printf(&h->a, "s%zu", i), &out, &h->e), 0);
		assert_int_equal(out.len, lengths[i]);
		if (out.len)
			assert_memory_equal(out.data, bytes, out.len);
		buf_wipe(&out);
	}
	vault_close(v);
}

static void reading_commands_make_nothing(void **state)
{
	struct home *h = *state;
	struct buf out = BUF_INIT;
	add_secret(h, "db", RECIPE_PASSWORD, 32, NULL);
	struct vault *v = vault_open(&h->places, false, &h->e);
	assert_non_null(v);
	assert_int_equal(vault_ensure(v, NULL, &h->project, &h->e), 0);
	assert_int_equal(vault_get(v, "db", &out, &h->e), -1);
	assert_false(dir_exists(h->places.state));
	vault_close(v);
}

static void text_is_redacted(void **state)
{
	struct home *h = *state;
	struct buf text = BUF_INIT;
	struct vault *v = opened(h);
	assert_int_equal(vault_set(v, "a", "s3cret/+", 8, &h->e), 0);
	assert_int_equal(vault_set(v, "b", "s3cret/+longer\n", 15, &h->e), 0);
	assert_int_equal(vault_set(v, "c", "abc", 3, &h->e), 0);
	assert_int_equal(vault_set(v, "d", "-----BEGIN-----\nMIIBVQIBADANBgkqhkiG\n-----END-----\n",
				 51, &h->e),
		0);
	buf_adds(&text, "x s3cret/+ s3cret/+longer u:s3cret%2F%2B@h abc\nMIIBVQIBADANBgkqhkiG "
			"-----BEGIN-----");
	vault_redact(v, &text);
	assert_string_equal(text.data, "x *** *** u:***@h abc\n*** -----BEGIN-----");
	buf_release(&text);
	vault_close(v);
}

/* The quick look never misses what vault_redact() would replace, wherever in a text it stands. */
static void a_quick_look_misses_nothing(void **state)
{
	struct home *h = *state;
	struct vault *v = opened(h);
	assert_null(redactor_new(NULL));
	assert_int_equal(vault_set(v, "a", "s3cret/+and-some-more", 21, &h->e), 0);
	assert_int_equal(vault_set(v, "b", "abc", 3, &h->e), 0);
	assert_int_equal(vault_set(v, "c", "-----BEGIN-----\nMIIBVQIBADANBgkqhkiG\n-----END-----\n",
				 51, &h->e),
		0);
	struct redactor *r = redactor_new(v);
	static const char *const forms[] = { "s3cret/+and-some-more", "s3cret%2F%2Band-some-more",
		"MIIBVQIBADANBgkqhkiG" };
	for (size_t f = 0; f < countof(forms); f++)
		for (int before = 0; before < 40; before++) {
			cleanup_buf struct buf text = BUF_INIT;
			buf_pad(&text, '.', (size_t)before);
			buf_adds(&text, forms[f]);
			assert_true(redactor_suspects(r, text.data, text.len));
			buf_pad(&text, '.', 7);
			assert_true(redactor_suspects(r, text.data, text.len));
		}
	static const char harmless[] = "the quick brown fox jumps over the lazy dog";
	assert_false(redactor_suspects(r, harmless, strlen(harmless)));
	assert_false(redactor_suspects(r, "abc", 3));
	redactor_free(r);
	vault_close(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(recipes_have_their_shape),
		test(passwords_are_unbiased),
		test(values_stay),
		test(rotation_keeps_the_old_value),
		test(a_rotation_can_be_taken_back),
		test(marks_outlive_the_keyring),
		test(open_keyrings_are_refused),
		test(a_damaged_keyring_is_not_replaced),
		test(sources_are_read_on_every_run),
		test(any_bytes_are_kept),
		test(reading_commands_make_nothing),
		test(text_is_redacted),
		test(a_quick_look_misses_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
