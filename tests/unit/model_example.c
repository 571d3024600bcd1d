/*
 * The design's example of the grammar, as people write it: through layers, short forms, merging and
 * the tables into a project. What the example leaves out (the service web) stands in an overlay.
 */
#include "model.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/os.h"
#include "config/config.h"

static const char example[] =
	"name: shop\n"
	"requires: \">=0.1\"\n"
	"vars: { PG_VERSION: \"15\" }\n"
	"up:\n"
	"  services: [web, api]\n"
	"  watch: true\n"
	"  lint: off\n"
	"  test: off\n"
	"  data: keep\n"
	"  containers: keep\n"
	"images:\n"
	"  base:\n"
	"    from: debian:bookworm-slim\n"
	"    packages: [ca-certificates, tini]\n"
	"    user: { name: app, uid: 1000, gid: 1000 }\n"
	"    locale: C.UTF-8\n"
	"    timezone: UTC\n"
	"  python: { from: base, packages: [python3, python3-venv] }\n"
	"  legacy: { from: base, dockerfile: docker/legacy.Dockerfile, context: ., target: runtime "
	"}\n"
	"services:\n"
	"  api:\n"
	"    image: python\n"
	"    working_dir: /srv/api\n"
	"    command: python3 -m api\n"
	"    environment: { DATABASE_URL: "
	"\"postgresql://shop:${secret.db_password}@${service.db.host}:${service.db.port}/shop\" }\n"
	"    depends_on: { db: { condition: service_healthy, on_restart: restart } }\n"
	"    healthcheck: { http: \"/healthz\", port: http }\n"
	"    ports: { http: { target: 8000, published: auto } }\n"
	"    develop:\n"
	"      source: api\n"
	"      dependencies: { lock: [api/requirements.txt], install: \"pip install -r "
	"requirements.txt\", into: .venv, cache: [~/.cache/pip] }\n"
	"      compile: make -C api\n"
	"      lint:  { command: ruff check ., gate: warn }\n"
	"      test:  { command: pytest -q, gate: on }\n"
	"      on_success: restart\n"
	"      watch: [{ path: ., include: [\"*.py\"], ignore: [build/], debounce: 20ms }]\n"
	"    release: { build: make -C api dist, artifacts: { api/dist: /srv/api } }\n"
	"  db:    { extends: { template: postgres }, volumes: { data: /var/lib/postgresql/data } "
	"}\n"
	"  cache: { extends: { template: redis } }\n"
	"  edge:  { extends: { template: nginx } }\n"
	"  docs:  { run: host, command: \"make serve\", profiles: [docs] }\n"
	"routes:\n"
	"  - { host: shop.localhost, path: /,    to: web:http, via: edge }\n"
	"  - { host: shop.localhost, path: /api, to: api:http, via: edge, strip: true }\n"
	"volumes: { data: { kind: data, per: workspace, initial: seed.tar.zst } }\n"
	"caches:  { npm: { target: /home/app/.npm } }\n"
	"secrets:\n"
	"  db_password: { generate: password, length: 32, on_rotate: { service: db, run: \"...\" } "
	"}\n"
	"  mail_key:    { environment: MAIL_KEY }\n"
	"certs: { hosts: [\"*.shop.localhost\"] }\n"
	"hooks: { post-up: [{ exec: ./seed, service: api }], pre-up: [{ exec-host: ./check }] }\n"
	"commands: { psql: { service: db, run: psql -U shop, description: Database shell } }\n"
	"layouts:\n"
	"  backend: { windows: [{ name: api, layout: main-vertical, panes: [{ logs: api }, { "
	"attach: db }, { shell: api }, { run: psql }] }] }\n"
	"debug: { image: toolbox, tools: debug/ }\n"
	"parity: { allow: [services.*.environment.LOG_LEVEL] }\n";

static const char overlay[] =
	"services:\n"
	"  web: { image: base, ports: { http: { target: 3000 } }, profiles: web }\n"
	"  edge: { ports: [\"9000\", \"8088:80/udp\"] }\n"
	"  api: { ports: { http: { published: 8001 } }, environment: [LOG_LEVEL=debug] }\n"
	"volumes: { cache-data: }\n";

