/*
 * Room run, trust. Guards: everything that reaches out of the containers is listed with its place,
 * one changed byte of what could run asks again, consent cannot be planted, foreign owners are
 * refused.
 */
#include "run_test.h"

#include "doc/yaml.h"
#include "run/trust.h"

static void decode(struct home *h, const char *text)
{
	struct diags d = DIAGS_INIT(&h->a);
	struct project_request req = {
		.dir = h->project.dir, .environment = "dev", .home = h->dir
	};
	const char *workspace = h->project.workspace, *dir = h->project.dir;
	struct node *tree =
		yaml_read(&h->a, text, strlen(text), "devenv.yml", "devenv.yml", &d, NULL);
	assert_non_null(tree);
	h->project = (struct project){ .name = NULL };
	if (project_decode(&h->a, tree, &req, &h->project, &d))
		fail_msg("line %d: %s", d.items[0].place.line, d.items[0].message);
	h->project.workspace = workspace;
	h->project.dir = dir;
}

/* The list of one service's options, a line each; "! " marks the loud ones. */
static const char *listed(struct home *h, const char *text)
{
	struct dangers list = { 0 };
	struct strs lines = { 0 };
	decode(h, text);
	trust_list(&h->a, &h->project, &list);
	for (size_t i = 0; i < list.count; i++)
		strs_add(&h->a, &lines,
			arena_printf(
				&h->a, "%s%s", list.items[i].loud ? "! " : "", list.items[i].what));
	return strs_join(&h->a, &lines, "\n");
}

static const char *service(struct home *h, const char *options)
{
	return listed(h, arena_printf(&h->a,
				 "name: shop\nservices:\n  x:\n    image: debian:bookworm-slim\n%s",
				 options));
}

static void harmless_projects_need_nothing(void **state)
{
	struct home *h = *state;
	mkdir(in_project(h, "src"), 0755);
	assert_string_equal(
		service(h, "    command: make\n    cap_drop: [ALL]\n    cap_add: [CHOWN, "
			   "CAP_SETUID]\n    privileged: false\n    network_mode: none\n"
			   "    security_opt: [\"no-new-privileges:true\"]\n"
			   "    volumes: [{type: bind, source: ./src, target: /src}, {type: tmpfs, "
			   "target: /tmp}]\n"
			   "    ports: [{target: 80, published: \"8080\"}]\n    devices: []\n"),
		"");
}

/* FAULTS H04 */
static void options_are_listed(void **state)
{
	static const struct {
		const char *option, *said;
	} cases[] = {
		{ "privileged: true", "! privileged: true in x" },
		{ "cap_add: [SYS_ADMIN, CHOWN]", "! cap_add: SYS_ADMIN, CHOWN in x" },
		{ "devices: [/dev/kvm]", "! devices: /dev/kvm in x" },
		{ "device_cgroup_rules: [\"c 1:3 r\"]", "! device_cgroup_rules: c 1:3 r in x" },
		{ "network_mode: host", "! network_mode: host in x" },
		{ "network_mode: container:other", "! network_mode: container:other in x" },
		{ "pid: host", "! pid: host in x" },
		{ "ipc: host", "! ipc: host in x" },
		{ "uts: host", "! uts: host in x" },
		{ "userns_mode: host", "! userns_mode: host in x" },
		{ "cgroup: host", "! cgroup: host in x" },
		{ "security_opt: [\"seccomp:unconfined\"]",
			"! security_opt: seccomp:unconfined in x" },
		{ "use_api_socket: true", "! use_api_socket: true in x" },
		{ "volumes_from: [\"container:other\"]", "volumes_from: container:other in x" },
		{ "cgroup_parent: /system.slice", "cgroup_parent: /system.slice in x" },
		{ "provider: { type: ./run-me }", "! provider: type in x" },
		{ "runtime: sysbox", "runtime: sysbox in x" },
		{ "gpus: all", "gpus: all in x" },
		{ "credential_spec: { file: x.json }", "credential_spec: file in x" },
		{ "build: { context: ., privileged: true }", "! build privileged: true in x" },
		{ "build: { context: ., network: host }", "! build network: host in x" },
		{ "build: { context: ., entitlements: [security.insecure] }",
			"! build entitlements: security.insecure in x" },
		{ "build: { context: ., ssh: [default] }", "build ssh: default in x" },
		{ "volumes: [{type: bind, source: /, target: /host}]",
			"! mount of /, which holds the engine's socket, in x" },
		{ "volumes: [{type: bind, source: /var/run/docker.sock, target: /s}]",
			"! mount of /var/run/docker.sock, which holds the engine's socket, in x" },
		{ "volumes: [{type: bind, source: /etc, target: /e}]", "mount of /etc in x" },
		{ "ports: [{target: 80, published: \"8080\", host_ip: 0.0.0.0}]",
			"port 80 of x, open to the whole network" },
		{ "env_file: [{path: /etc/shadow}]",
			"env_file /etc/shadow of x is outside of the checkout" },
		{ "env_file: [{path: ../.env}]",
			"env_file ../.env of x is outside of the checkout" },
	};
	struct home *h = *state;
	for (size_t i = 0; i < countof(cases); i++)
		assert_string_equal(service(h, arena_printf(&h->a, "    %s\n", cases[i].option)),
			cases[i].said);
}

