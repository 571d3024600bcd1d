/* What the tests of room run share: a home of their own, files, a small plan. */
#ifndef UNIT_RUN_TEST_H
#define UNIT_RUN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"
#include "base/os.h"
#include "model/plan.h"
#include "model/world.h"
#include "run/files/places.h"

struct home { /* a throw-away HOME with a project in it */
	struct arena a;
	char dir[64];
	struct project project;
	struct places places;
	struct world world;
	struct err e;
};

static inline const char *in_home(struct home *h, const char *name)
{
	return path_join(&h->a, h->dir, name);
}

static inline const char *in_project(struct home *h, const char *name)
{
	return path_join(&h->a, h->project.dir, name);
}

static inline int home_setup(void **state)
{
	struct home *h = xcalloc(1, sizeof(*h));
	static const char *const clear[] = { "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME",
		"XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "SUDO_UID", "SUDO_GID", "SSL_CERT_FILE" };
	for (size_t i = 0; i < countof(clear); i++)
		unsetenv(clear[i]);
	snprintf(h->dir, sizeof(h->dir), "/tmp/devenv-unit-XXXXXX");
	if (!mkdtemp(h->dir))
		return -1;
	umask(022);
	setenv("HOME", h->dir, 1);
	h->project.name = "shop";
	h->project.workspace = "shop-12345678";
	h->project.dir = in_home(h, "shop");
	mkdir(h->project.dir, 0755);
	*state = h;
	return places_find(&h->a, h->project.dir, h->project.workspace, &h->places, &h->e);
}

static inline int home_teardown(void **state)
{
	struct home *h = *state;
	tree_remove(h->dir, &h->e);
	map_release(&h->world.inputs);
	arena_release(&h->a);
	xfree(h);
	return 0;
}

static inline void put_file(struct home *h, const char *path, const char *text)
{
	assert_int_equal(dir_make(path_dir(&h->a, path), 0755, &h->e), 0);
	assert_int_equal(file_write(path, text, strlen(text), 0644, false, &h->e), 0);
}

static inline const char *get_file(struct home *h, const char *path)
{
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	const char *out =
		file_read(path, 1 << 24, &text, &e) ? NULL : arena_strdup(&h->a, buf_str(&text));
	buf_release(&text);
	return out;
}

static inline unsigned mode_of(const char *path)
{
	struct stat st;
	return lstat(path, &st) ? 0 : (unsigned)(st.st_mode & 07777);
}

static inline void add_secret(
	struct home *h, const char *name, enum recipe r, int length, const char *source)
{
	*list_push(&h->a, &h->project.secrets) =
		(struct secret){ .name = name, .recipe = r, .length = length, .source = source };
}

/* A file of the plan made of text and, when secret is set, of that secret behind it. */
static inline void add_out(struct home *h, struct plan *p, const char *path, mode_t mode,
	const char *text, const char *secret, enum escape escape)
{
	struct out_file *f = list_push(&h->a, &p->files);
	*f = (struct out_file){ .path = path, .mode = mode, .source = FROM_PIECES };
	*list_push(&h->a, &f->pieces) = (struct piece){ .text = text, .len = strlen(text) };
	if (secret)
		*list_push(&h->a, &f->pieces) =
			(struct piece){ .secret = secret, .escape = escape };
}

#define test(f) cmocka_unit_test_setup_teardown(f, home_setup, home_teardown)

#endif
