/*
 * Room config: ${...} in a whole configuration. Guards: filled in once and never scanned again, in
 * items of lists and not in keys of maps; what then can be split is; what is refused, and where;
 * hostile growth ends in a diagnostic.
 */
#include "config_test.h"

static void values_are_filled_in_once(void **state)
{
	static const struct variable env[] = { { "HOST", "h" }, { "EMPTY", "" },
		{ "EVIL", "${HOST} ${secret.x}" }, { "PORTS", "8000-8001:80-81" },
		{ "MOUNT", "./a:/b" }, { "LINE", "K=v" }, { NULL, NULL } };

	(void)state;
	variables = env;
	put("devenv.yml", "vars: {OWN: \"${HOST}-own\", HOST: ignored, TWO: \"${OWN}2\", S: "
			  "\"${secret.a}\"}\n"
			  "x-a: $NOT_SET ${\n"
			  "services:\n"
			  "  a:\n"
			  "    image: i\n"
			  "    environment: [\"A=${TWO}\", \"B=${EVIL}\", \"${LINE}\", "
			  "\"$HOST=1\", 'P=$$x', 'S=x${S}']\n"
			  "    ports: [\"${PORTS}\", \"${BIND:-127.0.0.1}:${P:-9}:9\"]\n"
			  "    volumes: [\"${MOUNT}\", \"${DIR:-./c}:/c\", \"${VOLUME-v}:/v\"]\n"
			  "    labels: {\"${HOST}\": 1}\n"
			  "    depends_on: [\"${DB:-b}\"]\n"
			  "    user: \"${service.b.host}$${secret.x}\"\n"
			  "  b: {image: i}\n");
	loaded();
	assert_string_equal(value("services.a.environment.A"), "h-own2");
	assert_string_equal(value("services.a.environment.B"), "${HOST} $${secret.x}");
	assert_string_equal(value("services.a.environment.K"), "v");
	assert_string_equal(value("services.a.environment.h"), "1");
	assert_string_equal(value("services.a.environment.P"), "$x");
	assert_string_equal(value("services.a.environment.S"), "x${secret.a}");
	assert_true(node_path(config.tree, "services.a.environment.S")->secret);
	assert_false(node_path(config.tree, "services.a.environment.B")->secret);
	assert_string_equal(value("services.a.ports[1].target"), "81");
	assert_string_equal(value("services.a.ports[1].published"), "8001");
	assert_string_equal(value("services.a.ports[2].host_ip"), "127.0.0.1");
	assert_string_equal(value("services.a.ports[2].published"), "9");
	assert_string_equal(value("services.a.volumes[0].type"), "bind");
	assert_string_equal(value("services.a.volumes[0].target"), "/b");
	assert_string_equal(value("services.a.volumes[1].bind.create_host_path"), "true");
	assert_string_equal(value("services.a.volumes[2].type"), "volume");
	assert_string_equal(value("services.a.labels.\"${HOST}\""), "1");
	assert_string_equal(value("services.a.depends_on.b.condition"), "service_started");
	assert_string_equal(value("services.a.user"), "${service.b.host}$${secret.x}");
	assert_true(node_path(config.tree, "services.a.environment.A")->substituted);
	assert_int_equal(node_path(config.tree, "services.a.environment.A")->place.line, 6);
	/* the layers still say what was written */
	assert_string_equal(
		node_text(node_path(config.layers.items[0].tree, "services.a.environment.A")),
		"${TWO}");
}

static void bad_references_are_refused(void **state)
{
	static const char *const cases[][2] = {
		{ "${NO}", "NO is not set" },
		{ "$NO", "NO is not set" },
		{ "${NO:?we need it}", "NO is required: we need it" },
		{ "${NO?}", "NO is required" },
		{ "${NO", "a brace is missing after \"${\"" },
		{ "${}", "\"${}\" is no reference" },
		{ "${1}", "\"${1}\" is no reference" },
		{ "${A B}", "\"${A B}\" is no reference" },
		{ "${git.nothing}", "git.nothing is not set" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		put("devenv.yml",
			arena_printf(&arena, "services:\n  a:\n    user: '%s'\n", cases[i][0]));
		refused(cases[i][1]);
		assert_int_equal(diags.items[0].place.line, 3);
		assert_string_equal(diags.items[0].path, "services.a.user");
		assert_non_null(diags.items[0].hint);
	}
	put("devenv.yml", "vars: {A: \"${B}\", B: \"${A}\"}\nname: \"${A}\"");
	refused("variables refer to one another: B -> A -> B");
	assert_int_equal(diags.count, 1);
	put("devenv.yml", "vars: {A: \"${A:-${A}}\"}");
	refused("variables refer to one another: A -> A");
	put("devenv.yml", "vars: {A: [1]}\nname: $A");
	refused("variable A is a list");
}

static void growth_is_bounded(void **state)
{
	struct buf text = BUF_INIT;
	char *large = arena_alloc(&arena, 65537);
	const struct variable env[] = { { "BIG", large }, { NULL, NULL } };

	(void)state;
	memset(large, 'x', 65536);
	variables = env;
	buf_adds(&text, "x: [");
	for (int i = 0; i < 10000; i++)
		buf_adds(&text, "$BIG,");
	buf_adds(&text, "]\n");
	put("devenv.yml", buf_str(&text));
	refused("substitution writes more than 8 MiB");
	assert_int_equal(diags.count, 1);

	buf_truncate(&text, 0);
	buf_adds(&text, "vars:\n  V0: x\n");
	for (int i = 1; i < 60; i++)
		buf_addf(&text, "  V%d: \"${V%d}${V%d}\"\n", i, i - 1, i - 1);
	put("devenv.yml", buf_str(&text));
	refused("substitution writes more than 8 MiB");

	buf_truncate(&text, 0);
	buf_adds(&text, "name: '");
	for (int i = 0; i < 10000; i++)
		buf_adds(&text, "${A:-");
	for (int i = 0; i < 10000; i++)
		buf_adds(&text, "}");
	buf_adds(&text, "'\n");
	put("devenv.yml", buf_str(&text));
	refused("references are nested too deeply");

	buf_truncate(&text, 0);
	buf_adds(&text, "vars:\n  V0: x\n");
	for (int i = 1; i < 900; i++)
		buf_addf(&text, "  V%d: \"${V%d}\"\n", i, i - 1);
	buf_adds(&text, "name: $V899\n");
	put("devenv.yml", buf_str(&text));
	loaded();
	assert_string_equal(value("name"), "x");

	for (int limit = 900; limit <= 3000; limit += 2100) { /* the last one asks first */
		buf_truncate(&text, 0);
		buf_adds(&text, "vars:\n");
		for (int i = limit; i > 0; i--)
			buf_addf(&text, "  V%d: \"${V%d}\"\n", i, i - 1);
		buf_adds(&text, "  V0: x\n");
		put("devenv.yml", buf_str(&text));
		if (limit == 900)
			loaded();
		else
			refused("more than 1000 variables in a row");
	}
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fresh(values_are_filled_in_once),
		fresh(bad_references_are_refused),
		fresh(growth_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
