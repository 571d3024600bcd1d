/*
 * What an image says of itself, from its texts and archives alone: packages, accounts, release,
 * locale, owners; from tar streams in pieces of any size, long names, and such as lie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/os.h"
#include "doc/json.h"
#include "run/engine/image_facts.h"
#include "run/files/tar.h"

static const char *fact(const struct image_facts *f, const char *group, const char *name)
{
	for (size_t i = 0; i < f->items.count; i++) {
		const struct image_fact *x = &f->items.items[i];
		if (streq(x->group, group) && streq(x->name, name))
			return x->value;
	}
	return NULL;
}

/* ---- texts ---- */

static void packages(void **state)
{
	struct arena a = ARENA_INIT;
	struct image_facts f = { 0 };
	(void)state;
	facts_of_dpkg(&a,
		"Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n"
		"Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: "
		"2.36-9\n"
		"Description: x\n Version: 9\n\n"
		"Package: libc6\nStatus: install ok installed\nArchitecture: i386\nVersion: "
		"2.36-8\n\n"
		"Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n\n"
		"Package: half\n\n"
		"Version: 3\n\n"
		"Package: last\nStatus: install ok installed\nVersion: 1:2~rc1",
		&f);
	assert_int_equal(f.items.count, 4);
	assert_string_equal(fact(&f, "packages", "libc6"), "2.36-9");
	assert_string_equal(fact(&f, "packages", "libc6:i386"), "2.36-8");
	assert_string_equal(fact(&f, "packages", "last"), "1:2~rc1");
	f = (struct image_facts){ 0 };
	facts_of_apk(
		&a, "C:Q1\nP:musl\nV:1.2.4-r2\nA:x86_64\n\nP:busybox\nV:1.36.1-r5\nF:bin\n", &f);
	assert_int_equal(f.items.count, 2);
	assert_string_equal(fact(&f, "packages", "musl"), "1.2.4-r2");
	assert_string_equal(fact(&f, "packages", "busybox"), "1.36.1-r5");
	arena_release(&a);
}

static void systems(void **state)
{
	struct arena a = ARENA_INIT;
	struct image_facts f = { 0 };
	(void)state;
	facts_of_release(&a, "PRETTY_NAME=\"Debian 12\"\nID=debian\nVERSION_ID='12'\nX\n=\n", &f);
	facts_of_accounts(
		&a, "users", "root:x:0:0:r:/root:/bin/sh\nbad\na:b\nc:x:7\napp:x:5:6:\n", &f);
	facts_of_accounts(&a, "groups", "root:x:0:\nno\nadm:*:4:a,b\nlast:x:9", &f);
	facts_of_locale(&a, "# x\nLANG=C.UTF-8\nLC_TIME=\"de_DE.UTF-8\"\nPATH=/bin\n", &f);
	assert_string_equal(fact(&f, "os", "name"), "Debian 12");
	assert_string_equal(fact(&f, "os", "id"), "debian");
	assert_string_equal(fact(&f, "os", "version"), "12");
	assert_string_equal(fact(&f, "users", "root"), "0:0");
	assert_string_equal(fact(&f, "users", "app"), "5:6");
	assert_null(fact(&f, "users", "bad"));
	assert_string_equal(fact(&f, "groups", "adm"), "4");
	assert_string_equal(fact(&f, "groups", "last"), "9");
	assert_string_equal(fact(&f, "locale", "system_LC_TIME"), "de_DE.UTF-8");
	assert_null(fact(&f, "locale", "system_PATH"));
	arena_release(&a);
}

static void settings(void **state)
{
	static const char text[] =
		"{\"Architecture\":\"amd64\",\"Config\":{\"Env\":[\"PATH=/"
		"bin\",\"LANG=C\",\"TZ=UTC\","
		"\"EMPTY=\",\"odd\"],\"Cmd\":[\"a\",\"b c\"],\"Entrypoint\":null,\"User\":\"\","
		"\"ExposedPorts\":{\"80/tcp\":{}},\"Labels\":{\"devenv.image\":\"api\","
		"\"devenv.version\":\"1\",\"org.opencontainers.image.created\":\"now\"}}}";
	struct arena a = ARENA_INIT;
	struct image_facts f = { 0 };
	struct err e = ERR_INIT;
	(void)state;
	facts_of_config(&a, json_read(&a, text, strlen(text), "it", &e), &f);
	assert_string_equal(fact(&f, "environment", "PATH"), "/bin");
	assert_string_equal(fact(&f, "environment", "EMPTY"), "");
	assert_string_equal(fact(&f, "locale", "LANG"), "C");
	assert_string_equal(fact(&f, "timezone", "TZ"), "UTC");
	assert_string_equal(fact(&f, "command", NULL), "[\"a\", \"b c\"]");
	assert_null(fact(&f, "entrypoint", NULL));
	assert_null(fact(&f, "user", NULL));
	assert_string_equal(fact(&f, "ports", "80/tcp"), "yes");
	assert_string_equal(fact(&f, "labels", "devenv.image"), "api");
	assert_null(fact(&f, "labels", "devenv.version"));
	assert_null(fact(&f, "labels", "org.opencontainers.image.created"));
	facts_of_config(&a, NULL, &f);
	arena_release(&a);
}

