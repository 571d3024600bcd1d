/*
 * Production images: stages and what reaches the last of them, names and tags, and what is refused:
 * a secret, root, paths of this machine.
 */
#include "planner.h"

static const char shop[] =
	"images:\n"
	"  run: { from: debian:bookworm-slim, user: { name: app, uid: 1000, gid: 1000 } }\n"
	"  tools: { from: run, packages: [make] }\n"
	"services:\n"
	"  api:\n"
	"    image: tools\n"
	"    working_dir: /srv/api\n"
	"    command: python3 -m 'a b'\n"
	"    environment: { DB: '${service.db.host}' }\n"
	"    ports: { http: { target: 8000 } }\n"
	"    healthcheck: { http: /healthz, port: http }\n"
	"    stop_signal: SIGINT\n"
	"    develop:\n"
	"      source: api\n"
	"      dependencies: { lock: [api/lock], install: make deps, into: deps }\n"
	"    release:\n"
	"      build: make dist\n"
	"      artifacts: { api/dist: /srv/api, /opt/tool: /usr/local/bin/tool }\n"
	"      from: run\n"
	"  db: { image: run, command: sleep 1 }\n";

static void open_prod(struct bench *b, const char *yaml)
{
	bench_open(b, yaml);
	bench_project(b, yaml, "prod");
	b->request.goal = GOAL_BUILD;
	b->world.source = (struct source_facts){ .known = true,
		.commit = "0123456789abcdef0123456789abcdef01234567",
		.version = "v1.2",
		.url = "https://host/shop.git",
		.time = 1700000000 };
	bench_input(b, "/srv/shop/api", "sources");
}

static const struct build *release_of(const struct bench *b, const char *id)
{
	const struct step *s = bench_step(b, id);
	assert_non_null(s);
	return s->build;
}

static const char *stage(struct bench *b, const char *text, int number)
{
	for (const char *at = text; (at = strstr(at, "FROM ")); at += 5)
		if (!number--) {
			const char *next = strstr(at + 5, "\nFROM ");
			return next ? arena_strndup(&b->arena, at, (size_t)(next - at)) : at;
		}
	return "";
}

