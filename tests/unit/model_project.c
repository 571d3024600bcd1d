/*
 * The whole example of the grammar becomes the project it describes: every struct is looked at.
 */
#include "model.h"

static const char example[] =
	"name: Shop\n"
	"requires: \">=0.1\"\n"
	"vars: { PG_VERSION: \"15\" }\n"
	"up: { services: [web, api], watch: true, lint: off, test: on_change, data: keep, "
	"containers: recreate }\n"
	"images:\n"
	"  python: { from: base, packages: [python3, python3-venv], env: { A: b } }\n"
	"  base:\n"
	"    from: debian:bookworm-slim\n"
	"    packages: [ca-certificates, tini]\n"
	"    user: { name: app, uid: 1001, gid: 1002 }\n"
	"    locale: C.UTF-8\n"
	"    timezone: UTC\n"
	"    files: { conf/x.conf: { target: /etc/x.conf, mode: 0640, owner: app }, y: /etc/y }\n"
	"    run: [\"echo one\", \"echo two\"]\n"
	"    certificates: host\n"
	"    timeout: 5m\n"
	"  legacy: { dockerfile: docker/legacy.Dockerfile, context: ., target: runtime, args: { V: "
	"1, W: } }\n"
	"  other: { packages: [curl] }\n"
	"services:\n"
	"  web: { image: \"node:20\", deploy: { replicas: 2 }, ports: [{ name: http, target: 3000 "
	"}] }\n"
	"  edge: { image: nginx, depends_on: { web: { condition: service_started, restart: true } "
	"} }\n"
	"  api:\n"
	"    image: python\n"
	"    working_dir: /srv/api\n"
	"    command: python3 -m api\n"
	"    environment: { DATABASE_URL: "
	"\"postgresql://shop:${secret.db_password}@${service.db.host}:${service.db.port}/shop\", "
	"N: 1, BARE: }\n"
	"    depends_on: { db: { condition: service_healthy, required: true, on_restart: reload "
	"},\n"
	"                  migrate: { condition: service_completed_successfully } }\n"
	"    healthcheck: { http: \"/healthz\", port: http, status: 204, interval: 2s, retries: 7 "
	"}\n"
	"    ports: [{ name: http, target: 8000, published: auto }, { target: \"9000\", published: "
	"\"19000-19009\", protocol: udp, host_ip: 0.0.0.0 }]\n"
	"    volumes: [{ type: bind, source: ./conf, target: /conf, read_only: true }, { type: "
	"volume, source: data, target: /d },\n"
	"              { type: tmpfs, target: /t }, { source: ~/x, target: /x }]\n"
	"    secrets: [{ source: db_password }, { source: key, target: /etc/key }]\n"
	"    stop_grace_period: 1m30s\n"
	"    restart: unless-stopped\n"
	"    tty: \"true\"\n"
	"    develop:\n"
	"      source: api\n"
	"      dependencies: { lock: [api/requirements.txt], install: pip install, into: .venv, "
	"cache: [~/.cache/pip] }\n"
	"      compile: make -C api\n"
	"      lint: { command: ruff check ., gate: warn }\n"
	"      test: { command: pytest -q, gate: on }\n"
	"      on_success: signal:HUP\n"
	"      watch: [{ path: ., include: [\"*.py\"], ignore: [build/], debounce: 20ms }]\n"
	"    release: { build: make -C api dist, artifacts: { api/dist: /srv/api } }\n"
	"  migrate: { image: python, command: [python3, migrate.py] }\n"
	"  db: { image: \"postgres:15\", extends: { template: postgres }, client: [psql, -U, "
	"shop], ports: [{ name: pg, target: 5432 }],\n"
	"        healthcheck: { test: [CMD-SHELL, pg_isready] }, profiles: [data], stop_signal: "
	"SIGINT }\n"
	"routes:\n"
	"  - { host: shop.localhost, path: /, to: \"web:http\", via: edge }\n"
	"  - { host: shop.localhost, path: /api, to: \"api:8000\", via: edge, strip: true }\n"
	"  - { host: db.localhost, to: db }\n"
	"  - { host: raw.localhost, to: \"web:4000\" }\n"
	"volumes: { data: { kind: data, per: workspace, initial: seed.tar.zst }, tmp: { kind: "
	"scratch }, old: { external: true }, plain: }\n"
	"caches: { npm: { target: /home/app/.npm }, pip: /home/app/.cache/pip }\n"
	"secrets:\n"
	"  db_password: { generate: password, length: 40, on_rotate: { service: db, run: x } }\n"
	"  mail_key: { environment: MAIL_KEY }\n"
	"  key: { generate: rsa }\n"
	"  file: { file: ./secret.txt, generate: hex }\n"
	"  empty:\n"
	"  cluster: { external: true, name: y }\n"
	"certs: { hosts: [\"*.shop.localhost\", shop.localhost] }\n"
	"hooks: { post-up: [{ exec: ./seed, service: api }], pre-up: [{ exec-host: ./check }] }\n"
	"commands: { psql: { service: db, run: psql -U shop, description: Database shell } }\n"
	"layouts:\n"
	"  backend: { windows: [{ name: api, layout: main-vertical, panes: [{ logs: api }, { "
	"attach: db }, { shell: api }, { run: psql }] }] }\n"
	"debug: { image: toolbox, tools: debug/ }\n"
	"parity: { allow: [services.*.environment.LOG_LEVEL] }\n";

