/*
 * How the copies of a host service are run: a spec for each, and its digest in the parts that a
 * later run compares. Comes in: project and world. Goes out: specs that hold secrets by name only.
 */
#include "parts.h"

#include <string.h>

#include "base/hash.h"
#include "base/os.h"

const char host_gateway[] = "host.docker.internal";

/* "$${secret.x}" kept both signs on its way here: it is the text "${secret.x}". */
static const char *plain_dollars(struct make *m, const char *text)
{
	cleanup_buf struct buf out = BUF_INIT;
	if (!strchr(text, '$'))
		return text;
	for (const char *s = text; *s; s++) {
		s += escaped_reference(s);
		buf_addc(&out, *s);
	}
	return arena_strdup(m->a, buf_str(&out));
}

const char *host_text(
	struct make *m, const struct unit *u, int number, const char *text, struct place at)
{
	if (holds_secret(text)) {
		complain(m, at, "a secret would be visible here to everyone on this machine")
			->hint =
			"give it to the service by `environment:`, or by `secrets:` as a file";
		return "";
	}
	return plain_dollars(m, expand_for_copy(m, u->service, number, text, at));
}

/* ---- the command ---- */

/*
 * One command of words, without a shell's grammar: the shell may give its place to it, so that
 * signals and the exit status are the command's own.
 */
static bool is_simple(const char *line)
{
	static const char *const not_first[] = { "alias", "bg", "break", "case", "cd", "command",
		"continue", "dirs", "eval", "exec", "exit", "export", "fg", "for", "function",
		"getopts", "hash", "if", "jobs", "let", "local", "popd", "pushd", "read",
		"readonly", "return", "select", "set", "shift", "shopt", "source", "time", "times",
		"trap", "type", "ulimit", "umask", "unalias", "unset", "until", "wait", "while" };
	size_t len = strcspn(line, " \t");
	if (strpbrk(line, ";&|<>()`\n\r") || !len)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool letter = (line[i] >= 'a' && line[i] <= 'z') ||
			      (line[i] >= 'A' && line[i] <= 'Z') ||
			      (line[i] >= '0' && line[i] <= '9');
		if (!letter && !strchr("_./+-", line[i]))
			return false;
	}
	for (size_t i = 0; i < countof(not_first); i++) {
		if (strlen(not_first[i]) == len && !strncmp(line, not_first[i], len))
			return false;
	}
	return strcmp(line, ".") != 0 && strncmp(line, ". ", 2) != 0;
}

static const char *trimmed(struct make *m, const char *line)
{
	line += strspn(line, " \t\n");
	size_t len = strlen(line);
	while (len && strchr(" \t\n", line[len - 1]))
		len--;
	return arena_strndup(m->a, line, len);
}

static void shell_line(struct make *m, struct strs *argv, const char *line)
{
	line = trimmed(m, line);
	strs_add(m->a, argv, "sh");
	strs_add(m->a, argv, "-c");
	strs_add(m->a, argv, is_simple(line) ? arena_printf(m->a, "exec %s", line) : line);
}

struct command_text { /* a command as words, or as one line of the shell */
	struct strs words;
	const char *line;
};

static struct command_text command_read(
	struct make *m, const struct unit *u, int number, const struct node *n)
{
	struct command_text c = { .line = NULL };
	const struct node *item;
	if (n && node_is_scalar(n))
		c.line = host_text(m, u, number, node_text(n), n->place);
	node_each_item(n, i, item)
	{
		if (node_is_scalar(item))
			strs_add(m->a, &c.words,
				host_text(m, u, number, node_text(item), item->place));
	}
	return c;
}

static void add_words(struct make *m, struct strs *argv, const struct strs *words)
{
	for (size_t i = 0; i < words->count; i++)
		strs_add(m->a, argv, words->items[i]);
}

/* What stands behind an entry point is its arguments; a line among them is split by the shell. */
static void join(struct make *m, struct strs *argv, const struct command_text *entry,
	const struct command_text *command)
{
	if (entry->line && command->line) {
		shell_line(m, argv, arena_printf(m->a, "%s %s", entry->line, command->line));
		return;
	}
	if (!entry->line && !command->line) {
		add_words(m, argv, &entry->words);
		add_words(m, argv, &command->words);
		return;
	}
	const char *line = entry->line ? arena_printf(m->a, "exec %s \"$@\"", entry->line)
				       : arena_printf(m->a, "exec \"$@\" %s", command->line);
	strs_add(m->a, argv, "sh");
	strs_add(m->a, argv, "-c");
	strs_add(m->a, argv, line);
	strs_add(m->a, argv, "sh");
	add_words(m, argv, entry->line ? &command->words : &entry->words);
}

static void put_command(struct make *m, struct unit *u, struct host_spec *spec)
{
	const struct service *s = u->service;
	const struct node *own = s->on_host->command;
	struct command_text command = command_read(m, u, spec->number, own);
	struct command_text entry = { .line = NULL };
	if (own == s->command || !own)
		entry = command_read(m, u, spec->number, s->entrypoint);
	bool has_entry = entry.line || entry.words.count;
	if (has_entry && (command.line || command.words.count))
		join(m, &spec->argv, &entry, &command);
	else if (has_entry && entry.line)
		shell_line(m, &spec->argv, entry.line);
	else if (has_entry)
		add_words(m, &spec->argv, &entry.words);
	else if (command.line)
		shell_line(m, &spec->argv, command.line);
	else
		add_words(m, &spec->argv, &command.words);
	for (size_t i = 0; i < spec->argv.count; i++)
		hasher_str(part_hash(u, PART_COMMAND), spec->argv.items[i]);
	hasher_str(part_hash(u, PART_COMMAND), spec->dir);
}

