/*
 * devenv.lock in plans: without one nothing changes; with one builds stand on its digests and
 * install its versions; a stale entry does not hold; --frozen refuses what is not in it.
 */
#include "planner.h"

#include "planner/lock.h"

#define DIGEST "sha256:809dd194a756ef62b6711c24e157b8ff3010ed4277816f21d9196e819696366e"

static const char project[] = "images:\n"
			      "  base: { from: debian:bookworm-slim, packages: [tini] }\n"
			      "  tool: { from: base, packages: [jq, awk], run: [echo hi] }\n"
			      "services:\n"
			      "  api: { image: tool, command: x }\n"
			      "  cache: { image: redis:7 }\n";

static const struct image *image_of(const struct bench *b, const char *name)
{
	const struct image *i = project_image(&b->project, name);
	assert_non_null(i);
	return i;
}

static const char *tag(struct bench *b, const char *name)
{
	return plan_tag(&b->arena, &b->project, &b->world, image_of(b, name));
}

static struct packages *packages(struct bench *b, const char *const *pairs)
{
	struct packages *l = arena_new(&b->arena, struct packages);
	for (; *pairs; pairs += 3)
		*list_push(&b->arena, l) = (struct deb_package){
			.name = pairs[0], .version = pairs[1], .needs = pairs[2]
		};
	packages_sort(l);
	return l;
}

/* What images hold: name, version, what it needs. */
static const char *const ground[] = { "libc6", "2.36", "", "mawk", "1.3", "", NULL };
static const char *const in_base[] = { "libc6", "2.36", "", "mawk", "1.3", "", "tini", "0.19",
	"libc6 (>= 2.34)", NULL };
static const char *const in_tool[] = { "libc6", "2.37", "", "mawk", "1.3", "", "tini", "0.19", "",
	"jq", "1.6", "libjq1 (= 1.6) | nothing, libc6:any", "libjq1", "1.6", "libonig5", "libonig5",
	"6.9", "", "curl", "8", "", NULL };

static void resolve_some(struct bench *b, const struct strs *rungs, struct lockfile *out)
{
	struct map contents = MAP_INIT;
	map_set(&contents, "debian:bookworm-slim", packages(b, ground));
	map_set(&contents, "base", packages(b, in_base));
	map_set(&contents, "tool", packages(b, in_tool));
	*list_push(&b->arena, &b->world.images) = (struct seen_image){
		.name = "debian:bookworm-slim", .id = "sha256:1", .digest = DIGEST
	};
	*list_push(&b->arena, &b->world.images) =
		(struct seen_image){ .name = "redis:7", .id = "sha256:2", .digest = DIGEST };
	lock_resolve(&b->arena, &b->project, &b->world, rungs, &contents, out);
	map_release(&contents);
}

static void resolve(struct bench *b, struct lockfile *out)
{
	static const char *names[] = { "base", "tool" };
	const struct strs all = { names, 2, 2 };
	resolve_some(b, &all, out);
}

static const char *listed(struct bench *b, const struct packages *l)
{
	struct strs out = { 0 };
	for (size_t i = 0; i < l->count; i++)
		strs_add(&b->arena, &out,
			arena_printf(&b->arena, "%s=%s", l->items[i].name, l->items[i].version));
	return strs_join(&b->arena, &out, " ");
}

static void open_locked(struct bench *b, struct lockfile *lock)
{
	bench_open(b, project);
	resolve(b, lock);
	b->world.locked = lock;
}

static void own_packages_of_a_rung(void **state)
{
	struct bench b;
	struct lockfile lock;
	(void)state;
	open_locked(&b, &lock);
	assert_string_equal(listed(&b, &locked_rung(&lock, "base")->packages), "tini=0.19");
	const struct locked_rung *tool = locked_rung(&lock, "tool");
	/* libc6 is another than below; curl came by a run line. */
	assert_string_equal(
		listed(&b, &tool->packages), "jq=1.6 libc6=2.37 libjq1=1.6 libonig5=6.9");
	assert_string_equal(listed(&b, &tool->others), "curl=8");
	assert_string_equal(locked_image(&lock, "redis:7")->digest, DIGEST);
	bench_close(&b);
}

