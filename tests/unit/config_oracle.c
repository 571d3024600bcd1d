/*
 * Room config, held against Docker Compose: each pair under tests/oracle/merge merged here must be
 * what `docker compose config` answered (want.json), or, where the difference is wanted and its
 * reason written down, ours.json. tests/oracle/merge.py asks Compose again. The same for the forms
 * of ${...} in tests/oracle/interpolation.json.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/os.h"
#include "config/config.h"
#include "doc/json.h"
#include "model/schema.h"

static const char folder[] = "tests/oracle/merge";

static struct node *read_json(struct arena *a, const char *path)
{
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;

	if (file_read(path, 1 << 20, &text, &e))
		fail_msg("%s", e.text);
	struct node *n = json_read(a, text.data, text.len, path, &e);
	if (!n)
		fail_msg("%s: %s", path, e.text);
	buf_release(&text);
	return n;
}

/* What merge.py leaves out of Compose's answer too. */
static bool is_default(const char *key, const struct node *n)
{
	static const char *const pairs[][2] = {
		{ "required", "true" },
		{ "condition", "service_started" },
		{ "protocol", "tcp" },
		{ "mode", "ingress" },
		{ "tty", "false" },
		{ "privileged", "false" },
		{ "create_host_path", "false" },
		{ "working_dir", "" },
	};
	const char *text = node_text(n);

	if (n->kind == NODE_NULL || (n->kind == NODE_MAP && !node_count(n)) ||
		(n->kind == NODE_LIST && !node_count(n) && streq(key, "profiles")))
		return true;
	for (size_t i = 0; text && i < countof(pairs); i++)
		if (streq(pairs[i][0], key) && streq(pairs[i][1], text))
			return true;
	return false;
}

/* Compose shows command lines as words. */
static struct node *as_words(struct arena *a, const char *key, struct node *n)
{
	bool test = streq(key, "test");
	size_t count = 0;
	const char *why;

	if (n->kind != NODE_STR || (!test && !streq(key, "command") && !streq(key, "entrypoint")))
		return n;
	struct node *out = node_list(a, n->place);
	if (test) {
		list_add(a, out, node_str(a, "CMD-SHELL", n->place));
		list_add(a, out, n);
		return out;
	}
	char **words = split_words(a, n->text, &count, &why);
	for (size_t i = 0; i < count; i++)
		list_add(a, out, node_str(a, words[i], n->place));
	return out;
}

static struct node *plain(struct arena *a, const struct node *n)
{
	const struct node_pair *pair;
	struct node *out, *item;

	if (n->kind == NODE_MAP) {
		out = node_map(a, n->place);
		node_each_pair(n, i, pair)
		{
			struct node *now = as_words(a, pair->key, plain(a, pair->value));
			if (!is_default(pair->key, now))
				map_put(a, out, pair->key, pair->key_place, now);
		}
		return out;
	}
	if (n->kind == NODE_LIST) {
		out = node_list(a, n->place);
		node_each_item(n, i, item) list_add(a, out, plain(a, item));
		return out;
	}
	return node_is_scalar(n) ? node_str(a, node_text(n), n->place) : (struct node *)n;
}

/* Names whose values are empty would get lost: they are kept beside. */
static void keep_names(
	struct arena *a, struct node *out, const struct node *service, const char *key)
{
	const struct node_pair *pair;
	const struct node *from = node_get(service, key);
	struct strs names = { 0 };

	node_each_pair(from, i, pair) strs_add(a, &names, pair->key);
	if (!names.count)
		return;
	strs_sort(&names);
	struct node *list = node_list(a, service->place);
	for (size_t i = 0; i < names.count; i++)
		list_add(a, list, node_str(a, names.items[i], service->place));
	map_put(a, out, arena_printf(a, "names of %s", key), service->place, list);
}

