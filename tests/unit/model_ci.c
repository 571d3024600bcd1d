/* What a run of ci came to: the line that matters, the first cause, the summary, JUnit XML; what a
 * run of its own loses of its configuration. */
#include "model.h"
#include "run/io/post.h"
#include "view/ci.h"

static void the_line_that_matters(void **state)
{
	static const struct {
		const char *output, *line;
	} table[] = {
		{ "one\napi.c:3: error: no\ntwo\n", "api.c:3: error: no" },
		{ "0 errors\nno failures\nran 3 tests\n", "ran 3 tests" },
		{ "ok 1\n\n----\n", "ok 1" },
		{ "FATAL: no database", "FATAL: no database" },
		{ "Step 1/2 : RUN echo error\n#7 [2/2] RUN fail\nE: failed\n", "E: failed" },
		{ "\n \n", NULL },
		{ "", NULL },
	};
	struct arena a = ARENA_INIT;
	(void)state;
	for (size_t i = 0; i < countof(table); i++) {
		const char *line = ci_line(&a, table[i].output);
		if (table[i].line)
			assert_string_equal(line, table[i].line);
		else
			assert_null(line);
	}
	assert_null(ci_line(&a, NULL));
	arena_release(&a);
}

static void add(struct arena *a, struct ci_run *r, enum ci_stage k, const char *unit,
	enum stage_state s, const char *output)
{
	struct ci_result *x = list_push(a, &r->results);
	*x = (struct ci_result){ .stage = k, .unit = unit, .log = "/r/log", .again = "devenv x" };
	x->result = (struct stage_result){ .state = s,
		.status = s == STAGE_FAILED ? 7 : 0,
		.duration_ms = 1500,
		.output = output };
	x->line = ci_line(a, output);
}

static void run_of(struct arena *a, struct ci_run *r)
{
	*r = (struct ci_run){ .id = "1a2b",
		.project = "shop",
		.environment = "ci",
		.commit = "0123456789abcdef0123",
		.dirty = true,
		.took_ms = 61000,
		.status = 7 };
	for (enum ci_stage k = 0; k < CI_STAGES; k++)
		r->stages_ms[k] = k <= CI_LINT ? 1500 : -1;
	add(a, r, CI_COMPILE, "api", STAGE_PASSED, "fine");
	add(a, r, CI_LINT, "web", STAGE_WARNED, "untidy");
	add(a, r, CI_LINT, "api", STAGE_FAILED, "x\033[31m <error> & co\nlast");
	add(a, r, CI_LINT, "jobs", STAGE_SKIPPED, NULL);
}

static void the_summary_names_the_first_cause(void **state)
{
	struct arena a = ARENA_INIT;
	cleanup_buf struct buf b = BUF_INIT;
	struct ci_run r;
	(void)state;
	run_of(&a, &r);
	assert_ptr_equal(ci_first_cause(&r), &r.results.items[2]);
	view_ci(&b, &r, "/r", (struct style){ 0 });
	assert_string_equal(buf_str(&b),
		"+ build    passed      1.5 s\n"
		"+ compile  passed      1.5 s  1\n"
		"x lint     FAILED      1.5 s  1 of 3 failed: api, 1 with warnings, 1 not run\n"
		"- test     not run\n"
		"- up       not run\n"
		"- e2e      not run\n"
		"\n"
		"First cause: lint of api, status 7\n"
		"  says   x <error> & co\n"
		"  log    /r/log\n"
		"  again  devenv x\n"
		"Failed in 1 min 1 s, commit 0123456789ab with changes; report in /r\n");
	arena_release(&a);
}

static void junit_has_a_suite_per_stage(void **state)
{
	struct arena a = ARENA_INIT;
	cleanup_buf struct buf b = BUF_INIT;
	struct ci_run r;
	(void)state;
	run_of(&a, &r);
	view_ci_junit(&b, &r);
	const char *text = buf_str(&b);
	assert_non_null(strstr(text, "<testsuites name=\"shop\" tests=\"4\" failures=\"1\""));
	assert_non_null(strstr(text, "<testsuite name=\"lint\" tests=\"3\" failures=\"1\" "
				     "errors=\"0\" skipped=\"1\""));
	assert_non_null(strstr(text, "<failure message=\"ended with status 7\" type=\"failure\">x "
				     "&lt;error&gt; &amp; co\nlast</failure>"));
	assert_null(strchr(text, '\033'));
	assert_null(strstr(text, "name=\"test\""));
	arena_release(&a);
}

/* ---- a run of its own ---- */

static const char configured[] = "name: shop\n"
				 "services:\n"
				 "  web:\n"
				 "    image: nginx\n"
				 "    container_name: web\n"
				 "    bind: lan\n"
				 "    ports: [{target: 80, published: 8080, host_ip: 0.0.0.0}]\n"
				 "volumes: {a: {name: mine}, b: {external: true, name: theirs}}\n";

static void decode(struct arena *a, const char *run, struct project *p)
{
	struct diags d = DIAGS_INIT(a);
	struct node *n =
		yaml_read(a, configured, strlen(configured), "devenv.yml", "devenv.yml", &d, NULL);
	struct project_request req = {
		.dir = "/x/shop", .environment = "ci", .run = run, .state = "/s"
	};
	assert_non_null(n);
	assert_int_equal(project_decode(a, n, &req, p, &d), 0);
}

static void a_run_shares_no_name_and_no_port(void **state)
{
	struct arena a = ARENA_INIT;
	struct project p;
	(void)state;
	decode(&a, "1a2b", &p);
	const struct service *web = project_service(&p, "web");
	assert_string_equal(p.workspace, "shop-ci-1a2b");
	assert_string_equal(p.base, "/s/shop-ci-1a2b");
	assert_true(p.dev);
	assert_null(node_get(web->node, "container_name"));
	assert_int_equal(web->ports.items[0].how, PUB_AUTO);
	assert_null(web->ports.items[0].host_ip);
	assert_false(web->ports.items[0].lan);
	assert_null(node_get(project_volume(&p, "a")->node, "name"));
	assert_non_null(node_get(project_volume(&p, "b")->node, "name"));
	decode(&a, NULL, &p);
	assert_false(p.dev);
	assert_string_equal(p.base, "/x/shop");
	assert_int_equal(project_service(&p, "web")->ports.items[0].how, PUB_FIXED);
	arena_release(&a);
}

static void of_a_url_only_the_host_is_shown(void **state)
{
	struct arena a = ARENA_INIT;
	(void)state;
	assert_string_equal(url_host(&a, "https://u:p@hooks.example.com:8443/T0/secret?x=1"),
		"hooks.example.com:8443");
	assert_string_equal(url_host(&a, "http://h"), "h");
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_line_that_matters),
		cmocka_unit_test(the_summary_names_the_first_cause),
		cmocka_unit_test(junit_has_a_suite_per_stage),
		cmocka_unit_test(a_run_shares_no_name_and_no_port),
		cmocka_unit_test(of_a_url_only_the_host_is_shown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
