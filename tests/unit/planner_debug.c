/*
 * The tools container as a value: what it joins, what it is allowed, what it is made from; and that
 * it gets neither more than was asked for nor the engine's socket.
 */
#include "planner.h"

#include "planner/debug.h"

static const char project[] = "images:\n"
			      "  base: { from: debian:bookworm-slim, user: { name: app } }\n"
			      "  toolbox: { from: base, packages: [curl] }\n"
			      "  missing: { files: { gone.txt: /gone.txt } }\n"
			      "services:\n"
			      "  api: { image: missing, command: x }\n"
			      "  db: { image: postgres:15 }\n"
			      "debug: { image: toolbox }\n";

static const char *network, *toolbox;

/* As bench_open(), decoded for the tools container. */
static void open_tools(struct bench *b, const char *yaml)
{
	bench_open_as(b, "services: { x: { image: x } }\n", false);
	b->tools = true;
	bench_change(b, yaml);
	b->request.goal = GOAL_TOOLS;
	network = arena_printf(&b->arena, "%s_default", b->project.workspace);
	toolbox = tools_image(&b->arena, &b->project, &b->world);
	strs_add(&b->arena, &b->world.networks, "front");
	strs_add(&b->arena, &b->world.networks, network);
}

static struct tools_spec made(struct bench *b, const struct tools_request *r)
{
	struct tools_request req = *r;
	struct tools_spec spec;
	req.unique = "7";
	if (tools_make(&b->arena, &b->project, &b->world, &req, &spec, &b->diags))
		bench_print(b);
	assert_int_equal(b->diags.errors, 0);
	return spec;
}

static const char *joined_text(struct bench *b, const struct strs *l)
{
	return strs_join(&b->arena, l, " ");
}

static void alone(void **state)
{
	struct bench b;
	(void)state;
	open_tools(&b, project);
	struct tools_spec s = made(&b, &(struct tools_request){ .version = "1.0" });
	assert_string_equal(s.network, network);
	assert_string_equal(joined_text(&b, &s.networks), "front");
	assert_null(s.pid);
	assert_null(s.user);
	assert_string_equal(joined_text(&b, &s.cap_drop), "ALL");
	assert_int_equal(s.cap_add.count, 0);
	assert_int_equal(s.hosts.count, 0);
	assert_int_equal(s.mounts.count, 0);
	assert_true(strs_has(
		&s.labels, arena_printf(&b.arena, "devenv.workspace=%s", b.project.workspace)));
	assert_true(strs_has(&s.labels, "com.docker.compose.oneoff=True"));
	assert_string_equal(s.name, arena_printf(&b.arena, "%s-debug-7", b.project.workspace));
	assert_string_equal(s.image, toolbox);
	assert_true(starts_with(s.image, "devenv/toolbox:"));
	bench_close(&b);
}

static struct tools_mount mounted[] = {
	{ "volume", "data", "/var/lib/data", false },
	{ "bind", "/srv/shop/etc", "/etc/", false },
	{ "bind", "/srv/shop/passwd", "/etc/passwd", true },
	{ "bind", "/srv/shop/ca", "/etc/nginx", true },
	{ "bind", "/srv/shop/all", "/", false },
	{ "volume", "bin", "/usr/local/../bin", false },
};

static const char *dropped[] = { "ALL" };
static const char *added[] = { "CHOWN", "NET_RAW" };

static const struct joined seen = {
	.id = "abc",
	.user = "1234:1234",
	.cap_add = { added, 2, 2 },
	.cap_drop = { dropped, 1, 1 },
	.mounts = { mounted, countof(mounted), countof(mounted) },
};

/* Its user, its capabilities, its volumes; but nothing that would stand before the tools. */
static void joins(void **state)
{
	struct bench b;
	(void)state;
	open_tools(&b, project);
	struct tools_request r = { .joined = &seen, .service = project_service(&b.project, "db") };
	struct tools_spec s = made(&b, &r);
	assert_string_equal(s.network, "container:abc");
	assert_string_equal(s.pid, "container:abc");
	assert_int_equal(s.networks.count, 0);
	assert_string_equal(s.user, "1234:1234");
	assert_string_equal(joined_text(&b, &s.cap_drop), "ALL");
	assert_string_equal(joined_text(&b, &s.cap_add), "CHOWN NET_RAW");
	assert_int_equal(s.mounts.count, 2);
	assert_string_equal(s.mounts.items[0].target, "/var/lib/data");
	assert_string_equal(s.mounts.items[1].target, "/etc/nginx");
	assert_string_equal(joined_text(&b, &s.left_out), "/etc/ /etc/passwd / /usr/local/../bin");
	assert_true(strs_has(&s.env, "DEVENV_SERVICE=db"));
	bench_close(&b);
}

