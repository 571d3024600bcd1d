/*
 * What is wrong with a project is said with its place, its path and a remedy: one line per rule.
 */
#include "model.h"

struct wrong {
	const char *yaml;
	int line, col;
	enum severity severity;
	const char *path, *message, *hint; /* hint NULL: none is wanted */
};

#define SERVICE "services:\n  a: { image: x"

static const struct wrong wrongs[] = {
	/* names */
	{ SERVICE ", depends_on: { bb: { condition: service_started } } }\n  b: { image: x }\n", 2,
		32, SEV_ERROR, "services.a.depends_on", "unknown service \"bb\"", "known: a, b" },
	{ SERVICE ", depends_on: { bb: { condition: service_started, required: false } } }\n", 2,
		32, SEV_WARNING, "services.a.depends_on",
		"there is no service \"bb\"; it is not required", NULL },
	{ SERVICE ", volumes: [{ type: volume, source: dta, target: /d }] }\nvolumes: { data: }\n",
		2, 52, SEV_ERROR, "services.a.volumes[0]", "unknown volume \"dta\"",
		"did you mean \"data\"?" },
	{ SERVICE ", volumes: [{ type: volume, source: data, target: /d }] }\n", 2, 52, SEV_ERROR,
		"services.a.volumes[0]", "unknown volume \"data\"",
		"declare it: volumes: { data: { kind: data } }" },
	{ SERVICE ", secrets: [{ source: pasword }] }\nsecrets: { password: }\n", 2, 38, SEV_ERROR,
		"services.a.secrets[0]", "unknown secret \"pasword\"",
		"did you mean \"password\"?" },
	{ SERVICE ", configs: [{ source: c }] }\n", 2, 38, SEV_ERROR, "services.a.configs",
		"unknown config \"c\"", "declare it under `configs:`" },
	{ SERVICE ", networks: { back: } }\nnetworks: { bak: }\n", 2, 30, SEV_ERROR,
		"services.a.networks", "unknown network \"back\"", "did you mean \"bak\"?" },
	{ SERVICE " }\nup: { services: [web] }\n", 3, 18, SEV_ERROR, "up.services[0]",
		"unknown service \"web\"", "known: a" },
	{ SERVICE " }\ncommands: { sh: { service: aa, run: sh } }\n", 3, 28, SEV_ERROR,
		"commands.sh.service", "unknown service \"aa\"", "known: a" },
	{ SERVICE " }\nsecrets: { s: { on_rotate: { service: q, run: x } } }\n", 3, 39, SEV_ERROR,
		"secrets.s.on_rotate.service", "unknown service \"q\"", "known: a" },
	{ "images: { python: { packages: [x] } }\nservices: { a: { image: pythn } }\n", 2, 25,
		SEV_WARNING, "services.a.image",
		"no rung is called \"pythn\": taken as an image of a registry",
		"did you mean \"python\"?" },
	{ "images: { python: { packages: [x] }, b: { from: pyton } }\n", 1, 49, SEV_WARNING,
		"images.b.from", "no rung is called \"pyton\": taken as an image of a registry",
		"did you mean \"python\"?" },
	{ "volumes: { a.b: , A_b: }\n", 1, 19, SEV_ERROR, "volumes.A_b",
		"\"A_b\" and \"a.b\" would have the same name on disk and at the engine",
		"names must differ by more than capitals, or a dot for an underscore" },
	{ "services: { Web: { image: x }, web: { image: x } }\n", 1, 32, SEV_ERROR, "services.web",
		"\"web\" and \"Web\" would have the same name on disk and at the engine",
		"names must differ by more than capitals, or a dot for an underscore" },
	{ "secrets: { ../x: }\n", 1, 12, SEV_ERROR, "secrets.\"../x\"",
		"\"../x\" is no name for one of secrets",
		"letters, digits, dot, dash and underscore, a letter or digit first, at most 63" },
	{ "volumes: { \"a\\e[31m\": }\n", 1, 12, SEV_ERROR, "volumes.\"a\033[31m\"",
		"\"a\033[31m\" is no name for one of volumes",
		"letters, digits, dot, dash and underscore, a letter or digit first, at most 63" },
	/* circles */
	{ SERVICE ", depends_on: { a: { condition: service_started } } }\n", 2, 32, SEV_ERROR,
		"services.a.depends_on", "services wait for each other in a cycle: a -> a",
		"one of them must start without the other" },
	{ SERVICE ", depends_on: { b: {} } }\n  b: { image: x, depends_on: { c: {} } }\n"
		  "  c: { image: x, depends_on: { b: {} } }\n",
		4, 32, SEV_ERROR, "services.c.depends_on",
		"services wait for each other in a cycle: b -> c -> b",
		"one of them must start without the other" },
	{ SERVICE ", network_mode: \"service:b\" }\n  b: { image: x, links: [\"a:alias\"] }\n", 3,
		26, SEV_ERROR, "services.b.depends_on",
		"services wait for each other in a cycle: a -> b -> a",
		"one of them must start without the other" },
	{ "images: { a: { from: b }, b: { from: a } }\n", 1, 38, SEV_ERROR, "images.b.from",
		"images stand on each other in a cycle: a -> b -> a",
		"let one of them stand on an image of a registry" },
	{ "images:\n  base: { from: top }\n  top: { packages: [x] }\n", 3, 3, SEV_ERROR,
		"images.top.from", "images stand on each other in a cycle: base -> top -> base",
		"let one of them stand on an image of a registry" },
	/* references */
	{ SERVICE ", environment: { U: \"x${secret.pw}\" } }\nsecrets: { pw2: }\n", 2, 36,
		SEV_ERROR, "services.a", "unknown secret \"pw\"", "did you mean \"pw2\"?" },
	{ SERVICE ", command: [\"${service.ab.host}\"] }\n", 2, 28, SEV_ERROR, "services.a",
		"unknown service \"ab\"", "known: a" },
	{ SERVICE ", command: \"${service.a.port}\" }\n", 2, 27, SEV_ERROR, "services.a",
		"${service.a.port}: a has no port", "declare one under its ports:" },
	{ SERVICE ", command: \"${service.a.address}\" }\n", 2, 27, SEV_ERROR, "services.a",
		"${service.a.address} asks for nothing that is known",
		"${service.NAME.host}, ${service.NAME.port} or ${service.NAME.url}" },
	/* ports */
	{ SERVICE ", ports: [{ target: 1, published: \"8080\" }] }\n"
		  "  b: { image: x, ports: [{ target: 2, published: 8080 }] }\n",
		3, 26, SEV_ERROR, "services.b.ports", "port 8080 is published by both a and b",
		"published: auto finds a free one and keeps it" },
	{ SERVICE ", ports: [{ target: 1, published: 70000 }] }\n", 2, 50, SEV_ERROR,
		"services.a.ports[0].published", "\"70000\" is not a port that can be published",
		"a number from 1 to 65535, a range like 8000-8010, auto, or false" },
	{ SERVICE ", ports: [{ target: 1, published: 080 }] }\n", 2, 50, SEV_ERROR,
		"services.a.ports[0].published", "\"080\" is not a port that can be published",
		"a number from 1 to 65535, a range like 8000-8010, auto, or false" },
	{ SERVICE ", ports: [{ target: 1, published: 9-8 }] }\n", 2, 50, SEV_ERROR,
		"services.a.ports[0].published", "\"9-8\" is not a port that can be published",
		"a number from 1 to 65535, a range like 8000-8010, auto, or false" },
	{ SERVICE ", scale: 3, ports: [{ target: 1, published: 80 }] }\n", 2, 36, SEV_ERROR,
		"services.a.ports", "3 copies of a cannot share port 80",
		"published: auto gives each its own" },
	/* health */
	{ SERVICE ", healthcheck: { http: /x } }\n", 2, 31, SEV_ERROR, "services.a.healthcheck",
		"the healthcheck of a needs a port",
		"declare one: ports: { http: { target: 8000 } }" },
	{ SERVICE ", healthcheck: { tcp: web }, ports: [{ name: http, target: 1 }] }\n", 2, 38,
		SEV_ERROR, "services.a.healthcheck", "a has no port \"web\"",
		"its first port is \"http\"" },
	{ SERVICE ", healthcheck: { tcp: 5, log: x } }\n", 2, 46, SEV_ERROR,
		"services.a.healthcheck.log", "healthcheck says both tcp and log",
		"keep one; `!reset` takes away what a lower layer says" },
	{ SERVICE ", healthcheck: { test: [curl, x] } }\n", 2, 39, SEV_ERROR,
		"services.a.healthcheck.test",
		"healthcheck.test must be [CMD, ...], [CMD-SHELL, line] or [NONE]",
		"a shell line may also stand as one string" },
	/* services */
	{ "services: { a: { command: x } }\n", 1, 13, SEV_ERROR, "services.a",
		"a has nothing to run: neither image nor build",
		"name a rung of images: or an image of a registry, extend a template, or `run: "
		"host` "
		"with a command" },
	{ "services: { a: { run: host } }\n", 1, 13, SEV_ERROR, "services.a",
		"a runs on the host and needs a command",
		"command: as it is typed on this machine" },
	{ SERVICE ", host: { working_dir: w } }\n", 2, 24, SEV_ERROR, "services.a.host",
		"host: of a needs a command",
		"the command line as it is typed on this machine: host: { command: ... }" },
	{ SERVICE ", healthcheck: { notify: true } }\n", 2, 41, SEV_ERROR,
		"services.a.healthcheck.notify", "a runs in a container, which cannot notify",
		"use http, tcp, log or test; notify is for `run: host`" },
	{ SERVICE ", network_mode: \"service:b\" }\n  b: { run: host, command: x }\n", 2, 32,
		SEV_ERROR, "services.a.network_mode",
		"b runs on the host and has no namespaces to share", NULL },
	{ "services: { a: { run: host, command: x, ports: [{ target: 80 }] } }\n"
	  "routes: [{ host: h, to: a, via: a }]\n",
		2, 33, SEV_ERROR, "routes[0]",
		"a route leads through a container; a runs on the host",
		"via: a service that extends the nginx template" },
	{ SERVICE ", restart: sometimes }\n", 2, 27, SEV_ERROR, "services.a.restart",
		"\"sometimes\" is not a restart policy",
		"one of no, always, unless-stopped, on-failure, on-failure:N" },
	{ SERVICE ", container_name: me }\n", 2, 34, SEV_WARNING, "services.a.container_name",
		"container_name stops a second copy of this project",
		"leave it out: `devenv shell` and `logs` take the service's name" },
	{ SERVICE ", container_name: me, scale: 2 }\n", 2, 34, SEV_ERROR,
		"services.a.container_name", "copies cannot share one container_name",
		"leave it out: `devenv shell` and `logs` take the service's name" },
	{ SERVICE ", kind: job, scale: 2 }\n", 2, 3, SEV_ERROR, "services.a",
		"a is a job and cannot have 2 copies", NULL },
	{ SERVICE ", kind: job, restart: always }\n", 2, 38, SEV_ERROR, "services.a.restart",
		"a is a job and must not be restarted when it ends",
		"remove restart, or kind: job" },
	{ SERVICE ", restart: always }\n  b: { image: x, depends_on: { a: { condition: "
		  "service_completed_successfully } } }\n",
		3, 32, SEV_ERROR, "services.b.depends_on",
		"b waits for a to end, which is not a job",
		"a has a restart policy or kind: service" },
	{ SERVICE
		", kind: job }\n  b: { image: x, depends_on: { a: { condition: service_healthy } } "
		"}\n",
		3, 32, SEV_ERROR, "services.b.depends_on", "b waits for the job a to be healthy",
		"wait with condition: service_completed_successfully" },
	{ SERVICE ", volumes: [{ type: tmpfs, target: t }] }\n", 2, 51, SEV_ERROR,
		"services.a.volumes[0].target", "\"t\" is not an absolute path in the container",
		NULL },
	/* develop */
	{ SERVICE ", develop: { source: a } }\n", 2, 27, SEV_ERROR, "services.a.develop",
		"a has a source but no working_dir to mirror it into", "add working_dir: /srv/a" },
	{ SERVICE ", working_dir: /w, develop: { compile: make } }\n", 2, 44, SEV_ERROR,
		"services.a.develop", "develop needs a source",
		"the directory of the code, relative to the project: source: api" },
	{ SERVICE ", working_dir: /w, develop: { source: ../other } }\n", 2, 54, SEV_ERROR,
		"services.a.develop.source", "the source \"../other\" lies outside of the project",
		NULL },
	{ SERVICE ", working_dir: /w, develop: { source: x, on_success: signal } }\n", 2, 69,
		SEV_ERROR, "services.a.develop.on_success",
		"\"signal\" is nothing that on_success knows",
		"restart, signal:HUP, exec: CMD, or none" },
	{ SERVICE ", working_dir: /w, develop: { source: x, watch: [{ path: ../.. }] } }\n", 2, 73,
		SEV_ERROR, "services.a.develop.watch[0].path",
		"the watched path \"../..\" lies outside of the project",
		"it is relative to the source of `develop`" },
	{ SERVICE ", working_dir: /w, develop: { source: x, watch: [{ include: [a, \"\"] }] } }\n",
		2, 80, SEV_ERROR, "services.a.develop.watch[0].include[1]", "\"\" is no pattern",
		"patterns as in .gitignore: \"*.py\", build/, !keep.log" },
	{ SERVICE ", working_dir: /w, develop: { source: x, watch: [{ debounce: 1h }] } }\n", 2, 77,
		SEV_ERROR, "services.a.develop.watch[0].debounce",
		"changes would be gathered for longer than a minute",
		"a quiet time as 20ms or 1s; it begins anew with every change" },
	{ SERVICE ", working_dir: w, develop: { source: x } }\n", 2, 31, SEV_ERROR,
		"services.a.working_dir", "the working_dir of a module is an absolute path", NULL },
	/* routes, hooks */
	{ SERVICE ", ports: [{ name: http, target: 1 }] }\nroutes: [{ host: h, to: \"a:htp\" }]\n",
		3, 25, SEV_ERROR, "routes[0].to", "a has no port \"htp\"",
		"did you mean \"a:http\"?" },
	{ SERVICE " }\nroutes: [{ host: h, to: a }]\n", 3, 25, SEV_ERROR, "routes[0].to",
		"a has no port", "write the number, as in a:8000, or name it under ports:" },
	{ SERVICE " }\nroutes: [{ host: h, to: \"a:80\", via: edge }]\n", 3, 38, SEV_ERROR,
		"routes[0].via", "unknown service \"edge\"", "known: a" },
	{ SERVICE " }\nroutes: [{ host: h, to: \"a:80\", path: x }]\n", 3, 39, SEV_ERROR,
		"routes[0].path", "the path of a route begins with /", NULL },
	{ SERVICE " }\nroutes: [{ host: h, to: \"a:80\" }, { host: h, to: \"a:81\" }]\n", 3, 35,
		SEV_ERROR, "routes[1]", "two routes for h/", NULL },
	{ SERVICE " }\nhooks: { pre-up: [{ exec: x }] }\n", 3, 19, SEV_ERROR, "hooks.pre-up[0]",
		"exec needs the service to run in",
		"add service: NAME, or use exec-host to run it on the host" },
	{ SERVICE " }\nhooks: { pre-up: [{ exec: x, exec-host: y }] }\n", 3, 19, SEV_ERROR,
		"hooks.pre-up[0]", "a hook has either exec or exec-host", NULL },
	/* data */
	{ "secrets: { a: { value: x } }\n", 1, 24, SEV_ERROR, "secrets.a.value",
		"the value of secret a stands in a file that is shared",
		"move it to devenv.local.yml, or use generate, environment, file or command" },
	{ "secrets: { a: { file: x, command: y } }\n", 1, 35, SEV_ERROR, "secrets.a.command",
		"secret a has both file and command",
		"keep one; `!reset` takes away what a lower layer says" },
	{ "secrets: { a: { generate: rsa, length: 512 } }\n", 1, 40, SEV_ERROR, "secrets.a.length",
		"an rsa key needs at least 2048 bits", NULL },
	{ "caches: { npm: npm }\n", 1, 16, SEV_ERROR, "caches.npm.target",
		"\"npm\" is not an absolute path in the container", NULL },
	{ "images: { a: { files: { x: y } } }\n", 1, 28, SEV_ERROR, "images.a.files.x",
		"the file's target must be an absolute path in the image", NULL },
	{ "images: { a: { packages: [ok, \"x; rm\"] } }\n", 1, 31, SEV_ERROR,
		"images.a.packages[1]", "\"x; rm\" is not the name of a package", NULL },
	{ "images: { a: { timezone: \"-x\" } }\n", 1, 26, SEV_ERROR, "images.a.timezone",
		"\"-x\" is not a time zone", NULL },
	{ "requires: \">=99\"\n", 1, 11, SEV_ERROR, "requires",
		"this project asks for devenv >=99; this is " DEVENV_VERSION,
		"what it needs may be missing here: install another version" },
};

