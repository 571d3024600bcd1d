/*
 * Room run, the generated set. Guards: exact modes under any umask, no write when nothing changed,
 * foreign files untouched, links refused, old set whole when a new one cannot be written.
 */
#include "base/os.h"
#include "run/apply.h"
#include "run/secrets/certificate.h"
#include "run/files/places.h"
#include "run/records.h"
#include "run_test.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <signal.h>

static void small_plan(struct home *h, struct plan *p)
{
	*p = (struct plan){ .arena = &h->a, .project = &h->project };
	add_out(h, p, "compose.yml", 0644, "services: {}\n", NULL, 0);
	add_out(h, p, "env/api.env", 0600, "A=1\n", NULL, 0);
	add_out(h, p, "nginx/conf.d/shop.conf", 0644, "server {}\n", NULL, 0);
	add_out(h, p, "run.sh", 0755, "#!/bin/sh\n", NULL, 0);
	*list_push(&h->a, &p->dirs) = (struct out_dir){ "env", 0700 };
	*list_push(&h->a, &p->dirs) = (struct out_dir){ "empty", 0711 };
}

static int apply(struct home *h, struct plan *p, struct applied *out)
{
	return apply_files(&h->a, p, &h->places, NULL, false, out, &h->e);
}

static void modes_are_exact(void **state)
{
	static const mode_t umasks[] = { 0, 022, 077 };
	struct home *h = *state;
	struct applied done;
	struct plan p;
	small_plan(h, &p);
	for (size_t i = 0; i < countof(umasks); i++) {
		umask(umasks[i]);
		assert_int_equal(apply(h, &p, &done), 0);
		assert_int_equal(done.written, 4);
		assert_int_equal(mode_of(in_project(h, ".devenv")), 0755);
		assert_int_equal(mode_of(in_project(h, ".devenv/.gitignore")), 0644);
		assert_int_equal(mode_of(in_project(h, ".devenv/generated")), 0755);
		assert_int_equal(mode_of(in_project(h, ".devenv/generated/env")), 0700);
		assert_int_equal(mode_of(in_project(h, ".devenv/generated/empty")), 0711);
		assert_int_equal(mode_of(in_project(h, ".devenv/generated/nginx/conf.d")), 0755);
		assert_int_equal(mode_of(in_project(h, ".devenv/generated/env/api.env")), 0600);
		assert_int_equal(mode_of(in_project(h, ".devenv/generated/run.sh")), 0755);
		assert_int_equal(tree_remove(in_project(h, ".devenv"), &h->e), 0);
	}
	umask(022);
}

static void second_run_writes_nothing(void **state)
{
	static const char *const files[] = { ".devenv/.gitignore", ".devenv/manifest.json",
		".devenv/generated/compose.yml", ".devenv/generated/env", ".devenv" };
	struct home *h = *state;
	struct applied done;
	struct stat before[countof(files)], after;
	struct plan p;
	small_plan(h, &p);
	assert_int_equal(apply(h, &p, &done), 0);
	for (size_t i = 0; i < countof(files); i++)
		assert_int_equal(lstat(in_project(h, files[i]), &before[i]), 0);
	assert_int_equal(apply(h, &p, &done), 0);
	assert_int_equal(done.written, 0);
	assert_int_equal(done.unchanged, 4);
	assert_int_equal(done.changed.count, 0);
	for (size_t i = 0; i < countof(files); i++) {
		assert_int_equal(lstat(in_project(h, files[i]), &after), 0);
		assert_true(before[i].st_ino == after.st_ino);
		assert_memory_equal(&before[i].st_mtim, &after.st_mtim, sizeof(after.st_mtim));
		assert_memory_equal(&before[i].st_ctim, &after.st_ctim, sizeof(after.st_ctim));
	}
	assert_string_equal(get_file(h, in_project(h, ".devenv/.gitignore")), "*\n");
	assert_false(dir_exists(in_project(h, ".devenv/staging")));
}