static const char databases[] =
	"images: { toolbox: { from: debian } }\n"
	"secrets: { one: { generate: password }, other: { generate: password } }\n"
	"services:\n"
	"  api: { image: x, depends_on: [two] }\n"
	"  db: { image: x, extends: { template: postgres }, secrets: [one],\n"
	"    environment: { POSTGRES_USER: 'a:b', POSTGRES_PASSWORD_FILE: /run/secrets/one } }\n"
	"  two: { image: x, extends: { template: postgres }, ports: { p: { target: 7 } },\n"
	"    environment: { POSTGRES_DB: x, POSTGRES_PASSWORD: 'p:w' } }\n"
	"  open: { image: x, extends: { template: postgres } }\n"
	"  sql: { image: x, extends: { template: mariadb },\n"
	"    environment: { MARIADB_PASSWORD: '${secret.other}' } }\n"
	"  edge: { image: x, extends: { template: nginx }, ports: { https: { target: 443 } } }\n"
	"routes:\n"
	"  - { host: s.localhost, path: /, to: 'api:1', via: edge }\n"
	"  - { host: s.localhost, path: /b, to: 'api:1', via: edge }\n"
	"debug: { image: toolbox }\n";

/* Pieces of a file as text, secrets by their names. */
static const char *text_of(struct bench *b, const struct tools_spec *s, const char *name)
{
	cleanup_buf struct buf out = BUF_INIT;
	for (size_t i = 0; i < s->files.count; i++) {
		const struct out_file *f = &s->files.items[i];
		for (size_t k = 0; streq(f->path, name) && k < f->pieces.count; k++) {
			const struct piece *p = &f->pieces.items[k];
			if (p->secret)
				buf_addf(&out, "<%s %d>", p->secret, (int)p->escape);
			else
				buf_add(&out, p->text, p->len);
		}
	}
	return arena_strdup(&b->arena, buf_str(&out));
}

/* Passwords are in files alone; the database is the joined one's, else the first. */
static void clients(void **state)
{
	struct bench b;
	(void)state;
	open_tools(&b, databases);
	struct tools_spec s = made(&b, &(struct tools_request){ .bundle = true });
	const char *env = joined_text(&b, &s.env);
	assert_non_null(strstr(env, "PGHOST=db PGPORT=5432 PGUSER=a:b PGDATABASE=a:b"));
	assert_non_null(strstr(env, "MYSQL_HOST=sql"));
	assert_non_null(strstr(env, "SSL_CERT_FILE=" TOOLS_BUNDLE));
	assert_null(strstr(env, "REDIS"));
	assert_null(strstr(env, "p:w"));
	assert_string_equal(text_of(&b, &s, "pgpass"),
		arena_printf(&b.arena, "db:5432:*:a\\:b:<one %d>\ntwo:7:*:postgres:p\\:w\n",
			ESC_PGPASS));
	assert_string_equal(text_of(&b, &s, "my.cnf"),
		arena_printf(&b.arena,
			"[client]\nhost=sql\nport=3306\nuser=\"app\"\n"
			"password=\"<other %d>\"\n[mysql]\ndatabase=\"app\"\n",
			ESC_QUOTED));
	assert_string_equal(
		text_of(&b, &s, "curlrc"), "connect-to = \"s.localhost:443:edge:443\"\n");
	struct tools_request r = { .joined = &seen, .service = project_service(&b.project, "api") };
	s = made(&b, &r);
	env = joined_text(&b, &s.env);
	assert_non_null(strstr(env, "PGHOST=two PGPORT=7 PGUSER=postgres PGDATABASE=x"));
	assert_null(strstr(env, "SSL_CERT_FILE"));
	bench_close(&b);
}

