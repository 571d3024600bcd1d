/*
 * What a project wants outside of its containers. Comes in: the project. Goes out: a list in plain
 * words, each with its place, in a fixed order. Executes nothing and reads no content.
 */
#include "base/os.h"
#include "run/dangers.h"
#include "run/io/post.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "model/layout.h"

void danger_add(
	struct arena *a, struct dangers *out, bool loud, struct place at, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *what = arena_vprintf(a, fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < out->count; i++)
		if (streq(out->items[i].what, what))
			return;
	*list_push(a, out) = (struct danger){ .what = what, .place = at, .loud = loud };
}

/* Below the project's folder, which is real, and no part of the way there is a link. */
static bool plainly_inside(struct arena *a, const struct project *p, const char *whole)
{
	struct stat st;
	if (!path_inside(p->dir, whole))
		return false;
	char *path = arena_strdup(a, whole);
	for (char *end = path + strlen(p->dir); *end; *end = '/') {
		end += 1 + strcspn(end + 1, "/");
		char c = *end;
		*end = '\0';
		if (lstat(path, &st))
			return errno == ENOENT;
		if (S_ISLNK(st.st_mode))
			return false;
		if (!c)
			return true;
	}
	return true;
}

static bool leads_outside(struct arena *a, const struct project *p, const char *whole)
{
	const char *real = path_real(a, whole);
	/* Not there yet: its parent may be a link that leads out. */
	for (const char *up = whole; !real && strlen(up) > 1;) {
		up = path_dir(a, up);
		const char *base = path_real(a, up);
		if (base)
			real = path_join(a, base, whole + strlen(up) + (strlen(up) > 1));
	}
	return !real || !path_inside(p->dir, real);
}

bool danger_outside(struct arena *a, const struct project *p, const char *path)
{
	const char *whole = path_normal(a, path_join(a, p->dir, path));
	return !plainly_inside(a, p, whole) && leads_outside(a, p, whole);
}

/* ---- commands of this host ---- */

static void look_hooks(struct arena *a, const struct project *p, struct dangers *out)
{
	for (size_t i = 0; i < p->hooks.count; i++) {
		const struct hook *h = &p->hooks.items[i];
		if (h->host)
			danger_add(
				a, out, false, h->place, "host hook %s: %s", h->event, h->command);
	}
	for (size_t i = 0; i < p->commands.count; i++) {
		const struct command *c = &p->commands.items[i];
		if (!c->service)
			danger_add(a, out, false, c->place, "host command %s: %s", c->name, c->run);
	}
}

/* Only who runs it is asked: `up` has nothing to do with it. */
static void look_ci(struct arena *a, const struct project *p, struct dangers *out)
{
	const struct ci_report *r = &p->ci.report;
	const char *host = r->url ? url_host(a, r->url) : r->github ? "GitHub" : "GitLab";
	if (!p->run)
		return;
	if (p->ci.e2e && !p->ci.e2e_service)
		danger_add(a, out, false, p->ci.e2e_place, "host command e2e of ci: %s", p->ci.e2e);
	if (r->webhook)
		danger_add(a, out, false, r->place, "results of ci are sent to %s",
			url_host(a, r->webhook));
	if (r->github || r->gitlab)
		danger_add(a, out, false, r->place, "results of ci are sent to %s, with a token",
			host);
}

/* What tmux shows and cannot run: names of options whose value is no format and no command. */
static bool harmless_option(const struct var *v)
{
	static const char *const names[] = { "aggressive-resize", "automatic-rename", "base-index",
		"bell-action", "display-time", "escape-time", "focus-events", "history-limit",
		"main-pane-height", "main-pane-width", "mode-keys", "monitor-activity",
		"monitor-bell", "monitor-silence", "mouse", "other-pane-height", "other-pane-width",
		"pane-base-index", "pane-border-lines", "prefix", "prefix2", "remain-on-exit",
		"renumber-windows", "repeat-time", "set-titles", "status", "status-interval",
		"status-keys", "status-position", "synchronize-panes", "visual-activity",
		"visual-bell", "window-size", "wrap-search" };
	if (!v->value || strchr(v->value, '#'))
		return false;
	for (size_t i = 0; i < countof(names); i++)
		if (streq(names[i], v->name))
			return true;
	return false;
}

