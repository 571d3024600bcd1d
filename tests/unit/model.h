/* A project from YAML text in canonical form, for the tests of model. */
#ifndef TEST_MODEL_H
#define TEST_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "doc/yaml.h"
#include "model/project.h"
#include "model/schema.h"

struct subject {
	struct arena arena;
	struct diags diags;
	struct node *tree;
	struct project project;
	int result;
	bool host; /* --host */
};

static inline void subject_decode(struct subject *s, struct node *tree)
{
	struct project_request req = {
		.dir = "/home/shop", .environment = "dev", .home = "/home/me", .host = s->host
	};
	s->tree = tree;
	s->result = project_decode(&s->arena, tree, &req, &s->project, &s->diags);
}

static inline void subject_read_as(struct subject *s, const char *yaml, bool host)
{
	memset(s, 0, sizeof(*s));
	s->host = host;
	s->diags.arena = &s->arena;
	struct node *tree = yaml_read(
		&s->arena, yaml, strlen(yaml), "devenv.yml", "devenv.yml", &s->diags, NULL);
	for (size_t i = 0; i < s->diags.count; i++)
		print_error("%d:%d: %s\n", s->diags.items[i].place.line,
			s->diags.items[i].place.col, s->diags.items[i].message);
	assert_non_null(tree);
	subject_decode(s, tree);
}

static inline void subject_read(struct subject *s, const char *yaml)
{
	subject_read_as(s, yaml, false);
}

static inline void subject_print(const struct subject *s)
{
	for (size_t i = 0; i < s->diags.count; i++) {
		const struct diag *d = &s->diags.items[i];
		print_error("%d:%d: %s: %s (%s)\n", d->place.line, d->place.col,
			d->path ? d->path : "-", d->message, d->hint ? d->hint : "no hint");
	}
}

static inline void subject_release(struct subject *s)
{
	arena_release(&s->arena);
}

#endif
