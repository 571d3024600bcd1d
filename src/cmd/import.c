/*
 * init --from: a file of another tool becomes part of a project. A compose file or a Procfile makes
 * a devenv.yml; a tmux session adds a layout: a devenv.yml where there is none, else a file of its
 * own in devenv.d, so that nothing that was written by hand is touched.
 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/context.h"
#include "cmd/import.h"
#include "doc/yaml.h"
#include "planner/import.h"

struct foreign {
	const char *path, *folder; /* folder: where the project is to be */
	struct buf text;
	struct node *tree; /* NULL: no YAML */
	enum import_kind kind;
};

/* ERB is a program: it is not run, and what it would say is not guessed. */
static int check_templates(struct context *c, const struct foreign *s)
{
	if (!strstr(buf_str(&s->text), "<%"))
		return 0;
	err_set(&c->error, ERR_FAILED, "%s is a template (it holds <%% ... %%>)", s->path);
	err_hint(&c->error, "write what it stands for in its place, then import it");
	return fail(c);
}

static int read_source(struct context *c, struct foreign *s)
{
	struct diags trial = DIAGS_INIT(&c->arena);
	if (file_read(s->path, YAML_MAX_BYTES, &s->text, &c->error))
		return fail(c);
	if (import_kind(s->path, NULL) != IMPORT_PROCFILE)
		s->tree = yaml_read(
			&c->arena, buf_str(&s->text), s->text.len, s->path, s->path, &trial, NULL);
	s->kind = import_kind(s->path, s->tree);
	if (s->kind == IMPORT_TMUXINATOR && check_templates(c, s))
		return c->error.code;
	if (s->kind != IMPORT_UNKNOWN)
		return 0;
	if (trial.errors) {
		c->diags = trial;
		return report(c);
	}
	err_set(&c->error, ERR_FAILED, "%s cannot be taken over", s->path);
	err_hint(&c->error,
		"a compose file, a Procfile, or a session of tmuxinator or tmuxp can be");
	return fail(c);
}

/* ---- what is written ---- */

static int write_new(struct context *c, const char *path, const struct buf *text, bool force)
{
	const char *folder = path_dir(&c->arena, path);
	if (c->g.dry_run)
		return emit(text) ? 0 : ERR_FAILED;
	if (file_exists(path) && !force) {
		err_set(&c->error, ERR_FAILED, "%s exists already: nothing was written", path);
		err_hint(&c->error, "--dry-run prints what would be written; --force writes it");
		return fail(c);
	}
	if (!dir_exists(folder) && dir_make(folder, 0755, &c->error))
		return fail(c);
	if (file_write(path, buf_str(text), text->len, 0644, false, &c->error))
		return fail(c);
	note(c, "%s written.", path);
	return 0;
}

/* As YAML, with a line that says where it came from. */
static void render(struct buf *out, const struct foreign *s, const struct node *tree)
{
	cleanup_buf struct buf from = BUF_INIT;
	view_clean(&from, path_base(s->path));
	buf_addf(out, "# Taken over from %s by `devenv init --from`.\n", buf_str(&from));
	yaml_write(out, tree, NULL, NULL);
}

static const char *in_folder(struct context *c, const struct foreign *s, const char *name)
{
	return streq(s->folder, ".") ? name : path_join(&c->arena, s->folder, name);
}

static const char *folder_name(struct context *c, const struct foreign *s)
{
	const char *real = path_real(&c->arena, s->folder);
	return project_slug(&c->arena, path_base(real ? real : s->folder));
}

static int from_layout(struct context *c, const struct foreign *s, bool force)
{
	struct place no = { 0 };
	struct arena *a = &c->arena;
	const char *name = NULL;
	struct node *top = node_map(a, no), *layouts = node_map(a, no);
	struct node *layout = import_layout(a, s->kind, s->tree, &name, &c->diags);
	int status = report(c);
	cleanup_buf struct buf text = BUF_INIT;
	if (!layout || status)
		return status ? status : ERR_FAILED;
	const char *path = in_folder(c, s, "devenv.yml");
	if (file_exists(path))
		path = in_folder(c, s,
			arena_printf(a, "devenv.d/layout-%s.%s.yml", name,
				c->g.environment ? c->g.environment : "dev"));
	else
		map_put(a, top, "name", no, node_str(a, folder_name(c, s), no));
	map_put(a, layouts, name, no, layout);
	map_put(a, top, "layouts", no, layouts);
	render(&text, s, top);
	status = write_new(c, path, &text, force);
	if (!status && !c->g.dry_run)
		note(c, "Its panes run on this host: look at them, then start `devenv tmux %s`.",
			name);
	return status;
}

static int from_procfile(struct context *c, const struct foreign *s, bool force)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct node *top = import_procfile(
		&c->arena, buf_str(&s->text), s->path, folder_name(c, s), &c->diags);
	int status = report(c);
	if (!top || status)
		return status ? status : ERR_FAILED;
	render(&text, s, top);
	return write_new(c, in_folder(c, s, "devenv.yml"), &text, force);
}

/* Services of Compose are services of devenv: the text stays as it is, with its comments. */
static int from_compose(struct context *c, const struct foreign *s, bool force)
{
	cleanup_buf struct buf text = BUF_INIT, from = BUF_INIT;
	view_clean(&from, path_base(s->path));
	buf_addf(&text,
		"# Taken over from %s by `devenv init --from`. Every field of Compose keeps its "
		"meaning.\n",
		buf_str(&from));
	if (!node_get(s->tree, "name"))
		buf_addf(&text, "name: %s\n", folder_name(c, s));
	buf_add(&text, buf_str(&s->text), s->text.len);
	return write_new(c, in_folder(c, s, "devenv.yml"), &text, force);
}

/* What devenv makes of the new file, right away. */
static int check_result(struct context *c, const struct foreign *s)
{
	c->g.dir = s->folder;
	c->diags = (struct diags)DIAGS_INIT(&c->arena);
	int status = load_project(c);
	if (status)
		note(c, "It needs a hand before `devenv up`: see above.");
	else
		note(c, "Next: devenv config, then devenv up");
	return status;
}

int import_file(struct context *c, const char *path, const char *folder, bool force)
{
	struct foreign s = { .path = path, .folder = folder };
	int status = read_source(c, &s);
	bool layout = s.kind == IMPORT_TMUXINATOR || s.kind == IMPORT_TMUXP;
	if (!status)
		status = layout                      ? from_layout(c, &s, force)
			 : s.kind == IMPORT_PROCFILE ? from_procfile(c, &s, force)
						     : from_compose(c, &s, force);
	if (!status && !layout && !c->g.dry_run)
		status = check_result(c, &s);
	buf_release(&s.text);
	return status;
}
