/* What the tests of the supervisor share: a home, a loop, launches of sh, and waiting for what is
 * to come instead of sleeping. */
#ifndef UNIT_RUN_SUPERVISE_TEST_H
#define UNIT_RUN_SUPERVISE_TEST_H

#include "run_test.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/os.h"
#include "run/logs/log_file.h"
#include "run/io/loop.h"
#include "run/host/supervise.h"

enum { PATIENCE_MS = 20000 };

struct stage_set { /* one supervisor in a home of its own */
	struct home *h;
	struct loop *loop;
	struct supervisor *s;
	struct hosts *hosts;
	unsigned changes;
	struct err e;
};

struct spec_of { /* what a test says of a launch; the rest has defaults */
	const char *service, *script, *dir, *stop_signal, *success;
	const char *const *argv; /* instead of script */
	int number, restart_max;
	int64_t grace_ms;
	enum restart restart;
	bool job, notify;
};

static inline void on_change(void *ctx, const struct container *unit)
{
	struct stage_set *t = ctx;
	(void)unit;
	t->changes++;
}

static inline void begin_supervisor(struct stage_set *t)
{
	t->loop = loop_new();
	t->s = supervisor_new(t->loop, &t->h->places, on_change, t, &t->e);
	assert_non_null(t->s);
	t->hosts = supervisor_hosts(t->s);
}

static inline void end_supervisor(struct stage_set *t)
{
	supervisor_free(t->s);
	loop_free(t->loop);
	t->s = NULL;
	t->loop = NULL;
}

static inline int set_up(void **state)
{
	void *home = NULL;
	unsetenv("DEVENV_GUARD");
	if (home_setup(&home))
		return -1;
	struct stage_set *t = xcalloc(1, sizeof(*t));
	t->h = home;
	/* Processes are found by the name of their workspace: tests beside us have others. */
	t->h->project.workspace =
		arena_printf(&t->h->a, "shop-%s", t->h->dir + strlen(t->h->dir) - 6);
	if (places_find(
		    &t->h->a, t->h->project.dir, t->h->project.workspace, &t->h->places, &t->h->e))
		return -1;
	begin_supervisor(t);
	*state = t;
	return 0;
}

static inline int tear_down(void **state)
{
	struct stage_set *t = *state;
	void *home = t->h;
	if (t->s)
		end_supervisor(t);
	xfree(t);
	return home_teardown(&home);
}

static inline struct host_spec spec_for(struct arena *a, struct home *h, struct spec_of o)
{
	struct host_spec s = {
		.service = o.service ? o.service : "api",
		.number = o.number ? o.number : 1,
		.hash = "h1",
		.inputs = "i1",
		.dir = o.dir ? o.dir : h->project.dir,
		.stop_signal = o.stop_signal ? o.stop_signal : "TERM",
		.stop_grace_ms = o.grace_ms ? o.grace_ms : 10000,
		.restart = o.restart,
		.restart_max = o.restart_max,
		.job = o.job,
		.notify = o.notify,
	};
	const char *const sh[] = { "sh", "-c", o.script, NULL };
	for (const char *const *arg = o.argv ? o.argv : sh; *arg; arg++)
		strs_add(a, &s.argv, *arg);
	if (o.success)
		strs_add(a, &s.success_codes, o.success);
	return s;
}

static inline const char *const *plain_env(void)
{
	static const char *env[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "A=1", NULL };
	return env;
}

static inline int start(struct stage_set *t, struct spec_of o)
{
	struct arena a = ARENA_INIT;
	struct host_spec s = spec_for(&a, t->h, o);
	struct host_launch l = { .spec = &s, .env = plain_env() };
	int rc = t->hosts->ops->start(t->hosts, &l, &t->e);
	arena_release(&a);
	return rc;
}

/* The copy as it is now; state UNIT_ABSENT when there is none. Strings live in the home's arena. */
static inline struct container look(struct stage_set *t, const char *id)
{
	struct world w = { 0 };
	struct container none = { .state = UNIT_ABSENT };
	assert_int_equal(t->hosts->ops->look(t->hosts, &t->h->a, &w, &t->e), 0);
	for (size_t i = 0; i < w.containers.count; i++)
		if (streq(w.containers.items[i].id, id))
			return w.containers.items[i];
	return none;
}

/* Turns the loop until cond holds; fails after PATIENCE_MS. */
#define eventually(t, cond)                                                                        \
	do {                                                                                       \
		int64_t give_up_at = now_ms() + PATIENCE_MS;                                       \
		while (!(cond)) {                                                                  \
			if (now_ms() > give_up_at)                                                 \
				fail_msg("never came: %s", #cond);                                 \
			loop_turn((t)->loop, 5);                                                   \
		}                                                                                  \
	} while (0)

static inline bool is_in(struct stage_set *t, const char *id, enum unit_state s)
{
	return look(t, id).state == s;
}

static inline const char *log_text(struct stage_set *t, const char *file)
{
	const char *text = get_file(t->h, path_join(&t->h->a, t->h->places.logs, file));
	return text ? text : "";
}

/* Living processes whose command line has this text in it. */
static inline int alive(const char *text)
{
	int count = 0;
	DIR *d = opendir("/proc");
	for (struct dirent *entry; d && (entry = readdir(d));) {
		char path[300], line[4096] = "";
		snprintf(path, sizeof(path), "/proc/%.200s/cmdline", entry->d_name);
		FILE *f = fopen(path, "re");
		size_t n = f ? fread(line, 1, sizeof(line) - 1, f) : 0;
		if (f)
			fclose(f);
		if (n && atoi(entry->d_name) != getpid() && memmem(line, n, text, strlen(text)))
			count++;
	}
	closedir(d);
	return count;
}

#define case_of(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