/* ---- the rest ---- */

static void put_ports(struct make *m, struct unit *u, struct host_spec *spec)
{
	struct hasher *h = part_hash(u, PART_PORTS);
	for (size_t i = 0; i < u->service->ports.count; i++) {
		const struct port *p = &u->service->ports.items[i];
		int published = host_port(m->w, u->service, p, spec->number);
		*list_push(m->a, &spec->ports) =
			(struct host_port){ p->target, published, p->protocol };
		hasher_str(h, p->name);
		hasher_field(h, &p->target, sizeof(p->target));
		hasher_field(h, &published, sizeof(published));
		hasher_str(h, p->protocol);
	}
}

static void put_env_files(struct make *m, struct unit *u, struct host_spec *spec)
{
	const struct node *item;
	node_each_item(node_get(u->service->node, "env_file"), i, item)
	{
		const char *path = node_text(node_get(item, "path"));
		if (!path)
			continue;
		path = path_normal(m->a, path_join(m->a, m->p->dir, path));
		*list_push(m->a, &spec->env_files) = (struct host_env_file){ path,
			!streq(node_text(node_get(item, "required")), "false"), item->place };
		hasher_str(part_hash(u, PART_ENVIRONMENT), path);
		hasher_str(part_hash(u, PART_ENVIRONMENT), world_input(m->w, path));
	}
}

static void hash_secret_files(struct make *m, struct unit *u)
{
	for (size_t i = 0; i < u->service->secrets.count; i++) {
		const struct secret_use *use = &u->service->secrets.items[i];
		hasher_str(part_hash(u, PART_SECRETS), use->target);
		hash_secret_file(m, u, use);
	}
}

/* Lock files of a module, and the sources that a job works on. */
static void hash_sources(struct make *m, struct unit *u)
{
	const struct develop *d = u->service->develop;
	for (size_t i = 0; d && d->deps.install && i < d->deps.lock.count; i++)
		hasher_str(part_hash(u, PART_DEPENDENCIES),
			world_input(m->w, path_join(m->a, m->p->dir, d->deps.lock.items[i])));
	if (d && u->service->kind == KIND_JOB)
		hasher_str(part_hash(u, PART_SOURCES), world_input(m->w, d->source));
}

static void hash_rest(struct make *m, struct unit *u, const struct host_spec *spec)
{
	struct hasher *h = part_hash(u, PART_REST);
	int64_t numbers[] = { spec->stop_grace_ms, spec->restart, spec->restart_max, spec->job,
		spec->notify };
	hasher_str(h, spec->stop_signal);
	hasher_field(h, numbers, sizeof(numbers));
	for (size_t i = 0; i < spec->success_codes.count; i++)
		hasher_str(h, spec->success_codes.items[i]);
	hasher_str(part_hash(u, PART_CERTIFICATES), m->w->authority);
}

static struct host_spec *spec_begin(struct make *m, const struct unit *u, int number)
{
	const struct service *s = u->service;
	struct host_spec *spec = arena_new(m->a, struct host_spec);
	const char *signal = s->stop_signal ? s->stop_signal : "TERM";
	*spec = (struct host_spec){
		.service = s->name,
		.number = number,
		.dir = s->on_host->working_dir,
		.stop_signal = starts_with(signal, "SIG") ? signal + strlen("SIG") : signal,
		.stop_grace_ms = s->stop_grace_ms,
		.restart = s->kind == KIND_JOB ? RESTART_NO : s->restart,
		.restart_max = s->restart_max,
		.success_codes = s->success_codes,
		.job = s->kind == KIND_JOB,
		.notify = s->check.kind == CHECK_NOTIFY,
		.place = s->on_host->place,
	};
	return spec;
}

static void add_copy(struct make *m, struct unit *u, int number)
{
	struct host_spec *spec = spec_begin(m, u, number);
	put_command(m, u, spec);
	put_ports(m, u, spec);
	put_env_files(m, u, spec);
	host_environment(m, u, spec);
	hash_secret_files(m, u);
	hash_sources(m, u);
	hash_rest(m, u, spec);
	hash_end(m, u);
	spec->hash = u->digest;
	spec->inputs = u->inputs;
	struct host_copy *copy = list_push(m->a, &u->copies);
	copy->spec = spec;
	memcpy(copy->parts, u->parts, sizeof(copy->parts));
}

struct host_spec *host_errand(struct make *m, const struct service *s)
{
	struct unit u = { .service = s };
	struct host_spec *spec = spec_begin(m, &u, 1);
	put_ports(m, &u, spec);
	put_env_files(m, &u, spec);
	host_environment(m, &u, spec);
	hash_end(m, &u);
	return spec;
}

/* Digests of the unit as a whole are those of its first copy. */
void host_unit(struct make *m, struct unit *u)
{
	for (int number = 1; number <= u->service->replicas; number++)
		add_copy(m, u, number);
	if (!u->copies.count)
		return;
	const struct host_copy *first = &u->copies.items[0];
	memcpy(u->parts, first->parts, sizeof(u->parts));
	u->digest = first->spec->hash;
	u->inputs = first->spec->inputs;
	u->image = first->spec->argv.count ? first->spec->argv.items[0] : NULL;
}
