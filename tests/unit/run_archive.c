/*
 * Room run, build contexts. Guards: Docker's ignore rules, the same bytes for the same content,
 * links kept and never followed, generated secrets never in an image. tar(1) reads what is packed.
 */
#include "run_test.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "base/os.h"
#include "run/files/archive.h"
#include "run/files/context.h"
#include "run/io/spawn.h"

static void rules_match_as_docker_does(void **state)
{
	static const struct {
		const char *rules, *path;
		bool excluded;
	} cases[] = {
		{ "a", "a", true },
		{ "a", "b/a", false }, /* anchored, unlike git */
		{ "/a", "a", true },
		{ "a/", "a", true },
		{ "a", "a/b/c", true },
		{ "*", "a", true },
		{ "*", "a/b", true },
		{ "*.md", "x.md", true },
		{ "*.md", "d/x.md", false },
		{ "*/*.md", "d/x.md", true },
		{ "**/*.md", "x.md", true },
		{ "**/*.md", "d/e/x.md", true },
		{ "**", "any/thing", true },
		{ "d/**", "d/e/f", true },
		{ "d/**", "d", false },
		{ "d/**/f", "d/f", true },
		{ "d/**/f", "d/e/g/f", true },
		{ "a?c", "abc", true },
		{ "a?c", "a/c", false },
		{ "a[0-9]c", "a5c", true },
		{ "a[0-9]c", "axc", false },
		{ "a[^0-9]c", "axc", true },
		{ "a\\*c", "a*c", true },
		{ "a\\*c", "abc", false },
		{ "# a", "# a", false },
		{ " a ", "a", true },
		{ "*\n!a", "a", false },
		{ "*\n!a", "a/b", false },
		{ "*\n!a/b", "a/c", true },
		{ "*\n!a/b", "a/b", false },
		{ "!a\na", "a", true },
		{ "a\n!a\na", "a", true },
		{ "./a", "a", true },
		{ "b/../a", "a", true },
		{ "a.b", "axb", false },
		{ "\xef\xbb\xbf"
		  "a",
			"a", true },
		{ "a\r\nb\r\n", "b", true },
		{ "", "a", false },
		{ "\n\n  \n", "a", false },
		{ "**/a", "xa", false },
		{ "a**", "abc/d", true },
		{ "**a", "b/ca", true }, /* as Docker does, against its own manual */
		{ "**a*", "b/ca", false },
		{ "**a", "b/a", true },
	};
	struct home *h = *state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct ignore_rules *r =
			ignore_parse(&h->a, cases[i].rules, strlen(cases[i].rules));
		if (ignore_match(r, cases[i].path) != cases[i].excluded)
			fail_msg("rules '%s', path '%s'", cases[i].rules, cases[i].path);
	}
}

static const char *listing(struct home *h, const char *flags, struct buf *tar)
{
	const char *file = in_home(h, "c.tar"), *said = in_home(h, "c.list");
	assert_int_equal(file_write(file, tar->data, tar->len, 0644, false, &h->e), 0);
	const char *line =
		arena_printf(&h->a, "TZ=UTC LC_ALL=C tar %s -f %s >%s", flags, file, said);
	struct loop *l = loop_new();
	const char *argv[] = { "/bin/sh", "-c", line, NULL };
	int status;
	assert_int_equal(spawn_run(l, &(struct spawn){ .argv = argv }, &status, &h->e), 0);
	assert_int_equal(status, 0);
	loop_free(l);
	return get_file(h, said);
}

static void a_small_tree(struct home *h)
{
	put_file(h, in_project(h, "Dockerfile"), "FROM scratch\n");
	put_file(h, in_project(h, "src/b.c"), "b\n");
	put_file(h, in_project(h, "src/a.c"), "a\n");
	put_file(h, in_project(h, "run.sh"), "#!/bin/sh\n");
	chmod(in_project(h, "run.sh"), 0700);
	put_file(h, in_project(h, ".devenv/generated/secrets/db"), "secret\n");
	put_file(h, in_project(h, "sub/.devenv/generated/secrets/db"), "secret\n");
	assert_int_equal(symlink("/etc/passwd", in_project(h, "link")), 0);
}