static void look_options(
	struct arena *a, const struct layout *l, const vars *options, struct dangers *out)
{
	for (size_t i = 0; i < options->count; i++) {
		const struct var *v = &options->items[i];
		if (!harmless_option(v))
			danger_add(a, out, false, v->place, "tmux option %s of layout %s: %s",
				v->name, l->name, v->value ? v->value : "");
	}
}

static void look_pane(
	struct arena *a, const struct window *w, const struct pane *p, struct dangers *out)
{
	bool own = p->kind == PANE_COMMAND || p->kind == PANE_OWN_SHELL;
	for (size_t i = 0; own && i < w->before.count; i++)
		danger_add(a, out, false, p->place, "pane on this host: %s", w->before.items[i]);
	for (size_t i = 0; i < p->lines.count; i++)
		danger_add(a, out, false, p->place, "pane on this host: %s", p->lines.items[i]);
	if (p->kind == PANE_COMMAND && p->words.count)
		danger_add(a, out, false, p->place, "pane on this host: %s",
			strs_join(a, &p->words, " "));
	for (size_t i = 0; i < p->environment.count; i++) {
		const struct var *v = &p->environment.items[i];
		danger_add(a, out, false, v->place, "variable of a pane on this host: %s=%s",
			v->name, v->value ? v->value : "");
	}
}

static void look_layouts(struct arena *a, const struct project *p, struct dangers *out)
{
	for (size_t i = 0; i < p->layouts.count; i++) {
		const struct layout *l = &p->layouts.items[i];
		look_options(a, l, &l->global_options, out);
		look_options(a, l, &l->options, out);
		for (size_t k = 0; k < l->windows.count; k++) {
			const struct window *w = &l->windows.items[k];
			look_options(a, l, &w->options, out);
			look_options(a, l, &w->options_after, out);
			for (size_t j = 0; j < w->panes.count; j++)
				look_pane(a, w, &w->panes.items[j], out);
		}
	}
}

static void look_secrets(struct arena *a, const struct project *p, struct dangers *out)
{
	for (size_t i = 0; i < p->secrets.count; i++) {
		const struct secret *s = &p->secrets.items[i];
		if (s->recipe == RECIPE_COMMAND)
			danger_add(a, out, false, s->place, "command of secret %s: %s", s->name,
				s->source);
		else if (s->recipe == RECIPE_FILE && s->source && danger_outside(a, p, s->source))
			danger_add(a, out, false, s->place, "secret %s from the file %s", s->name,
				s->source);
	}
}

/* ---- files of this host ---- */

bool danger_holds_engine(const char *path)
{
	static const char *const sockets[] = { "/run/docker.sock", "/var/run/docker.sock",
		"/run/podman/podman.sock", "/run/containerd/containerd.sock" };
	for (size_t i = 0; i < countof(sockets); i++)
		if (path_inside(path, sockets[i]))
			return true;
	return ends_with(path, "docker.sock") || ends_with(path, "podman.sock");
}

static void look_source(struct arena *a, const struct project *p, const char *source,
	struct place at, const char *where, struct dangers *out)
{
	const char *whole = path_normal(a, path_join(a, p->dir, source));
	bool plain = plainly_inside(a, p, whole);
	const char *real = plain ? whole : path_real(a, whole);
	if (danger_holds_engine(whole) || (real && danger_holds_engine(real)))
		danger_add(a, out, true, at, "mount of %s, which holds the engine's socket, in %s",
			source, where);
	else if (!plain && leads_outside(a, p, whole))
		danger_add(a, out, false, at, "mount of %s in %s", source, where);
}

/* A volume of the local driver may be a bind mount in disguise, one with a name of its own
 * another's. */
static void look_volume(
	struct arena *a, const struct project *p, const struct volume *v, struct dangers *out)
{
	const char *device = node_text(node_path(v->node, "driver_opts.device"));
	const char *name = node_text(node_get(v->node, "name"));
	if (device)
		look_source(a, p, device, v->place, arena_printf(a, "volume %s", v->name), out);
	if (v->external || name)
		danger_add(a, out, false, v->place, "volume %s, which is not this workspace's own",
			name ? name : v->name);
}

static void look_path(struct arena *a, const struct project *p, const char *path, struct place at,
	const char *what, const char *of, struct dangers *out)
{
	if (path && !strstr(path, "://") && danger_outside(a, p, path))
		danger_add(a, out, false, at, "%s %s of %s is outside of the checkout", what, path,
			of);
}

