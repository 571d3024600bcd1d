/*
 * Archives of volumes and the store of snapshots. Guards FAULTS G01-G07: hostile names, links,
 * devices, bombs, truncation and damage are refused; a snapshot is there whole or not at all.
 */
#include <fcntl.h>
#include <sys/wait.h>

#include "run/data/snapshot.h"
#include "run_test.h"

/* ---- names ---- */

/* FAULTS G01, G04 */
static void hostile_names_are_refused(void **state)
{
	static const char *const bad[] = { "../x", "/abs", "a/../../x", "C:\\x", "volume/a/..",
		"volume/../x", "volumes/x", "x" };
	enum { FOREIGN_TOO = 4 }; /* the others are names below their own root */
	struct tarball_rules r = { .begun = false };
	(void)state;
	for (size_t i = 0; i < countof(bad); i++) {
		struct err e = ERR_INIT;
		if (tarball_name(&r, bad[i], false, &e))
			fail_msg("%s was taken", bad[i]);
		assert_non_null(strstr(e.text, "leads out of the volume"));
		if (i < FOREIGN_TOO && tarball_name(&r, bad[i], true, &e))
			fail_msg("%s of anybody's was taken", bad[i]);
	}
	struct err e = ERR_INIT;
	char *much = xcalloc(1, 65536);
	memset(much, 'x', 65535);
	assert_null(tarball_name(&r, much, true, &e));
	xfree(much);
	assert_string_equal(tarball_name(&r, "volume//a/./b", false, &e), "volume/a/b");
	assert_string_equal(tarball_name(&r, "volume/", false, &e), "volume");
	tarball_rules_release(&r);
}

/* FAULTS G02 */
static void nothing_goes_through_links(void **state)
{
	struct tarball_rules r = { .begun = false };
	struct err e = ERR_INIT;
	(void)state;
	tarball_note_link(&r, tarball_name(&r, "volume/out", false, &e));
	assert_null(tarball_name(&r, "volume/out/file", false, &e));
	assert_null(tarball_name(&r, "volume/out", false, &e));
	assert_non_null(strstr(e.text, "behind a symbolic link"));
	assert_non_null(tarball_name(&r, "volume/outer", false, &e));
	tarball_rules_release(&r);
}

static void foreign_names_go_below_the_root(void **state)
{
	struct tarball_rules r = { .begun = false }, own = { .begun = false };
	struct err e = ERR_INIT;
	(void)state;
	assert_string_equal(tarball_name(&r, "./", true, &e), "volume");
	assert_string_equal(tarball_name(&r, "./a", true, &e), "volume/a");
	assert_string_equal(tarball_name(&r, "volume/a", true, &e), "volume/volume/a");
	assert_null(tarball_name(&r, "../a", true, &e));
	assert_string_equal(tarball_name(&own, "volume/", true, &e), "volume");
	assert_string_equal(tarball_name(&own, "volume/a", true, &e), "volume/a");
	tarball_rules_release(&r);
	tarball_rules_release(&own);
}

/* ---- servers ---- */

static void servers_are_recognised(void **state)
{
	char v[32];
	(void)state;
	assert_string_equal(tarball_mark("volume/PG_VERSION"), "postgres");
	assert_null(tarball_mark("volume/PG_VERSION.old"));
	assert_true(tarball_version("postgres", "15\n", 3, v));
	assert_string_equal(v, "15");
	assert_true(tarball_version("mariadb", "10.11.6-MariaDB\0", 16, v));
	assert_string_equal(v, "10.11.6-MariaDB");
	assert_true(tarball_version("redis", "REDIS0010\xfa", 10, v));
	assert_string_equal(v, "10");
	assert_false(tarball_version("redis", "garbage!!!", 10, v));
	assert_false(tarball_version("postgres", "", 0, v));
}

