/*
 * What the tests of whole configurations share: a folder of its own for each test, files put into
 * it, loading, and what came of it.
 */
#ifndef CONFIG_TEST_H
#define CONFIG_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/os.h"
#include "config/config.h"
#include "doc/yaml.h"
#include "model/schema.h"

static struct arena arena;
static struct diags diags;
static struct config config;
static struct config_request request;
static struct strs template_names;
static const char *dir;

struct variable {
	const char *name, *value;
};
static const struct variable *variables; /* ends with name NULL */

static const char *look_up(void *ctx, const char *name)
{
	(void)ctx;
	for (const struct variable *v = variables; v && v->name; v++)
		if (streq(v->name, name))
			return v->value;
	return NULL;
}

static struct node *read_template(void *ctx, struct arena *a, const char *name, struct diags *d)
{
	static const char db[] = "description: a database\n"
				 "volumes: { \"${template.service}-data\": { kind: data } }\n"
				 "images: { template-db: { packages: [db], run: [one] } }\n"
				 "service:\n"
				 "  image: template-db\n"
				 "  user: db\n"
				 "  environment: { NAME: \"${template.service}\", LEVEL: low }\n"
				 "  volumes: { \"${template.service}-data\": /data }\n"
				 "  ports: { db: { target: 5432, published: auto } }\n";
	static const char big[] = "service: { extends: { template: db }, user: big }\n";
	static const char loop[] = "service: { extends: { template: loop } }\n";
	const char *text = streq(name, "db")     ? db
			   : streq(name, "big")  ? big
			   : streq(name, "loop") ? loop
						 : NULL;

	(void)ctx;
	if (!text)
		return NULL;
	return yaml_read(
		a, text, strlen(text), name, arena_printf(a, "template %s", name), d, NULL);
}

static int set_up(void **state)
{
	static const char *const kept[] = { "secret.", "service.", NULL };
	char name[] = "/tmp/devenv-config-XXXXXX";

	(void)state;
	arena = (struct arena)ARENA_INIT;
	diags = (struct diags)DIAGS_INIT(&arena);
	template_names = (struct strs){ 0 };
	strs_add(&arena, &template_names, "db");
	strs_add(&arena, &template_names, "big");
	dir = path_real(&arena, mkdtemp(name));
	variables = NULL;
	request = (struct config_request){ .dir = dir,
		.environment = "dev",
		.schema = &schema_devenv,
		.lookup = look_up,
		.kept = kept,
		.template_layer = read_template,
		.template_names = &template_names };
	return 0;
}

static int tear_down(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	tree_remove(dir, &e);
	arena_release(&arena);
	return 0;
}

static void put(const char *name, const char *text)
{
	struct err e = ERR_INIT;
	const char *path = path_join(&arena, dir, name);

	assert_int_equal(dir_make(path_dir(&arena, path), 0755, &e), 0);
	assert_int_equal(file_write(path, text, strlen(text), 0644, false, &e), 0);
}

static int load(void)
{
	diags = (struct diags)DIAGS_INIT(&arena);
	return config_load(&arena, &request, &config, &diags);
}

static void loaded(void)
{
	int rc = load();

	for (size_t i = 0; i < diags.count; i++)
		print_error("%s:%d: %s\n", diags.items[i].place.file, diags.items[i].place.line,
			diags.items[i].message);
	assert_int_equal(rc, 0);
}

static const char *value(const char *path)
{
	const char *text = node_text(node_path(config.tree, path));

	return text ? text : "absent";
}

/* Loading fails, and the first error reads so. */
static void refused(const char *message)
{
	assert_int_equal(load(), -1);
	assert_string_equal(diags.items[0].message, message);
}

#define fresh(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
