/*
 * Images: the Dockerfile byte by byte, tags that follow from content alone, and that nothing a
 * configuration says becomes an instruction.
 */
#include "planner.h"

static const char project[] =
	"images:\n"
	"  base:\n"
	"    from: debian:bookworm-slim\n"
	"    packages: [ca-certificates, tini]\n"
	"    user: { name: app, uid: 1000, gid: 1000 }\n"
	"    locale: C.UTF-8\n"
	"  python: { from: base, packages: [python3], env: { A: b }, run: [echo hi] }\n"
	"  node: { from: base, packages: [nodejs] }\n"
	"  unused: { packages: [gcc] }\n"
	"services:\n"
	"  api: { image: python, command: x }\n"
	"  web: { image: node, command: x }\n";

static const char base_file[] =
	"FROM debian:bookworm-slim\n"
	"RUN [\"/bin/sh\", \"-ec\", \"export DEBIAN_FRONTEND=noninteractive\\n"
	"apt-get -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 -q update\\n"
	"apt-get -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 -q -y --no-install-recommends"
	" install -- \\\"$@\\\"\\napt-get clean\\nrm -rf /var/lib/apt/lists/*\", "
	"\"apt-get\", \"ca-certificates\", \"tini\"]\n"
	"ENV LANG=\"C.UTF-8\"\n"
	"RUN [\"/bin/sh\", \"-ec\", \"if getent group \\\"$1\\\" >/dev/null; then groupmod -o -g"
	" \\\"$3\\\" \\\"$1\\\"; else groupadd -o -g \\\"$3\\\" \\\"$1\\\"; fi\\n"
	"if getent passwd \\\"$1\\\" >/dev/null; then usermod -o -u \\\"$2\\\" -g \\\"$3\\\" -d"
	" \\\"/home/$1\\\" \\\"$1\\\"; else useradd -o -l -M -u \\\"$2\\\" -g \\\"$3\\\" -d"
	" \\\"/home/$1\\\" -s /bin/sh \\\"$1\\\"; fi\\n"
	"mkdir -p \\\"/home/$1\\\"\\nchown \\\"$2:$3\\\" \\\"/home/$1\\\"\", "
	"\"user\", \"app\", \"1234\", \"1234\"]\n"
	"USER app\n";

static const struct build *build_of(const struct bench *b, const char *image)
{
	for (size_t i = 0; i < b->plan.builds.count; i++) {
		if (streq(b->plan.builds.items[i]->image->name, image))
			return b->plan.builds.items[i];
	}
	return NULL;
}

static void bytes(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, project);
	bench_plan(&b);
	assert_string_equal(bench_file(&b, "images/base/Dockerfile"), base_file);
	const char *python = bench_file(&b, "images/python/Dockerfile");
	assert_true(starts_with(python,
		arena_printf(&b.arena, "FROM %s\nUSER root\nRUN ", build_of(&b, "base")->tag)));
	assert_true(ends_with(
		python, "RUN [\"/bin/sh\", \"-ec\", \"echo hi\"]\nENV A=\"b\"\nUSER app\n"));
	assert_null(bench_out(&b, "images/unused/Dockerfile"));
	assert_int_equal(b.plan.builds.count, 3);
	bench_close(&b);
}

static void declared_ids_outside_of_dev(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, project);
	bench_project(&b, project, "prod");
	bench_plan(&b);
	assert_non_null(strstr(bench_file(&b, "images/base/Dockerfile"), "\"1000\", \"1000\"]"));
	bench_close(&b);
}

/* Two projects with the same rung share it: neither name nor folder counts. */
static void tags_follow_content(void **state)
{
	struct bench b, other;
	char text[sizeof(project) + 20];
	(void)state;
	bench_open(&b, project);
	bench_plan(&b);
	snprintf(text, sizeof(text), "name: other\n%s", project);
	bench_open(&other, text);
	bench_plan(&other);
	assert_string_equal(build_of(&b, "python")->tag, build_of(&other, "python")->tag);
	other.world.uid = 7;
	bench_plan(&other);
	assert_string_not_equal(build_of(&b, "python")->tag, build_of(&other, "python")->tag);
	bench_close(&other);
	bench_close(&b);
}

static void only_what_stands_on_it_changes(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, project);
	bench_plan(&b);
	bench_settle(&b);
	char text[sizeof(project) + 20];
	const char *at = strstr(project, "python3");
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - project), project, "file, ", at);
	bench_change(&b, text);
	bench_plan(&b);
	assert_string_equal(
		bench_steps(&b), "write\nbuild python\ncreate containers\nstart api\nready api");
	assert_string_equal(bench_why(&b, "build python"), "changed: packages");
	assert_string_equal(bench_why(&b, "start api"), "image rung python changed: packages");
	bench_close(&b);
}

static void parents_carry_their_change(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, project);
	bench_plan(&b);
	bench_settle(&b);
	char text[sizeof(project) + 20];
	const char *at = strstr(project, "tini");
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - project), project, "file, ", at);
	bench_change(&b, text);
	bench_plan(&b);
	assert_string_equal(bench_why(&b, "build base"), "changed: packages");
	assert_string_equal(bench_why(&b, "build node"), "stands on base, which changed");
	assert_true(bench_needs(&b, "build node", "build base"));
	assert_true(bench_needs(&b, "create containers", "build node"));
	assert_string_equal(bench_why(&b, "start web"), "image rung base changed: packages");
	bench_close(&b);
}