/* FAULTS G07 */
static void data_fits_its_server(void **state)
{
	static const struct {
		const char *engine, *version, *engine_now, *version_now;
		int fits;
	} cases[] = {
		{ "postgres", "15", "postgres", "15", 0 },
		{ "postgres", "17", "postgres", "15", -1 },
		{ "postgres", "15", "postgres", "17", -1 },
		{ "mariadb", "10.11.6-MariaDB", "mariadb", "11.4.2-MariaDB", 0 },
		{ "mariadb", "11.4.2-MariaDB", "mariadb", "10.11.6-MariaDB", -1 },
		{ "mariadb", "10.11.6-MariaDB", "postgres", "15", -1 },
		{ "redis", "10", "redis", "11", 0 },
		{ "", "", "postgres", "15", 0 },
		{ "redis", "10", "", "", 0 },
		{ "postgres", "15", "redis", "", -1 },
	};
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct err e = ERR_INIT;
		if (tarball_fits(cases[i].engine, cases[i].version, cases[i].engine_now,
			    cases[i].version_now, &e) != cases[i].fits)
			fail_msg("case %zu: %s", i, e.text);
	}
}

/* ---- archives ---- */

enum {
	FILE_ENTRY = '0',
	HARD = '1',
	SOFT = '2',
	CHARS = '3',
	BLOCKS = '4',
	DIRECTORY = '5',
	FIFO = '6',
	EXTENDED = 'x' /* attributes of the entry that follows */
};

struct made {
	char type;
	const char *name, *link;
	size_t size;
};

/* What an EXTENDED one holds; others hold zeros. */
#define ATTRIBUTE "SCHILY.xattr.user.mark"
static const char attribute[] = "28 " ATTRIBUTE "=1\n";

/* By hand: what a well-meant library refuses to write is no proof. */
static void put_header(struct buf *b, const struct made *m)
{
	char block[512] = "";
	unsigned sum = 0;
	snprintf(block, 100, "%s", m->name);
	memcpy(block + 100, "0006755\0000000000\0000000000", 24);
	snprintf(block + 124, 12, "%011zo", m->size);
	snprintf(block + 136, 12, "%011o", 0U);
	memset(block + 148, ' ', 8);
	block[156] = m->type;
	snprintf(block + 157, 100, "%s", m->link ? m->link : "");
	memcpy(block + 257, "ustar\00000", 8);
	for (size_t i = 0; i < sizeof(block); i++)
		sum += (unsigned char)block[i];
	snprintf(block + 148, 8, "%06o", sum);
	buf_add(b, block, sizeof(block));
}

static const char *archive_of(struct home *h, const struct made *items, size_t count)
{
	cleanup_buf struct buf b = BUF_INIT;
	const char *path = in_home(h, "made.tar");
	for (size_t i = 0; i < count; i++) {
		put_header(&b, &items[i]);
		size_t text = items[i].type == EXTENDED ? strlen(attribute) : 0;
		buf_add(&b, attribute, text);
		buf_pad(&b, '\0', (items[i].size + 511) / 512 * 512 - text);
	}
	buf_pad(&b, '\0', 1024);
	assert_int_equal(file_write(path, b.data, b.len, 0600, false, &h->e), 0);
	return path;
}

struct unpacked {
	int from, to;
	struct tarball_budget budget;
	struct tarball_facts facts;
	struct tarball_sum sum;
};

static int unpack_it(void *ctx, struct conduit *c, struct err *e)
{
	struct unpacked *u = ctx;
	return tarball_unpack(u->from, c, &u->budget, &u->facts, &u->sum, e);
}

static int write_it(void *ctx, struct conduit *c, struct err *e)
{
	struct unpacked *u = ctx;
	const char *data;
	ssize_t n;
	while ((n = conduit_take(c, &data)) > 0)
		if (fd_write(u->to, data, (size_t)n))
			return err_errno(e, "writing");
	return n < 0 ? err_set(e, ERR_FAILED, "cut off") : 0;
}

