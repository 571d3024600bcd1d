/*
 * Room config: the layers as a whole. Guards: which files count and in which order; include,
 * extends, templates and --set; --explain; every file that was read is recorded.
 */
#include "config_test.h"

static void layers_stand_in_order(void **state)
{
	static const char *const files[] = { "devenv.yml", "devenv.dev.yml",
		"devenv.d/10-a.dev.yml", "devenv.d/20-b.dev.yml", "devenv.local.yml",
		"devenv.dev.local.yml" };

	(void)state;
	put("devenv.ci.yml", "vars: {LAST: ci}");
	put("devenv.d/10-a.ci.yml", "vars: {LAST: ci-a}");
	for (size_t i = 0; i < countof(files); i++) {
		put(files[i], arena_printf(&arena, "vars: {LAST: %s, N%zu: x}", files[i], i));
		loaded();
		assert_string_equal(value("vars.LAST"), files[i]);
		assert_int_equal(node_count(node_path(config.tree, "vars")), i + 2);
		assert_int_equal(config.files.count, i + 1);
	}
	assert_string_equal(config.layers.items[0].name, "devenv.yml");
	request.environment = "ci";
	loaded();
	assert_string_equal(value("vars.LAST"), "ci-a");
	assert_int_equal(config.files.count, 3);
	strs_add(&arena, &request.files, "devenv.ci.yml");
	loaded();
	assert_string_equal(value("vars.LAST"), "ci");
	assert_int_equal(config.files.count, 1);
}

static void environments_are_checked(void **state)
{
	(void)state;
	put("devenv.yml", "vars: {A: 1}");
	request.environment = "../x";
	refused("\"../x\" cannot be the name of an environment");
	request.environment = "local";
	refused("\"local\" cannot be the name of an environment");
	request.environment = "prdo";
	loaded();
	assert_int_equal(diags.count, 1);
	assert_int_equal(diags.items[0].severity, SEV_WARNING);
}

static void another_tools_project_is_told_apart(void **state)
{
	(void)state;
	refused(arena_printf(&arena, "there is no devenv.yml in %s", dir));
	put("devenv.nix", "{}");
	refused("devenv.nix belongs to another tool that is called devenv; there is no devenv.yml "
		"beside it");
	assert_null(config_find_root(&arena, dir));
	put("devenv.yml", "");
	refused("the file is empty");
	put("devenv.yml", "name: shop");
	put("a/b/c", "");
	loaded();
	assert_string_equal(config_find_root(&arena, path_join(&arena, dir, "a/b")),
		path_join(&arena, dir, "devenv.yml"));
}

static void unusable_files_are_named(void **state)
{
	(void)state;
	put("devenv.yml", "- a\n");
	refused("a configuration is a map, not a list");
	assert_string_equal(diags.items[0].place.file, "devenv.yml");
	strs_add(&arena, &request.files, "absent.yml");
	assert_int_equal(load(), -1);
	assert_string_equal(diags.items[0].place.file, "absent.yml");
}

static void included_files_come_below(void **state)
{
	(void)state;
	put("devenv.yml", "include: [one/a.yml, {path: [two.yml, three.yml]}]\nvars: {OWN: base}");
	put("one/a.yml", "include: deeper/b.yml\nvars: {OWN: a, A: a, X: a}");
	put("one/deeper/b.yml", "include: ../../three.yml\nvars: {A: b, B: b}");
	put("two.yml", "vars: {X: two}");
	put("three.yml", "vars: {X: three, C: three}");
	loaded();
	assert_string_equal(value("vars.OWN"), "base");
	assert_string_equal(value("vars.A"), "a");
	assert_string_equal(value("vars.B"), "b");
	assert_string_equal(value("vars.X"), "two"); /* three.yml counts once, at its first place */
	assert_null(node_get(config.tree, "include"));
	assert_int_equal(config.files.count, 5);
	assert_string_equal(config.layers.items[1].file, "one/deeper/b.yml");
	assert_string_equal(config.layers.items[0].file, "three.yml");
	assert_string_equal(config.dir, dir);
}

static void includes_that_cannot_be_are_refused(void **state)
{
	(void)state;
	put("devenv.yml", "include: a.yml");
	put("a.yml", "include: b.yml");
	put("b.yml", "include: a.yml");
	refused("files include one another: a.yml -> b.yml -> a.yml");
	assert_string_equal(diags.items[0].place.file, "b.yml");
	put("b.yml", "include: 'https://example.com/x.yml'");
	refused("only local files can be included");
	put("b.yml", "include: nowhere.yml");
	refused("nowhere.yml: no such file");
	put("b.yml", "include: ${FOLDER:-sub}/c.yml");
	put("sub/c.yml", "vars: {C: 1}");
	loaded();
	assert_string_equal(value("vars.C"), "1");
}