static void links_out_of_the_checkout_are_outside(void **state)
{
	struct home *h = *state;
	mkdir(in_home(h, "outside"), 0755);
	assert_int_equal(symlink("../outside", in_project(h, "inside")), 0);
	assert_string_equal(
		service(h, "    volumes: [{type: bind, source: ./inside, target: /e}]\n"),
		arena_printf(&h->a, "mount of %s in x", in_project(h, "inside")));
	assert_string_equal(service(h, "    env_file: [{path: inside/not/there}]\n"),
		"env_file inside/not/there of x is outside of the checkout");
}

static void commands_of_the_host_are_listed(void **state)
{
	struct home *h = *state;
	const char *said = listed(h,
		"name: shop\n"
		"services:\n"
		"  docs: { run: host, command: make serve }\n"
		"  web: { image: debian:bookworm-slim, command: run }\n"
		"hooks: { pre-up: [{ exec-host: ./check }], post-up: [{ exec: ./seed, service: web "
		"}] }\n"
		"commands: { deploy: { run: ./deploy }, sql: { service: web, run: psql } }\n"
		"secrets: { t: { command: cat ~/.token }, k: { file: /etc/key }, p: { generate: "
		"password } }\n"
		"volumes: { d: { driver_opts: { type: none, o: bind, device: /srv } } }\n");
	assert_string_equal(said, "host hook pre-up: ./check\n"
				  "host command deploy: ./deploy\n"
				  "command of secret t: cat ~/.token\n"
				  "secret k from the file /etc/key\n"
				  "host service docs: make serve\n"
				  "mount of /srv in volume d");
	struct dangers list = { 0 };
	trust_list(&h->a, &h->project, &list);
	assert_int_equal(list.items[0].place.line, 5);
	assert_string_equal(list.items[0].place.file, "devenv.yml");
}

static const char portable[] =
	"name: shop\n"
	"services:\n"
	"  api:\n"
	"    image: debian:bookworm-slim\n"
	"    working_dir: /srv\n"
	"    command: inside\n"
	"    entrypoint: [tini]\n"
	"    env_file: [{ path: api.env }]\n"
	"    healthcheck: { test: [CMD, ./probe] }\n"
	"    host: { command: api/run --fast, working_dir: /opt }\n"
	"    develop: { source: api, compile: make, lint: { command: ruff }, test: pytest,\n"
	"      on_success: \"exec: touch x\" }\n"
	"hooks: { post-up: [{ exec: ./seed, service: api }] }\n";

static bool any_now(struct home *h)
{
	struct dangers list = { 0 };
	trust_list(&h->a, &h->project, &list);
	for (size_t i = 0; i < list.count; i++) {
		if (!list.items[i].with_host)
			return true;
	}
	return false;
}

static void what_only_host_would_run_is_listed_too(void **state)
{
	struct home *h = *state;
	assert_string_equal(listed(h, portable),
		"with --host, host service api: api/run --fast\n"
		"with --host, healthcheck on this host of api: ./probe\n"
		"with --host, directory outside of the checkout of api: /opt\n"
		"with --host, compile on this host of api: make\n"
		"with --host, lint on this host of api: ruff\n"
		"with --host, test on this host of api: pytest\n"
		"with --host, on_success on this host of api: touch x\n"
		"with --host, hook post-up on this host of api: ./seed");
	assert_false(any_now(h));
	assert_string_equal(listed(h, "name: shop\nservices:\n"
				      "  a: { run: host, command: [x, y], entrypoint: z,"
				      " env_file: [{ path: ../e }] }\n"),
		"host service a: z x y\nenv_file ../e of a is outside of the checkout");
	assert_true(any_now(h));
}

static const char *hash(struct home *h);

/* The developer's own sources change all day; the scripts around them do not. */
static void sources_on_the_host_are_no_scripts(void **state)
{
	struct home *h = *state;
	mkdir(in_project(h, "api"), 0755);
	put_file(h, in_project(h, "api/run"), "1");
	put_file(h, in_project(h, "seed"), "1");
	put_file(h, in_project(h, "api.env"), "1");
	decode(h, portable);
	const char *before = hash(h);
	put_file(h, in_project(h, "api/run"), "2");
	assert_string_equal(hash(h), before);
	put_file(h, in_project(h, "seed"), "2");
	assert_string_not_equal(hash(h), before);
	put_file(h, in_project(h, "seed"), "1");
	put_file(h, in_project(h, "api.env"), "2");
	assert_string_not_equal(hash(h), before);
}