static void builds_use_it(void **state)
{
	struct bench b;
	struct lockfile lock;
	(void)state;
	open_locked(&b, &lock);
	bench_plan(&b);
	const char *base = bench_file(&b, "images/base/Dockerfile"),
		   *tool = bench_file(&b, "images/tool/Dockerfile");
	assert_true(starts_with(base, "FROM debian@" DIGEST "\n"));
	assert_non_null(strstr(base, "\"near\", \"tini\", \"\", \"tini=0.19\", \"\"]"));
	assert_non_null(strstr(tool, "\"near\", \"jq awk\", \"awk\","
				     " \"jq=1.6 libc6=2.37 libjq1=1.6 libonig5=6.9\","
				     " \"libc6 libjq1 libonig5\"]"));
	assert_string_equal(bench_get(&b, "services.cache.image"), "redis@" DIGEST);
	assert_int_equal(b.plan.notes.count, 0);
	bench_project(&b, project, "prod");
	bench_plan(&b);
	assert_non_null(strstr(bench_file(&b, "images/base/Dockerfile"), "\"exact\", \"tini\""));
	bench_close(&b);
}

static void names_the_reason(void **state)
{
	struct bench b;
	struct lockfile lock;
	(void)state;
	bench_open(&b, project);
	bench_plan(&b);
	bench_settle(&b);
	const char *before = tag(&b, "base");
	resolve(&b, &lock);
	b.world.locked = &lock;
	assert_string_not_equal(tag(&b, "base"), before);
	bench_plan(&b);
	assert_string_equal(bench_why(&b, "build base"), "changed: devenv.lock");
	assert_string_equal(bench_why(&b, "start api"), "image rung base changed: devenv.lock");
	bench_close(&b);
}

/* A rung whose entry does not hold is built as if there were no lock: its tag is the old one. */
static void stale_entries_do_not_hold(void **state)
{
	struct bench b;
	struct lockfile lock;
	(void)state;
	open_locked(&b, &lock);
	assert_int_equal(lock_fit(&b.arena, &b.project, &b.world, image_of(&b, "tool")), LOCK_FITS);
	char text[sizeof(project) + 20];
	const char *at = strstr(project, "jq");
	snprintf(text, sizeof(text), "%.*sless, %s", (int)(at - project), project, at);
	bench_change(&b, text);
	assert_int_equal(lock_fit(&b.arena, &b.project, &b.world, image_of(&b, "base")), LOCK_FITS);
	assert_int_equal(
		lock_fit(&b.arena, &b.project, &b.world, image_of(&b, "tool")), LOCK_STALE);
	bench_plan(&b);
	assert_null(strstr(bench_file(&b, "images/tool/Dockerfile"), "near"));
	assert_int_equal(b.plan.notes.count, 1);
	assert_non_null(strstr(b.plan.notes.items[0], "image tool has changed since devenv.lock"));
	b.project.frozen = true;
	bench_try(&b);
	assert_int_equal(b.result, -1);
	assert_int_equal(b.diags.items[0].place.line, 3);
	bench_close(&b);
}

static void frozen_wants_all_of_it(void **state)
{
	struct bench b;
	struct lockfile lock;
	(void)state;
	open_locked(&b, &lock);
	b.project.frozen = true;
	bench_plan(&b);
	assert_non_null(strstr(bench_file(&b, "images/base/Dockerfile"), "\"exact\", \"tini\""));
	lock.images.count--; /* redis:7 */
	bench_try(&b);
	assert_int_equal(b.result, -1);
	assert_string_equal(b.diags.items[0].message, "image redis:7 is not in devenv.lock");
	bench_change(&b, project);
	b.project.frozen = true;
	b.world.locked = NULL;
	bench_try(&b);
	assert_int_equal(b.result, -1);
	assert_non_null(strstr(b.diags.items[0].message, "there is no devenv.lock"));
	bench_close(&b);
}