static int setup(void **state)
{
	static struct subject s;
	subject_read(&s, example);
	subject_print(&s);
	*state = &s;
	return s.result;
}

static int teardown(void **state)
{
	subject_release(*state);
	return 0;
}

static void head(void **state)
{
	const struct project *p = &((struct subject *)*state)->project;
	assert_string_equal(p->name, "shop");
	assert_string_equal(p->environment, "dev");
	assert_true(p->dev);
	assert_int_equal(strlen(p->workspace), strlen("shop-") + 8);
	assert_memory_equal(p->workspace, "shop-", 5);
	assert_int_equal(p->up.services.count, 2);
	assert_true(p->up.watch && p->up.recreate_containers && !p->up.recreate_data);
	assert_int_equal(p->up.lint, STAGE_NEVER);
	assert_int_equal(p->up.test, STAGE_ON_CHANGE);
}

static void images(void **state)
{
	const struct project *p = &((struct subject *)*state)->project;
	const struct image *base = project_image(p, "base"), *python = project_image(p, "python");
	assert_int_equal(p->images.count, 4);
	assert_ptr_equal(base, &p->images.items[0]);
	assert_null(base->parent);
	assert_string_equal(base->from, "debian:bookworm-slim");
	assert_string_equal(base->user, "app");
	assert_true(base->user_own && base->certificates_host && base->used);
	assert_int_equal(base->uid, 1001);
	assert_int_equal(base->gid, 1002);
	assert_int_equal(base->timeout_ms, 300000);
	assert_int_equal(base->run.count, 2);
	assert_string_equal(base->timezone, "UTC");
	assert_int_equal(base->files.count, 2);
	assert_string_equal(base->files.items[0].source, "conf/x.conf");
	assert_int_equal(base->files.items[0].mode, 0640);
	assert_string_equal(base->files.items[0].owner, "app");
	assert_string_equal(base->files.items[1].target, "/etc/y");
	assert_ptr_equal(python->parent, base);
	assert_string_equal(python->user, "app");
	assert_true(!python->user_own && python->used && !python->certificates_host);
	assert_int_equal(python->uid, 1001);
	assert_string_equal(python->env.items[0].value, "b");
	assert_int_equal(python->timeout_ms, 20 * 60 * 1000);
	const struct image *legacy = project_image(p, "legacy");
	assert_null(legacy->from);
	assert_string_equal(legacy->dockerfile, "docker/legacy.Dockerfile");
	assert_null(legacy->args.items[1].value);
	assert_int_equal(legacy->used, 0);
	assert_ptr_equal(project_image(p, "other")->parent, base);
}

static void order(void **state)
{
	static const char *const wanted[] = { "web", "edge", "db", "migrate", "api" };
	const struct project *p = &((struct subject *)*state)->project;
	assert_int_equal(p->services.count, countof(wanted));
	for (size_t i = 0; i < countof(wanted); i++) {
		assert_string_equal(p->services.items[i].name, wanted[i]);
		assert_int_equal(p->services.items[i].order, i);
		assert_ptr_equal(project_service(p, wanted[i]), &p->services.items[i]);
	}
}

