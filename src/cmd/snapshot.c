/*
 * snapshot: volumes as they are now, under a name; and the list of what was kept. Only who uses the
 * volumes is stopped, and started again afterwards.
 */
#include <stdio.h>

#include "cmd/commands.h"
#include "cmd/data.h"

static const char *const verbs[] = { "ls", "rm", "show", NULL };

static const char *store_of(struct context *c)
{
	return snapshots_dir(&c->arena, &c->places, c->project.name);
}

static int take(struct context *c, const struct strs *args)
{
	struct data_volumes v = { 0 };
	struct strs names = { 0 }, stopped = { 0 };
	const char *name = args->count ? args->items[0] : NULL;
	for (size_t i = 1; i < args->count; i++)
		strs_add(&c->arena, &names, args->items[i]);
	if (name && !snapshot_name_fits(name))
		return fail_with(c, ERR_USAGE,
			"\"%s\" cannot name a snapshot: up to 200 letters, digits, dots, dashes, "
			"the first a letter or digit",
			name);
	int status = load_project(c);
	status = status ? status : data_open(c, &stopped, false);
	status = status ? status : data_named(c, &names, &v);
	if (!status && name && dir_exists(path_join(&c->arena, store_of(c), name)))
		status = fail_with(c, ERR_USAGE, "snapshot %s exists already", name);
	status = status ? status : data_stop_users(c, &v, "snapshot", &stopped);
	if (status)
		return status;
	status = data_save(c, &v, NULL, &name);
	int started = data_start_users(c, &stopped);
	if (!status)
		printf("%s\n", name);
	return status ? status : started;
}

static int read_all(struct context *c, struct snapshots *all)
{
	struct strs bad = { 0 };
	int status = open_places(c);
	if (status)
		return status;
	if (snapshots_list(&c->arena, store_of(c), all, &bad, &c->error))
		return fail(c);
	for (size_t i = 0; i < bad.count; i++)
		note(c, "note: %s/%s is not a snapshot that can be read", store_of(c),
			bad.items[i]);
	return 0;
}

static const char *size_text(struct arena *a, int64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double n = (double)bytes;
	size_t unit = 0;
	for (; n >= 1024 && unit + 1 < countof(units); unit++)
		n /= 1024;
	return arena_printf(a, unit ? "%.1f %s" : "%.0f %s", n, units[unit]);
}

static const char *volumes_text(struct arena *a, const struct snapshot *s, int64_t *packed)
{
	struct strs names = { 0 };
	*packed = 0;
	for (size_t i = 0; i < s->parts.count; i++) {
		strs_add(a, &names, s->parts.items[i].volume);
		*packed += s->parts.items[i].packed;
	}
	return strs_join(a, &names, ", ");
}

static int list(struct context *c)
{
	static const char *const head[] = { "SNAPSHOT", "TIME", "SIZE", "BRANCH", "VOLUMES" };
	struct snapshots all = { 0 };
	int status = read_all(c, &all);
	if (status)
		return status;
	struct node *json = node_list(&c->arena, (struct place){ 0 });
	struct table *t = table_new(&c->arena, head, countof(head));
	for (size_t i = 0; i < all.count; i++) {
		const struct snapshot *s = &all.items[i];
		int64_t packed;
		const char *volumes = volumes_text(&c->arena, s, &packed);
		const char *when = view_time(&c->arena, s->time_ms);
		table_row(t, (const char *[]){ s->name, arena_strndup(&c->arena, when, 19),
				     size_text(&c->arena, packed), s->branch ? s->branch : "",
				     volumes });
		list_add(&c->arena, json, snapshot_node(&c->arena, s));
	}
	if (c->g.json)
		emit_node(json);
	else if (!all.count)
		note(c, "No snapshot of %s yet: `devenv snapshot` makes one.", c->project.name);
	if (c->g.json || !all.count)
		return 0;
	cleanup_buf struct buf b = BUF_INIT;
	table_write(&b, t, c->out);
	return emit(&b) ? 0 : ERR_FAILED;
}