static const char *dockerfile_path(struct arena *a, const char *context, const char *dockerfile)
{
	return dockerfile && context ? path_join(a, context, dockerfile) : dockerfile;
}

static void look_build(
	struct arena *a, const struct project *p, const struct service *s, struct dangers *out)
{
	const struct node *b = s->build;
	const struct node_pair *pair;
	const char *context = b && node_text(b) ? node_text(b) : node_text(node_get(b, "context"));
	const char *file = node_text(node_get(b, "dockerfile"));
	if (!b)
		return;
	look_path(a, p, context ? context : ".", b->place, "build context", s->name, out);
	if (!context || !strstr(context, "://"))
		look_path(a, p, dockerfile_path(a, context, file ? file : "Dockerfile"), b->place,
			"Dockerfile", s->name, out);
	node_each_pair(node_get(b, "additional_contexts"), i, pair)
	{
		const char *path = node_text(pair->value);
		if (path && !starts_with(path, "service:") && !starts_with(path, "docker-image:"))
			look_path(a, p, path, pair->value->place, "build context", s->name, out);
	}
}

static void look_env_files(
	struct arena *a, const struct project *p, const struct service *s, struct dangers *out)
{
	const struct node *item, *list = node_get(s->node, "env_file");
	look_path(a, p, node_text(list), list ? list->place : s->place, "env_file", s->name, out);
	node_each_item(list, i, item)
	{
		const char *path =
			node_text(item) ? node_text(item) : node_text(node_get(item, "path"));
		look_path(a, p, path, item->place, "env_file", s->name, out);
	}
}

static void look_images(struct arena *a, const struct project *p, struct dangers *out)
{
	for (size_t i = 0; i < p->images.count; i++) {
		const struct image *m = &p->images.items[i];
		look_path(a, p, m->context, m->place, "build context", m->name, out);
		look_path(a, p, m->dockerfile, m->place, "Dockerfile", m->name, out);
		for (size_t k = 0; k < m->files.count; k++)
			if (!m->files.items[k].template)
				look_path(a, p, m->files.items[k].source, m->files.items[k].place,
					"file", m->name, out);
	}
}

static bool loopback(const char *ip)
{
	struct in_addr four;
	if (!ip || streq(ip, "::1") || streq(ip, "[::1]") || streq(ip, "localhost"))
		return true;
	return inet_pton(AF_INET, ip, &four) == 1 && ntohl(four.s_addr) >> 24 == 127;
}

static void look_service(
	struct arena *a, const struct project *p, const struct service *s, struct dangers *out)
{
	danger_host(a, p, s, out);
	danger_options(a, s, out);
	for (size_t i = 0; i < s->mounts.count; i++)
		if (s->mounts.items[i].kind == MOUNT_BIND && s->mounts.items[i].source)
			look_source(a, p, s->mounts.items[i].source, s->mounts.items[i].place,
				s->name, out);
	for (size_t i = 0; i < s->ports.count; i++) {
		const struct port *port = &s->ports.items[i];
		if (port->lan || (port->how != PUB_NONE && !loopback(port->host_ip)))
			danger_add(a, out, false, port->place,
				"port %d of %s, open to the whole network", port->target, s->name);
	}
	look_build(a, p, s, out);
	look_env_files(a, p, s, out);
	if (service_code(s))
		look_path(a, p, service_code(s)->source, service_code(s)->place, "source", s->name,
			out);
}

/* configs: may bring any file of this host into a container. */
static void look_configs(struct arena *a, const struct project *p, struct dangers *out)
{
	const struct node_pair *pair;
	node_each_pair(node_get(p->tree, "configs"), i, pair)
	{
		look_path(a, p, node_text(node_get(pair->value, "file")), pair->value->place,
			"file", arena_printf(a, "config %s", pair->key), out);
	}
}

void trust_list(struct arena *a, const struct project *p, struct dangers *out)
{
	look_hooks(a, p, out);
	look_ci(a, p, out);
	look_layouts(a, p, out);
	look_secrets(a, p, out);
	for (size_t i = 0; i < p->services.count; i++)
		look_service(a, p, &p->services.items[i], out);
	for (size_t i = 0; i < p->volumes.count; i++)
		look_volume(a, p, &p->volumes.items[i], out);
	look_images(a, p, out);
	look_configs(a, p, out);
}