static void service(void **state)
{
	const struct project *p = &((struct subject *)*state)->project;
	const struct service *api = project_service(p, "api"), *db = project_service(p, "db");
	assert_ptr_equal(api->image, project_image(p, "python"));
	assert_null(api->image_name);
	assert_string_equal(db->image_name, "postgres:15");
	assert_string_equal(db->template, "postgres");
	assert_string_equal(api->working_dir, "/srv/api");
	assert_int_equal(api->environment.count, 3);
	assert_string_equal(api->environment.items[1].value, "1");
	assert_null(api->environment.items[2].value);
	assert_int_equal(api->replicas, 1);
	assert_int_equal(project_service(p, "web")->replicas, 2);
	assert_int_equal(api->stop_grace_ms, 90000);
	assert_int_equal(db->stop_grace_ms, 10000);
	assert_true(api->restart_policy && api->tty && !api->stdin_open);
	assert_int_equal(project_service(p, "migrate")->kind, KIND_JOB);
	assert_int_equal(api->kind, KIND_SERVICE);
	assert_int_equal(db->client.count, 3);
	assert_string_equal(db->profiles.items[0], "data");
	assert_string_equal(db->stop_signal, "SIGINT");
	assert_int_equal(api->place.line, 22);
	assert_int_equal(api->place.col, 3);
}

static void needs(void **state)
{
	const struct project *p = &((struct subject *)*state)->project;
	const struct service *api = project_service(p, "api");
	assert_int_equal(api->needs.count, 2);
	assert_ptr_equal(api->needs.items[0].service, project_service(p, "db"));
	assert_int_equal(api->needs.items[0].condition, COND_HEALTHY);
	assert_int_equal(api->needs.items[0].on_restart, FOLLOW_RELOAD);
	assert_int_equal(api->needs.items[1].condition, COND_COMPLETED);
	assert_true(api->needs.items[1].required);
	assert_int_equal(project_service(p, "edge")->needs.items[0].on_restart, FOLLOW_RESTART);
}

static void ports(void **state)
{
	const struct project *p = &((struct subject *)*state)->project;
	const struct service *api = project_service(p, "api");
	assert_int_equal(api->ports.count, 2);
	const struct port *http = service_port(api, "http"), *udp = service_port(api, "9000");
	assert_ptr_equal(http, service_port(api, NULL));
	assert_int_equal(http->target, 8000);
	assert_int_equal(http->how, PUB_AUTO);
	assert_string_equal(http->protocol, "tcp");
	assert_int_equal(udp->how, PUB_FIXED);
	assert_int_equal(udp->published, 19000);
	assert_string_equal(udp->host_ip, "0.0.0.0");
	assert_null(service_port(api, "https"));
	assert_int_equal(project_service(p, "web")->ports.items[0].how, PUB_NONE);
}

static void mounts(void **state)
{
	const struct project *p = &((struct subject *)*state)->project;
	const struct service *api = project_service(p, "api");
	assert_int_equal(api->mounts.count, 4);
	assert_int_equal(api->mounts.items[0].kind, MOUNT_BIND);
	assert_string_equal(api->mounts.items[0].source, "/home/shop/conf");
	assert_true(api->mounts.items[0].read_only);
	assert_int_equal(api->mounts.items[1].kind, MOUNT_VOLUME);
	assert_string_equal(api->mounts.items[1].source, "data");
	assert_int_equal(api->mounts.items[2].kind, MOUNT_TMPFS);
	assert_string_equal(api->mounts.items[3].source, "/home/me/x");
	assert_int_equal(api->secrets.count, 2);
	assert_string_equal(api->secrets.items[0].target, "db_password");
	assert_string_equal(api->secrets.items[1].target, "/etc/key");
}

static void checks(void **state)
{
	const struct project *p = &((struct subject *)*state)->project;
	const struct check *http = &project_service(p, "api")->check;
	const struct check *exec = &project_service(p, "db")->check;
	assert_int_equal(http->kind, CHECK_HTTP);
	assert_string_equal(http->path, "/healthz");
	assert_int_equal(http->port, 8000);
	assert_int_equal(http->status, 204);
	assert_int_equal(http->interval_ms, 2000);
	assert_int_equal(http->retries, 7);
	assert_int_equal(exec->kind, CHECK_EXEC);
	assert_int_equal(exec->argv.count, 3);
	assert_string_equal(exec->argv.items[2], "pg_isready");
	assert_int_equal(project_service(p, "web")->check.kind, CHECK_NONE);
}

static void develop(void **state)
{
	const struct project *p = &((struct subject *)*state)->project;
	const struct develop *d = project_service(p, "api")->develop;
	assert_non_null(d);
	assert_null(project_service(p, "db")->develop);
	assert_string_equal(d->source, "/home/shop/api");
	assert_string_equal(d->deps.lock.items[0], "api/requirements.txt");
	assert_string_equal(d->deps.into, ".venv");
	assert_string_equal(d->deps.cache.items[0], "~/.cache/pip");
	assert_string_equal(d->compile.command, "make -C api");
	assert_true(d->lint.warn && !d->test.warn);
	assert_string_equal(d->test.command, "pytest -q");
	assert_int_equal(d->success, SUCCESS_SIGNAL);
	assert_string_equal(d->success_arg, "HUP");
	assert_int_equal(d->watch.count, 1);
}

