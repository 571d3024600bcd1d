/*
 * The layers: found, read, canonicalised, put in order and merged. In: a request (folder, files,
 * environment, --set). Out: one tree that knows where each value was written, and the list of
 * layers and files it came from. Knows the words `include` and `vars` and the names of the files;
 * what else the keys mean is the schema's affair.
 */
#include <dirent.h>
#include <string.h>

#include "base/os.h"
#include "config/rules.h"
#include "doc/yaml.h"

static const char base_name[] = "devenv.yml";

void load_add(
	struct layers *to, struct arena *a, const char *name, const char *file, struct node *tree)
{
	*list_push(a, to) = (struct layer){ name, file, tree };
}

/* "/srv/shop/a.yml is too large": the place says which file. */
static const char *without_path(const char *text, const char *path)
{
	static const char *const links[] = { ": ", " is " };

	if (!starts_with(text, path))
		return text;
	for (size_t i = 0; i < countof(links); i++)
		if (starts_with(text + strlen(path), links[i]))
			return text + strlen(path) + strlen(links[i]);
	return text;
}

struct node *load_file(struct load *l, const char *path, const char *shown, const char *layer)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct place at = { .file = shown, .layer = layer };
	struct err e = ERR_INIT;
	bool empty = false;

	if (file_read(path, YAML_MAX_BYTES, &text, &e)) {
		if (path_real(l->a, path))
			diag_add(l->d, SEV_ERROR, at, "%s", without_path(e.text, path));
		else
			diag_add(l->d, SEV_ERROR, at, "there is no such file")->hint =
				arena_printf(l->a, "looked for %s", path);
		return NULL;
	}
	strs_add(l->a, &l->out->files, path);
	struct node *n = yaml_read(l->a, text.data, text.len, shown, layer, l->d, &empty);
	if (!n || n->kind == NODE_NULL)
		return NULL;
	if (n->kind != NODE_MAP) {
		diag_add(l->d, SEV_ERROR, n->place, "a configuration is a map, not %s",
			node_kind_name(n->kind));
		return NULL;
	}
	return canonical_pass(l->a, n, l->req->schema, false, l->d);
}

/* A name below dir without it, any other as it is. */
static const char *shown_name(struct load *l, const char *path)
{
	size_t n = strlen(l->out->dir);

	if (path_inside(l->out->dir, path) && path[n] == '/')
		return arena_strdup(l->a, path + n + 1);
	return path;
}

/* From the project's folder to the one where relative paths of an included file start; NULL: there.
 */
static const char *way_to(struct load *l, const char *dir)
{
	return streq(dir, l->out->dir) ? NULL : shown_name(l, dir);
}

struct reading { /* the files that are being read, for cycles of include: */
	const struct reading *up;
	const char *path; /* real */
	const char *shown;
	int depth;
};

static void read_layer(struct load *l, const struct reading *up, const char *path,
	const char *shown, const char *way, struct strs *done, struct layers *to);

static const char *reading_text(struct load *l, const struct reading *r, const char *path)
{
	const char *text = r->shown;

	for (; r && !streq(r->path, path); r = r->up)
		text = r->up ? arena_printf(l->a, "%s -> %s", r->up->shown, text) : text;
	return text;
}

static bool is_remote(const char *path)
{
	return strstr(path, "://") || starts_with(path, "git@") || starts_with(path, "oci:");
}

static void include_path(struct load *l, const struct reading *from, struct node *item,
	const char *start, struct node *tree, struct strs *done, struct layers *to)
{
	struct node *now =
		node_is_scalar(item) ? substitute_node(l->a, item, tree, l->req, l->d) : NULL;
	const char *name = node_text(now);

	if (!node_is_scalar(item) || (name && (!*name || is_remote(name)))) {
		struct diag *d =
			diag_add(l->d, SEV_ERROR, item->place, "only local files can be included");
		d->hint = "write the path of a file, relative to the one that includes it";
		return;
	}
	if (!name)
		return;
	const char *path = path_normal(l->a, path_join(l->a, path_dir(l->a, from->path), name));
	const char *real = path_real(l->a, path);
	for (const struct reading *r = from; real && r; r = r->up) {
		if (!streq(r->path, real))
			continue;
		diag_add(l->d, SEV_ERROR, item->place, "files include one another: %s -> %s",
			reading_text(l, from, real), r->shown);
		return;
	}
	if (from->depth >= CONFIG_MAX_INCLUDES) {
		diag_add(l->d, SEV_ERROR, item->place, "more than %d files include one another",
			CONFIG_MAX_INCLUDES);
		return;
	}
	if (!real) {
		struct diag *d = diag_add(l->d, SEV_ERROR, item->place, "%s: no such file", name);
		d->hint = arena_printf(l->a, "looked for %s", path);
		return;
	}
	read_layer(l, from, real, shown_name(l, path),
		way_to(l, start ? start : path_dir(l->a, path)), done, to);
}

