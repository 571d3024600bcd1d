/* A project from YAML text, a world that fits it, and the plan: for the tests of the planner. */
#ifndef TEST_PLANNER_H
#define TEST_PLANNER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"
#include "doc/yaml.h"
#include "model/schema.h"
#include "planner/planner.h"

struct bench {
	struct arena arena;
	struct diags diags;
	struct project project;
	struct world world;
	struct plan_request request;
	struct plan plan;
	int result;
	bool host;  /* --host */
	bool tools; /* for the tools container */
};

static inline void bench_print(const struct bench *b)
{
	for (size_t i = 0; i < b->diags.count; i++)
		print_error("%d:%d: %s\n", b->diags.items[i].place.line,
			b->diags.items[i].place.col, b->diags.items[i].message);
}

static inline void bench_project(struct bench *b, const char *yaml, const char *environment)
{
	struct project_request req = {
		.dir = "/srv/shop", .environment = environment, .host = b->host, .tools = b->tools
	};
	b->diags.arena = &b->arena;
	struct node *tree = yaml_read(
		&b->arena, yaml, strlen(yaml), "devenv.yml", "devenv.yml", &b->diags, NULL);
	if (!tree)
		bench_print(b);
	assert_non_null(tree);
	tree = config_canonical(&b->arena, tree, &schema_devenv, &b->diags);
	if (project_decode(&b->arena, tree, &req, &b->project, &b->diags))
		bench_print(b);
	assert_int_equal(b->diags.errors, 0);
}

/* A first start, of a developer with uid and gid 1234. */
static inline void bench_start(struct bench *b, const char *yaml, const char *environment)
{
	b->world = (struct world){ .engine = true, .uid = 1234, .gid = 1234, .now = 1000000 };
	b->world.authority = "authority";
	b->request = (struct plan_request){ .goal = GOAL_UP, .timeout_ms = -1, .version = "1.0" };
	bench_project(b, yaml, environment);
}

static inline void bench_open_in(struct bench *b, const char *yaml, const char *environment)
{
	memset(b, 0, sizeof(*b));
	bench_start(b, yaml, environment);
}

static inline void bench_open_as(struct bench *b, const char *yaml, bool host)
{
	memset(b, 0, sizeof(*b));
	b->host = host;
	bench_start(b, yaml, "dev");
}

static inline void bench_open(struct bench *b, const char *yaml)
{
	bench_open_in(b, yaml, "dev");
}

static inline void bench_close(struct bench *b)
{
	map_release(&b->world.inputs);
	arena_release(&b->arena);
}

/* Another configuration over the same world. */
static inline void bench_change(struct bench *b, const char *yaml)
{
	memset(&b->diags, 0, sizeof(b->diags));
	bench_project(b, yaml, "dev");
}

static inline void bench_input(struct bench *b, const char *path, const char *hash)
{
	map_set(&b->world.inputs, path, (void *)hash);
}

static inline void bench_try(struct bench *b)
{
	b->result = plan_make(&b->arena, &b->project, &b->world, &b->request, &b->plan, &b->diags);
}

static inline void bench_plan(struct bench *b)
{
	bench_try(b);
	if (b->result)
		bench_print(b);
	assert_int_equal(b->result, 0);
}

static inline const struct out_file *bench_out(const struct bench *b, const char *path)
{
	for (size_t i = 0; i < b->plan.files.count; i++) {
		if (streq(b->plan.files.items[i].path, path))
			return &b->plan.files.items[i];
	}
	return NULL;
}

/* Bytes of a file; a secret stands as <NAME>, or <NAME:url> where it is escaped for one. */
static inline const char *bench_file(struct bench *b, const char *path)
{
	cleanup_buf struct buf text = BUF_INIT;
	const struct out_file *f = bench_out(b, path);
	assert_non_null(f);
	for (size_t i = 0; i < f->pieces.count; i++) {
		const struct piece *p = &f->pieces.items[i];
		if (p->text)
			buf_add(&text, p->text, p->len);
		else
			buf_addf(&text, "<%s%s>", p->secret, p->escape == ESC_URL ? ":url" : "");
	}
	return arena_strdup(&b->arena, buf_str(&text));
}

static inline const struct node *bench_compose(struct bench *b)
{
	const char *text = bench_file(b, "compose.yml");
	return yaml_read(&b->arena, text, strlen(text), "compose.yml", "-", &b->diags, NULL);
}

/* A scalar of the generated compose file; NULL when there is none. */
static inline const char *bench_get(struct bench *b, const char *path)
{
	return node_text(node_path(bench_compose(b), path));
}

/* Ids of the steps, one a line. */
static inline const char *bench_steps(struct bench *b)
{
	struct strs ids = { 0 };
	for (size_t i = 0; i < b->plan.steps.count; i++)
		strs_add(&b->arena, &ids, b->plan.steps.items[i]->id);
	return strs_join(&b->arena, &ids, "\n");
}

static inline const struct step *bench_step(const struct bench *b, const char *id)
{
	for (size_t i = 0; i < b->plan.steps.count; i++) {
		if (streq(b->plan.steps.items[i]->id, id))
			return b->plan.steps.items[i];
	}
	return NULL;
}

static inline const char *bench_why(const struct bench *b, const char *id)
{
	const struct step *s = bench_step(b, id);
	return s ? s->why : NULL;
}

static inline bool bench_needs(const struct bench *b, const char *id, const char *needed)
{
	const struct step *s = bench_step(b, id), *n = bench_step(b, needed);
	for (size_t i = 0; s && n && i < s->needs.count; i++) {
		if (s->needs.items[i] == n)
			return true;
	}
	return false;
}

static inline void bench_container(struct bench *b, const struct chosen *c)
{
	const char *path = arena_printf(&b->arena, "services.%s.labels", c->service->name);
	const struct node *labels = node_path(bench_compose(b), path);
	bool job = c->service->kind == KIND_JOB;
	const char *id = arena_printf(&b->arena, "id-%s", c->service->name);
	*list_push(&b->arena, &b->world.containers) = (struct container){
		.id = id,
		.name = id,
		.service = c->service->name,
		.workspace = b->project.workspace,
		.hash = c->hash,
		.inputs = node_text(node_get(labels, "devenv.inputs")),
		.number = 1,
		.state = job ? UNIT_EXITED : UNIT_RUNNING,
		.uptime_s = 100,
	};
	*list_push(&b->arena, &b->world.records) = (struct unit_record){
		.service = c->service->name,
		.container = id,
		.ready_at = b->world.now - 50,
		.job_hash = c->hash,
	};
}

static inline void bench_has(struct bench *b, const char *image)
{
	world_note_image(
		&b->arena, &b->world, &(struct seen_image){ .name = image, .id = "sha256:some" });
}

/* The engine has all rungs and releases. */
static inline void bench_images(struct bench *b)
{
	struct strs tags = { 0 };
	plan_tags(&b->arena, &b->project, &b->world, &tags);
	for (size_t i = 0; i < tags.count; i++)
		bench_has(b, tags.items[i]);
	b->world.images_known = true;
}

/* The world as it is when the plan was carried out. */
static inline void bench_settle(struct bench *b)
{
	bench_images(b);
	b->world.volumes_known = true;
	for (size_t i = 0; i < b->plan.chosen.count; i++)
		bench_container(b, &b->plan.chosen.items[i]);
}

static inline struct container *bench_seen(struct bench *b, const char *service)
{
	for (size_t i = 0; i < b->world.containers.count; i++) {
		if (streq(b->world.containers.items[i].service, service))
			return &b->world.containers.items[i];
	}
	return NULL;
}

#endif
