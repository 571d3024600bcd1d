/*
 * The generated set: what is carried, what is turned round, what must never stand there, modes, and
 * that the same input gives the same bytes.
 */
#include "planner.h"

static const char small[] = "services:\n"
			    "  api:\n"
			    "    image: base\n"
			    "    command: [run, \"$x\"]\n"
			    "    ports: { http: { target: 8000, published: auto }, in: 9000 }\n"
			    "images: { base: { user: app } }\n";

static const char small_service[] = "    command:\n"
				    "      - run\n"
				    "      - $$x\n"
				    "    environment:\n"
				    "      SSL_CERT_FILE: /etc/devenv/trust/ca-bundle.crt\n"
				    "      NODE_EXTRA_CA_CERTS: /etc/devenv/trust/ca-bundle.crt\n"
				    "      REQUESTS_CA_BUNDLE: /etc/devenv/trust/ca-bundle.crt\n"
				    "      CURL_CA_BUNDLE: /etc/devenv/trust/ca-bundle.crt\n"
				    "      GIT_SSL_CAINFO: /etc/devenv/trust/ca-bundle.crt\n"
				    "      npm_config_cafile: /etc/devenv/trust/ca-bundle.crt\n"
				    "    ports:\n"
				    "      - target: 8000\n"
				    "        published: \"20001\"\n"
				    "        host_ip: 127.0.0.1\n"
				    "        protocol: tcp\n"
				    "    volumes:\n"
				    "      - type: bind\n"
				    "        source: /srv/shop/.devenv/generated/trust\n"
				    "        target: /etc/devenv/trust\n"
				    "        read_only: true\n"
				    "        bind:\n"
				    "          create_host_path: false\n"
				    "    security_opt:\n"
				    "      - no-new-privileges:true\n"
				    "    cap_drop:\n"
				    "      - ALL\n"
				    "    pids_limit: 512\n"
				    "    init: true\n"
				    "    logging:\n"
				    "      driver: json-file\n"
				    "      options:\n"
				    "        max-size: 10m\n"
				    "        max-file: \"3\"\n"
				    "    labels:\n"
				    "      devenv.workspace: ";

static void allocate(struct bench *b, const char *service, int target, int published)
{
	*list_push(&b->arena, &b->world.allocations) = (struct allocation){
		.service = service, .target = target, .protocol = "tcp", .published = published
	};
}

static void bytes(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, small);
	allocate(&b, "api", 8000, 20001);
	bench_plan(&b);
	const char *at = strstr(bench_file(&b, "compose.yml"), "    command:\n");
	assert_non_null(at);
	assert_memory_equal(at, small_service, strlen(small_service));
	bench_close(&b);
}

static void same_bytes_again(void **state)
{
	struct bench a, b;
	(void)state;
	bench_open(&a, small);
	bench_open(&b, small);
	bench_plan(&a);
	bench_plan(&b);
	assert_string_equal(bench_file(&a, "compose.yml"), bench_file(&b, "compose.yml"));
	assert_string_equal(a.plan.chosen.items[0].hash, b.plan.chosen.items[0].hash);
	bench_close(&a);
	bench_close(&b);
}

static void ports_stay_at_home(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, "services:\n"
		       "  a: { image: x, ports: [\"8080:80\", \"0.0.0.0:81:81\", \"[::1]:82:82\","
		       " \"83\"] }\n"
		       "  b: { image: x, bind: lan, ports: [\"90:90\"] }\n"
		       "  c: { image: x, network_mode: none, ports: [\"91:91\"] }\n");
	bench_plan(&b);
	assert_string_equal(bench_get(&b, "services.a.ports[0].host_ip"), "127.0.0.1");
	assert_string_equal(bench_get(&b, "services.a.ports[0].published"), "8080");
	assert_string_equal(bench_get(&b, "services.a.ports[1].host_ip"), "127.0.0.1");
	assert_string_equal(bench_get(&b, "services.a.ports[2].host_ip"), "::1");
	assert_string_equal(bench_get(&b, "services.a.ports[3].host_ip"), "127.0.0.1");
	assert_null(bench_get(&b, "services.a.ports[3].published"));
	assert_null(bench_get(&b, "services.b.ports[0].host_ip"));
	assert_null(node_path(bench_compose(&b), "services.c.ports"));
	bench_close(&b);
}