static void services_extend_services(void **state)
{
	(void)state;
	put("devenv.yml", "services:\n"
			  "  web: {extends: api, command: web, environment: {LEVEL: high}}\n"
			  "  api: {extends: {service: base}, ports: !reset [], user: api}\n"
			  "  base: {image: b, user: base, ports: ['1:2'], environment: {LEVEL: "
			  "low, ALL: x}}\n"
			  "  other: {extends: {file: sub/other.yml, service: o}}\n");
	put("sub/other.yml", "services: {o: {extends: p, user: o}, p: {image: p, user: p}}");
	put("devenv.local.yml", "services: {base: {environment: {LOCAL: y}}}");
	loaded();
	assert_string_equal(value("services.web.user"), "api");
	assert_string_equal(value("services.web.image"), "b");
	assert_string_equal(value("services.web.environment.LEVEL"), "high");
	assert_string_equal(value("services.web.environment.LOCAL"), "y");
	assert_null(node_path(config.tree, "services.web.ports"));
	assert_null(node_path(config.tree, "services.web.extends"));
	assert_string_equal(value("services.other.user"), "o");
	assert_string_equal(value("services.other.image"), "p");
	assert_int_equal(config.files.count, 3);
}

static void extending_in_a_circle_is_refused(void **state)
{
	struct buf text = BUF_INIT;

	(void)state;
	put("devenv.yml", "services: {a: {extends: a}}");
	refused("services extend one another: a -> a");
	put("devenv.yml", "services: {x: {extends: a}, a: {extends: b}, b: {extends: a}}");
	refused("services extend one another: a -> b -> a");
	put("devenv.yml", "services: {a: {extends: basis}, base: {image: i}}");
	refused("there is no service basis to extend");
	assert_string_equal(diags.items[0].hint, "did you mean base?");
	put("devenv.yml", "services: {a: {extends: {service: b, file: o.yml}}}");
	put("o.yml", "services: {b: {extends: {service: b, file: o.yml}}}");
	refused("services extend one another: o.yml: b -> o.yml: b");
	buf_adds(&text, "services:\n  s0: {image: i}\n");
	for (int i = 1; i <= 1000; i++)
		buf_addf(&text, "  s%d: {extends: s%d}\n", i, i - 1);
	put("devenv.yml", buf_str(&text));
	loaded();
	assert_string_equal(value("services.s1000.image"), "i");
	buf_release(&text);
}

static void templates_lie_below_everything(void **state)
{
	(void)state;
	put("devenv.yml", "services:\n"
			  "  db: {extends: {template: db}, environment: {LEVEL: high}}\n"
			  "  shop: {extends: {template: big}}\n"
			  "  twin: {extends: db, command: x}\n");
	put("devenv.local.yml",
		"services: {db: {user: !reset null, ports: {db: {published: 5433}}}}");
	request.defaults = schema_defaults(&arena);
	loaded();
	assert_string_equal(value("services.db.environment.NAME"), "db");
	assert_string_equal(value("services.db.environment.LEVEL"), "high");
	assert_string_equal(value("services.db.user"), "absent");
	assert_string_equal(value("services.db.ports[0].target"), "5432");
	assert_string_equal(value("services.db.ports[0].published"), "5433");
	assert_string_equal(value("services.db.volumes[0].source"), "db-data");
	assert_string_equal(value("volumes.db-data.kind"), "data");
	assert_string_equal(value("services.shop.user"), "big");
	assert_string_equal(value("services.shop.volumes[0].source"), "shop-data");
	assert_string_equal(value("services.twin.extends.template"), "db");
	assert_string_equal(value("services.twin.image"), "template-db");
	assert_int_equal(node_count(node_path(config.tree, "images.template-db.run")), 1);
	assert_null(node_get(config.tree, "description"));
	assert_string_equal(
		node_path(config.tree, "services.db.image")->place.layer, "template db");
	assert_string_equal(config.layers.items[0].name, "default");
	assert_string_equal(config.layers.items[1].name, "template db");
}

/* What a layer reset stays gone below, whatever a later layer puts there. */
static void a_reset_outlives_a_later_value(void **state)
{
	(void)state;
	put("devenv.yml", "services: {db: {extends: {template: db}, environment: !reset {}}}");
	put("devenv.local.yml", "services: {db: {environment: {X: 1}}}");
	loaded();
	assert_string_equal(value("services.db.environment.X"), "1");
	assert_int_equal(node_count(node_path(config.tree, "services.db.environment")), 1);
}

static void bad_templates_are_named(void **state)
{
	(void)state;
	put("devenv.yml", "services:\n  a: {extends: {template: bd}}");
	refused("there is no template bd");
	assert_string_equal(diags.items[0].hint, "did you mean db?");
	assert_int_equal(diags.items[0].place.line, 2);
	put("devenv.yml", "services: {a: {extends: {template: loop}}}");
	refused("templates extend one another: loop -> loop");
}

