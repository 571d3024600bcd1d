/*
 * Units of the host in `status`: the word, the process, what the supervisor says of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "view/view.h"

struct scene {
	struct arena a;
	struct project p;
	struct world w;
	struct service *web;
};

static struct scene open_scene(void)
{
	struct scene s = { .p = { .name = "shop", .workspace = "shop-1" } };
	s.w.now = 1000;
	s.web = list_push(&s.a, &s.p.services);
	*s.web = (struct service){ .name = "web", .where = RUN_HOST, .replicas = 1 };
	return s;
}

static struct container *unit(struct scene *s, int number, enum unit_state state)
{
	struct container *c = list_push(&s->a, &s->w.containers);
	*c = (struct container){ .host = true,
		.id = arena_printf(&s->a, "host:web.%d", number),
		.name = "web",
		.service = "web",
		.number = number,
		.state = state,
		.uptime_s = -1 };
	return c;
}

static const char *shown(struct scene *s)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct style plain = { .width = 200 };
	view_status(&out, &s->p, &s->w, &(struct strs){ 0 }, plain);
	return arena_strdup(&s->a, buf_str(&out));
}

#define HAS(scene, text) assert_non_null(strstr(shown(scene), text))

static void a_running_process(void **state)
{
	struct scene s = open_scene();
	(void)state;
	struct container *c = unit(&s, 1, UNIT_RUNNING);
	c->pid = 812;
	c->uptime_s = 5;
	c->restarts = 2;
	HAS(&s, "web      running  up 5 s, pid 812, 2 restarts");
	c->restarts = 1;
	HAS(&s, "pid 812, 1 restart\n");
	arena_release(&s.a);
}

static void what_the_supervisor_says(void **state)
{
	struct scene s = open_scene();
	(void)state;
	struct container *c = unit(&s, 1, UNIT_RESTARTING);
	c->note = "restarts in 3.2 s\033[31m";
	HAS(&s, "restarting  restarts in 3.2 s\\x1b[31m");
	c->state = UNIT_DEAD;
	c->note = "given up after 5 restarts";
	HAS(&s, "given up  given up after 5 restarts");
	c->state = UNIT_EXITED;
	c->exit_code = 3;
	c->note = NULL;
	HAS(&s, "exited  exit status 3");
	arena_release(&s.a);
}

static void copies(void **state)
{
	struct scene s = open_scene();
	(void)state;
	s.web->replicas = 3;
	unit(&s, 1, UNIT_RUNNING);
	unit(&s, 2, UNIT_RUNNING);
	unit(&s, 3, UNIT_EXITED);
	HAS(&s, "2 of 3 copies");
	arena_release(&s.a);
}

static void a_job_that_succeeded_in_its_way(void **state)
{
	struct scene s = open_scene();
	(void)state;
	s.web->kind = KIND_JOB;
	strs_add(&s.a, &s.web->success_codes, "3");
	unit(&s, 1, UNIT_EXITED)->exit_code = 3;
	HAS(&s, "done");
	arena_release(&s.a);
}

static void what_host_leaves_out(void **state)
{
	struct scene s = open_scene();
	(void)state;
	s.web->left_out = true;
	HAS(&s, "web      absent  cannot run on the host");
	arena_release(&s.a);
}

static void as_json(void **state)
{
	struct scene s = open_scene();
	(void)state;
	struct container *c = unit(&s, 1, UNIT_RUNNING);
	c->pid = 812;
	c->note = "ready to go";
	const struct node *n = node_path(view_status_json(&s.a, &s.p, &s.w, &(struct strs){ 0 }),
		"services[0].containers[0]");
	assert_non_null(n);
	assert_string_equal(node_text(node_get(n, "where")), "host");
	assert_string_equal(node_text(node_get(n, "pid")), "812");
	assert_string_equal(node_text(node_get(n, "restarts")), "0");
	assert_string_equal(node_text(node_get(n, "note")), "ready to go");
	arena_release(&s.a);
}

static void only_the_services_that_are_named(void **state)
{
	struct scene s = open_scene();
	cleanup_buf struct buf out = BUF_INIT;
	struct strs only = { 0 };
	(void)state;
	unit(&s, 1, UNIT_RUNNING);
	strs_add(&s.a, &only, "other");
	view_status(&out, &s.p, &s.w, &only, (struct style){ .width = 200 });
	assert_null(strstr(buf_str(&out), "web"));
	struct node *list = node_get(view_status_json(&s.a, &s.p, &s.w, &only), "services");
	assert_int_equal(node_count(list), 0);
	arena_release(&s.a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_running_process),
		cmocka_unit_test(what_the_supervisor_says), cmocka_unit_test(copies),
		cmocka_unit_test(a_job_that_succeeded_in_its_way),
		cmocka_unit_test(what_host_leaves_out),
		cmocka_unit_test(only_the_services_that_are_named), cmocka_unit_test(as_json) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
