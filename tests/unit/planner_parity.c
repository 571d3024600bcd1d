/*
 * Comparing two environments: over histories of random facts a difference planted in every kind is
 * found and none is invented; what development cannot but do is expected, and only that; patterns
 * allow what they name and nothing else.
 */
#include "planner.h"

#include <stdlib.h>

#include "planner/parity.h"

/* ---- random facts ---- */

static const char *const kinds[] = { "services.api.environment.A", "services.api.command",
	"services.api.ports.80/tcp", "services.api.image.packages.curl",
	"services.api.image.users.app", "services.api.image.files./srv/api/a",
	"services.api.image.directories./etc", "routes.shop.localhost/", "secrets.key" };

static const char *value(struct arena *a, unsigned *seed)
{
	return arena_printf(a, "v%d", rand_r(seed) % 4);
}

/* The same facts twice, in two orders. */
static void twins(struct arena *a, unsigned *seed, struct facts sides[2])
{
	size_t count = (size_t)(rand_r(seed) % 40);
	for (size_t i = 0; i < count; i++) {
		const char *path = arena_printf(a, "%s.%zu", kinds[i % countof(kinds)], i);
		struct fact f = { .path = path, .value = value(a, seed) };
		*list_push(a, &sides[0]) = f;
		*list_push(a, &sides[1]) = f;
	}
	for (size_t i = 0; i + 1 < count; i++) {
		size_t k = i + (size_t)rand_r(seed) % (count - i);
		struct fact f = sides[1].items[i];
		sides[1].items[i] = sides[1].items[k];
		sides[1].items[k] = f;
	}
}

static const struct difference *find(const struct differences *d, const char *path)
{
	for (size_t i = 0; i < d->count; i++) {
		if (streq(d->items[i].path, path))
			return &d->items[i];
	}
	return NULL;
}

static void planted(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		struct arena a = ARENA_INIT;
		struct facts sides[2] = { { 0 } };
		struct differences none = { 0 }, found = { 0 };
		unsigned seed = round;
		twins(&a, &seed, sides);
		facts_compare(&a, &sides[0], &sides[1], &none);
		assert_int_equal(none.count, 0);
		size_t wanted = 0, side = round % 2;
		for (size_t k = 0; k < countof(kinds); k++) {
			if (rand_r(&seed) % 2)
				continue;
			const char *path = arena_printf(&a, "%s.planted", kinds[k]);
			bool both = rand_r(&seed) % 2;
			*list_push(&a, &sides[side]) = (struct fact){ .path = path, .value = "x" };
			if (both)
				*list_push(&a, &sides[!side]) =
					(struct fact){ .path = path, .value = "y" };
			wanted++;
		}
		facts_compare(&a, &sides[0], &sides[1], &found);
		assert_int_equal(found.count, wanted);
		for (size_t i = 0; i < found.count; i++) {
			const struct difference *d = &found.items[i];
			const char *mine = side ? d->right : d->left;
			const char *other = side ? d->left : d->right;
			assert_true(ends_with(d->path, ".planted"));
			assert_string_equal(mine, "x");
			assert_true(!other || streq(other, "y"));
			assert_null(d->expected);
		}
		arena_release(&a);
	}
}

/* A reason holds for just the value that it speaks of. */
static void reasons(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	struct facts l = { 0 }, r = { 0 };
	struct differences d = { 0 };
	*list_push(&a, &l) =
		(struct fact){ .path = "a", .value = "0:0", .because = "mapped", .instead = "1:1" };
	*list_push(&a, &r) = (struct fact){ .path = "a", .value = "1:1" };
	*list_push(&a, &l) =
		(struct fact){ .path = "b", .value = "0:0", .because = "mapped", .instead = "1:1" };
	*list_push(&a, &r) = (struct fact){ .path = "b", .value = "2:2" };
	*list_push(&a, &l) = (struct fact){ .path = "c", .value = "s", .because = "mirrored" };
	*list_push(&a, &l) = (struct fact){ .path = "d", .value = "s", .because = "mirrored" };
	*list_push(&a, &r) = (struct fact){ .path = "d", .value = "t" };
	*list_push(&a, &r) = (struct fact){ .path = "e", .value = "f", .because = "released" };
	facts_compare(&a, &l, &r, &d);
	assert_int_equal(d.count, 5);
	assert_string_equal(find(&d, "a")->expected, "mapped");
	assert_null(find(&d, "b")->expected);
	assert_string_equal(find(&d, "c")->expected, "mirrored");
	assert_null(find(&d, "d")->expected);
	assert_string_equal(find(&d, "e")->expected, "released");
	arena_release(&a);
}