/* `project_directory:` of an include, absolute, or NULL. */
static const char *included_start(
	struct load *l, const struct reading *from, const struct node *entry, struct node *tree)
{
	struct node *said = node_get(entry, "project_directory");
	const struct node *now =
		node_is_scalar(said) ? substitute_node(l->a, said, tree, l->req, l->d) : NULL;
	const char *name = node_text(now);

	return name ? path_normal(l->a, path_join(l->a, path_dir(l->a, from->path), name)) : NULL;
}

static void read_includes(struct load *l, const struct reading *r, struct node *tree,
	struct strs *done, struct layers *to)
{
	const char *key = NULL;
	struct node *item, *path;

	for (const struct field *f = l->req->schema->fields; f && f->name; f++)
		if (f->form == FORM_INCLUDE)
			key = f->name;
	const struct node *list = key ? node_get(tree, key) : NULL;
	node_each_item(list, i, item)
	{
		const struct node *paths = node_get(item, "path");
		if (!paths || paths->kind != NODE_LIST)
			diag_add(l->d, SEV_ERROR, item->place,
				"an include names the path of a file");
		if (node_get(item, "env_file"))
			diag_add(l->d, SEV_WARNING, item->place,
				"the env_file of an include is not read")
				->hint =
				"put its variables into vars: of the file that is included";
		const char *start = included_start(l, r, item, tree);
		node_each_item(paths, j, path) include_path(l, r, path, start, tree, done, to);
	}
}

/* What a file includes comes below it; a file that is included twice counts once, the first time.
 */
static void read_layer(struct load *l, const struct reading *up, const char *path,
	const char *shown, const char *way, struct strs *done, struct layers *to)
{
	struct reading r = { up, path, shown, up ? up->depth + 1 : 1 };
	const char *real = path_real(l->a, path);

	r.path = real ? real : path;
	if (strs_has(done, r.path))
		return;
	strs_add(l->a, done, r.path);
	struct node *tree = load_file(l, path, shown, shown);
	if (tree)
		read_includes(l, &r, tree, done, to);
	if (tree && way)
		tree = rebase_pass(l->a, tree, &l->root, way);
	load_add(to, l->a, shown, shown, tree);
}

static void read_named(struct load *l, const char *name, struct strs *done, struct layers *to)
{
	const char *path = path_join(l->a, l->out->dir, name);

	if (path_real(l->a, path)) /* what is no plain file is refused, not passed over */
		read_layer(l, NULL, path, name, NULL, done, to);
}

/* devenv.d: the overlays of this environment, by name. */
static size_t read_folder(
	struct load *l, const char *environment, struct strs *done, struct layers *to)
{
	const char *ending = arena_printf(l->a, ".%s.yml", environment);
	struct strs names = { 0 };
	DIR *dir = opendir(path_join(l->a, l->out->dir, "devenv.d"));
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && ends_with(entry->d_name, ending))
			strs_add(l->a, &names, arena_printf(l->a, "devenv.d/%s", entry->d_name));
	if (dir)
		closedir(dir);
	strs_sort(&names);
	for (size_t i = 0; i < names.count; i++)
		read_named(l, names.items[i], done, to);
	return names.count;
}

static bool is_environment(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	return n && n < 64 && !s[n] && s[0] != '-' && !streq(s, "local");
}

static const char first_steps[] = "`devenv init hello` makes a small example, `devenv init --from "
				  "compose.yml` takes over what is there";

static void base_missing(struct load *l)
{
	static const char *const others[] = { "devenv.yaml", "devenv.nix", "devenv.lock" };
	struct place at = { .file = base_name };

	for (size_t i = 0; i < countof(others); i++) {
		if (!file_exists(path_join(l->a, l->out->dir, others[i])))
			continue;
		struct diag *d = diag_add(l->d, SEV_ERROR, at,
			"%s belongs to another tool that is called devenv; there is no %s beside "
			"it",
			others[i], base_name);
		d->hint = first_steps;
		return;
	}
	struct diag *d =
		diag_add(l->d, SEV_ERROR, at, "there is no %s in %s", base_name, l->out->dir);
	d->hint = first_steps;
}

static void discover(struct load *l, struct layers *to)
{
	const char *environment = l->req->environment ? l->req->environment : "dev";
	struct strs done = { 0 };

	if (!file_exists(path_join(l->a, l->out->dir, base_name))) {
		base_missing(l);
		return;
	}
	size_t errors = l->d->errors;
	read_named(l, base_name, &done, to);
	if (!to->items[to->count - 1].tree && l->d->errors == errors)
		diag_add(l->d, SEV_ERROR, (struct place){ .file = base_name }, "the file is empty")
			->hint =
			"`devenv init NAME` makes a new project; devenv.yml(5) describes the file";
	if (!is_environment(environment)) {
		struct diag *d = diag_add(l->d, SEV_ERROR, (struct place){ .layer = "--env" },
			"\"%s\" cannot be the name of an environment", environment);
		d->hint = "lower-case letters, digits, - and _; not \"local\"";
		return;
	}
	size_t before = to->count;
	read_named(l, arena_printf(l->a, "devenv.%s.yml", environment), &done, to);
	if (!read_folder(l, environment, &done, to) && to->count == before &&
		!streq(environment, "dev") && !l->req->implied)
		diag_add(l->d, SEV_WARNING, (struct place){ .layer = "--env" },
			"no file is there for environment %s (devenv.%s.yml)", environment,
			environment);
	if (streq(environment, "dev"))
		read_named(l, "devenv.local.yml", &done, to);
	read_named(l, arena_printf(l->a, "devenv.%s.local.yml", environment), &done, to);
}