/* ---- archives ---- */

struct made { /* a tar archive */
	struct buf bytes;
};

static void close_header(char h[512])
{
	unsigned sum = 0;
	memset(h + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
}

static void add(struct made *m, char type, const char *path, const char *target, const char *text,
	size_t len)
{
	char h[512] = "";
	snprintf(h, 100, "%s", path);
	snprintf(h + 100, 8, "%07o", 0644);
	snprintf(h + 108, 8, "%07o", 1000);
	snprintf(h + 116, 8, "%07o", 5);
	snprintf(h + 124, 12, "%011o", (unsigned)(len & 0xffffff));
	h[156] = type;
	snprintf(h + 157, 100, "%s", target);
	memcpy(h + 257, "ustar\00000", 8);
	close_header(h);
	buf_add(&m->bytes, h, 512);
	buf_add(&m->bytes, text, len);
	buf_pad(&m->bytes, '\0', -len & 511);
}

static void finish(struct made *m)
{
	buf_pad(&m->bytes, '\0', 1024);
}

static struct image_facts read_tree(
	struct arena *a, const struct made *m, const struct image_path *path, size_t piece)
{
	struct image_facts f = { 0 };
	struct image_tree *t = image_tree_new(a, path, &f);
	const char *at = buf_str(&m->bytes), *end = at + m->bytes.len;
	while (at < end) {
		size_t n = (size_t)(end - at) < piece ? (size_t)(end - at) : piece;
		if (!image_tree_feed(t, at, n))
			break;
		at += n;
	}
	image_tree_end(t, true);
	return f;
}

static void whole_tree(struct made *m)
{
	static const char pax[] = "30 mtime=1350244992.023960108\n19 path=api/ein/\xc3\xa4\n";
	char name[201], record[300];
	memset(name, 'n', 200);
	name[200] = '\0';
	snprintf(record, sizeof(record), "214 path=api/%s\n", name);
	add(m, '5', "api/", "", "", 0);
	add(m, '0', "api/a", "", "abc", 3);
	add(m, '0', "api/empty", "", "", 0);
	add(m, '2', "api/link", "../x:y z", "", 0);
	add(m, '1', "api/hard", "api/a", "", 0);
	add(m, 'x', "PaxHeaders", "", pax, strlen(pax));
	add(m, '0', "api/short", "", "x", 1);
	add(m, 'x', "PaxHeaders", "", record, strlen(record));
	add(m, '5', "api/short", "", "", 0);
	add(m, 'L', "././@LongLink", "", "api/long-by-gnu", 15);
	add(m, '0', "api/lo", "", "y", 1);
	add(m, '3', "api/device", "", "", 0);
	finish(m);
}

static void any_pieces(void **state)
{
	static const size_t pieces[] = { 1, 3, 511, 512, 513, 4096, 1 << 20 };
	struct made m = { BUF_INIT };
	struct image_path path = { .path = "/srv/api", .files = true };
	(void)state;
	whole_tree(&m);
	for (size_t i = 0; i < countof(pieces); i++) {
		struct arena a = ARENA_INIT;
		struct image_facts f = read_tree(&a, &m, &path, pieces[i]);
		assert_int_equal(f.unread.count, 0);
		assert_string_equal(fact(&f, "directories", "/srv/api"), "0644 1000:5");
		assert_string_equal(
			fact(&f, "files", "/srv/api/a"), "0644 1000:5 3 bytes ba7816bf8f01");
		assert_string_equal(
			fact(&f, "files", "/srv/api/empty"), "0644 1000:5 0 bytes e3b0c44298fc");
		assert_string_equal(fact(&f, "files", "/srv/api/link"), "-> ../x:y z");
		assert_string_equal(
			fact(&f, "files", "/srv/api/hard"), "-> /srv/api/a (hard link)");
		assert_non_null(fact(&f, "files", "/srv/api/ein/\xc3\xa4"));
		assert_null(fact(&f, "files", "/srv/api/short"));
		assert_non_null(fact(&f, "files", "/srv/api/long-by-gnu"));
		assert_int_equal(f.items.count, 8);
		arena_release(&a);
	}
	buf_release(&m.bytes);
}

static void texts_of_a_system(void **state)
{
	struct made m = { BUF_INIT };
	struct arena a = ARENA_INIT;
	struct image_path path = { .path = "/etc" };
	(void)state;
	add(&m, '5', "etc/", "", "", 0);
	add(&m, '0', "etc/passwd", "", "app:x:1:2:", 10);
	add(&m, '0', "etc/shadow", "", "app:secret:1:2:", 15);
	add(&m, '0', "etc/debian_version", "", "12.9\n", 5);
	add(&m, '2', "etc/localtime", "/usr/share/zoneinfo/Europe/Berlin", "", 0);
	finish(&m);
	struct image_facts f = read_tree(&a, &m, &path, 100);
	assert_string_equal(fact(&f, "users", "app"), "1:2");
	assert_string_equal(fact(&f, "os", "debian"), "12.9");
	assert_string_equal(fact(&f, "timezone", "localtime"), "Europe/Berlin");
	assert_int_equal(f.items.count, 4);
	arena_release(&a);
	buf_release(&m.bytes);
}

/* Directories of which no more than themselves is wanted end the transfer with the first entry. */
static void first_alone(void **state)
{
	struct made m = { BUF_INIT };
	struct arena a = ARENA_INIT;
	struct image_path path = { .path = "/srv/api", .files = false, .alone = true };
	(void)state;
	whole_tree(&m);
	struct image_facts f = read_tree(&a, &m, &path, 512);
	assert_int_equal(f.items.count, 1);
	assert_int_equal(f.unread.count, 0);
	arena_release(&a);
	buf_release(&m.bytes);
}

/* Cut off anywhere, or with any byte another: no more than is there, and it is said. */
static void broken(void **state)
{
	struct made m = { BUF_INIT };
	struct image_path path = { .path = "/srv/api", .files = true };
	unsigned seed = 1;
	(void)state;
	whole_tree(&m);
	size_t len = m.bytes.len;
	for (size_t cut = 0; cut < len - 1024; cut += 97) {
		struct arena a = ARENA_INIT;
		struct made part = { m.bytes };
		part.bytes.len = cut;
		struct image_facts f = read_tree(&a, &part, &path, 300);
		assert_int_equal(f.unread.count, 1);
		arena_release(&a);
	}
	for (size_t i = 0; i < 4000; i++) {
		struct arena a = ARENA_INIT;
		struct made bad = { BUF_INIT };
		buf_add(&bad.bytes, m.bytes.data, len);
		for (size_t k = 0; k <= i % 3; k++)
			bad.bytes.data[(size_t)rand_r(&seed) % len] = (char)rand_r(&seed);
		read_tree(&a, &bad, &path, 1 + (size_t)rand_r(&seed) % 700);
		buf_release(&bad.bytes);
		arena_release(&a);
	}
	buf_release(&m.bytes);
}

/* Numbers that mean no size, and names that lead out, harm nobody: they are names. */
static void hostile(void **state)
{
	static const char *const records[] = { "12 size=-1\n", "30 size=99999999999999999999999\n",
		"9999999999 path=x\n", "0 path=x\n", "11 path\n", "3 =\n", "20 uid=12x\n", "x",
		"" };
	(void)state;
	for (size_t i = 0; i < countof(records); i++) {
		struct arena a = ARENA_INIT;
		struct made m = { BUF_INIT };
		struct image_path path = { .path = "/srv/api", .files = true };
		add(&m, 'x', "p", "", records[i], strlen(records[i]));
		add(&m, '0', "../../etc/passwd", "", "a:x:0:0:", 8);
		finish(&m);
		struct image_facts f = read_tree(&a, &m, &path, 512);
		for (size_t k = 0; k < f.items.count; k++)
			assert_true(*f.items.items[k].name != '.');
		arena_release(&a);
		buf_release(&m.bytes);
	}
}

/* ---- kept ---- */

static void cache(void **state)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	char dir[] = "/tmp/devenv-test-XXXXXX";
	const char *etc = "/etc/x", *other = "/etc/y";
	struct image_ask ask = { .dirs = { &etc, 1, 1 } }, another = { .dirs = { &other, 1, 1 } },
			 tree = { .trees = { &etc, 1, 1 } };
	struct image_facts f = { .id = "sha256:a" }, g = { 0 };
	(void)state;
	assert_non_null(mkdtemp(dir));
	image_fact(&a, &f, "packages", "curl", "1 \"x\"");
	image_fact(&a, &f, "user", NULL, "app");
	strs_add(&a, &f.unread, "something");
	assert_false(image_cache_load(&a, dir, "sha256:a", &ask, &g));
	image_cache_save(&a, dir, &ask, &f);
	assert_true(image_cache_load(&a, dir, "sha256:a", &ask, &g));
	assert_string_equal(g.id, "sha256:a");
	assert_string_equal(fact(&g, "packages", "curl"), "1 \"x\"");
	assert_string_equal(fact(&g, "user", NULL), "app");
	assert_int_equal(g.unread.count, 1);
	assert_false(image_cache_load(&a, dir, "sha256:b", &ask, &g));
	assert_false(image_cache_load(&a, dir, "sha256:a", &another, &g));
	assert_false(image_cache_load(&a, dir, "sha256:a", &tree, &g));
	tree_remove(dir, &e);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packages),
		cmocka_unit_test(systems),
		cmocka_unit_test(settings),
		cmocka_unit_test(any_pieces),
		cmocka_unit_test(texts_of_a_system),
		cmocka_unit_test(first_alone),
		cmocka_unit_test(broken),
		cmocka_unit_test(hostile),
		cmocka_unit_test(cache),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