static void each_rule(void **state)
{
	size_t failed = 0;
	(void)state;
	for (size_t i = 0; i < countof(wrongs); i++) {
		const struct wrong *w = &wrongs[i];
		struct subject s;
		subject_read(&s, w->yaml);
		const struct diag *d = s.diags.items;
		bool same = s.diags.count == 1 && d->severity == w->severity &&
			    d->place.line == w->line && d->place.col == w->col &&
			    streq(d->path, w->path) && streq(d->message, w->message) &&
			    streq(d->hint, w->hint) && streq(d->place.file, "devenv.yml");
		if (!same) {
			print_error("case %zu:\n%swanted %d:%d %s: %s (%s)\n", i, w->yaml, w->line,
				w->col, w->path, w->message, w->hint ? w->hint : "no hint");
			subject_print(&s);
		}
		failed += !same || s.result != (w->severity == SEV_ERROR ? -1 : 0);
		subject_release(&s);
	}
	assert_int_equal(failed, 0);
}

/* What looks suspicious and is allowed. */
static void allowed(void **state)
{
	static const char *const yaml[] = {
		SERVICE ", profiles: [x], ports: [{ target: 1, published: 80 }] }\n"
			"  b: { image: x, profiles: [y], ports: [{ target: 1, published: 80 }] }\n",
		SERVICE
		", ports: [{ target: 1, published: 80 }, { target: 1, protocol: udp, published: 80 "
		"}] }\n",
		SERVICE ", ports: [{ target: 1, published: 80, host_ip: 127.0.0.2 }] }\n"
			"  b: { image: x, ports: [{ target: 1, published: 80 }] }\n",
		SERVICE
		", depends_on: { b: {}, c: {} } }\n  b: { image: x, depends_on: { d: {} } }\n"
		"  c: { image: x, depends_on: { d: {} } }\n  d: { image: x }\n",
		SERVICE ", develop: { watch: [{ action: sync, path: ., target: /x }] } }\n",
		SERVICE ", networks: { default: { aliases: [b] } } }\n",
		SERVICE ", restart: on-failure:3 }\n",
		"services: { a: { run: host, command: x, healthcheck: { notify: true } } }\n",
		"services: { a: { run: host, entrypoint: [x] } }\n",
		SERVICE ", volumes_from: [\"container:x\"], healthcheck: { disable: true } }\n",
		SERVICE ", secrets: [{ source: s }] }\nsecrets: { s: { external: true } }\n",
		"services: { a: { build: { context: . } }, b: { provider: { type: x } } }\n",
		"services:\nvolumes:\nsecrets:\nimages:\n",
		"{}\n",
		"[]\n",
		"text\n",
	};
	(void)state;
	for (size_t i = 0; i < countof(yaml); i++) {
		struct subject s;
		subject_read(&s, yaml[i]);
		subject_print(&s);
		assert_int_equal(s.diags.count, 0);
		assert_int_equal(s.result, 0);
		subject_release(&s);
	}
}