static void defaults_yield(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, "images: { r: {} }\n"
		       "services:\n"
		       "  a: { image: r, cap_drop: [NET_RAW], init: false, pids_limit: 5,"
		       " security_opt: [x], logging: { driver: none } }\n"
		       "  b: { image: \"postgres:17\" }\n"
		       "  c: { image: r, privileged: true,"
		       " deploy: { resources: { limits: { pids: 9 } } } }\n");
	bench_plan(&b);
	assert_string_equal(bench_get(&b, "services.a.cap_drop[0]"), "NET_RAW");
	assert_string_equal(bench_get(&b, "services.a.init"), "false");
	assert_string_equal(bench_get(&b, "services.a.pids_limit"), "5");
	assert_string_equal(bench_get(&b, "services.a.security_opt[0]"), "x");
	assert_string_equal(bench_get(&b, "services.a.logging.driver"), "none");
	assert_null(node_path(bench_compose(&b), "services.b.cap_drop"));
	assert_string_equal(bench_get(&b, "services.b.security_opt[0]"), "no-new-privileges:true");
	assert_null(bench_get(&b, "services.b.pull_policy"));
	assert_null(node_path(bench_compose(&b), "services.c.cap_drop"));
	assert_null(node_path(bench_compose(&b), "services.c.pids_limit"));
	bench_close(&b);
}

static const char secrets[] =
	"secrets: { pw: { generate: password }, key: { generate: ed25519 } }\n"
	"services:\n"
	"  db: { image: x, ports: { p: { target: 5432 } } }\n"
	"  api:\n"
	"    image: x\n"
	"    environment:\n"
	"      URL: \"pg://u:${secret.pw}@${service.db.host}:${service.db.port}/x?a=$b\"\n"
	"      RAW: \"a\\\"${secret.pw}\\\\\\n$\"\n"
	"      OPEN: yes it is\n"
	"    secrets: [pw, { source: key, target: /run/secrets/k },"
	" { source: pw, target: /etc/pw }]\n";

static void secrets_only_where_they_may(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, secrets);
	bench_plan(&b);
	assert_string_equal(bench_file(&b, "env/api.env"),
		"URL=\"pg://u:<pw:url>@db:5432/x?a=\\$b\"\n"
		"RAW=\"a\\\"<pw>\\\\\\n\\$\"\n");
	assert_int_equal(bench_out(&b, "env/api.env")->mode, 0600);
	assert_int_equal(bench_out(&b, "secrets/api/pw")->mode, 0444);
	assert_int_equal(bench_out(&b, "secrets/api/pw")->source, FROM_SECRET);
	assert_int_equal(bench_out(&b, "secrets/api/k")->source, FROM_SECRET);
	assert_int_equal(bench_out(&b, "secrets/api/k.pub")->source, FROM_SECRET_PUBLIC);
	assert_null(strstr(bench_file(&b, "compose.yml"), "secret."));
	assert_null(strstr(bench_file(&b, "compose.yml"), "URL:"));
	assert_string_equal(bench_get(&b, "services.api.environment.OPEN"), "yes it is");
	assert_string_equal(bench_get(&b, "services.api.env_file[0]"),
		"/srv/shop/.devenv/generated/env/api.env");
	for (size_t i = 0; i < b.plan.files.count; i++) {
		const struct out_file *f = &b.plan.files.items[i];
		for (size_t k = 0; f->mode == 0644 && k < f->pieces.count; k++)
			assert_null(f->pieces.items[k].secret);
	}
	bench_close(&b);
}

static mode_t dir_mode(const struct bench *b, const char *path)
{
	for (size_t i = 0; i < b->plan.dirs.count; i++) {
		if (streq(b->plan.dirs.items[i].path, path))
			return b->plan.dirs.items[i].mode;
	}
	return 0;
}

static void modes_and_order(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, secrets);
	bench_plan(&b);
	assert_int_equal(dir_mode(&b, "secrets"), 0700);
	assert_int_equal(dir_mode(&b, "secrets/api"), 0755);
	assert_int_equal(dir_mode(&b, "env"), 0700);
	assert_int_equal(dir_mode(&b, "trust"), 0755);
	assert_int_equal(bench_out(&b, "compose.yml")->mode, 0644);
	for (size_t i = 1; i < b.plan.files.count; i++)
		assert_true(strcmp(b.plan.files.items[i - 1].path, b.plan.files.items[i].path) < 0);
	for (size_t i = 1; i < b.plan.dirs.count; i++)
		assert_true(strcmp(b.plan.dirs.items[i - 1].path, b.plan.dirs.items[i].path) < 0);
	bench_close(&b);
}

static void visible_secrets_are_refused(void **state)
{
	static const char *const lines[] = { "command: \"x ${secret.pw}\"",
		"labels: { a: \"${secret.pw}\" }", "hostname: \"${secret.pw}\"",
		"compose: { hostname: \"${secret.pw}\" }",
		"secrets: [{ source: pw, target: ../x }]",
		"environment: { \"A B\": \"${secret.pw}\" }" };
	(void)state;
	for (size_t i = 0; i < countof(lines); i++) {
		struct bench b;
		char text[300];
		snprintf(text, sizeof(text),
			"secrets: { pw: {} }\nservices: { s: { image: x, %s } }\n", lines[i]);
		bench_open(&b, text);
		bench_try(&b);
		if (!b.result)
			print_error("accepted: %s\n", lines[i]);
		assert_int_equal(b.result, -1);
		bench_close(&b);
	}
}