/* An imported image has no digest: its name stays, and another id is another image. */
static void local_images(void **state)
{
	struct bench b;
	struct lockfile lock;
	(void)state;
	open_locked(&b, &lock);
	struct locked_image *debian = &lock.images.items[0];
	debian->local = true;
	bench_plan(&b);
	assert_true(starts_with(
		bench_file(&b, "images/base/Dockerfile"), "FROM debian:bookworm-slim\n"));
	const char *before = tag(&b, "base");
	assert_int_equal(b.plan.notes.count, 1); /* the engine's has another id */
	debian->digest = "sha256:1";
	assert_string_not_equal(tag(&b, "base"), before);
	bench_plan(&b);
	assert_int_equal(b.plan.notes.count, 0);
	debian->digest = DIGEST;
	b.project.frozen = true;
	bench_try(&b);
	assert_int_equal(b.result, -1);
	bench_close(&b);
}

static void frozen_wants_lock_files_of_modules(void **state)
{
	static const char module[] = "services:\n"
				     "  api:\n"
				     "    run: host\n"
				     "    command: x\n"
				     "    develop: { source: ., dependencies: { lock: [a.lock],"
				     " install: x, into: y } }\n";
	struct bench b;
	(void)state;
	bench_open(&b, module);
	bench_plan(&b);
	b.project.frozen = true;
	bench_try(&b);
	assert_int_equal(b.result, -1);
	assert_string_equal(b.diags.items[0].message, "api: there is no a.lock, its lock file");
	bench_input(&b, "/srv/shop/a.lock", "1");
	b.diags.errors = b.diags.count = 0;
	bench_plan(&b);
	bench_close(&b);
}

/* What it stands on is looked into, and stays as it was locked. */
static void one_rung_anew(void **state)
{
	static const char *name = "tool";
	const struct strs one = { &name, 1, 1 };
	struct bench b;
	struct lockfile lock, now;
	struct lock_changes diff = { 0 };
	(void)state;
	open_locked(&b, &lock);
	locked_rung(&lock, "base")->packages.items[0].version = "0.18";
	resolve_some(&b, &one, &now);
	lock_compare(&b.arena, &lock, &now, &diff);
	assert_int_equal(diff.count, 0);
	bench_close(&b);
}

static void what_differs(void **state)
{
	struct bench b;
	struct lockfile lock, other;
	struct lock_changes diff = { 0 };
	(void)state;
	open_locked(&b, &lock);
	lock_compare(&b.arena, &lock, &lock, &diff);
	assert_int_equal(diff.count, 0);
	b.world.locked = NULL;
	b.world.images.count = 0;
	resolve(&b, &other);
	other.rungs.items[1].packages.items[0].version = "1.7"; /* jq of tool */
	other.rungs.items[1].packages.count--;                  /* libonig5 */
	other.images.items[0].digest = "sha256:another";
	lock_compare(&b.arena, &lock, &other, &diff);
	assert_int_equal(diff.count, 3);
	assert_string_equal(diff.items[0].name, "debian:bookworm-slim");
	assert_string_equal(diff.items[1].old, "1.6");
	assert_string_equal(diff.items[1].now, "1.7");
	assert_null(diff.items[2].now);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_packages_of_a_rung),
		cmocka_unit_test(builds_use_it),
		cmocka_unit_test(names_the_reason),
		cmocka_unit_test(stale_entries_do_not_hold),
		cmocka_unit_test(frozen_wants_all_of_it),
		cmocka_unit_test(local_images),
		cmocka_unit_test(frozen_wants_lock_files_of_modules),
		cmocka_unit_test(one_rung_anew),
		cmocka_unit_test(what_differs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