/* Each line of a Dockerfile must begin with a word that we wrote. */
static void only_known_instructions(const char *text)
{
	static const char *const words[] = { "FROM ", "RUN [", "ENV ", "COPY ", "USER ", "ARG " };
	while (*text) {
		bool known = false;
		for (size_t i = 0; i < countof(words); i++)
			known |= starts_with(text, words[i]);
		assert_true(known);
		text = strchr(text, '\n') + 1;
	}
}

static void hostile_values(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, "images:\n"
		       "  x:\n"
		       "    run: [\"echo a\\nRUN evil\"]\n"
		       "    env: { A: 'q\"$HOME\\' }\n"
		       "    files: { a: \"/t/$x \\\"\\nRUN evil\" }\n"
		       "services: { s: { image: x } }\n");
	bench_input(&b, "/srv/shop/a", "hash");
	bench_plan(&b);
	const char *text = bench_file(&b, "images/x/Dockerfile");
	only_known_instructions(text);
	assert_non_null(strstr(text, "ENV A=\"q\\\"\\$HOME\\\\\"\n"));
	assert_non_null(strstr(text, "COPY [\"files/0\", \"/t/\\\\$x \\\"\\nRUN evil\"]\n"));
	bench_close(&b);
}

static void refused(void **state)
{
	static const char *const lines[] = { "from: \"a\\nRUN evil\"", "from: \"a b\"",
		"user: { name: \"a b\" }", "user: { name: \"-x\" }",
		"env: { A: \"b\\nUSER root\" }", "env: { \"A B\": c }",
		"files: { a: { target: /x, owner: \"a b\" } }", "env: { A: \"${secret.s}\" }",
		"args: { A: \"${secret.s}\" }", "files: { gone: /x }",
		"dockerfile: gone/Dockerfile" };
	(void)state;
	for (size_t i = 0; i < countof(lines); i++) {
		struct bench b;
		char text[300];
		snprintf(text, sizeof(text),
			"secrets: { s: {} }\nimages: { x: { %s } }\nservices: { s: { image: x } "
			"}\n",
			lines[i]);
		bench_open(&b, text);
		bench_input(&b, "/srv/shop/a", "hash");
		bench_try(&b);
		if (!b.result)
			print_error("accepted: %s\n", lines[i]);
		assert_int_equal(b.result, -1);
		bench_close(&b);
	}
}

static void files_count(void **state)
{
	struct bench b;
	const char *yaml = "images: { x: { files: { a: { target: /x, mode: 0755 } } } }\n"
			   "services: { s: { image: x } }\n";
	(void)state;
	bench_open(&b, yaml);
	bench_input(&b, "/srv/shop/a", "one");
	bench_plan(&b);
	const struct build *x = build_of(&b, "x");
	assert_string_equal(x->files.items[0].path, "files/0");
	assert_string_equal(x->files.items[0].source, "/srv/shop/a");
	assert_int_equal(x->files.items[0].mode, 0755);
	bench_settle(&b);
	bench_input(&b, "/srv/shop/a", "two");
	bench_plan(&b);
	assert_string_equal(bench_why(&b, "build x"), "changed: files");
	bench_close(&b);
}

static void own_dockerfile(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, "images:\n"
		       "  base: { packages: [file] }\n"
		       "  own: { from: base, dockerfile: docker/x.Dockerfile, args: { A: b } }\n"
		       "services: { s: { image: own } }\n");
	bench_input(&b, "/srv/shop/docker/x.Dockerfile", "one");
	bench_input(&b, "/srv/shop/docker", "tree");
	bench_plan(&b);
	const struct build *own = build_of(&b, "own");
	assert_string_equal(own->context_dir, "/srv/shop/docker");
	assert_string_equal(own->dockerfile_path, "x.Dockerfile");
	assert_null(own->dockerfile);
	assert_true(strs_has(&own->args, "A=b"));
	assert_true(
		strs_has(&own->args, arena_printf(&b.arena, "BASE=%s", build_of(&b, "base")->tag)));
	bench_close(&b);
}

static void host_certificates(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, "images:\n"
		       "  base: { certificates: host, packages: [file] }\n"
		       "  top: { from: base, run: [x] }\n"
		       "services: { s: { image: top } }\n");
	b.world.host_bundle = "one";
	bench_plan(&b);
	const char *base = bench_file(&b, "images/base/Dockerfile"),
		   *tag = build_of(&b, "top")->tag;
	assert_true(strstr(base, "COPY [\"host.crt\"") < strstr(base, "apt-get"));
	assert_non_null(strstr(bench_file(&b, "images/top/Dockerfile"),
		"ARG SSL_CERT_FILE=/usr/local/share/ca-certificates/devenv-host.crt\n"));
	assert_null(strstr(base, "ENV"));
	assert_true(bench_out(&b, "trust/ca-bundle.crt")->host);
	b.world.host_bundle = "two";
	bench_plan(&b);
	assert_string_not_equal(tag, build_of(&b, "top")->tag);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes),
		cmocka_unit_test(declared_ids_outside_of_dev),
		cmocka_unit_test(tags_follow_content),
		cmocka_unit_test(only_what_stands_on_it_changes),
		cmocka_unit_test(parents_carry_their_change),
		cmocka_unit_test(hostile_values),
		cmocka_unit_test(refused),
		cmocka_unit_test(files_count),
		cmocka_unit_test(own_dockerfile),
		cmocka_unit_test(host_certificates),
	};
	return cmocka_run_group_tests_name("planner: images", tests, NULL, NULL);
}