static const char rotated[] = "secrets: { pw: {}, other: {} }\n"
			      "services:\n"
			      "  db: { image: x, secrets: [pw] }\n"
			      "  api: { image: x, environment: { A: \"${secret.other}\" } }\n";

/* Exactly those who use a secret are made anew when its value changes. */
static void fingerprints_count(void **state)
{
	static struct seen_secret seen[] = { { .name = "pw" }, { .name = "other" } };
	struct bench b;
	(void)state;
	bench_open(&b, rotated);
	seen[0].fingerprint = seen[1].fingerprint = "1";
	b.world.secrets.items = seen;
	b.world.secrets.count = countof(seen);
	bench_plan(&b);
	bench_settle(&b);
	seen[1].fingerprint = "2";
	bench_plan(&b);
	assert_string_equal(bench_why(&b, "create containers"), "api: a secret changed");
	seen[0].fingerprint = "2";
	bench_plan(&b);
	assert_string_equal(bench_why(&b, "start db"), "a secret changed");
	bench_close(&b);
}

static const char answers[] =
	"secrets: { pw: { on_rotate: { service: db, run: x } } }\n"
	"services:\n"
	"  db: { image: x, secrets: [pw], volumes: [\"data:/d\"] }\n"
	"  file: { image: x, secrets: [pw], depends_on: [db] }\n"
	"  env: { image: x, environment: { A: \"${secret.pw}\" },"
	" depends_on: { db: { on_restart: ignore } } }\n"
	"  anew: { image: x, secrets: [pw], depends_on: { db: { on_restart: ignore } } }\n"
	"  told: { image: x, secrets: [pw], depends_on: { db: { on_restart: reload } } }\n"
	"  job: { kind: job, image: x, secrets: [pw] }\n"
	"volumes: { data: { kind: data } }\n";

/* Who is told, reads it anew or is done needs no other container for another value. */
static void followers_of_a_secret(void **state)
{
	static const struct {
		const char *service;
		enum on_restart how;
	} wants[] = { { "db", FOLLOW_IGNORE }, { "file", FOLLOW_RESTART },
		{ "env", FOLLOW_RESTART }, { "anew", FOLLOW_IGNORE }, { "told", FOLLOW_RELOAD },
		{ "job", FOLLOW_IGNORE } };
	static struct seen_secret seen = { .name = "pw" };
	struct bench b;
	(void)state;
	bench_open(&b, answers);
	const struct secret *x = project_secret(&b.project, "pw");
	for (size_t i = 0; i < countof(wants); i++)
		assert_int_equal(
			secret_answer(&b.project, project_service(&b.project, wants[i].service), x),
			wants[i].how);
	seen.fingerprint = "1";
	b.world.secrets.items = &seen;
	b.world.secrets.count = 1;
	bench_plan(&b);
	bench_settle(&b);
	seen.fingerprint = "2";
	bench_plan(&b);
	assert_string_equal(bench_why(&b, "create containers"),
		"file: a secret changed; env: a secret changed");
	bench_close(&b);
}

/* A server's data volume is made with a mark of what it is initialised with, and only once. */
static void marked_volumes(void **state)
{
	static struct seen_secret seen = { .name = "pw", .fingerprint = "1", .mark = "cafe" };
	struct bench b;
	(void)state;
	bench_open(&b, answers);
	b.world.secrets.items = &seen;
	b.world.secrets.count = 1;
	bench_plan(&b);
	const char *id = arena_printf(&b.arena, "volume %s_data", b.project.workspace);
	const struct step *s = bench_step(&b, id);
	assert_non_null(s);
	assert_true(strs_has(&s->argv, "devenv.secrets=pw=cafe"));
	assert_true(strs_has(&s->argv, "com.docker.compose.volume=data"));
	assert_true(strs_has(&s->argv, "devenv.kind=data"));
	assert_true(bench_needs(&b, "create containers", id));
	assert_int_equal(b.plan.remembered.count, 1);
	strs_add(&b.arena, &b.world.volumes, id + strlen("volume "));
	b.world.volumes_known = true;
	bench_plan(&b);
	assert_null(bench_step(&b, id));
	bench_close(&b);
}

