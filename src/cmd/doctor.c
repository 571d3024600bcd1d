/*
 * doctor: looks at everything devenv stands on and says of each whether it is well, and if not,
 * what to do. Executes nothing of the project's.
 */
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/context.h"
#include "run/secrets/certificate.h"
#include "run/files/git.h"
#include "run/ports.h"
#include "run/io/spawn.h"

enum finding { GOOD, WARN, BAD };

struct doctor {
	struct context *context;
	struct node *list;
	int bad;
};

static void find(
	struct doctor *d, enum finding f, const char *what, const char *said, const char *remedy)
{
	static const char *const words[] = { "ok", "warning", "problem" };
	static const char *const sgr[] = { "32", "33", "31" };
	struct context *c = d->context;
	struct place no = { 0 };
	d->bad += f == BAD;
	if (c->g.json) {
		struct node *n = node_map(&c->arena, no);
		map_put(&c->arena, n, "check", no, node_str(&c->arena, what, no));
		map_put(&c->arena, n, "state", no, node_str(&c->arena, words[f], no));
		map_put(&c->arena, n, "said", no, node_str(&c->arena, said, no));
		if (remedy && *remedy)
			map_put(&c->arena, n, "remedy", no, node_str(&c->arena, remedy, no));
		list_add(&c->arena, d->list, n);
		return;
	}
	cleanup_buf struct buf b = BUF_INIT;
	view_colour(&b, c->out, sgr[f]);
	buf_addf(&b, "%-8s", words[f]);
	view_colour(&b, c->out, "0");
	buf_addf(&b, " %-14s ", what);
	view_clean(&b, said);
	if (remedy && *remedy) {
		buf_adds(&b, "\n                        -> ");
		view_clean(&b, remedy);
	}
	buf_addc(&b, '\n');
	emit(&b);
}

static void find_err(struct doctor *d, enum finding f, const char *what, const struct err *e)
{
	find(d, f, what, e->text, e->hint);
}

static void check_engine(struct doctor *d)
{
	struct context *c = d->context;
	struct err e = ERR_INIT;
	struct node *v = NULL;
	c->engine = engine_open(&e);
	if (!c->engine || engine_version(c->engine, &c->arena, &v, &e)) {
		find_err(d, BAD, "engine", &e);
		engine_close(c->engine);
		c->engine = NULL;
		return;
	}
	const char *version = node_text(node_get(v, "Version")),
		   *api = node_text(node_get(v, "ApiVersion"));
	find(d, GOOD, "engine",
		arena_printf(&c->arena, "%s answers: version %s, API %s", engine_host(c->engine),
			version ? version : "?", api ? api : "?"),
		NULL);
}

static bool matches(const char *regex, const char *text)
{
	regex_t r;
	if (regcomp(&r, regex, REG_EXTENDED | REG_NOSUB))
		bug("bad pattern %s", regex);
	bool found = !regexec(&r, text, 0, NULL, 0);
	regfree(&r);
	return found;
}

static void check_program(struct doctor *d, const char *what, const char *const *argv,
	const char *want, enum finding missing, const char *remedy)
{
	struct context *c = d->context;
	struct err e = ERR_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	struct spawn s = { .argv = argv, .out = &out, .timeout_ms = 5000 };
	int status = 0;
	c->loop = c->loop ? c->loop : loop_new();
	if (spawn_run(c->loop, &s, &status, &e) || status) {
		find(d, missing, what, arena_printf(&c->arena, "`%s` does not run", argv[0]),
			remedy);
		return;
	}
	buf_truncate(&out, strcspn(buf_str(&out), "\n"));
	bool good = !want || matches(want, buf_str(&out));
	find(d, good ? GOOD : missing, what, buf_str(&out), good ? NULL : remedy);
}

static void check_programs(struct doctor *d)
{
	static const char *const compose[] = { "docker", "compose", "version", NULL };
	static const char *const git[] = { "git", "--version", NULL };
	static const char *const tmux[] = { "tmux", "-V", NULL };
	check_program(d, "compose", compose, "version v?[2-9]", BAD,
		"install Compose v2 (Debian: docker-compose from trixie, or "
		"docker-compose-plugin)");
	check_program(d, "git", git, NULL, WARN, "install git");
	check_program(d, "tmux", tmux, "tmux (next-)?([3-9]|[1-9][0-9])", WARN,
		"install tmux 3.0 or later for `devenv tmux` (Debian: apt-get install tmux)");
}