static int unpack(const char *path, const char *to, bool foreign, int64_t bytes, struct err *e)
{
	struct unpacked u = { .budget = { .entries = 5, .bytes = bytes, .foreign = foreign } };
	u.from = open(path, O_RDONLY);
	u.to = open(to, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	assert_int_equal(tarball_load(e), 0);
	int rc = conduit_run(&(struct conduit_side){ write_it, &u },
		&(struct conduit_side){ unpack_it, &u }, false, e);
	close(u.from);
	close(u.to);
	return rc;
}

/* FAULTS G01, G02, G03, G04 */
static void hostile_archives_are_refused(void **state)
{
	static const struct {
		struct made items[2];
		const char *says;
	} cases[] = {
		{ { { DIRECTORY, "volume", NULL, 0 }, { FILE_ENTRY, "volume/../../x", NULL, 0 } },
			"leads out" },
		{ { { DIRECTORY, "volume", NULL, 0 }, { FILE_ENTRY, "/etc/x", NULL, 0 } },
			"leads out" },
		{ { { SOFT, "volume/l", "/etc", 0 }, { FILE_ENTRY, "volume/l/x", NULL, 0 } },
			"behind a" },
		{ { { DIRECTORY, "volume", NULL, 0 }, { HARD, "volume/h", "/etc/passwd", 0 } },
			"leads out" },
		{ { { SOFT, "volume/l", "/etc", 0 }, { HARD, "volume/h", "volume/l/passwd", 0 } },
			"behind a" },
		{ { { DIRECTORY, "volume", NULL, 0 }, { CHARS, "volume/null", NULL, 0 } },
			"device" },
		{ { { DIRECTORY, "volume", NULL, 0 }, { BLOCKS, "volume/disk", NULL, 0 } },
			"device" },
		{ { { DIRECTORY, "volume", NULL, 0 },
			  { FILE_ENTRY, "volume/bomb", NULL, 64 << 20 } },
			"more than it may" },
	};
	struct home *h = *state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct err e = ERR_INIT;
		const char *path = archive_of(h, cases[i].items, 2);
		if (!unpack(path, in_home(h, "out.tar"), false, 1 << 20, &e))
			fail_msg("case %zu was taken", i);
		if (!strstr(e.text, cases[i].says))
			fail_msg("case %zu: %s", i, e.text);
	}
}

static const char *taken_over(struct home *h, bool foreign, struct buf *out)
{
	const struct made items[] = { { EXTENDED, "x", NULL, sizeof(attribute) - 1 },
		{ FILE_ENTRY, foreign ? "x" : "volume/x", NULL, 10 } };
	struct err e = ERR_INIT;
	if (unpack(archive_of(h, items, 2), in_home(h, "out.tar"), foreign, 100, &e))
		fail_msg("%s", e.text);
	assert_int_equal(file_read(in_home(h, "out.tar"), 1 << 20, out, &e), 0);
	for (char *s = out->data; s < out->data + out->len; s++) /* as one text */
		*s = *s ? *s : ' ';
	assert_non_null(strstr(out->data, "volume/x"));
	return out->data;
}

/* Own ones keep setuid, setgid and attributes such as capabilities; anybody's lose them, and FIFOs
 * are refused in them. FAULTS G03. */
static void foreign_archives_lose_their_rights(void **state)
{
	static const struct made fifo[] = { { FIFO, "volume/x", NULL, 0 } };
	struct home *h = *state;
	struct err e = ERR_INIT;
	cleanup_buf struct buf own = BUF_INIT, foreign = BUF_INIT;
	taken_over(h, false, &own);
	assert_non_null(strstr(own.data, "6755 "));
	assert_non_null(strstr(own.data, ATTRIBUTE));
	taken_over(h, true, &foreign);
	assert_non_null(strstr(foreign.data, "0755 "));
	assert_null(strstr(foreign.data, ATTRIBUTE));
	assert_int_equal(unpack(archive_of(h, fifo, 1), in_home(h, "o"), false, 100, &e), 0);
	assert_int_equal(unpack(archive_of(h, fifo, 1), in_home(h, "o"), true, 100, &e), -1);
}

/* FAULTS G04 */
static void many_entries_are_refused(void **state)
{
	static const struct made items[] = { { DIRECTORY, "volume", NULL, 0 },
		{ DIRECTORY, "volume/a", NULL, 0 }, { DIRECTORY, "volume/b", NULL, 0 },
		{ DIRECTORY, "volume/c", NULL, 0 }, { DIRECTORY, "volume/d", NULL, 0 },
		{ DIRECTORY, "volume/e", NULL, 0 } };
	struct home *h = *state;
	struct err e = ERR_INIT;
	assert_int_equal(unpack(archive_of(h, items, 5), in_home(h, "o"), false, 100, &e), 0);
	assert_int_equal(unpack(archive_of(h, items, 6), in_home(h, "o"), false, 100, &e), -1);
	assert_non_null(strstr(e.text, "more than it may"));
}

/* ---- the store ---- */