static void routes(void **state)
{
	static const int ports[] = { 3000, 8000, 5432, 4000 };
	static const char *const hosts[] = { "*.shop.localhost", "db.localhost", "raw.localhost",
		"shop.localhost" };
	const struct project *p = &((struct subject *)*state)->project;
	assert_int_equal(p->routes.count, countof(ports));
	for (size_t i = 0; i < countof(ports); i++)
		assert_int_equal(p->routes.items[i].port, ports[i]);
	assert_ptr_equal(p->routes.items[1].via, project_service(p, "edge"));
	assert_true(p->routes.items[1].strip && !p->routes.items[0].strip);
	assert_string_equal(p->routes.items[2].path, "/");
	assert_null(p->routes.items[2].via);
	assert_int_equal(p->cert_hosts.count, countof(hosts));
	for (size_t i = 0; i < countof(hosts); i++)
		assert_string_equal(p->cert_hosts.items[i], hosts[i]);
}

static void data(void **state)
{
	const struct project *p = &((struct subject *)*state)->project;
	assert_int_equal(p->volumes.count, 4);
	assert_string_equal(project_volume(p, "data")->initial, "/home/shop/seed.tar.zst");
	assert_int_equal(project_volume(p, "tmp")->kind, VOLUME_SCRATCH);
	assert_true(project_volume(p, "old")->external);
	assert_int_equal(project_volume(p, "plain")->kind, VOLUME_DATA);
	assert_int_equal(p->caches.count, 2);
	assert_string_equal(p->caches.items[1].target, "/home/app/.cache/pip");
}

static void secrets(void **state)
{
	static const struct {
		const char *name;
		enum recipe recipe;
		int length;
		const char *source;
	} wanted[] = { { "db_password", RECIPE_PASSWORD, 40, NULL },
		{ "mail_key", RECIPE_ENVIRONMENT, 32, "MAIL_KEY" },
		{ "key", RECIPE_RSA, 3072, NULL },
		{ "file", RECIPE_FILE, 32, "/home/shop/secret.txt" },
		{ "empty", RECIPE_PASSWORD, 32, NULL } };
	const struct project *p = &((struct subject *)*state)->project;
	assert_int_equal(p->secrets.count, countof(wanted));
	for (size_t i = 0; i < countof(wanted); i++) {
		const struct secret *s = project_secret(p, wanted[i].name);
		assert_int_equal(s->recipe, wanted[i].recipe);
		assert_int_equal(s->length, wanted[i].length);
		assert_true(streq(s->source, wanted[i].source));
	}
	assert_null(project_secret(p, "cluster"));
	assert_non_null(project_secret(p, "db_password")->on_rotate);
}

static void words(void **state)
{
	const struct project *p = &((struct subject *)*state)->project;
	assert_int_equal(p->hooks.count, 2);
	assert_string_equal(p->hooks.items[0].event, "post-up");
	assert_string_equal(p->hooks.items[0].service, "api");
	assert_true(p->hooks.items[1].host);
	assert_string_equal(project_command(p, "psql")->run, "psql -U shop");
	assert_string_equal(project_command(p, "psql")->description, "Database shell");
}

static void workspaces(void **state)
{
	struct arena a = ARENA_INIT;
	char *one = workspace_id(&a, "shop", "/home/a/shop"),
	     *two = workspace_id(&a, "shop", "/home/b/shop");
	(void)state;
	assert_string_not_equal(one, two);
	assert_string_equal(one, workspace_id(&a, "shop", "/home/a/shop"));
	char *odd = workspace_id(&a, "-- Über_Shop..v2 --", "/x");
	assert_memory_equal(odd, "ber-shop-v2-", 12);
	assert_int_equal(
		strlen(workspace_id(&a, "abcdefghijklmnopqrstuvwxyz0123456789", "/x")), 39);
	assert_memory_equal(workspace_id(&a, "!!!", "/x"), "project-", 8);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(head), cmocka_unit_test(images),
		cmocka_unit_test(order), cmocka_unit_test(service), cmocka_unit_test(needs),
		cmocka_unit_test(ports), cmocka_unit_test(mounts), cmocka_unit_test(checks),
		cmocka_unit_test(develop), cmocka_unit_test(routes), cmocka_unit_test(data),
		cmocka_unit_test(secrets), cmocka_unit_test(words), cmocka_unit_test(workspaces) };
	return cmocka_run_group_tests(tests, setup, teardown);
}