static int find(struct context *c, const char *name, struct snapshot *out)
{
	struct snapshots all = { 0 };
	struct strs names = { 0 };
	int status = read_all(c, &all);
	for (size_t i = 0; !status && i < all.count; i++) {
		strs_add(&c->arena, &names, all.items[i].name);
		if (streq(all.items[i].name, name)) {
			*out = all.items[i];
			return 0;
		}
	}
	if (status)
		return status;
	const char *near = nearest_name(name, names.items, names.count);
	err_set(&c->error, ERR_USAGE, "there is no snapshot \"%s\" of this project", name);
	if (near)
		err_hint(&c->error, "did you mean %s?", near);
	else
		err_hint(&c->error, "`devenv snapshot ls` lists them");
	return fail(c);
}

static int remove_them(struct context *c, const struct strs *args)
{
	struct snapshot s;
	int status = 0;
	for (size_t i = 1; !status && i < args->count; i++) {
		status = find(c, args->items[i], &s);
		if (!status && !c->g.dry_run && snapshot_remove(store_of(c), &s, &c->error))
			status = fail(c);
	}
	return status;
}

static void show_part(struct buf *b, struct arena *a, const struct snapshot_part *p)
{
	buf_addf(b, "  %s: %s in %lld entries, %s packed", p->volume, size_text(a, p->facts.bytes),
		(long long)p->facts.entries, size_text(a, p->packed));
	if (p->facts.engine[0])
		buf_addf(b, ", %s %s", p->facts.engine, p->facts.version);
	buf_addc(b, '\n');
}

static int show(struct context *c, const char *name)
{
	cleanup_buf struct buf b = BUF_INIT, clean = BUF_INIT;
	struct snapshot s;
	int status = find(c, name, &s);
	if (status)
		return status;
	if (c->g.json) {
		emit_node(snapshot_node(&c->arena, &s));
		return 0;
	}
	buf_addf(&b, "%s\n  of %s in %s\n  taken %s%s%s\n", s.name, s.project,
		s.root ? s.root : "?", view_time(&c->arena, s.time_ms), s.reason ? " before " : "",
		s.reason ? s.reason : "");
	if (s.branch)
		buf_addf(&b, "  on branch %s%s%.12s\n", s.branch, s.commit ? " at " : "",
			s.commit ? s.commit : "");
	for (size_t i = 0; i < s.parts.count; i++)
		show_part(&b, &c->arena, &s.parts.items[i]);
	text_clean(&clean, buf_str(&b), b.len, false);
	return emit(&clean) ? 0 : ERR_FAILED;
}

static int run_snapshot(struct context *c, const void *opts, const struct strs *args)
{
	const char *verb = args->count ? args->items[0] : "";
	(void)opts;
	if (streq(verb, "ls") && args->count == 1)
		return list(c);
	if (streq(verb, "rm") && args->count > 1)
		return remove_them(c, args);
	if (streq(verb, "show") && args->count == 2)
		return show(c, args->items[1]);
	if (streq(verb, "ls") || streq(verb, "rm") || streq(verb, "show"))
		return fail_with(c, ERR_USAGE, "devenv snapshot ls | rm NAME... | show NAME");
	return take(c, args);
}

const struct cmd cmd_snapshot = {
	.name = "snapshot",
	.group = "data",
	.args = "[NAME] [VOLUME...]",
	.help = "keep data volumes as they are now, under a name",
	.detail =
		"Without VOLUME: all volumes of kind data. Their users are stopped meanwhile, and "
		"nobody else;\n"
		"all of the volumes are of one moment. NAME is made of branch and time by "
		"default. Snapshots\n"
		"are kept outside of the checkout and shared by the worktrees of a project.\n\n"
		"devenv snapshot ls lists them, rm NAME... removes, show NAME tells what is in "
		"one.",
	.max_args = -1,
	.verbs = verbs,
	.complete = COMPLETE_VOLUME,
	.run = run_snapshot,
};