static const char template[] = "images: { template-one: { packages: [one] } }\n"
			       "secrets: { \"${template.service}_password\": { generate: hex } }\n"
			       "service:\n"
			       "  image: template-one\n"
			       "  ports: { main: { target: 5432, published: auto } }\n"
			       "  healthcheck: { tcp: true }\n";

static struct node *template_layer(void *ctx, struct arena *a, const char *name, struct diags *d)
{
	(void)ctx;
	return yaml_read(a, template, strlen(template), "template.yml",
		arena_printf(a, "template %s", name), d, NULL);
}

static const char *lookup(void *ctx, const char *name)
{
	(void)ctx, (void)name;
	return NULL;
}

static void write_file(const char *dir, const char *name, const char *text)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	assert_int_equal(
		file_write(path_join(&a, dir, name), text, strlen(text), 0644, false, &e), 0);
	arena_release(&a);
}

static void load(struct subject *s, const char *dir)
{
	static const char *const kept[] = { "secret.", "service.", NULL };
	struct config config = { 0 };
	struct strs templates = { 0 };
	memset(s, 0, sizeof(*s));
	s->diags.arena = &s->arena;
	strs_add(&s->arena, &templates, "postgres");
	strs_add(&s->arena, &templates, "redis");
	strs_add(&s->arena, &templates, "nginx");
	const struct config_request request = { .dir = dir,
		.environment = "dev",
		.defaults = schema_defaults(&s->arena),
		.schema = &schema_devenv,
		.template_layer = template_layer,
		.template_names = &templates,
		.lookup = lookup,
		.kept = kept };
	assert_int_equal(config_load(&s->arena, &request, &config, &s->diags), 0);
	schema_check(&s->arena, &schema_devenv, config.tree, &s->diags);
	subject_decode(s, config.tree);
}

static void looks_right(const struct project *p)
{
	const struct service *api = project_service(p, "api"), *db = project_service(p, "db");
	assert_int_equal(p->services.count, 6);
	assert_ptr_equal(api->image, project_image(p, "python"));
	assert_ptr_equal(api->image->parent, project_image(p, "base"));
	assert_int_equal(api->ports.count, 1);
	assert_string_equal(api->ports.items[0].name, "http");
	assert_int_equal(api->ports.items[0].target, 8000);
	assert_int_equal(api->ports.items[0].published, 8001);
	assert_int_equal(api->check.port, 8000);
	assert_int_equal(api->environment.count, 2);
	assert_ptr_equal(api->needs.items[0].service, db);
	assert_int_equal(api->needs.items[0].on_restart, FOLLOW_RESTART);
	assert_string_equal(api->develop->source, "/home/shop/api");
	assert_string_equal(db->template, "postgres");
	assert_string_equal(db->image->template, "postgres");
	assert_string_equal(db->mounts.items[0].source, "data");
	assert_int_equal(db->check.kind, CHECK_TCP);
	assert_int_equal(db->check.port, 5432);
	assert_int_equal(project_service(p, "docs")->where, RUN_HOST);
	assert_int_equal(project_service(p, "web")->ports.items[0].how, PUB_NONE);
	assert_int_equal(service_port(project_service(p, "edge"), "9000")->how, PUB_AUTO);
	assert_int_equal(service_port(project_service(p, "edge"), "80")->published, 8088);
	assert_int_equal(project_secret(p, "db_password")->recipe, RECIPE_PASSWORD);
	assert_int_equal(p->routes.count, 2);
	assert_int_equal(p->hooks.count, 2);
	assert_int_equal(p->cert_hosts.count, 2);
}

static void as_written(void **state)
{
	char dir[] = "/tmp/model-example-XXXXXX";
	struct err e = ERR_INIT;
	struct subject s;
	(void)state;
	assert_non_null(mkdtemp(dir));
	write_file(dir, "devenv.yml", example);
	write_file(dir, "devenv.dev.yml", overlay);
	load(&s, dir);
	if (s.diags.errors)
		subject_print(&s);
	assert_int_equal(s.diags.errors, 0);
	looks_right(&s.project);
	subject_release(&s);
	assert_int_equal(tree_remove(dir, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(as_written) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