static void packing_is_deterministic(void **state)
{
	struct home *h = *state;
	struct image image = { .name = "base" };
	struct build b = {
		.image = &image, .context_dir = h->project.dir, .dockerfile_path = "Dockerfile"
	};
	struct buf one = BUF_INIT, two = BUF_INIT;
	char hex[65], again[65];
	a_small_tree(h);
	assert_int_equal(context_pack(&h->a, &b, &one, &h->e), 0);
	assert_int_equal(context_hash(&h->a, h->project.dir, hex, &h->e), 0);
	assert_string_equal(listing(h, "-tv --numeric-owner", &one),
		"-rw-r--r-- 0/0              13 1970-01-01 00:00 Dockerfile\n"
		"lrwxrwxrwx 0/0               0 1970-01-01 00:00 link -> /etc/passwd\n"
		"-rwxr-xr-x 0/0              10 1970-01-01 00:00 run.sh\n"
		"drwxr-xr-x 0/0               0 1970-01-01 00:00 src/\n"
		"-rw-r--r-- 0/0               2 1970-01-01 00:00 src/a.c\n"
		"-rw-r--r-- 0/0               2 1970-01-01 00:00 src/b.c\n"
		"drwxr-xr-x 0/0               0 1970-01-01 00:00 sub/\n");
	chmod(in_project(h, "src/a.c"), 0600); /* neither mode of others nor time is content */
	put_file(h, in_project(h, "src/b.c"), "b\n");
	assert_int_equal(context_pack(&h->a, &b, &two, &h->e), 0);
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.data, two.data, one.len);
	assert_int_equal(context_hash(&h->a, h->project.dir, again, &h->e), 0);
	assert_string_equal(hex, again);
	chmod(in_project(h, "src/a.c"), 0700);
	assert_int_equal(context_hash(&h->a, h->project.dir, again, &h->e), 0);
	assert_string_not_equal(hex, again);
	buf_release(&one);
	buf_release(&two);
}

static void ignored_files_stay_out(void **state)
{
	struct home *h = *state;
	struct image image = { .name = "base" };
	struct build b = { .image = &image,
		.context_dir = h->project.dir,
		.dockerfile_path = "docker/Dockerfile" };
	struct buf tar = BUF_INIT;
	char hex[65], again[65];
	a_small_tree(h);
	put_file(h, in_project(h, "docker/Dockerfile"), "FROM scratch\n");
	put_file(h, in_project(h, ".dockerignore"), "*\n!src\nsrc/b.c\n!.devenv\n");
	assert_int_equal(context_hash(&h->a, h->project.dir, hex, &h->e), 0);
	assert_int_equal(context_pack(&h->a, &b, &tar, &h->e), 0);
	assert_string_equal(listing(h, "-t", &tar), "docker/Dockerfile\nsrc/\nsrc/a.c\n");
	put_file(h, in_project(h, "src/b.c"), "other\n");
	put_file(h, in_project(h, "new"), "new\n");
	assert_int_equal(context_hash(&h->a, h->project.dir, again, &h->e), 0);
	assert_string_equal(hex, again);
	buf_release(&tar);
}

static void git_decides_where_docker_does_not(void **state)
{
	struct home *h = *state;
	struct image image = { .name = "base" };
	struct build b = { .image = &image, .context_dir = in_project(h, "sub dir") };
	struct buf tar = BUF_INIT;
	struct loop *l = loop_new();
	const char *line = arena_printf(&h->a,
		"cd %s && git -c init.defaultBranch=main init -q && printf "
		"'node_modules/\\n*.log\\n' >.gitignore "
		"&& git add -f 'sub dir/kept.log' && git -c user.name=t -c user.email=t@t commit "
		"-qm x",
		h->project.dir);
	const char *argv[] = { "/bin/sh", "-c", line, NULL };
	int status;
	put_file(h, in_project(h, "sub dir/kept.log"), "tracked\n");
	put_file(h, in_project(h, "sub dir/x.log"), "ignored\n");
	put_file(h, in_project(h, "sub dir/node_modules/a/b.js"), "ignored\n");
	put_file(h, in_project(h, "sub dir/main.js"), "x\n");
	assert_int_equal(spawn_run(l, &(struct spawn){ .argv = argv }, &status, &h->e), 0);
	assert_int_equal(status, 0);
	*list_push(&h->a, &b.files) =
		(struct context_file){ .path = "Dockerfile", .data = "FROM x\n", .len = 7 };
	assert_int_equal(context_pack(&h->a, &b, &tar, &h->e), 0);
	assert_string_equal(listing(h, "-t", &tar), "Dockerfile\nkept.log\nmain.js\n");
	buf_release(&tar);
	loop_free(l);
}

