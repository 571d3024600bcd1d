/*
 * Who lives in a workspace, by its state directory. Comes in: its id, the containers of the
 * machine. Goes out: counts; the orderly end of all that is no container. Decides nothing.
 */
#include "cmd/workspaces.h"

#include <string.h>
#include <unistd.h>

#include "cmd/agent_client.h"
#include "run/host/supervise.h"
#include "run/tmux.h"

/* Of places only what is outside of the checkout: that may be gone. */
static struct places places_of(struct arena *a, const char *workspace)
{
	return (struct places){ .state = path_join(a, xdg_dir(a, XDG_STATE), workspace) };
}

static size_t running(const struct world *w, const char *workspace)
{
	size_t n = 0;
	for (size_t i = 0; i < w->containers.count; i++)
		n += w->containers.items[i].state == UNIT_RUNNING &&
		     (!workspace || streq(w->containers.items[i].workspace, workspace));
	return n;
}

/* ---- the agent ---- */

static void look_agent(struct context *c, const struct places *pl, struct occupants *out)
{
	struct err e = ERR_INIT;
	struct world seen = { 0 };
	struct control_client *agent = control_connect(control_path(&c->arena, pl), &e);
	struct node *reply =
		agent ? control_ask(agent, &c->arena, agent_request(&c->arena, "look"), &e) : NULL;
	if (reply) {
		control_read_look(&c->arena, reply, &seen);
		out->agent = seen.agent.pid;
		out->processes = running(&seen, NULL);
	}
	out->mute = !reply && e.code;
	control_disconnect(agent);
}

static int end_agent_of(struct context *c, const struct places *pl, const char *workspace)
{
	struct err none = ERR_INIT;
	struct control_client *agent = control_connect(control_path(&c->arena, pl), &none);
	if (!agent && none.code) {
		c->error = none;
		return fail(c);
	}
	if (!agent)
		return reconcile_workspace(c, pl, workspace);
	int rc = end_client(agent, &c->arena, &c->error);
	control_disconnect(agent);
	return rc ? fail(c) : 0;
}

/* ---- tmux ---- */

/* False: no server ever was there, and nothing is started to find that out. */
static bool tmux_of(struct context *c, const struct places *pl, struct tmux *t)
{
	struct err ignored = ERR_INIT;
	t->socket = tmux_socket(&c->arena, pl, &ignored);
	if (!t->socket || access(t->socket, F_OK))
		return false;
	c->loop = c->loop ? c->loop : loop_new();
	t->loop = c->loop;
	return true;
}

static bool ask_tmux(struct context *c, const struct tmux *t, const char *const *words, size_t n,
	struct buf *out)
{
	struct err ignored = ERR_INIT;
	struct strs l = { 0 };
	int status = 0;
	for (size_t i = 0; i < n; i++)
		strs_add(&c->arena, &l, words[i]);
	return !tmux_ask(t, &l, out, &status, &ignored) && status == 0;
}

static void look_tmux(struct context *c, const struct places *pl, struct occupants *out)
{
	static const char *const words[] = { "list-sessions", "-F", "#{session_name}" };
	struct tmux t;
	cleanup_buf struct buf text = BUF_INIT;
	if (!tmux_of(c, pl, &t) || !ask_tmux(c, &t, words, countof(words), &text))
		return;
	for (const char *s = buf_str(&text); *s;) {
		size_t len = strcspn(s, "\n");
		strs_add(&c->arena, &out->sessions, arena_strndup(&c->arena, s, len));
		s += len + (s[len] != '\0');
	}
}

static void end_tmux(struct context *c, const struct places *pl)
{
	static const char *const words[] = { "kill-server" };
	struct tmux t;
	cleanup_buf struct buf text = BUF_INIT;
	if (tmux_of(c, pl, &t))
		ask_tmux(c, &t, words, countof(words), &text);
}

/* ---- both ---- */

void occupants_look(struct context *c, const char *workspace, struct occupants *out)
{
	struct places pl = places_of(&c->arena, workspace);
	*out = (struct occupants){ .containers = running(&c->world, workspace) };
	look_agent(c, &pl, out);
	look_tmux(c, &pl, out);
}

int occupants_end(struct context *c, const char *workspace)
{
	struct places pl = places_of(&c->arena, workspace);
	end_tmux(c, &pl);
	return end_agent_of(c, &pl, workspace);
}