static struct node *services(struct arena *a, const struct node *tree)
{
	struct node *out = node_map(a, (struct place){ 0 });
	const struct node *from = node_get(tree, "services");
	const struct node_pair *pair;

	node_each_pair(from, i, pair)
	{
		struct node *service = plain(a, pair->value);
		keep_names(a, service, pair->value, "networks");
		keep_names(a, service, pair->value, "depends_on");
		map_put(a, out, pair->key, pair->key_place, service);
	}
	return out;
}

static const char *unset(void *ctx, const char *name)
{
	(void)ctx, (void)name;
	return NULL;
}

static bool pair_holds(const char *name)
{
	struct arena a = ARENA_INIT;
	struct diags d = DIAGS_INIT(&a);
	char *dir = path_join(&a, folder, name), *ours = path_join(&a, dir, "ours.json");
	struct config_request req = {
		.schema = &schema_devenv, .environment = "dev", .lookup = unset
	};
	struct config c;
	struct buf got = BUF_INIT;

	req.dir = path_real(&a, dir);
	strs_add(&a, &req.files, "base.yaml");
	strs_add(&a, &req.files, "over.yaml");
	config_load(&a, &req, &c, &d);
	for (size_t i = 0; i < d.count; i++)
		if (d.items[i].severity == SEV_ERROR)
			print_error("%s: %s\n", name, d.items[i].message);
	struct node *want =
		read_json(&a, file_exists(ours) ? ours : path_join(&a, dir, "want.json"));
	struct node *is = services(&a, c.tree);
	bool same = !d.errors && node_equal(is, want) &&
		    file_exists(ours) == file_exists(path_join(&a, dir, "why"));
	json_write(&got, is, 1);
	if (!same)
		print_error("%s: got %s\n", name, buf_str(&got));
	buf_release(&got);
	arena_release(&a);
	return same;
}

static void pairs_merge_as_in_compose(void **state)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	size_t count = 0, bad = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		bad += !pair_holds(entry->d_name);
	}
	closedir(dir);
	assert_int_equal(bad, 0);
	assert_true(count >= 100);
}

struct variables {
	const char *x;
};

static const char *look_up(void *ctx, const char *name)
{
	const struct variables *v = ctx;

	if (streq(name, "Y"))
		return "why";
	return streq(name, "X") ? v->x : NULL;
}

/* The same text as Compose's, and an error where Compose has one or takes an unset name for "". */
static bool form_holds(const struct node *row)
{
	struct arena a = ARENA_INIT;
	struct diags d = DIAGS_INIT(&a);
	const char *state = node_text(node_get(row, "state"));
	const char *form = node_text(node_get(row, "form"));
	struct variables v = { NULL };
	struct config_request req = { .lookup = look_up, .lookup_ctx = &v };
	const struct node *want = node_get(row, "ours");
	struct node *n = node_str(&a, form, (struct place){ .file = "f", .line = 1, .col = 1 });

	want = want ? want : node_get(row, "want");
	if (!streq(state, "unset"))
		v.x = streq(state, "set") ? "value" : streq(state, "empty") ? "" : "a$Y:${Y}";
	config_substitute(&a, &n, &req, &d);
	bool error = node_get(want, "error") || node_get(want, "blank");
	bool same = error ? d.errors == 1
			  : !d.errors && streq(node_text(n), node_text(node_get(want, "text")));
	if (!same)
		print_error("%s, %s: got %s\n", form, state,
			d.errors ? d.items[0].message : node_text(n));
	arena_release(&a);
	return same;
}

static void references_read_as_in_compose(void **state)
{
	struct arena a = ARENA_INIT;
	struct node *rows = read_json(&a, "tests/oracle/interpolation.json"), *row;
	size_t bad = 0;

	(void)state;
	node_each_item(rows, i, row) bad += !form_holds(row);
	assert_true(node_count(rows) >= 200);
	assert_int_equal(bad, 0);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_merge_as_in_compose),
		cmocka_unit_test(references_read_as_in_compose),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
