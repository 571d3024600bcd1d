/*
 * Which tool a file belongs to, and a Procfile as a devenv.yml of host services. Comes in: names,
 * text. Goes out: a tree.
 */
#include "planner/import.h"

#include <ctype.h>
#include <string.h>

#include "base/os.h"
#include "base/text.h"

static const struct place nowhere;

/* ---- whose file it is ---- */

/* tmuxp's windows say what they are called; tmuxinator's are called by their key. */
static enum import_kind session_kind(const struct node *n)
{
	const struct node *list = node_get(n, "windows");
	const struct node *first =
		node_count(list) && list->kind == NODE_LIST ? list->list.items[0] : NULL;
	if (node_get(n, "session_name") || node_get(first, "window_name"))
		return IMPORT_TMUXP;
	return IMPORT_TMUXINATOR;
}

enum import_kind import_kind(const char *file, const struct node *n)
{
	const char *base = path_base(file);
	if (starts_with(base, "Procfile") || ends_with(base, ".procfile"))
		return IMPORT_PROCFILE;
	if (node_get(n, "windows") || node_get(n, "tabs"))
		return session_kind(n);
	if (node_get(n, "services"))
		return IMPORT_COMPOSE;
	return IMPORT_UNKNOWN;
}

/* ---- Procfile ---- */

struct procfile {
	struct arena *a;
	struct diags *d;
	struct node *services;
	int port; /* of the next process, as foreman counts */
};

enum { FIRST_PORT = 5000, PORT_STEP = 100 };

static void put(struct procfile *f, struct node *map, const char *key, struct node *value)
{
	map_put(f->a, map, key, nowhere, value);
}

/* A shell is needed for more than words; "exec" so that signals reach the program itself. */
static struct node *command_node(struct procfile *f, const char *line)
{
	struct node *list = node_list(f->a, nowhere);
	bool plain = !line[strcspn(line, "$`|&;<>()*?~#\n")] && !strchr(line, '=');
	if (plain)
		return node_str(f->a, line, nowhere);
	bool one = !line[strcspn(line, "|&;<>()\n")] && !strchr(line, '=');
	list_add(f->a, list, node_str(f->a, "sh", nowhere));
	list_add(f->a, list, node_str(f->a, "-c", nowhere));
	list_add(f->a, list,
		node_strf(f->a, nowhere, "%s%s", one ? "exec " : "", import_line(f->a, line)));
	return list;
}

/* foreman gives every process a PORT; those that ask for it keep theirs. */
static void give_port(struct procfile *f, struct node *service)
{
	struct node *environment = node_map(f->a, nowhere), *ports = node_map(f->a, nowhere);
	struct node *port = node_map(f->a, nowhere);
	put(f, environment, "PORT", node_int(f->a, f->port, nowhere));
	put(f, port, "target", node_int(f->a, f->port, nowhere));
	put(f, ports, "http", port);
	put(f, service, "environment", environment);
	put(f, service, "ports", ports);
}

static void process(struct procfile *f, const char *name, const char *line, struct place at)
{
	struct node *service = node_map(f->a, nowhere);
	if (node_get(f->services, name)) {
		diag_add(f->d, SEV_WARNING, at, "%s is there twice: the first one counts", name);
		return;
	}
	if (streq(name, "release"))
		put(f, service, "kind", node_str(f->a, "job", nowhere));
	put(f, service, "run", node_str(f->a, "host", nowhere));
	put(f, service, "command", command_node(f, line));
	if (strstr(line, "$PORT") || strstr(line, "${PORT"))
		give_port(f, service);
	put(f, f->services, name, service);
	f->port += PORT_STEP;
}

static void line_read(struct procfile *f, const char *text, size_t len, struct place at)
{
	const char *line = arena_strndup(f->a, text, len);
	size_t name = strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_-");
	const char *command = line + name + (line[name] == ':');
	command += strspn(command, " \t");
	if (!line[strspn(line, " \t")] || line[0] == '#')
		return;
	if (!name || line[name] != ':' || !*command) {
		diag_add(f->d, SEV_WARNING, at, "this line is not `name: command`");
		return;
	}
	char *key = arena_strndup(f->a, line, name);
	for (char *s = key; *s; s++)
		*s = (char)tolower((unsigned char)*s);
	process(f, key, command, at);
}

struct node *import_procfile(
	struct arena *a, const char *text, const char *file, const char *name, struct diags *d)
{
	struct node *top = node_map(a, nowhere);
	struct procfile f = { a, d, node_map(a, nowhere), FIRST_PORT };
	struct place at = { .file = file, .line = 1, .col = 1 };
	for (; *text; at.line++) {
		size_t len = strcspn(text, "\r\n");
		line_read(&f, text, len, at);
		text += len + strspn(text + len, "\r");
		text += *text == '\n';
	}
	if (!node_count(f.services)) {
		diag_add(d, SEV_ERROR, (struct place){ .file = file }, "there are no processes");
		return NULL;
	}
	put(&f, top, "name", node_str(a, name, nowhere));
	put(&f, top, "services", f.services);
	return top;
}
