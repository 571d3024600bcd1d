/*
 * The whole environment of a host service. Comes in: its spec, the keyring. Goes out: "NAME=VALUE"
 * strings: ours, over it the variables of its files, over them what it says itself. Secrets are
 * opened here and go nowhere else.
 */
#include <string.h>

#include "run/apply.h"
#include "run/io/env_file.h"
#include "run/perform.h"

static int open_value(struct arena *a, const struct host_var *v, const struct plan *p,
	struct vault *vault, struct buf *out, struct err *e)
{
	struct out_file f = { .path = v->name, .source = FROM_PIECES };
	for (size_t i = 0; !vault && i < v->value.count; i++) {
		if (v->value.items[i].secret)
			return err_set(e, ERR_FAILED, "%s holds a secret, and there is no keyring",
				v->name);
	}
	f.pieces.items = v->value.items;
	f.pieces.count = v->value.count;
	buf_addf(out, "%s=", v->name);
	return apply_content(a, &f, p, vault, out, e);
}

/* Replaces a variable of that name or adds it. */
static void set_variable(struct arena *a, struct strs *env, const char *text)
{
	size_t len = strcspn(text, "=") + 1;
	for (size_t i = 0; i < env->count; i++) {
		if (strncmp(env->items[i], text, len) == 0) {
			env->items[i] = text;
			return;
		}
	}
	strs_add(a, env, text);
}

static int add_files(struct arena *a, const struct host_spec *s, struct strs *env, struct err *e)
{
	for (size_t i = 0; i < s->env_files.count; i++) {
		const struct host_env_file *f = &s->env_files.items[i];
		struct strs list = { 0 };
		if (!f->required && !file_exists(f->path))
			continue;
		if (env_file_read(a, f->path, &list, e)) {
			e->place = f->place;
			return -1;
		}
		for (size_t k = 0; k < list.count; k++)
			set_variable(a, env, list.items[k]);
	}
	return 0;
}

const char *const *host_launch_environment(struct arena *a, char *const *base,
	const struct host_spec *s, const struct plan *p, struct vault *vault, struct err *e)
{
	struct strs env = { 0 };
	for (size_t i = 0; base[i]; i++)
		strs_add(a, &env, base[i]);
	if (add_files(a, s, &env, e))
		return NULL;
	for (size_t i = 0; i < s->env.count; i++) {
		struct buf value = BUF_INIT;
		int rc = open_value(a, &s->env.items[i], p, vault, &value, e);
		set_variable(a, &env, arena_strdup(a, buf_str(&value)));
		buf_wipe(&value);
		if (rc)
			return NULL;
	}
	strs_add(a, &env, NULL);
	return env.items;
}