static void odd_files_are_refused(void **state)
{
	struct home *h = *state;
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	char hex[65];
	assert_int_equal(mkfifo(in_project(h, "pipe"), 0644), 0);
	alarm(10);
	assert_int_equal(context_hash(&h->a, h->project.dir, hex, &h->e), -1);
	alarm(0);
	assert_non_null(strstr(h->e.text, "pipe"));
	put_file(h, in_project(h, ".dockerignore"), "pipe\n");
	assert_int_equal(context_hash(&h->a, h->project.dir, hex, &h->e), 0);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", in_project(h, "sock"));
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(context_hash(&h->a, h->project.dir, hex, &h->e), -1);
	close(fd);
}

static void long_and_foreign_names_survive(void **state)
{
	struct home *h = *state;
	struct image image = { .name = "base" };
	struct build b = { .image = &image, .context_dir = h->project.dir };
	struct buf tar = BUF_INIT;
	char deep[200];
	memset(deep, 'd', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	put_file(h, in_project(h, arena_printf(&h->a, "%s/%s", deep, deep)), "x\n");
	put_file(h, in_project(h, "Dockerfile"), "FROM x\n");
	put_file(h, in_project(h, "caf\xc3\xa9"), "x\n");
	put_file(h, in_project(h, "latin\xe9"), "x\n");
	assert_int_equal(context_pack(&h->a, &b, &tar, &h->e), 0);
	const char *list = listing(h, "--quoting-style=literal -t", &tar);
	assert_true(starts_with(tar.data, "Dockerfile")); /* not a header of the next name */
	assert_non_null(strstr(list, "caf\xc3\xa9\n"));
	assert_non_null(strstr(list, "latin\xe9\n"));
	assert_non_null(strstr(list, arena_printf(&h->a, "%s/%s\n", deep, deep)));
	buf_release(&tar);
}

static void own_files_come_with_the_build(void **state)
{
	struct home *h = *state;
	struct image image = { .name = "base" };
	struct build b = {
		.image = &image, .dockerfile = "FROM x\n", .dockerfile_path = "Dockerfile"
	};
	struct buf tar = BUF_INIT;
	put_file(h, in_project(h, "dir/a"), "a\n");
	put_file(h, in_project(h, "dir/deep/b"), "b\n");
	put_file(h, in_project(h, "one"), "1\n");
	*list_push(&h->a, &b.files) =
		(struct context_file){ .path = "files/dir", .source = in_project(h, "dir") };
	*list_push(&h->a, &b.files) = (struct context_file){
		.path = "files/one", .source = in_project(h, "one"), .mode = 0755
	};
	assert_int_equal(context_pack(&h->a, &b, &tar, &h->e), 0);
	assert_string_equal(listing(h, "-tv --numeric-owner", &tar),
		"-rw-r--r-- 0/0               7 1970-01-01 00:00 Dockerfile\n"
		"drwxr-xr-x 0/0               0 1970-01-01 00:00 files/dir/\n"
		"-rw-r--r-- 0/0               2 1970-01-01 00:00 files/dir/a\n"
		"drwxr-xr-x 0/0               0 1970-01-01 00:00 files/dir/deep/\n"
		"-rw-r--r-- 0/0               2 1970-01-01 00:00 files/dir/deep/b\n"
		"-rwxr-xr-x 0/0               2 1970-01-01 00:00 files/one\n");
	b.files.items[0].source = in_project(h, "absent");
	assert_int_equal(context_pack(&h->a, &b, &tar, &h->e), -1);
	assert_non_null(strstr(h->e.text, "image base"));
	buf_release(&tar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(rules_match_as_docker_does),
		test(packing_is_deterministic),
		test(ignored_files_stay_out),
		test(git_decides_where_docker_does_not),
		test(odd_files_are_refused),
		test(long_and_foreign_names_survive),
		test(own_files_come_with_the_build),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