static void check_configuration(struct doctor *d)
{
	struct context *c = d->context;
	char *here = path_real(&c->arena, c->g.dir ? c->g.dir : ".");
	if (!here || (!c->g.files.count && !config_find_root(&c->arena, here))) {
		find(d, WARN, "configuration", "there is no devenv.yml here or above",
			"devenv init shop DIR makes an example");
		return;
	}
	if (load_project(c)) {
		find(d, BAD, "configuration", "it has errors (above)",
			"devenv config -q shows them again");
		return;
	}
	find(d, GOOD, "configuration",
		arena_printf(&c->arena, "%s: %zu services, %zu images, from %zu files",
			c->project.name, c->project.services.count, c->project.images.count,
			c->config.files.count),
		NULL);
}

static void check_ignored(struct doctor *d, const char *name)
{
	struct context *c = d->context;
	struct err e = ERR_INIT;
	bool ignored = true;
	if (!file_exists(path_join(&c->arena, c->root, name)) ||
		git_ignored(c->root, name, &ignored, &e) || ignored)
		return;
	find(d, BAD, "ignored files",
		arena_printf(&c->arena, "%s is yours alone, but git would commit it", name),
		arena_printf(&c->arena, "add %s to .gitignore", name));
}

static void check_workspace(struct doctor *d)
{
	struct context *c = d->context;
	struct err e = ERR_INIT;
	if (!c->have_project)
		return;
	check_ignored(d, "devenv.local.yml");
	check_ignored(d, arena_printf(&c->arena, "devenv.%s.local.yml", c->environment));
	if (open_places(c))
		return;
	struct vault *v = vault_open(&c->places, false, &e);
	if (!v && file_exists(path_join(&c->arena, c->places.state, "keyring.json")))
		find_err(d, BAD, "keyring", &e);
	else
		find(d, GOOD, "keyring", v ? "readable by you alone" : "not made yet", NULL);
	vault_close(v);
	struct certificate_info *certs = NULL;
	size_t count = 0;
	if (certificate_list(&c->places, &c->arena, &certs, &count, &e))
		find_err(d, BAD, "certificates", &e);
	for (size_t i = 0; i < count; i++) {
		bool over = certs[i].not_after * 1000 < clock_ms();
		find(d, over ? WARN : GOOD, "certificates",
			arena_printf(&c->arena, "%s%s%s%s", certs[i].what,
				*certs[i].names ? " for " : "", certs[i].names,
				over ? " has expired" : " is valid"),
			over ? "devenv up makes a new one" : NULL);
	}
}

/* Remembered ports that somebody else holds while our own container does not run. */
static void check_ports(struct doctor *d)
{
	struct context *c = d->context;
	struct err e = ERR_INIT;
	if (!c->have_places || !c->engine ||
		engine_look(c->engine, &c->arena, c->project.workspace, &c->world, &e))
		return;
	size_t taken = 0;
	for (size_t i = 0; i < c->world.allocations.count; i++) {
		const struct allocation *al = &c->world.allocations.items[i];
		const struct container *k = world_container(&c->world, al->service);
		if (k && k->state == UNIT_RUNNING)
			continue;
		const char *holder = port_holder(&c->arena, c->engine, al->published, al->protocol);
		if (!holder)
			continue;
		taken++;
		find(d, WARN, "ports",
			arena_printf(&c->arena, "port %d of %s is held by %s", al->published,
				al->service, holder),
			"devenv up moves to another one");
	}
	if (!taken)
		find(d, GOOD, "ports",
			arena_printf(&c->arena, "%zu remembered, none held by others",
				c->world.allocations.count),
			NULL);
}

static int run_doctor(struct context *c, const void *opts, const struct strs *args)
{
	struct doctor d = { c, node_list(&c->arena, (struct place){ 0 }), 0 };
	(void)opts;
	(void)args;
	check_engine(&d);
	check_programs(&d);
	check_configuration(&d);
	check_workspace(&d);
	check_ports(&d);
	if (c->g.json)
		emit_node(d.list);
	return d.bad ? ERR_FAILED : 0;
}

const struct cmd cmd_doctor = {
	.name = "doctor",
	.group = "care",
	.help = "look at everything devenv stands on, with a remedy for each finding",
	.detail = "Engine, Compose, git, the configuration, files that should be ignored by git, "
		  "keyring,\n"
		  "certificates, ports. Runs nothing of the project's.",
	.run = run_doctor,
};
