/*
 * Room run, the local world. Guards: what was saved is seen again, input hashes change exactly with
 * content, looking makes nothing.
 */
#include "base/os.h"
#include "run/apply.h"
#include "run/secrets/certificate.h"
#include "run/probe.h"
#include "run/records.h"
#include "run_test.h"

static void nothing_there_is_a_world_too(void **state)
{
	struct home *h = *state;
	assert_int_equal(probe_local(&h->a, &h->project, &h->places, &h->world, &h->e), 0);
	assert_int_equal(h->world.uid, geteuid());
	assert_true(h->world.now > 1600000000);
	assert_int_equal(h->world.files.count, 0);
	assert_null(h->world.authority);
	assert_null(h->world.leaf_hosts);
	assert_false(dir_exists(in_project(h, ".devenv")));
	assert_false(dir_exists(in_home(h, ".local")));
}

static void sudo_is_seen_through(void **state)
{
	struct home *h = *state;
	setenv("SUDO_UID", "1234", 1);
	setenv("SUDO_GID", "bad", 1);
	assert_int_equal(probe_local(&h->a, &h->project, &h->places, &h->world, &h->e), 0);
	assert_int_equal(h->world.uid, geteuid() ? geteuid() : 1234);
	assert_int_equal(h->world.gid, getegid());
}

static void what_was_saved_is_seen(void **state)
{
	struct home *h = *state;
	struct world w = { .now = 0 };
	struct plan p = { .arena = &h->a, .project = &h->project };
	struct applied done;
	struct strs hosts = { 0 };
	struct stat before, after;
	const char *path = path_join(&h->a, h->places.state, "records.json");
	strs_add(&h->a, &hosts, "shop.localhost");
	add_out(h, &p, "a", 0640, "text\n", NULL, 0);
	assert_int_equal(apply_files(&h->a, &p, &h->places, NULL, false, &done, &h->e), 0);
	*list_push(&h->a, &w.records) = (struct unit_record){
		.service = "db", .container = "0123abcd", .ready_at = 1234567890
	};
	*list_push(&h->a, &w.records) =
		(struct unit_record){ .service = "migrate", .job_hash = "hash" };
	assert_int_equal(records_save(&h->places, &w, &h->e), 0);
	assert_int_equal(leaf_ensure(&h->places, &h->a, &hosts, &w, &h->e), 0);
	assert_int_equal(probe_local(&h->a, &h->project, &h->places, &h->world, &h->e), 0);
	assert_int_equal(h->world.files.count, 1);
	assert_string_equal(h->world.files.items[0].path, "a");
	assert_int_equal(h->world.files.items[0].mode, 0640);
	assert_string_equal(h->world.files.items[0].hash,
		"b9e68e1bea3e5b19ca6b2f98b73a54b73daafaa250484902e09982e07a12e733");
	assert_int_equal(h->world.records.count, 2);
	assert_string_equal(world_record(&h->world, "db")->container, "0123abcd");
	assert_int_equal(world_record(&h->world, "db")->ready_at, 1234567890);
	assert_string_equal(world_record(&h->world, "migrate")->job_hash, "hash");
	assert_string_equal(h->world.leaf_hosts, "shop.localhost");
	assert_string_equal(h->world.authority, w.authority);
	assert_int_equal(lstat(path, &before), 0);
	assert_int_equal(before.st_mode & 07777, 0600);
	assert_int_equal(records_save(&h->places, &h->world, &h->e), 0);
	assert_int_equal(lstat(path, &after), 0);
	assert_true(before.st_ino == after.st_ino);
	struct world late = { .now = 0 };
	*list_push(&h->a, &late.records) = (struct unit_record){
		.service = "db", .container = "0123abcd", .ready_at = 1234567899
	};
	*list_push(&h->a, &late.records) = (struct unit_record){
		.service = "web", .container = "ffff", .ready_at = 1234567899
	};
	assert_int_equal(records_note(&h->places, &late, &h->e), 0);
	late.records.items[0].ready_at = 1;
	late.records.items[1].container = "eeee";
	late.records.items[1].ready_at++;
	assert_int_equal(records_note(&h->places, &late, &h->e), 0);
	h->world.records.count = 0;
	assert_int_equal(probe_local(&h->a, &h->project, &h->places, &h->world, &h->e), 0);
	assert_int_equal(h->world.records.count, 3);
	assert_int_equal(world_record(&h->world, "db")->ready_at, 1234567899);
	assert_string_equal(world_record(&h->world, "migrate")->job_hash, "hash");
	assert_string_equal(world_record(&h->world, "web")->container, "ffff");
	assert_int_equal(world_record(&h->world, "web")->ready_at, 1234567899);
	put_file(h, path, "{ damaged");
	h->world.records.count = 0;
	assert_int_equal(probe_local(&h->a, &h->project, &h->places, &h->world, &h->e), 0);
	assert_int_equal(h->world.records.count, 0);
}

static const char *input(struct home *h, const char *path)
{
	struct strs one = { 0 };
	strs_add(&h->a, &one, path);
	map_release(&h->world.inputs);
	assert_int_equal(probe_inputs(&h->a, &one, &h->world, &h->e), 0);
	return world_input(&h->world, path);
}

static void inputs_follow_content(void **state)
{
	struct home *h = *state;
	const char *file = in_project(h, "lock"), *dir = in_project(h, "ctx");
	put_file(h, file, "one");
	put_file(h, in_project(h, "ctx/a"), "a");
	const char *first = input(h, file), *tree = input(h, dir);
	put_file(h, file, "one");
	assert_string_equal(input(h, file), first);
	chmod(file, 0600);
	assert_string_equal(input(h, file), first);
	chmod(file, 0755);
	assert_string_not_equal(input(h, file), first);
	put_file(h, file, "two");
	assert_string_not_equal(input(h, file), first);
	assert_string_equal(input(h, dir), tree);
	put_file(h, in_project(h, "ctx/b"), "");
	assert_string_not_equal(input(h, dir), tree);
	assert_null(input(h, in_project(h, "absent")));
	assert_null(input(h, in_project(h, "lock/absent")));
	assert_int_equal(mkfifo(in_project(h, "pipe"), 0600), 0);
	struct strs one = { 0 };
	strs_add(&h->a, &one, in_project(h, "pipe"));
	alarm(10);
	assert_int_equal(probe_inputs(&h->a, &one, &h->world, &h->e), -1);
	alarm(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(nothing_there_is_a_world_too),
		test(sudo_is_seen_through),
		test(what_was_saved_is_seen),
		test(inputs_follow_content),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