static const char *replaced(struct arena *a, const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	assert_non_null(at);
	return arena_printf(a, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

/* What is built in the first stage reaches the last one through its place only. */
static void stages(void **state)
{
	struct bench b;
	(void)state;
	open_prod(&b, shop);
	bench_plan(&b);
	const struct build *r = release_of(&b, "build release api");
	const char *build = stage(&b, r->dockerfile, 0), *tree = stage(&b, r->dockerfile, 1);
	const char *image = stage(&b, r->dockerfile, 2);
	const char *tools = bench_step(&b, "build tools")->build->tag;
	const char *run = bench_step(&b, "build run")->build->tag;
	assert_true(starts_with(build, arena_printf(&b.arena, "FROM %s AS build\n", tools)));
	assert_non_null(strstr(build, "COPY --chown=1000:1000 [\"source/\", \"/srv/api/\"]\n"));
	assert_non_null(strstr(build, "\"install\", \"/srv/api/deps\", \"make deps\"]\n"
				      "ENV SOURCE_DATE_EPOCH=1700000000\n"
				      "RUN [\"/bin/sh\", \"-ec\", \"make dist\"]\nUSER root\n"));
	assert_non_null(strstr(
		build, "\"collect\", \"?/srv/api/deps\", \"/srv/api/dist\", \"/opt/tool\"]"));
	assert_true(starts_with(tree, arena_printf(&b.arena, "FROM %s AS tree\n", run)));
	assert_non_null(strstr(tree, "\"tree\", \"/.devenv-deps\", \"315532800\", \"1000:1000\", "
				     "\"/srv/api\", \"1\", \"/srv/api/deps\"]\n"));
	assert_non_null(
		strstr(tree, "\"tree\", \"/.devenv-tree\", \"1700000000\", \"1000:1000\", "
			     "\"/srv/api\", \"2\", \"/srv/api\", \"/usr/local/bin/tool\"]"));
	assert_true(starts_with(image, arena_printf(&b.arena, "FROM %s\nUSER root\n", run)));
	assert_non_null(strstr(image, "COPY --from=tree [\"/.devenv-deps/\", \"/\"]\nLABEL "));
	assert_non_null(strstr(image, "COPY --from=tree [\"/.devenv-tree/\", \"/\"]\nENV "
				      "DB=\"db\"\nWORKDIR /srv/api\nEXPOSE 8000/tcp\n"
				      "USER app\nHEALTHCHECK --interval=10000ms"));
	assert_true(ends_with(image, "STOPSIGNAL SIGINT\nCMD [\"python3\", \"-m\", \"a b\"]\n"));
	assert_null(strstr(image, "\"source"));
	assert_null(strstr(image, "--from=build"));
	assert_true(bench_needs(&b, "build release api", "build tools"));
	assert_true(bench_needs(&b, "build release api", "build run"));
	bench_close(&b);
}

static size_t place_in(const char *text, const char *part)
{
	const char *at = strstr(text, part);
	assert_non_null(at);
	return (size_t)(at - text);
}

/* Lock files and the manifests beside them come first: a changed source installs nothing anew. */
static void install_first(void **state)
{
	struct bench b;
	(void)state;
	open_prod(&b, shop);
	bench_input(&b, "/srv/shop/api/lock", "lock");
	bench_input(&b, "/srv/shop/api/package.json", "manifest");
	bench_plan(&b);
	const struct build *r = release_of(&b, "build release api");
	const char *build = stage(&b, r->dockerfile, 0);
	size_t manifests =
		place_in(build, "COPY --chown=1000:1000 [\"manifests/\", \"/srv/api/\"]\n"
				"USER app\nRUN ");
	size_t sources = place_in(build, "COPY --chown=1000:1000 [\"source/\", \"/srv/api/\"]\n");
	assert_true(place_in(build, "ENV SOURCE_DATE_EPOCH=315532800\n") < manifests);
	assert_true(manifests < sources);
	assert_true(sources < place_in(build, "ENV SOURCE_DATE_EPOCH=1700000000\n"));
	assert_int_equal(r->files.count, 3);
	assert_string_equal(r->files.items[0].without, "deps");
	assert_string_equal(r->files.items[1].path, "manifests/lock");
	assert_string_equal(r->files.items[2].path, "manifests/package.json");
	bench_close(&b);
}

/* What an artifact holds of them is not in the image twice. */
static void dependencies_once(void **state)
{
	struct arena a = ARENA_INIT;
	struct bench b;
	(void)state;
	open_prod(&b, replaced(&a, shop, "api/dist: /srv/api", "api: /srv/api"));
	bench_plan(&b);
	const char *build = stage(&b, release_of(&b, "build release api")->dockerfile, 0);
	place_in(build, "\"collect\", \"?/srv/api/deps\", \"!/srv/api\", \"/opt/tool\"]");
	bench_close(&b);
	arena_release(&a);
}

static void labels_and_names(void **state)
{
	static const char *const labels[] = { " org.opencontainers.image.title=\"shop-api\"",
		" org.opencontainers.image.version=\"v1.2-dirty\"",
		" org.opencontainers.image.revision=\"0123456789abcdef0123456789abcdef01234567\"",
		" org.opencontainers.image.source=\"https://host/shop.git\"",
		" org.opencontainers.image.created=\"2023-11-14T22:13:20Z\"",
		" org.opencontainers.image.base.name=\"debian:bookworm-slim\"",
		" devenv.dirty=\"true\"" };
	struct bench b;
	(void)state;
	open_prod(&b, shop);
	b.world.source.dirty = true;
	bench_plan(&b);
	const struct build *r = release_of(&b, "build release api");
	for (size_t i = 0; i < countof(labels); i++)
		if (!strstr(r->dockerfile, labels[i]))
			fail_msg("no label %s", labels[i]);
	assert_int_equal(b.plan.named.count, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct named *n = &b.plan.named.items[i];
		bool api = streq(n->service->name, "api");
		assert_string_equal(n->name, api ? "shop-api:v1.2-dirty" : "shop-db:v1.2-dirty");
		assert_string_equal(n->tag, api ? r->tag : bench_step(&b, "build run")->build->tag);
	}
	b.world.source.version = "feature/x+1";
	b.world.source.named = true;
	bench_plan(&b);
	assert_true(ends_with(b.plan.named.items[0].name, ":feature-x-1"));
	bench_close(&b);
}

static const char *tag_with(struct bench *b)
{
	bench_plan(b);
	return release_of(b, "build release api")->tag;
}

/* The tag follows from sources, commit and rungs; what the engine has is not built again. */
static void tags(void **state)
{
	struct bench b;
	(void)state;
	open_prod(&b, shop);
	const char *first = tag_with(&b);
	assert_true(starts_with(first, "devenv/release-api:"));
	assert_string_equal(tag_with(&b), first);
	bench_input(&b, "/srv/shop/api", "others");
	assert_string_not_equal(tag_with(&b), first);
	bench_input(&b, "/srv/shop/api", "sources");
	b.world.source.time++;
	assert_string_not_equal(tag_with(&b), first);
	b.world.source.time--;
	bench_images(&b);
	assert_true(world_has_image(&b.world, first));
	bench_plan(&b);
	assert_int_equal(b.plan.steps.count, 0);
	assert_int_equal(b.plan.named.count, 2);
	b.request.no_cache = true;
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "build release api");
	assert_string_equal(bench_why(&b, "build release api"), "asked for");
	assert_true(release_of(&b, "build release api")->no_cache);
	bench_close(&b);
}

static void development_has_none(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, shop);
	b.request.goal = GOAL_BUILD;
	bench_plan(&b);
	assert_null(bench_step(&b, "build release api"));
	assert_int_equal(b.plan.named.count, 0);
	bench_close(&b);
}

