/*
 * tmux as a child. Comes in: a socket and words. Goes out: what it said, or its panes. Knows no
 * layout and no service; what the words mean is the caller's affair.
 */
#include "base/os.h"
#include "run/io/spawn.h"
#include "run/tmux.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_MS = 20000 };

/* ---- the socket ---- */

static bool fits(const char *path)
{
	return strlen(path) < sizeof(((struct sockaddr_un *)NULL)->sun_path);
}

/* /tmp is everybody's: a directory there is used only when it is ours and nobody else's. */
static int private_dir(const char *path, struct err *e)
{
	struct stat st;
	if (mkdir(path, 0700) && errno != EEXIST)
		return err_errno(e, "%s", path);
	if (lstat(path, &st))
		return err_errno(e, "%s", path);
	if (S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 077))
		return 0;
	err_set(e, ERR_FAILED, "%s is not a directory of yours alone", path);
	err_hint(e, "remove it, or set XDG_RUNTIME_DIR to a directory with a short name");
	return -1;
}

char *tmux_socket(struct arena *a, const struct places *pl, struct err *e)
{
	const char *runtime = xdg_dir(a, XDG_RUNTIME), *workspace = path_base(pl->state);
	char *path = path_join(a, pl->state, "tmux.sock");
	if (fits(path))
		return dir_make(pl->state, 0700, e) ? NULL : path;
	if (runtime) {
		path = arena_printf(a, "%s/%s.tmux", runtime, workspace);
		if (fits(path))
			return dir_make(runtime, 0700, e) ? NULL : path;
	}
	const char *dir = arena_printf(a, "/tmp/devenv-%ld", (long)geteuid());
	return private_dir(dir, e) ? NULL : arena_printf(a, "%s/%s.tmux", dir, workspace);
}

/* $TMUX is "SOCKET,PID,SESSION". */
bool tmux_inside(struct arena *a, const char *socket)
{
	const char *said = getenv("TMUX");
	if (!said || !*said)
		return false;
	const char *path = arena_strndup(a, said, strcspn(said, ","));
	const char *one = path_real(a, path), *two = socket ? path_real(a, socket) : NULL;
	return !socket || streq(path, socket) || (one && two && streq(one, two));
}

/* ---- calls ---- */

static const char *const *whole(struct arena *a, const struct tmux *t, const struct strs *words)
{
	struct strs argv = { 0 };
	strs_add(a, &argv, "tmux");
	strs_add(a, &argv, "-S");
	strs_add(a, &argv, t->socket);
	for (size_t i = 0; i < words->count; i++)
		strs_add(a, &argv, words->items[i]);
	strs_add(a, &argv, NULL);
	return argv.items;
}

/* A server of another tmux around us must not be taken for ours. */
static const char *const *outside(struct arena *a)
{
	char **all = clean_environment(a, NULL);
	struct strs kept = { 0 };
	for (size_t i = 0; all[i]; i++)
		if (!starts_with(all[i], "TMUX=") && !starts_with(all[i], "TMUX_PANE="))
			strs_add(a, &kept, all[i]);
	strs_add(a, &kept, NULL);
	return kept.items;
}

static int hint_missing(struct err *e)
{
	if (!e->hint[0])
		err_hint(e, "tmux 3.0 or later is needed: apt-get install tmux");
	return -1;
}

int tmux_ask(
	const struct tmux *t, const struct strs *words, struct buf *out, int *status, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct spawn s = {
		.argv = whole(&a, t, words),
		.env = outside(&a),
		.out = out,
		.timeout_ms = ANSWER_MS,
	};
	int rc = spawn_run(t->loop, &s, status, e);
	if (out->len && out->data[out->len - 1] == '\n')
		buf_truncate(out, out->len - 1);
	arena_release(&a);
	return rc ? hint_missing(e) : 0;
}

int tmux_client(
	const struct tmux *t, const struct strs *words, bool inside, int *status, struct err *e)
{
	struct arena a = ARENA_INIT;
	struct spawn s = {
		.argv = whole(&a, t, words),
		.env = inside ? NULL : outside(&a),
		.interactive = true,
	};
	int rc = spawn_run(t->loop, &s, status, e);
	arena_release(&a);
	return rc ? hint_missing(e) : 0;
}

/* ---- panes ---- */

/* What is asked of each pane, and in which order it comes back. */
enum { F_PANE, F_DEAD, F_STATUS, F_TIME, F_SERVICE, F_RUN, F_STATE, F_WINDOW, F_ALARM, FIELDS };
static const char *const field_names[FIELDS] = {
	[F_PANE] = "pane_id",
	[F_DEAD] = "pane_dead",
	[F_STATUS] = "pane_dead_status",
	[F_TIME] = "pane_dead_time",
	[F_SERVICE] = "@devenv_service",
	[F_RUN] = "@devenv_run",
	[F_STATE] = "@devenv_state",
	[F_WINDOW] = "window_id",
	[F_ALARM] = "@devenv_alarm",
};

static const char *pane_format(struct arena *a)
{
	cleanup_buf struct buf b = BUF_INIT;
	for (size_t i = 0; i < FIELDS; i++)
		buf_addf(&b, "%s#{%s}", i ? "|" : "", field_names[i]);
	return arena_strdup(a, buf_str(&b));
}

static void read_pane(struct arena *a, const char *line, size_t len, struct tmux_panes *out)
{
	const char *field[FIELDS];
	char *at = arena_strndup(a, line, len);
	for (size_t i = 0; i < FIELDS; i++) {
		char *end = at + strcspn(at, "|");
		field[i] = at;
		at = *end ? end + 1 : end;
		*end = '\0';
	}
	if (!*field[F_SERVICE])
		return;
	struct tmux_pane *p = list_push(a, out);
	p->id = field[F_PANE];
	p->dead = streq(field[F_DEAD], "1");
	p->failed = !streq(field[F_STATUS], "0");
	parse_int(field[F_TIME], &p->died);
	p->service = field[F_SERVICE];
	p->run = field[F_RUN];
	p->state = field[F_STATE];
	p->window = field[F_WINDOW];
	p->alarm = *field[F_ALARM] != '\0';
}

int tmux_look(const struct tmux *t, struct arena *a, struct tmux_panes *out, struct err *e)
{
	const char *words[] = { "list-panes", "-a", "-F", pane_format(a) };
	struct strs l = { words, countof(words), countof(words) };
	cleanup_buf struct buf text = BUF_INIT;
	int status = 0;
	if (tmux_ask(t, &l, &text, &status, e))
		return -1;
	if (status)
		return err_set(e, ERR_FAILED, "%s", buf_str(&text));
	for (const char *s = buf_str(&text); *s;) {
		size_t len = strcspn(s, "\n");
		read_pane(a, s, len, out);
		s += len + (s[len] != '\0');
	}
	return 0;
}