static struct snapshot sample(struct home *h, const char *dir)
{
	struct snapshot s = { .name = "one",
		.dir = dir,
		.project = "shop",
		.workspace = "shop-12345678",
		.branch = "main",
		.reason = "reset",
		.time_ms = 1700000000123 };
	struct snapshot_part p = { .volume = "data",
		.kind = "data",
		.template = "postgres",
		.file = "data.tar.zst",
		.packed = 5,
		.facts = { .entries = 3, .bytes = 9, .engine = "postgres", .version = "15" } };
	char hex[HASH_HEX + 1];
	hash_hex("12345", 5, hex);
	p.sha256 = arena_strdup(&h->a, hex);
	struct snapshot_secret key = {
		.name = "key", .machine = "m1", .salt = "00ff", .rounds = 1000
	};
	strs_add(&h->a, &key.marks, "a1");
	strs_add(&h->a, &key.proofs, "b2");
	*list_push(&h->a, &p.secrets) = key;
	*list_push(&h->a, &s.parts) = p;
	return s;
}

static void put_archive(struct home *h, const char *dir, const char *text)
{
	if (file_write(
		    path_join(&h->a, dir, "data.tar.zst"), text, strlen(text), 0600, false, &h->e))
		fail_msg("%s", h->e.text);
}

static void make_one(struct home *h, const char *store)
{
	struct snapshot_draft d;
	if (snapshot_begin(store, &d, &h->e))
		fail_msg("%s", h->e.text);
	put_archive(h, d.dir, "12345");
	struct snapshot s = sample(h, d.dir);
	if (snapshot_commit(&d, store, &s, &h->e))
		fail_msg("%s", h->e.text);
	snapshot_abandon(&d);
}