/* What is up in another environment runs the image that `build` makes of it. */
static void started(void **state)
{
	struct bench b;
	(void)state;
	open_prod(&b, shop);
	const char *built = tag_with(&b);
	b.request.goal = GOAL_UP;
	bench_plan(&b);
	assert_string_equal(release_of(&b, "build release api")->tag, built);
	assert_null(bench_step(&b, "install api"));
	assert_null(bench_step(&b, "mount points"));
	assert_true(bench_needs(&b, "build release api", "write"));
	assert_true(bench_needs(&b, "create containers", "build release api"));
	const char *there[] = { bench_step(&b, "build run")->build->tag, built };
	for (size_t i = 0; i < countof(there); i++)
		world_note_image(&b.arena, &b.world,
			&(struct seen_image){ .name = there[i], .id = "sha256:1" });
	b.world.images_known = true;
	bench_plan(&b);
	assert_null(bench_step(&b, "build release api"));
	assert_null(bench_step(&b, "build tools")); /* only the release stands on it */
	assert_non_null(bench_step(&b, "start api"));
	bench_close(&b);
}

static void images_by_name(void **state)
{
	struct bench b;
	(void)state;
	open_prod(&b, shop);
	strs_add(&b.arena, &b.request.images, "run");
	bench_plan(&b);
	assert_string_equal(bench_steps(&b), "build run");
	bench_close(&b);
}

static const struct {
	const char *before, *after; /* in the configuration */
	const char *says;
} refused[] = {
	{ "DB: '${service.db.host}'", "DB: 'x${secret.key}'",
		"would stay in its production image" },
	{ "command: python3 -m 'a b'", "command: run '${secret.key}'",
		"would stay in its production image" },
	{ "user: { name: app, uid: 1000, gid: 1000 }", "locale: C.UTF-8", "would run as root" },
	{ "tools: { from: run, packages: [make] }", "tools: { dockerfile: Dockerfile }",
		"nobody knows as whom" },
};

static bool said(const struct bench *b, const char *text)
{
	for (size_t i = 0; i < b->diags.count; i++)
		if (strstr(b->diags.items[i].message, text) && b->diags.items[i].place.line)
			return true;
	return false;
}

static void refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(refused); i++) {
		struct arena a = ARENA_INIT;
		struct bench b;
		const char *yaml = replaced(&a, shop, refused[i].before, refused[i].after);
		open_prod(&b, arena_printf(&a, "%ssecrets: { key: { generate: hex } }\n", yaml));
		bench_input(&b, "/srv/shop/Dockerfile", "x");
		bench_try(&b);
		assert_int_equal(b.result, -1);
		if (!said(&b, refused[i].says))
			fail_msg("not said: %s", refused[i].says);
		bench_close(&b);
		arena_release(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stages),
		cmocka_unit_test(install_first),
		cmocka_unit_test(dependencies_once),
		cmocka_unit_test(labels_and_names),
		cmocka_unit_test(tags),
		cmocka_unit_test(development_has_none),
		cmocka_unit_test(started),
		cmocka_unit_test(images_by_name),
		cmocka_unit_test(refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