static void edits_heal_and_stale_files_go(void **state)
{
	struct home *h = *state;
	struct applied done;
	struct plan p;
	small_plan(h, &p);
	assert_int_equal(apply(h, &p, &done), 0);
	put_file(h, in_project(h, ".devenv/generated/compose.yml"), "mine\n");
	put_file(h, in_project(h, ".devenv/generated/nginx/foreign"), "foreign\n");
	assert_int_equal(chmod(in_project(h, ".devenv/generated/run.sh"), 0644), 0);
	assert_int_equal(chmod(in_project(h, ".devenv/generated/env"), 0755), 0);
	p.files.count = 3;
	p.files.items[2] = p.files.items[3]; /* run.sh stays, nginx goes */
	p.dirs.count = 1;
	assert_int_equal(apply(h, &p, &done), 0);
	assert_int_equal(done.written, 2);
	assert_int_equal(done.removed, 1);
	assert_string_equal(
		get_file(h, in_project(h, ".devenv/generated/compose.yml")), "services: {}\n");
	assert_int_equal(mode_of(in_project(h, ".devenv/generated/run.sh")), 0755);
	assert_int_equal(mode_of(in_project(h, ".devenv/generated/env")), 0700);
	assert_false(file_exists(in_project(h, ".devenv/generated/nginx/conf.d/shop.conf")));
	assert_false(dir_exists(in_project(h, ".devenv/generated/nginx/conf.d")));
	assert_false(dir_exists(in_project(h, ".devenv/generated/empty")));
	assert_string_equal(
		get_file(h, in_project(h, ".devenv/generated/nginx/foreign")), "foreign\n");
}

static void files_and_directories_change_places(void **state)
{
	struct home *h = *state;
	struct applied done;
	struct plan p = { .arena = &h->a, .project = &h->project }, q = p;
	add_out(h, &p, "a", 0644, "file\n", NULL, 0);
	add_out(h, &p, "b/c", 0644, "deep\n", NULL, 0);
	add_out(h, &q, "a/b", 0644, "deep\n", NULL, 0);
	add_out(h, &q, "b", 0644, "file\n", NULL, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(apply(h, &p, &done), 0);
		assert_string_equal(get_file(h, in_project(h, ".devenv/generated/b/c")), "deep\n");
		assert_int_equal(apply(h, &q, &done), 0);
		assert_string_equal(get_file(h, in_project(h, ".devenv/generated/a/b")), "deep\n");
		assert_string_equal(get_file(h, in_project(h, ".devenv/generated/b")), "file\n");
	}
}

static void links_are_refused(void **state)
{
	static const char *const paths[] = { ".devenv", ".devenv/generated",
		".devenv/generated/env", ".devenv/staging" };
	struct home *h = *state;
	struct applied done;
	struct plan p;
	small_plan(h, &p);
	mkdir(in_home(h, "outside"), 0755);
	for (size_t i = 0; i < countof(paths); i++) {
		assert_int_equal(
			dir_make(path_dir(&h->a, in_project(h, paths[i])), 0755, &h->e), 0);
		assert_int_equal(symlink(in_home(h, "outside"), in_project(h, paths[i])), 0);
		assert_int_equal(apply(h, &p, &done), -1);
		assert_non_null(strstr(h->e.text, "symbolic link"));
		assert_int_equal(rmdir(in_home(h, "outside")), 0); /* nothing was written into it */
		mkdir(in_home(h, "outside"), 0755);
		assert_int_equal(tree_remove(in_project(h, ".devenv"), &h->e), 0);
	}
}

static void targets_are_replaced_not_followed(void **state)
{
	struct home *h = *state;
	struct applied done;
	struct plan p;
	const char *outside = in_home(h, "outside.txt"),
		   *target = in_project(h, ".devenv/generated/compose.yml");
	struct stat st;
	small_plan(h, &p);
	assert_int_equal(apply(h, &p, &done), 0);
	put_file(h, outside, "services: {}\n");
	unlink(target);
	assert_int_equal(symlink(outside, target), 0);
	assert_int_equal(apply(h, &p, &done), 0);
	assert_true(!lstat(target, &st) && S_ISREG(st.st_mode));
	unlink(target);
	assert_int_equal(link(outside, target), 0); /* same bytes, but another's name too */
	assert_int_equal(apply(h, &p, &done), 0);
	assert_true(!lstat(target, &st) && st.st_nlink == 1);
	unlink(target);
	assert_int_equal(mkfifo(target, 0644), 0);
	alarm(10); /* reading a FIFO would hang */
	assert_int_equal(apply(h, &p, &done), 0);
	alarm(0);
	assert_true(!lstat(target, &st) && S_ISREG(st.st_mode));
	unlink(target);
	mkdir(target, 0755);
	put_file(h, path_join(&h->a, target, "keep"), "keep\n");
	assert_int_equal(apply(h, &p, &done), -1);
	assert_string_equal(get_file(h, path_join(&h->a, target, "keep")), "keep\n");
	assert_string_equal(get_file(h, outside), "services: {}\n");
}