static void asks(void **state)
{
	static const char *words[] = { "cap_sys_ptrace", "NET_RAW" };
	struct bench b;
	(void)state;
	open_tools(&b, project);
	struct tools_request r = { .joined = &seen, .caps = { words, 2, 2 } };
	struct tools_spec s = made(&b, &r);
	assert_string_equal(
		joined_text(&b, &s.cap_add), "CHOWN NET_RAW SYS_PTRACE KILL SETGID SETUID");
	assert_string_equal(s.user, "0:0");
	assert_int_equal(seen.cap_add.count, 2);
	r.user = "33";
	assert_string_equal(made(&b, &r).user, "33");
	r = (struct tools_request){ .root = true };
	assert_string_equal(made(&b, &r).user, "0:0");
	assert_int_equal(made(&b, &r).cap_add.count, 0);
	bench_close(&b);
}

static void unknown_capability(void **state)
{
	static const char *words[] = { "SYS_PTRAC", "ALL" };
	struct tools_request r = { .caps = { words, 2, 2 }, .unique = "1" };
	struct tools_spec s;
	struct bench b;
	(void)state;
	open_tools(&b, project);
	assert_int_equal(tools_make(&b.arena, &b.project, &b.world, &r, &s, &b.diags), -1);
	assert_int_equal(b.diags.errors, 2);
	assert_non_null(strstr(b.diags.items[0].hint, "SYS_PTRACE"));
	assert_int_equal(s.cap_add.count, 0);
	bench_close(&b);
}

static void nothing_runs(void **state)
{
	struct tools_request r = { .unique = "1" };
	struct tools_spec s;
	struct bench b;
	(void)state;
	open_tools(&b, project);
	b.world.networks.count = 0;
	assert_int_equal(tools_make(&b.arena, &b.project, &b.world, &r, &s, &b.diags), -1);
	assert_non_null(strstr(b.diags.items[0].hint, "devenv up"));
	bench_close(&b);
}

/* A project of the host alone has no network of its own; its services are the host's. */
static void host_only(void **state)
{
	struct bench b;
	(void)state;
	open_tools(&b, "services: { docs: { run: host, command: x } }\n");
	b.world.networks.count = 0;
	struct tools_spec s = made(&b, &(struct tools_request){ .unique = "1" });
	assert_string_equal(s.network, "bridge");
	assert_string_equal(joined_text(&b, &s.hosts), "host.docker.internal:host-gateway");
	bench_close(&b);
}

/* Its own rung and what that stands on; a service whose image cannot be built is no hindrance. */
static void image_steps(void **state)
{
	struct bench b;
	(void)state;
	open_tools(&b, project);
	bench_plan(&b);
	assert_int_equal(b.plan.steps.count, 2);
	assert_string_equal(b.plan.steps.items[0]->unit, "base");
	assert_string_equal(b.plan.steps.items[1]->unit, "toolbox");
	struct strs paths = { 0 }, tags = { 0 };
	plan_inputs(&b.arena, &b.project, &paths);
	assert_int_equal(paths.count, 0);
	plan_tags(&b.arena, &b.project, &b.world, &tags);
	assert_int_equal(tags.count, 2);
	bench_images(&b);
	bench_plan(&b);
	assert_int_equal(b.plan.steps.count, 0);
	bench_close(&b);
}

static void registry_image(void **state)
{
	struct bench b;
	(void)state;
	open_tools(&b, "services: { x: { image: x } }\ndebug: { image: host:5000/net/shoot }\n");
	assert_string_equal(toolbox, "host:5000/net/shoot:latest");
	bench_plan(&b);
	assert_int_equal(b.plan.steps.count, 1);
	assert_string_equal(joined_text(&b, &b.plan.steps.items[0]->argv),
		"docker pull --quiet host:5000/net/shoot:latest");
	bench_images(&b);
	bench_plan(&b);
	assert_int_equal(b.plan.steps.count, 0);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alone),
		cmocka_unit_test(joins),
		cmocka_unit_test(clients),
		cmocka_unit_test(asks),
		cmocka_unit_test(unknown_capability),
		cmocka_unit_test(nothing_runs),
		cmocka_unit_test(host_only),
		cmocka_unit_test(image_steps),
		cmocka_unit_test(registry_image),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