static void mounts(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b,
		"images: { r: { user: app } }\n"
		"volumes: { data: {}, tmp: { kind: scratch }, unused: {} }\n"
		"services:\n"
		"  api:\n"
		"    image: r\n"
		"    working_dir: /srv/api\n"
		"    volumes: [\"data:/data:ro\", \"./x$y:/x\", \"/anonymous\", \"tmp:/t\"]\n"
		"    develop: { source: api, dependencies: { lock: [api/l], install: i,"
		" into: deps, cache: [~/.c] } }\n");
	bench_input(&b, "/srv/shop/api/l", "one");
	bench_plan(&b);
	const struct node *n = bench_compose(&b);
	const char *name = arena_printf(&b.arena, "%s_data", b.project.workspace);
	assert_string_equal(bench_get(&b, "volumes.data.name"), name);
	assert_string_equal(bench_get(&b, "volumes.data.labels.\"devenv.kind\""), "data");
	assert_string_equal(bench_get(&b, "volumes.tmp.labels.\"devenv.kind\""), "scratch");
	assert_null(node_path(n, "volumes.unused"));
	assert_string_equal(bench_get(&b, "services.api.volumes[0].read_only"), "true");
	assert_string_equal(bench_get(&b, "services.api.volumes[1].source"), "/srv/shop/x$$y");
	assert_string_equal(
		bench_get(&b, "services.api.volumes[1].bind.create_host_path"), "false");
	assert_null(bench_get(&b, "services.api.volumes[2].source"));
	assert_string_equal(bench_get(&b, "services.api.volumes[4].source"), "/srv/shop/api");
	assert_string_equal(bench_get(&b, "services.api.volumes[5].target"), "/srv/api/deps");
	assert_string_equal(bench_get(&b, "services.api.volumes[6].target"), "/home/app/.c");
	const char *deps = bench_get(&b, "services.api.volumes[5].source");
	assert_true(starts_with(deps, "devenv-deps-api-"));
	bench_input(&b, "/srv/shop/api/l", "two");
	bench_plan(&b);
	assert_string_not_equal(deps, bench_get(&b, "services.api.volumes[5].source"));
	bench_close(&b);
}

static void checks_from_outside_are_none_of_the_engine(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b,
		"services:\n"
		"  a: { image: x, ports: { h: 80 }, healthcheck: { http: / } }\n"
		"  b: { image: x, healthcheck: { test: \"t $$A\", interval: 3s, deadline: 9s } }\n"
		"  c: { image: x, healthcheck: { disable: true }, depends_on: [a],"
		" profiles: [p], x-y: 1, mem_limit: 5m }\n");
	strs_add(&b.arena, &b.request.profiles, "p");
	bench_plan(&b);
	const struct node *n = bench_compose(&b);
	assert_null(node_path(n, "services.a.healthcheck"));
	assert_string_equal(bench_get(&b, "services.b.healthcheck.interval"), "3s");
	assert_null(node_path(n, "services.b.healthcheck.deadline"));
	assert_string_equal(bench_get(&b, "services.c.healthcheck.disable"), "true");
	assert_null(node_path(n, "services.c.depends_on"));
	assert_null(node_path(n, "services.c.profiles"));
	assert_null(node_path(n, "services.c.x-y"));
	assert_string_equal(bench_get(&b, "services.c.mem_limit"), "5m");
	bench_close(&b);
}

static void raw_block_comes_last(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b,
		"services: { a: { image: x, compose: { init: false, labels: { z: q } } } }\n"
		"compose: { services: { a: { hostname: h } }, networks: { default: { d: 1 } } }\n");
	bench_plan(&b);
	assert_string_equal(bench_get(&b, "services.a.init"), "false");
	assert_string_equal(bench_get(&b, "services.a.labels.z"), "q");
	assert_string_equal(bench_get(&b, "services.a.hostname"), "h");
	assert_string_equal(bench_get(&b, "networks.default.d"), "1");
	assert_string_equal(bench_get(&b, "services.a.labels.\"devenv.service\""), "a");
	bench_close(&b);
}

static void stale_files(void **state)
{
	static struct seen_file seen[] = { { "compose.yml", "x", 0644 },
		{ "env/old.env", "x", 0600 } };
	struct bench b;
	(void)state;
	bench_open(&b, small);
	b.world.files.items = seen;
	b.world.files.count = countof(seen);
	bench_plan(&b);
	assert_int_equal(b.plan.stale.count, 1);
	assert_string_equal(b.plan.stale.items[0], "env/old.env");
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes),
		cmocka_unit_test(same_bytes_again),
		cmocka_unit_test(ports_stay_at_home),
		cmocka_unit_test(defaults_yield),
		cmocka_unit_test(secrets_only_where_they_may),
		cmocka_unit_test(modes_and_order),
		cmocka_unit_test(visible_secrets_are_refused),
		cmocka_unit_test(fingerprints_count),
		cmocka_unit_test(followers_of_a_secret),
		cmocka_unit_test(marked_volumes),
		cmocka_unit_test(mounts),
		cmocka_unit_test(checks_from_outside_are_none_of_the_engine),
		cmocka_unit_test(raw_block_comes_last),
		cmocka_unit_test(stale_files),
	};
	return cmocka_run_group_tests_name("planner: compose", tests, NULL, NULL);
}