/* ---- patterns ---- */

static void patterns(void **state)
{
	static const char *const names[2] = { "python", NULL };
	static const struct {
		const char *pattern, *path;
		bool allows;
	} cases[] = {
		{ "services.*.environment.LOG_LEVEL", "services.api.environment.LOG_LEVEL", true },
		{ "services.*.environment.LOG_LEVEL", "services.api.environment.LOG_LEVEL2",
			false },
		{ "services.*.environment.LOG_LEVEL", "services.api.environment.LOG", false },
		{ "services.*.environment.LOG_*", "services.api.environment.LOG_LEVEL", true },
		{ "services.*.environment", "services.api.environment.LOG_LEVEL", true },
		{ "services.*.env", "services.api.environment.LOG_LEVEL", false },
		{ "services.a*", "services.api.image.packages.curl", true },
		{ "services.*.packages", "services.api.image.packages.curl", false },
		{ "packages.curl", "services.api.image.packages.curl", true },
		{ "packages.cur", "services.api.image.packages.curl", false },
		{ "packages.\"python3.11\"", "services.api.image.packages.\"python3.11\"", true },
		{ "packages.python3", "services.api.image.packages.\"python3.11\"", false },
		{ "packages.*", "services.api.image.packages.\"python3.11\"", true },
		{ "packages", "services.api.packages", false },
		{ "environment.A", "services.api.environment.A", false },
		{ "environment.A", "services.api.image.environment.A", true },
		{ "images.python.packages.*", "services.api.image.packages.curl", true },
		{ "images.pyth*.packages", "services.api.image.packages.curl", true },
		{ "images.node.packages.*", "services.api.image.packages.curl", false },
		{ "images.python", "services.api.image.packages.curl", true },
		{ "images.python.packages", "images.python.packages.curl", true },
		{ "images.python", "services.api.image", false },
		{ "*.*.x", "services.api.x", true },
		{ "**", "services", true },
		{ "a*b*c", "aXbbYc", true },
		{ "a*b*c", "aXbbY", false },
		{ "", "services.api", false },
		{ "files.\"a\\\"b\"", "services.api.image.files.\"a\\\"b\"", true },
		{ "services.api.configs[0].mode", "services.api.configs[0].mode", true },
		{ "services.api.configs[1]", "services.api.configs[0].mode", false },
		{ "services.api.configs", "services.api.configs[0].mode", true },
		{ "\"", "services.api", false },
		{ "[", "services.api", false },
		{ "services.", "services.api", false },
	};
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct arena a = ARENA_INIT;
		if (parity_allows(&a, cases[i].pattern, cases[i].path, names) != cases[i].allows)
			fail_msg("%s / %s", cases[i].pattern, cases[i].path);
		arena_release(&a);
	}
}

/* ---- images ---- */

static const char shop[] =
	"images:\n"
	"  base: { from: debian:bookworm-slim, user: { name: app, uid: 1000, gid: "
	"1000 } }\n"
	"services:\n"
	"  api:\n"
	"    image: base\n"
	"    working_dir: /srv/api\n"
	"    volumes: ['data:/var/lib/data/']\n"
	"    develop: { source: api }\n"
	"    environment: { PASSED: x }\n"
	"    release: { artifacts: { api/dist: /srv/api } }\n"
	"  db: { image: 'postgres:15' }\n"
	"  made: { build: . }\n"
	"  beside: { run: host, command: x }\n"
	"volumes: { data: {} }\n";