static void template_yields(void **state)
{
	static const char low[] = "{ test: [CMD, x], interval: 1s }";
	struct subject s;
	(void)state;
	subject_read(&s, SERVICE ", ports: [{ target: 5 }], healthcheck: { tcp: true } }\n");
	struct node *test = yaml_read(
		&s.arena, low, strlen(low), "template.yml", "template postgres", &s.diags, NULL);
	struct node *check = node_path(s.tree, "services.a.healthcheck");
	map_put(&s.arena, check, "test", test->place, node_get(test, "test"));
	subject_decode(&s, s.tree);
	subject_print(&s);
	assert_int_equal(s.result, 0);
	assert_int_equal(s.project.services.items[0].check.kind, CHECK_TCP);
	assert_int_equal(s.project.services.items[0].check.port, 5);
	subject_release(&s);
}

static void second_places(void **state)
{
	struct subject s;
	(void)state;
	subject_read(&s, SERVICE ", ports: [{ target: 1, published: 80 }] }\n"
				 "  b: { image: x, ports: [{ target: 1, published: 80 }] }\n");
	assert_int_equal(s.diags.count, 1);
	assert_int_equal(s.diags.items[0].other.line, 2);
	assert_int_equal(s.diags.items[0].other.col, 26);
	assert_string_equal(s.diags.items[0].other_label, "a publishes it here");
	subject_release(&s);
}

