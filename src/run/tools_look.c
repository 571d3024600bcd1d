/*
 * What is there for the tools container: the container that it joins, and the scripts that it gets.
 * Comes in: an id, a directory. Goes out: values. Changes nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/embed.h"
#include "base/os.h"
#include "run/dangers.h"
#include "run/engine/call.h"
#include "run/tools.h"

enum { SCRIPT_MAX = 1 << 20 };

const char tools_path[] = TOOLS_DIR "/project:" TOOLS_DIR "/scripts:" TOOLS_DIR "/shim";

/* ---- the container ---- */

static bool is_true(const struct node *n)
{
	return n && n->kind == NODE_BOOL && n->boolean;
}

static bool leads_to_engine(struct engine *g, const char *source)
{
	static const char local[] = "unix://";
	const char *host = engine_host(g);
	const char *socket = starts_with(host, local) ? host + strlen(local) : NULL;
	return danger_holds_engine(source) || (socket && path_inside(source, socket));
}

static void read_mount(struct engine *g, struct arena *a, const struct node *n, struct joined *out)
{
	const char *type = node_text(node_get(n, "Type")), *name = node_text(node_get(n, "Name")),
		   *source = node_text(node_get(n, "Source")),
		   *target = node_text(node_get(n, "Destination"));
	bool volume = streq(type, "volume") && name;
	if (!target || (!volume && (!streq(type, "bind") || !source)))
		return; /* in memory, or of a kind that only its container has */
	if (source && leads_to_engine(g, source)) {
		strs_add(a, &out->withheld, target);
		return;
	}
	*list_push(a, &out->mounts) = (struct tools_mount){
		.type = volume ? "volume" : "bind",
		.source = volume ? name : source,
		.target = target,
		.read_only = !is_true(node_get(n, "RW")),
	};
}

/* [["812", "1000", "1000"], ...]: its first process comes first. NULL: the engine cannot tell. */
static const char *running_user(struct engine *g, struct arena *a, const char *id)
{
	struct node *n = NULL;
	struct err ignored = ERR_INIT;
	if (engine_get(g, a, &n, &ignored, "/containers/%s/top?ps_args=-o%%20pid,uid,gid", id))
		return NULL;
	const char *uid = node_text(node_path(n, "Processes[0][1]")),
		   *gid = node_text(node_path(n, "Processes[0][2]"));
	int64_t number;
	bool known = uid && gid && parse_int(uid, &number) && parse_int(gid, &number);
	return known ? arena_printf(a, "%s:%s", uid, gid) : NULL;
}

int joined_look(
	struct engine *g, struct arena *a, const char *id, struct joined *out, struct err *e)
{
	struct node *n = NULL, *mount;
	*out = (struct joined){ .id = id };
	if (engine_get(g, a, &n, e, "/containers/%s/json", id))
		return -1;
	node_texts(a, node_path(n, "HostConfig.CapAdd"), &out->cap_add);
	node_texts(a, node_path(n, "HostConfig.CapDrop"), &out->cap_drop);
	node_each_item(node_get(n, "Mounts"), i, mount) read_mount(g, a, mount, out);
	const char *made = node_text(node_path(n, "Config.User")), *now = running_user(g, a, id);
	out->user = now ? now : made ? made : "";
	return 0;
}

/* ---- scripts ---- */

/* The first line that is a comment, and no more than a comment; "" when there is none. */
static const char *first_comment(struct arena *a, const char *text, size_t len)
{
	const char *end = text + len;
	while (text < end) {
		const char *line = text, *stop = memchr(text, '\n', (size_t)(end - text));
		stop = stop ? stop : end;
		text = stop + (stop < end);
		if (*line != '#' || starts_with(line, "#!"))
			continue;
		while (line < stop && (*line == '#' || *line == ' '))
			line++;
		if (line < stop)
			return arena_strndup(a, line, (size_t)(stop - line));
	}
	return "";
}

static void add_script(struct arena *a, struct tool_scripts *l, struct tool_script s)
{
	for (size_t i = 0; i < l->count; i++) {
		if (streq(l->items[i].name, s.name)) {
			l->items[i] = s;
			return;
		}
	}
	*list_push(a, l) = s;
}

static void add_file(
	struct arena *a, struct tools_files *out, const char *path, const struct embedded *f)
{
	*list_push(a, &out->files.files) = (struct context_file){
		.path = arena_printf(a, "%s/%s", TOOLS_DIR + 1, path),
		.data = f->data,
		.len = f->size,
		.mode = f->executable ? 0755 : 0644,
	};
}

/* templates/debug/scripts/NAME as they stand, and one shim under the name of each such tool. */
static void add_own(struct arena *a, struct tools_files *out)
{
	static const char top[] = "debug/", scripts[] = "debug/scripts/";
	static const char *const guarded[] = { "gdb", "ltrace", "strace", "tcpdump" };
	const struct embedded *shim = embed_find("debug/shim");
	for (size_t i = 0; i < embedded_count; i++) {
		const struct embedded *f = &embedded_files[i];
		if (!starts_with(f->path, scripts))
			continue;
		add_file(a, out, f->path + strlen(top), f);
		add_script(a, &out->scripts,
			(struct tool_script){ .name = f->path + strlen(scripts),
				.help = first_comment(a, (const char *)f->data, f->size) });
	}
	for (size_t i = 0; i < countof(guarded); i++)
		add_file(a, out, arena_printf(a, "shim/%s", guarded[i]), shim);
	add_file(a, out, "shim/redis-cli", embed_find("debug/redis-cli"));
}

static void add_project_script(
	struct arena *a, const char *dir, const char *name, struct tools_files *out)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct err unreadable = ERR_INIT;
	struct stat st;
	const char *path = path_join(a, dir, name);
	if (lstat(path, &st) || !S_ISREG(st.st_mode) || !(st.st_mode & 0111))
		return;
	file_read(path, SCRIPT_MAX, &text, &unreadable); /* a program has no comments */
	add_script(a, &out->scripts,
		(struct tool_script){ .name = arena_strdup(a, name),
			.help = first_comment(a, buf_str(&text), text.len),
			.project = true });
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct tool_script *)a)->name, ((const struct tool_script *)b)->name);
}

int tools_files(struct arena *a, const char *dir, struct tools_files *out, struct err *e)
{
	struct dirent *entry;
	*out = (struct tools_files){ .files = { .tag = "of the debug scripts" } };
	add_own(a, out);
	DIR *d = dir ? opendir(dir) : NULL;
	if (dir && !d)
		return err_errno(e, "%s", dir);
	while (d && (entry = readdir(d)))
		if (entry->d_name[0] != '.')
			add_project_script(a, dir, entry->d_name, out);
	if (d) {
		closedir(d);
		*list_push(a, &out->files.files) =
			(struct context_file){ .path = &TOOLS_DIR "/project"[1],
				.source = path_real(a, dir) };
	}
	if (out->scripts.count)
		qsort(out->scripts.items, out->scripts.count, sizeof(*out->scripts.items), by_name);
	return 0;
}