static void a_full_disk_leaves_the_old_set(void **state)
{
	struct home *h = *state;
	struct applied done;
	struct plan p;
	struct rlimit old, small;
	char *big = arena_alloc(&h->a, 65537);
	small_plan(h, &p);
	assert_int_equal(apply(h, &p, &done), 0);
	memset(big, 'x', 65536);
	p.files.items[0].pieces.items[0] = (struct piece){ .text = "changed\n", .len = 8 };
	p.files.items[3].pieces.items[0] = (struct piece){ .text = big, .len = 65536 };
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){ 4096, old.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	int rc = apply(h, &p, &done);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(rc, -1);
	assert_non_null(strstr(h->e.text, "run.sh"));
	assert_string_equal(
		get_file(h, in_project(h, ".devenv/generated/compose.yml")), "services: {}\n");
	assert_false(dir_exists(in_project(h, ".devenv/staging")));
	assert_int_equal(apply(h, &p, &done), 0);
	assert_int_equal(done.written, 2);
}

static void dry_touches_nothing(void **state)
{
	struct home *h = *state;
	struct applied done;
	struct plan p;
	small_plan(h, &p);
	assert_int_equal(apply_files(&h->a, &p, &h->places, NULL, true, &done, &h->e), 0);
	assert_int_equal(done.written, 4);
	assert_false(dir_exists(in_project(h, ".devenv")));
	assert_int_equal(apply(h, &p, &done), 0);
	p.files.count = 2;
	assert_int_equal(apply_files(&h->a, &p, &h->places, NULL, true, &done, &h->e), 0);
	assert_int_equal(done.removed, 2);
	assert_int_equal(done.changed.count, 2);
	assert_true(file_exists(in_project(h, ".devenv/generated/run.sh")));
}

static void a_planted_manifest_reaches_nothing(void **state)
{
	struct home *h = *state;
	struct applied done;
	struct plan p;
	small_plan(h, &p);
	put_file(h, in_project(h, "keep"), "keep\n");
	put_file(h, in_project(h, ".devenv/manifest.json"),
		"{\"files\":[{\"path\":\"../../keep\",\"sha256\":\"\",\"mode\":\"0644\"},"
		"{\"path\":\"/etc/"
		"hostname\",\"sha256\":\"\",\"mode\":\"0644\"}],\"dirs\":[\"..\"]}");
	strs_add(&h->a, &p.stale, "../../keep");
	assert_int_equal(apply(h, &p, &done), 0);
	assert_int_equal(done.removed, 0);
	assert_string_equal(get_file(h, in_project(h, "keep")), "keep\n");
	put_file(h, in_project(h, ".devenv/manifest.json"), "{ not json");
	assert_int_equal(apply(h, &p, &done), 0);
}