bool version_allowed(const char *range, const char *version);

static void versions(void **state)
{
	static const struct {
		const char *range, *version;
		bool allowed;
	} table[] = { { ">=1.0", "1.0.0", true }, { ">=1.0", "0.9.9", false },
		{ ">=1.0, <2", "1.9.3", true }, { ">=1.0,<2", "2.0.0", false },
		{ "1.2", "1.2.7", true }, { "1.2", "1.3.0", false }, { "=1.2.3", "1.2.3", true },
		{ "<=1.2", "1.2.9", true }, { "<=1.2", "1.3.0", false }, { ">1.2", "1.2.9", false },
		{ ">1.2", "1.3.0", true }, { "!=1.2", "1.2.1", false }, { "~1.2.3", "1.2.9", true },
		{ "~1.2.3", "1.3.0", false }, { "^1.2", "1.9.0", true }, { "^1.2", "2.0.0", false },
		{ "^1.2", "1.1.0", false }, { ">= 1.0 , < 1.5", "1.4.9", true } };
	(void)state;
	for (size_t i = 0; i < countof(table); i++) {
		if (version_allowed(table[i].range, table[i].version) != table[i].allowed)
			fail_msg("%s with %s", table[i].range, table[i].version);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_rule), cmocka_unit_test(allowed),
		cmocka_unit_test(template_yields), cmocka_unit_test(versions),
		cmocka_unit_test(second_places) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
