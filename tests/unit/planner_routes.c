/*
 * nginx mappings, URLs, and ${service.*}: what leads where, for whom; and that no host or path ends
 * a word of nginx's.
 */
#include "planner.h"

static const char shop[] =
	"services:\n"
	"  edge: { image: x, ports: { https: { target: 443, published: auto }, http: 80 } }\n"
	"  api: { image: x, ports: { http: { target: 8000 }, adm: { target: 9000, published: 9001 "
	"} } }\n"
	"  far: { image: x, network_mode: host, environment: { U: \"${service.edge.url}\","
	" H: \"${service.edge.host}\" } }\n"
	"  near: { image: x, environment: { U: \"${service.api.url}\", P: \"${service.api.port}\" "
	"} }\n"
	"routes:\n"
	"  - { host: a.localhost, path: /, to: \"api:http\", via: edge }\n"
	"  - { host: a.localhost, path: /x.y/z, to: \"api:adm\", via: edge, strip: true }\n"
	"  - { host: \"*.b.localhost\", path: /, to: api, via: edge }\n";

static const char stripped[] = "\tlocation \"/x.y/z/\" {\n"
			       "\t\tset $devenv_upstream api:9000;\n"
			       "\t\trewrite \"^/x\\.y/z/((?s).*)$\" /$1 break;\n"
			       "\t\tproxy_pass http://$devenv_upstream;\n"
			       "\t\tproxy_http_version 1.1;\n"
			       "\t\tproxy_set_header Host $http_host;\n"
			       "\t\tproxy_set_header Upgrade $http_upgrade;\n"
			       "\t\tproxy_set_header Connection $devenv_connection;\n"
			       "\t\tproxy_set_header X-Real-IP $remote_addr;\n"
			       "\t\tproxy_set_header X-Request-Id $devenv_id;\n"
			       "\t\tproxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
			       "\t\tproxy_set_header X-Forwarded-Host $http_host;\n"
			       "\t\tproxy_set_header X-Forwarded-Proto $scheme;\n"
			       "\t\tproxy_set_header X-Forwarded-Port 20443;\n"
			       "\t\tproxy_set_header X-Forwarded-Prefix \"/x.y/z\";\n"
			       "\t}\n";

static struct allocation https = {
	.service = "edge", .target = 443, .protocol = "tcp", .published = 20443
};

static void open_shop(struct bench *b)
{
	bench_open(b, shop);
	b->world.allocations.items = &https;
	b->world.allocations.count = 1;
}

static void mapping(void **state)
{
	struct bench b;
	(void)state;
	open_shop(&b);
	bench_plan(&b);
	const char *text = bench_file(&b, "nginx/edge/routes.conf");
	assert_non_null(strstr(text, stripped));
	assert_true(strstr(text, "\"/x.y/z\"") < strstr(text, "location \"/\""));
	assert_non_null(strstr(text, "\treturn 307 https://$host:20443$request_uri;\n"));
	assert_non_null(strstr(text, "\tserver_name *.b.localhost;\n"));
	assert_non_null(strstr(text, "\tresolver 127.0.0.11 valid=5s ipv6=off;\n"));
	assert_string_equal(bench_get(&b, "services.edge.volumes[1].target"), "/etc/nginx/conf.d");
	assert_string_equal(bench_get(&b, "services.edge.volumes[2].target"), "/etc/devenv/certs");
	assert_int_equal(bench_out(&b, "certs/site/devenv.key")->source, FROM_LEAF_KEY);
	assert_null(bench_out(&b, "nginx/api/routes.conf"));
	bench_close(&b);
}