static void read_files(struct load *l, struct layers *to)
{
	struct strs done = { 0 };

	if (l->req->user_file && file_exists(l->req->user_file))
		read_layer(l, NULL, l->req->user_file, l->req->user_file, NULL, &done, to);
	if (!l->req->files.count)
		discover(l, to);
	for (size_t i = 0; i < l->req->files.count; i++) {
		const char *name = l->req->files.items[i];
		read_layer(l, NULL, path_normal(l->a, path_join(l->a, l->req->dir, name)), name,
			NULL, &done, to);
	}
}

static struct node *fold(struct load *l, const struct layers *from, struct node *tree)
{
	for (size_t i = 0; i < from->count; i++)
		tree = merge_pass(l->a, tree, from->items[i].tree, &l->root, NULL, l->d);
	return tree;
}

static void keep_layers(struct load *l, const struct layers *from)
{
	for (size_t i = 0; i < from->count; i++)
		*list_push(l->a, &l->out->layers) = from->items[i];
}

static struct node *canonical_layer(struct load *l, struct node *n, const char *name)
{
	n = canonical_pass(l->a, n, l->req->schema, false, l->d);
	if (n)
		load_add(&l->out->layers, l->a, name, NULL, n);
	return n;
}

/* Where entries that can extend live: the schema says so by a field of that form. */
static void find_entries(struct load *l)
{
	for (const struct field *f = l->req->schema->fields; f && f->name; f++) {
		const struct schema *entry = f->map && f->map->any ? f->map->any->map : NULL;
		for (const struct field *g = entry ? entry->fields : NULL; g && g->name; g++) {
			if (g->form != FORM_EXTENDS)
				continue;
			l->container = f->name;
			l->entry = entry;
			l->extends = g->name;
		}
	}
}

/* What only layers needed: include is done. */
static struct node *without_includes(struct load *l, struct node *tree)
{
	for (const struct field *f = l->req->schema->fields; f && f->name; f++) {
		if (f->form != FORM_INCLUDE || !node_get(tree, f->name))
			continue;
		tree = node_copy(l->a, tree);
		map_drop(tree, f->name);
	}
	return tree;
}

static struct node *join_layers(struct load *l)
{
	struct layers own = { 0 };
	struct node *low = canonical_layer(l, l->req->defaults, "default");
	struct node *facts = canonical_layer(l, l->req->facts, "fact");

	read_files(l, &own);
	struct node *user = set_plain(l, fold(l, &own, NULL));
	low = merge_pass(l->a, low, facts, &l->root, NULL, l->d);
	if (user)
		low = merge_pass(l->a, low, extend_templates(l, user), &l->root, NULL, l->d);
	struct node *tree = merge_pass(l->a, low, user, &l->root, NULL, l->d);
	if (tree)
		tree = set_indexed(l, extend_services(l, tree));
	keep_layers(l, &l->shared);
	keep_layers(l, &own);
	return tree;
}

int config_load(
	struct arena *a, const struct config_request *req, struct config *out, struct diags *d)
{
	struct load l = { .a = a, .req = req, .out = out, .d = d };
	size_t errors = d->errors;

	*out = (struct config){ .dir = req->dir };
	l.root = (struct field){ .types = T_MAP, .map = req->schema, .flags = FIELD_COMPOSE };
	if (req->files.count)
		out->dir = path_dir(a, path_normal(a, path_join(a, req->dir, req->files.items[0])));
	find_entries(&l);
	struct node *tree = join_layers(&l);
	keep_layers(&l, &l.sets);
	if (!tree)
		return d->errors == errors ? 0 : -1;
	out->tree = without_includes(&l, merge_sweep(a, tree));
	if (!config_substitute(a, &out->tree, req, d))
		out->tree = canonical_pass(a, out->tree, req->schema, true, d);
	return d->errors == errors ? 0 : -1;
}

char *config_find_root(struct arena *a, const char *start)
{
	for (char *dir = path_normal(a, start);; dir = path_dir(a, dir)) {
		char *name = path_join(a, dir, base_name);
		if (file_exists(name))
			return name;
		if (streq(dir, "/") || streq(dir, "."))
			return NULL;
	}
}