static void secrets_are_written_byte_exact(void **state)
{
	struct home *h = *state;
	struct applied done;
	struct plan p = { .arena = &h->a, .project = &h->project };
	struct vault *v = vault_open(&h->places, true, &h->e);
	struct buf got = BUF_INIT;
	static const char odd[] = " a$b\"c\\d#\ne'\xff%";
	char *long_value = arena_alloc(&h->a, 65536);
	for (size_t i = 0; i < 65536; i++)
		long_value[i] = (char)(i * 7);
	assert_int_equal(vault_set(v, "odd", odd, strlen(odd), &h->e), 0);
	assert_int_equal(vault_set(v, "long", long_value, 65536, &h->e), 0);
	add_out(h, &p, "env", 0600, "X=\"", "odd", ESC_ENV_FILE);
	add_out(h, &p, "url", 0600, "pg://u:", "odd", ESC_URL);
	struct out_file *f = list_push(&h->a, &p.files);
	*f = (struct out_file){
		.path = "zz/long", .mode = 0444, .source = FROM_SECRET, .name = "long"
	};
	assert_int_equal(apply_files(&h->a, &p, &h->places, v, false, &done, &h->e), 0);
	assert_string_equal(get_file(h, in_project(h, ".devenv/generated/env")),
		"X=\" a\\$b\\\"c\\\\d#\\ne'\xff%");
	assert_string_equal(get_file(h, in_project(h, ".devenv/generated/url")),
		"pg://u:%20a%24b%22c%5Cd%23%0Ae%27%FF%25");
	assert_int_equal(
		file_read(in_project(h, ".devenv/generated/zz/long"), 1 << 20, &got, &h->e), 0);
	assert_int_equal(got.len, 65536);
	assert_memory_equal(got.data, long_value, 65536);
	assert_int_equal(mode_of(in_project(h, ".devenv/generated/zz/long")), 0444);
	buf_release(&got);
	add_out(h, &p, "zzz", 0600, "X=", "long", ESC_ENV_FILE);
	assert_int_equal(apply_files(&h->a, &p, &h->places, v, false, &done, &h->e), -1);
	assert_non_null(strstr(h->e.text, "NUL"));
	p.files.items[p.files.count - 1].pieces.items[1].secret = "absent";
	assert_int_equal(apply_files(&h->a, &p, &h->places, v, false, &done, &h->e), -1);
	assert_non_null(strstr(h->e.text, "secret absent has no value"));
	vault_close(v);
}

/*
 * `run_apply once old|new HOME`: one run of everything that writes, for tests/faults/apply.sh,
 * which kills it at each of its system calls. The look for /devenv-begin marks where it starts.
 */
static int once(const char *variant, const char *dir)
{
	struct home h = { .a = ARENA_INIT };
	struct plan p = { .arena = &h.a, .project = &h.project };
	struct strs hosts = { 0 };
	struct applied done;
	bool new = streq(variant, "new");
	setenv("HOME", dir, 1);
	h.project.name = "shop";
	h.project.workspace = "shop-12345678";
	h.project.dir = path_join(&h.a, dir, "shop");
	add_secret(&h, "db", RECIPE_PASSWORD, 32, NULL);
	if (new)
		add_secret(&h, "more", RECIPE_HEX, 8, NULL);
	strs_add(&h.a, &hosts, new ? "new.localhost" : "old.localhost");
	add_out(&h, &p, "compose.yml", 0644, new ? "new: 1\n" : "old: 1\n", NULL, 0);
	add_out(&h, &p, "env/api.env", 0600, new ? "NEW=" : "OLD=", "db", ESC_ENV_FILE);
	add_out(&h, &p, new ? "only/new" : "only/old", 0644, variant, NULL, 0);
	add_out(&h, &p, new ? "turns" : "turns/file", 0644, variant, NULL, 0);
	add_out(&h, &p, "same", 0755, "same\n", NULL, 0);
	*list_push(&h.a, &p.dirs) = (struct out_dir){ "env", new ? 0711 : 0700 };
	*list_push(&h.a, &h.world.records) =
		(struct unit_record){ .service = "db", .container = variant, .ready_at = 1 };
	int rc = places_find(&h.a, h.project.dir, h.project.workspace, &h.places, &h.e);
	access("/devenv-begin", F_OK);
	struct vault *v = rc ? NULL : vault_open(&h.places, true, &h.e);
	rc = rc || !v || vault_ensure(v, NULL, &h.project, &h.e) ||
	     leaf_ensure(&h.places, &h.a, &hosts, &h.world, &h.e) ||
	     apply_files(&h.a, &p, &h.places, v, false, &done, &h.e) ||
	     records_save(&h.places, &h.world, &h.e);
	access("/devenv-end", F_OK);
	vault_close(v);
	if (rc)
		fprintf(stderr, "%s\n", h.e.text);
	arena_release(&h.a);
	return rc ? 1 : 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && streq(argv[1], "once"))
		return once(argv[2], argv[3]);
	const struct CMUnitTest tests[] = {
		test(modes_are_exact),
		test(second_run_writes_nothing),
		test(edits_heal_and_stale_files_go),
		test(files_and_directories_change_places),
		test(links_are_refused),
		test(targets_are_replaced_not_followed),
		test(a_full_disk_leaves_the_old_set),
		test(dry_touches_nothing),
		test(a_planted_manifest_reaches_nothing),
		test(secrets_are_written_byte_exact),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