static void refused(void **state)
{
	static const char *const routes[] = { "host: \"a;b\", path: /", "host: \"a\\nb\", path: /",
		"host: \"a b\", path: /", "host: \"$a\", path: /", "host: \"a{\", path: /",
		"host: a, path: \"/a;b\"", "host: a, path: \"/a\\nb\"", "host: a, path: \"/$x\"",
		"host: a, path: '/a\"b'", "host: a, path: \"/a b\"", "host: a, path: \"/a{}\"",
		"host: a, path: '/a\\b'" };
	(void)state;
	for (size_t i = 0; i < countof(routes); i++) {
		struct bench b;
		char text[300];
		snprintf(text, sizeof(text),
			"services: { e: { image: x, ports: { h: 80 } } }\n"
			"routes: [{ %s, to: e, via: e }]\n",
			routes[i]);
		bench_open(&b, text);
		bench_try(&b);
		if (!b.result)
			print_error("accepted: %s\n", routes[i]);
		assert_int_equal(b.result, -1);
		bench_close(&b);
	}
}

static void references(void **state)
{
	struct bench b;
	(void)state;
	open_shop(&b);
	bench_plan(&b);
	assert_string_equal(bench_get(&b, "services.near.environment.U"), "http://api:8000");
	assert_string_equal(bench_get(&b, "services.near.environment.P"), "8000");
	assert_string_equal(bench_get(&b, "services.far.environment.U"), "https://127.0.0.1:20443");
	assert_string_equal(bench_get(&b, "services.far.environment.H"), "127.0.0.1");
	struct place at = { .line = 7 };
	const char *host = plan_expand(
		&b.arena, &b.project, &b.world, NULL, "<${service.edge.port}>", at, &b.diags);
	assert_string_equal(host, "<20443>");
	assert_int_equal(b.diags.errors, 0);
	plan_expand(&b.arena, &b.project, &b.world, NULL, "${service.api.port}", at, &b.diags);
	assert_int_equal(b.diags.errors, 1);
	assert_int_equal(b.diags.items[b.diags.count - 1].place.line, 7);
	bench_close(&b);
}

static void urls(void **state)
{
	struct bench b;
	struct urls list = { 0 };
	(void)state;
	open_shop(&b);
	bench_plan(&b);
	bench_settle(&b);
	plan_urls(&b.arena, &b.project, &b.world, &list);
	assert_int_equal(list.count, 3);
	assert_string_equal(list.items[0].url, "https://a.localhost:20443/");
	assert_string_equal(list.items[1].url, "https://a.localhost:20443/x.y/z");
	assert_string_equal(list.items[2].url, "http://127.0.0.1:9001");
	bench_close(&b);
}

static void ports_to_allocate(void **state)
{
	struct bench b;
	struct port_wishes wishes = { 0 };
	(void)state;
	bench_open(&b, "services:\n"
		       "  a: { image: x, ports: { in: 1, out: { target: 2, published: auto } } }\n"
		       "  b: { image: x, ports: [\"3:3\", \"4\"] }\n"
		       "  c: { image: x, scale: 2, ports: [\"5\"] }\n"
		       "  d: { image: x, profiles: [p], ports: [\"6\"] }\n");
	plan_ports(&b.arena, &b.project, &b.request, &wishes);
	assert_int_equal(wishes.count, 3);
	assert_int_equal(wishes.items[0].port->target, 2);
	assert_int_equal(wishes.items[1].port->target, 3);
	assert_int_equal(wishes.items[2].port->target, 4);
	bench_close(&b);
}

static void selection(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, "up: { services: [a] }\n"
		       "services:\n"
		       "  a: { image: x, depends_on: [b] }\n"
		       "  b: { image: x, profiles: [p] }\n"
		       "  c: { image: x }\n");
	bench_plan(&b);
	assert_int_equal(b.plan.chosen.count, 2);
	assert_string_equal(b.plan.chosen.items[0].service->name, "b");
	assert_false(b.plan.chosen.items[0].asked);
	assert_non_null(bench_get(&b, "services.c.image"));
	b.request.no_deps = true;
	bench_plan(&b);
	assert_int_equal(b.plan.chosen.count, 1);
	strs_add(&b.arena, &b.request.services, "nobody");
	bench_try(&b);
	assert_int_equal(b.result, -1);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mapping),
		cmocka_unit_test(refused),
		cmocka_unit_test(references),
		cmocka_unit_test(urls),
		cmocka_unit_test(ports_to_allocate),
		cmocka_unit_test(selection),
	};
	return cmocka_run_group_tests_name("planner: routes", tests, NULL, NULL);
}