struct pair { /* two environments of one project */
	struct bench b[2];
	struct parity_images images[2];
	struct image_facts facts[2];
	struct parity out;
};

static int pair_open(void **state)
{
	static const char *const names[] = { "dev", "prod" };
	struct pair *p = *state = xcalloc(1, sizeof(*p));
	for (size_t i = 0; i < 2; i++) {
		bench_open_in(&p->b[i], shop, names[i]);
		p->b[i].world.source.known = true;
		parity_images(&p->b[i].arena, &p->b[i].project, &p->b[i].world, &p->images[i]);
		p->facts[i].id = i ? "sha256:b" : "sha256:a";
	}
	return 0;
}

static int pair_close(void **state)
{
	struct pair *p = *state;
	bench_close(&p->b[0]);
	bench_close(&p->b[1]);
	xfree(p);
	return 0;
}

static struct parity_image *image_of(struct pair *p, size_t side, const char *service)
{
	for (size_t i = 0; i < p->images[side].count; i++) {
		if (streq(p->images[side].items[i].service->name, service))
			return &p->images[side].items[i];
	}
	fail_msg("no %s", service);
	return NULL;
}

static void has(struct pair *p, size_t side, const char *group, const char *name, const char *text)
{
	*list_push(&p->b[side].arena, &p->facts[side].items) =
		(struct image_fact){ group, name, text };
}

static void compare(struct pair *p)
{
	struct parity_side sides[2];
	const char *api = "api";
	struct strs only = { &api, 1, 1 };
	for (size_t i = 0; i < 2; i++) {
		sides[i] = (struct parity_side){ &p->b[i].project, &p->b[i].world, &p->images[i] };
		image_of(p, i, "api")->facts = &p->facts[i];
	}
	parity_make(&p->b[0].arena, sides, &only, &p->out);
	assert_int_equal(p->out.groups.count, 1);
}

static const struct difference *content(struct pair *p, const char *path)
{
	return find(&p->out.groups.items[0].found,
		arena_printf(&p->b[0].arena, "services.api.image.%s", path));
}

static void which_image(void **state)
{
	struct pair *p = *state;
	struct parity_image *api = image_of(p, 0, "api");
	assert_true(starts_with(api->reference, "devenv/base:"));
	assert_true(api->built);
	assert_string_equal(api->tree, "/srv/api");
	assert_string_equal(strs_join(&p->b[0].arena, &api->dirs, " "), "/srv/api /var/lib/data");
	assert_true(starts_with(image_of(p, 1, "api")->reference, "devenv/release-api:"));
	assert_string_equal(image_of(p, 0, "db")->reference, "postgres:15");
	assert_false(image_of(p, 0, "db")->built);
	assert_null(image_of(p, 0, "made")->reference);
	assert_null(image_of(p, 0, "beside")->reference);
}

/* The developer of the bench is 1234:1234; app is declared as 1000:1000. */
static void mapped_ids(void **state)
{
	struct pair *p = *state;
	has(p, 0, "users", "app", "1234:1234");
	has(p, 1, "users", "app", "1000:1000");
	has(p, 0, "groups", "app", "1234");
	has(p, 1, "groups", "app", "1001");
	has(p, 0, "users", "root", "0:0");
	has(p, 1, "users", "root", "0:0");
	has(p, 0, "directories", "/srv", "0755 1234:1234");
	has(p, 1, "directories", "/srv", "0755 1000:1001");
	has(p, 0, "directories", "/etc", "0755 0:0");
	has(p, 1, "directories", "/etc", "0700 0:0");
	has(p, 0, "directories", "/opt", "0755 1234:1234");
	has(p, 1, "directories", "/opt", "0755 55:55");
	compare(p);
	assert_non_null(content(p, "users.app")->expected);
	assert_null(content(p, "groups.app")->expected);
	assert_null(content(p, "directories./srv"));
	assert_string_equal(content(p, "directories./etc")->right, "0700 root:0");
	assert_null(content(p, "directories./etc")->expected);
	assert_string_equal(content(p, "directories./opt")->left, "0755 app:app");
	assert_string_equal(content(p, "directories./opt")->right, "0755 55:55");
	assert_int_equal(p->out.expected, 2); /* with the sources that are mirrored */
	assert_int_equal(p->out.refused, 3);
}