/* FAULTS G05 */
static void what_is_kept_is_read_back(void **state)
{
	struct home *h = *state;
	const char *store = snapshots_dir(&h->a, &h->places, "shop");
	struct snapshots all = { 0 };
	struct strs bad = { 0 };
	struct stat st;
	make_one(h, store);
	assert_int_equal(snapshots_list(&h->a, store, &all, &bad, &h->e), 0);
	assert_int_equal(all.count, 1);
	const struct snapshot *s = &all.items[0];
	assert_string_equal(s->name, "one");
	assert_string_equal(s->branch, "main");
	assert_string_equal(s->reason, "reset");
	assert_true(s->time_ms == 1700000000123);
	const struct snapshot_part *p = snapshot_part(s, "data");
	assert_non_null(p);
	assert_string_equal(p->facts.engine, "postgres");
	assert_string_equal(p->facts.version, "15");
	assert_int_equal(p->facts.entries, 3);
	assert_int_equal(p->secrets.count, 1);
	assert_string_equal(p->secrets.items[0].name, "key");
	assert_string_equal(p->secrets.items[0].machine, "m1");
	assert_int_equal(p->secrets.items[0].rounds, 1000);
	assert_true(strs_has(&p->secrets.items[0].marks, "a1"));
	assert_true(strs_has(&p->secrets.items[0].proofs, "b2"));
	assert_int_equal(snapshot_verify(s, p, &h->e), 0);
	assert_int_equal(stat(path_join(&h->a, s->dir, "data.tar.zst"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	put_archive(h, s->dir, "1234x"); /* flipped */
	assert_int_equal(snapshot_verify(s, p, &h->e), -1);
	assert_non_null(strstr(h->e.text, "is damaged"));
	put_archive(h, s->dir, "1234"); /* truncated */
	assert_int_equal(snapshot_verify(s, p, &h->e), -1);
	put_archive(h, s->dir, "123456"); /* with something behind */
	assert_int_equal(snapshot_verify(s, p, &h->e), -1);
	assert_int_equal(snapshot_remove(store, s, &h->e), 0);
	assert_false(dir_exists(path_join(&h->a, store, "one")));
}

static void make_at(struct home *h, const char *store, const char *name, int64_t time_ms)
{
	struct snapshot_draft d;
	assert_int_equal(snapshot_begin(store, &d, &h->e), 0);
	put_archive(h, d.dir, "12345");
	struct snapshot s = sample(h, d.dir);
	s.name = name;
	s.time_ms = time_ms;
	assert_int_equal(snapshot_commit(&d, store, &s, &h->e), 0);
	snapshot_abandon(&d);
}

/* The last are what is dropped first, and the first is what --latest means. */
static void a_wrong_clock_makes_no_newest(void **state)
{
	static const char *const want[] = { "now", "past", "year3000", "year2900" };
	struct home *h = *state;
	const char *store = snapshots_dir(&h->a, &h->places, "shop");
	struct snapshots all = { 0 };
	struct strs bad = { 0 };
	make_at(h, store, "year2900", INT64_C(29348006400000));
	make_at(h, store, "past", 1);
	make_at(h, store, "year3000", INT64_C(32503680000000));
	make_at(h, store, "now", clock_ms());
	assert_int_equal(snapshots_list(&h->a, store, &all, &bad, &h->e), 0);
	assert_int_equal(all.count, countof(want));
	for (size_t i = 0; i < countof(want); i++)
		assert_string_equal(all.items[i].name, want[i]);
}

static void names_are_not_taken_twice(void **state)
{
	struct home *h = *state;
	const char *store = snapshots_dir(&h->a, &h->places, "shop");
	struct snapshot_draft d;
	make_one(h, store);
	assert_int_equal(snapshot_begin(store, &d, &h->e), 0);
	struct snapshot s = sample(h, d.dir);
	assert_int_equal(snapshot_commit(&d, store, &s, &h->e), -1);
	assert_int_equal(h->e.code, ERR_USAGE);
	const char *dir = arena_strdup(&h->a, d.dir);
	snapshot_abandon(&d);
	assert_false(dir_exists(dir));
}

/* The archive is read where snapshot.json says, and that may be anybody's. */
static void its_file_stays_beside_it(void **state)
{
	struct home *h = *state;
	const char *dir = in_home(h, "evil");
	static const char text[] =
		"{\"format\":1,\"project\":\"shop\",\"volumes\":[{\"volume\":\"data\","
		"\"file\":\"../../etc/shadow\",\"sha256\":\"x\",\"packed_bytes\":1,\"bytes\":1,"
		"\"entries\":1}]}",
			  later[] = "{\"format\":2,\"project\":\"shop\",\"volumes\":[]}";
	struct snapshot s;
	assert_int_equal(dir_make(dir, 0700, &h->e), 0);
	const char *meta = path_join(&h->a, dir, "snapshot.json");
	assert_int_equal(file_write(meta, text, strlen(text), 0600, false, &h->e), 0);
	assert_int_equal(snapshot_read(&h->a, dir, &s, &h->e), -1);
	assert_int_equal(file_write(meta, later, strlen(later), 0600, false, &h->e), 0);
	assert_int_equal(snapshot_read(&h->a, dir, &s, &h->e), -1);
	assert_non_null(strstr(h->e.text, "newer devenv"));
}

/* A draft goes when its maker is dead, and not before. FAULTS G06. */
static void drafts_of_the_dead_are_swept(void **state)
{
	struct home *h = *state;
	const char *store = snapshots_dir(&h->a, &h->places, "shop");
	struct snapshot_draft d;
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		struct snapshot_draft lost;
		_exit(snapshot_begin(store, &lost, &h->e) ? 1 : 0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(snapshot_begin(store, &d, &h->e), 0);
	assert_int_equal(snapshots_sweep(store, &h->e), 0);
	assert_true(dir_exists(d.dir));
	struct snapshots all = { 0 };
	struct strs bad = { 0 };
	assert_int_equal(snapshots_list(&h->a, store, &all, &bad, &h->e), 0);
	assert_int_equal(all.count + bad.count, 0);
	snapshot_abandon(&d);
	struct stat st;
	assert_int_equal(stat(store, &st), 0);
	assert_int_equal(st.st_nlink, 2); /* no draft is left */
}

int main(void)
{
#define WITH_HOME(f) cmocka_unit_test_setup_teardown(f, home_setup, home_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_names_are_refused),
		cmocka_unit_test(nothing_goes_through_links),
		cmocka_unit_test(foreign_names_go_below_the_root),
		cmocka_unit_test(servers_are_recognised),
		cmocka_unit_test(data_fits_its_server),
		WITH_HOME(hostile_archives_are_refused),
		WITH_HOME(foreign_archives_lose_their_rights),
		WITH_HOME(many_entries_are_refused),
		WITH_HOME(what_is_kept_is_read_back),
		WITH_HOME(a_wrong_clock_makes_no_newest),
		WITH_HOME(names_are_not_taken_twice),
		WITH_HOME(its_file_stays_beside_it),
		WITH_HOME(drafts_of_the_dead_are_swept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