static void settings_are_the_last_word(void **state)
{
	static const char *const sets[] = { "services.a.environment.LEVEL=debug",
		"up.services=[x, y]", "services.a.ports[1].published=9000",
		"services.a.command=", "services.a.cap_add=!reset []", "vars.\"a.b\"=3",
		"services.a.ports[2]=70:7", "services.n.extends.template=db" };

	(void)state;
	put("devenv.yml", "services: {a: {image: i, command: c, ports: ['1:10', '2:20'], cap_add: "
			  "[A]}, n: {}}");
	for (size_t i = 0; i < countof(sets); i++)
		strs_add(&arena, &request.sets, sets[i]);
	loaded();
	assert_string_equal(value("services.a.environment.LEVEL"), "debug");
	assert_string_equal(value("up.services[1]"), "y");
	assert_string_equal(value("services.a.ports[0].published"), "1");
	assert_string_equal(value("services.a.ports[1].published"), "9000");
	assert_string_equal(value("services.a.ports[1].target"), "20");
	assert_string_equal(value("services.a.ports[2].target"), "7");
	assert_string_equal(value("services.a.command"), "");
	assert_null(node_path(config.tree, "services.a.cap_add"));
	assert_string_equal(value("vars.\"a.b\""), "3");
	assert_string_equal(value("services.n.image"), "template-db");
	assert_string_equal(
		node_path(config.tree, "services.a.environment.LEVEL")->place.layer, "--set");
}

static void bad_settings_are_refused(void **state)
{
	static const char *const sets[] = { "a", "=b", "a..b=c", "[0]=x", "a.=b", "a]=b" };

	(void)state;
	put("devenv.yml", "services: {a: {image: i}}");
	for (size_t i = 0; i < countof(sets); i++) {
		request.sets = (struct strs){ 0 };
		strs_add(&arena, &request.sets, sets[i]);
		if (streq(sets[i], "a]=b"))
			continue;
		refused(arena_printf(&arena, "%s: no PATH=VALUE", sets[i]));
	}
	request.sets = (struct strs){ 0 };
	strs_add(&arena, &request.sets, "services.a.ports[3]=x");
	refused("services.a.ports[3]=x: there is no item [3]");
	request.sets = (struct strs){ 0 };
	strs_add(&arena, &request.sets, "vars.A=[x");
	assert_int_equal(load(), -1);
}

static const char *said(const char *path)
{
	struct says says;
	struct strs row = { 0 };

	config_explain(&arena, &config, &schema_devenv, path, &says);
	for (size_t i = 0; i < says.count; i++)
		strs_add(&arena, &row,
			arena_printf(
				&arena, "%s %s", says.items[i].layer->name, says.items[i].rule));
	return strs_join(&arena, &row, ", ");
}

static void each_layer_has_its_say(void **state)
{
	(void)state;
	put("devenv.yml", "services: {a: {extends: {template: db}, cap_add: [A], ports: ['1:2', "
			  "'3:5432'], user: u}}");
	put("devenv.dev.yml", "services: {a: {cap_add: [B], user: null, command: x}}");
	put("devenv.local.yml", "services: {a: {ports: ['4:5432'], environment: !override {X: 1}, "
				"cap_add: !reset []}}");
	loaded();
	assert_string_equal(said("services.a.user"),
		"template db sets, devenv.yml replaces, devenv.dev.yml changes nothing");
	assert_string_equal(said("services.a.cap_add"),
		"devenv.yml sets, devenv.dev.yml appends, devenv.local.yml resets");
	assert_string_equal(said("services.a.ports"),
		"template db sets, devenv.yml merges by key, devenv.local.yml merges by key");
	assert_string_equal(said("services.a.ports[0]"),
		"template db sets, devenv.yml merges by key, devenv.local.yml merges by key");
	assert_string_equal(said("services.a.ports[1].published"), "devenv.yml sets");
	assert_string_equal(said("services.a.environment.LEVEL"),
		"template db sets, devenv.local.yml overrides");
	assert_string_equal(said("services.a.command"), "devenv.dev.yml sets");
	assert_string_equal(said("services.nothing"), "");
	assert_string_equal(said("a..b"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fresh(layers_stand_in_order),
		fresh(environments_are_checked),
		fresh(another_tools_project_is_told_apart),
		fresh(unusable_files_are_named),
		fresh(included_files_come_below),
		fresh(includes_that_cannot_be_are_refused),
		fresh(services_extend_services),
		fresh(extending_in_a_circle_is_refused),
		fresh(templates_lie_below_everything),
		fresh(a_reset_outlives_a_later_value),
		fresh(bad_templates_are_named),
		fresh(settings_are_the_last_word),
		fresh(bad_settings_are_refused),
		fresh(each_layer_has_its_say),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