/* A developer who is root: app has root's ids, and goes by that name. */
static void mapped_to_root(void **state)
{
	struct pair *p = *state;
	p->b[0].world.uid = p->b[0].world.gid = 0;
	has(p, 0, "users", "app", "0:0");
	has(p, 0, "users", "root", "0:0");
	has(p, 0, "groups", "root", "0");
	has(p, 1, "users", "app", "1000:1000");
	has(p, 1, "groups", "app", "1000");
	has(p, 1, "users", "root", "0:0");
	has(p, 1, "groups", "root", "0");
	has(p, 0, "groups", "app", "0");
	has(p, 0, "directories", "/etc", "0755 0:0");
	has(p, 1, "directories", "/etc", "0755 0:0");
	has(p, 0, "directories", "/srv", "0755 0:0");
	has(p, 1, "directories", "/srv", "0755 1000:1000");
	compare(p);
	assert_null(content(p, "directories./etc"));
	assert_non_null(content(p, "directories./srv")->expected);
	assert_int_equal(p->out.refused, 0);
}

/* What the release persists is no surprise; another file in another place is. */
static void artifacts(void **state)
{
	struct pair *p = *state;
	has(p, 1, "files", "/srv/api/app.py", "0644 0:0 3 bytes abc");
	has(p, 1, "directories", "/srv/api", "0755 0:0");
	has(p, 1, "files", "/srv/other", "0644 0:0 3 bytes abc");
	has(p, 0, "files", "/srv/api/both", "0644 0:0 3 bytes abc");
	has(p, 1, "files", "/srv/api/both", "0644 0:0 3 bytes abd");
	has(p, 0, "files", "/srv/api/link", "-> x:1 y");
	has(p, 1, "environment", "PASSED", "x");
	has(p, 1, "environment", "OTHER", "x");
	compare(p);
	assert_non_null(content(p, "files.\"/srv/api/app.py\"")->expected);
	assert_non_null(content(p, "directories./srv/api")->expected);
	assert_null(content(p, "files./srv/other")->expected);
	assert_null(content(p, "files./srv/api/both")->expected);
	assert_string_equal(content(p, "files./srv/api/link")->left, "-> x:1 y");
	assert_non_null(content(p, "environment.PASSED")->expected);
	assert_null(content(p, "environment.OTHER")->expected);
}

/* An image that was not read is said, not guessed; one and the same is never read against itself.
 */
static void not_read(void **state)
{
	struct pair *p = *state;
	p->facts[1].id = NULL;
	has(p, 0, "users", "app", "1234:1234");
	compare(p);
	assert_int_equal(p->out.refused, 0);
	assert_int_equal(p->out.unseen, 1);
	assert_int_equal(p->out.groups.items[0].notes.count, 1);
	assert_non_null(strstr(p->out.groups.items[0].notes.items[0], "devenv build --env prod"));
	p->facts[1].id = p->facts[0].id;
	compare(p);
	assert_int_equal(p->out.expected + p->out.refused, 1); /* the sources */
	assert_int_equal(p->out.groups.items[0].notes.count, 0);
}

int main(void)
{
#define WITH_PAIR(f) cmocka_unit_test_setup_teardown(f, pair_open, pair_close)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(planted),
		cmocka_unit_test(reasons),
		cmocka_unit_test(patterns),
		WITH_PAIR(which_image),
		WITH_PAIR(mapped_ids),
		WITH_PAIR(mapped_to_root),
		WITH_PAIR(artifacts),
		WITH_PAIR(not_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