static const char *hash(struct home *h)
{
	struct dangers list = { 0 };
	struct strs files = { 0 };
	char *hex = arena_alloc(&h->a, 65);
	trust_list(&h->a, &h->project, &list);
	strs_add(&h->a, &files, in_project(h, "devenv.yml"));
	strs_add(&h->a, &files, in_project(h, "devenv.local.yml"));
	assert_int_equal(trust_hash(&h->a, &h->project, &files, &list, hex, &h->e), 0);
	return hex;
}

static void one_changed_byte_asks_again(void **state)
{
	struct home *h = *state;
	static const char *const files[] = { "devenv.yml", "devenv.local.yml", "check",
		"docker/base.Dockerfile", "api.env", "app/Dockerfile" };
	for (size_t i = 0; i < countof(files); i++)
		put_file(h, in_project(h, files[i]), "1");
	decode(h,
		"name: shop\nimages: { base: { dockerfile: docker/base.Dockerfile, context: . } }\n"
		"services:\n  x: { image: base, env_file: [{path: api.env}] }\n  y: { build: { "
		"context: app } }\n"
		"hooks: { pre-up: [{ exec-host: ./check --all }] }\n");
	const char *before = hash(h);
	assert_string_equal(hash(h), before);
	for (size_t i = 0; i < countof(files); i++) {
		put_file(h, in_project(h, files[i]), "2");
		if (streq(hash(h), before))
			fail_msg("%s does not count", files[i]);
		put_file(h, in_project(h, files[i]), "1");
		assert_string_equal(hash(h), before);
	}
	if (!geteuid()) {
		assert_int_equal(chown(h->project.dir, 12345, 12345), 0);
		assert_string_not_equal(hash(h), before);
	}
}

static void consent_is_given_once(void **state)
{
	struct home *h = *state;
	struct dangers list = { 0 };
	const char *w = h->project.workspace, *path = path_join(&h->a, h->places.state, "consent");
	char hex[65], other[65];
	memset(hex, 'a', 64);
	memset(other, 'b', 64);
	hex[64] = other[64] = '\0';
	*list_push(&h->a, &list) = (struct danger){ .what = "host hook pre-up: ./check" };
	assert_false(trust_given(&h->places, w, hex));
	assert_null(trust_before(&h->a, &h->places, w));
	struct strs seen = { 0 };
	strs_add(&h->a, &seen, "file 0 /x");
	assert_int_equal(trust_give(&h->places, w, hex, &list, &seen, &h->e), 0);
	assert_true(trust_given(&h->places, w, hex));
	assert_false(trust_given(&h->places, w, other));
	assert_string_equal(
		trust_before(&h->a, &h->places, w), "host hook pre-up: ./check\nfile 0 /x\n");
	assert_int_equal(mode_of(path), 0600);
	assert_false(dir_exists(
		in_project(h, ".devenv"))); /* nothing in the checkout speaks for itself */
	chmod(path, 0666);                  /* others could have written it */
	assert_false(trust_given(&h->places, w, hex));
	chmod(path, 0600);
	const char *away = in_project(h, "consent");
	assert_int_equal(rename(path, away), 0);
	assert_int_equal(symlink(away, path), 0);
	assert_false(trust_given(&h->places, w, hex));
}

static void foreign_configuration_is_refused(void **state)
{
	struct home *h = *state;
	struct strs files = { 0 };
	const char *path = in_project(h, "devenv.yml");
	put_file(h, path, "name: x\n");
	strs_add(&h->a, &files, path);
	strs_add(&h->a, &files, in_project(h, "absent.yml"));
	assert_int_equal(trust_owner_check(&files, &h->e), 0);
	chmod(path, 0666);
	assert_int_equal(trust_owner_check(&files, &h->e), -1);
	assert_int_equal(h->e.code, ERR_CONSENT);
	assert_non_null(strstr(h->e.hint, "chmod o-w"));
	chmod(path, 0664);
	assert_int_equal(trust_owner_check(&files, &h->e), 0);
	chmod(h->project.dir, 0777);
	assert_int_equal(trust_owner_check(&files, &h->e), -1);
	chmod(h->project.dir, 01777);
	assert_int_equal(trust_owner_check(&files, &h->e), 0);
	chmod(h->project.dir, 0755);
	if (geteuid())
		return;
	assert_int_equal(chown(path, 12345, 12345), 0);
	assert_int_equal(trust_owner_check(&files, &h->e), -1);
	setenv("SUDO_UID", "12345", 1);
	assert_int_equal(trust_owner_check(&files, &h->e), 0);
	unsetenv("SUDO_UID");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(harmless_projects_need_nothing),
		test(options_are_listed),
		test(links_out_of_the_checkout_are_outside),
		test(commands_of_the_host_are_listed),
		test(what_only_host_would_run_is_listed_too),
		test(sources_on_the_host_are_no_scripts),
		test(one_changed_byte_asks_again),
		test(consent_is_given_once),
		test(foreign_configuration_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
