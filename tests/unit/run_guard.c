/* No process survives: the abuse set of FAULTS F01 to F04 (one ignores TERM, one whose leader goes
 * while a child of its group stays, one that left its session by a double fork, one that holds the
 * pipe, one with an environment of its own) under each guard, after a stop, after kill -9 of the
 * agent, after kill -9 of the guardian; as root and as anybody. */
#include "run_supervise_test.h"

#include <grp.h>
#include <poll.h>
#include <sys/prctl.h>

#include "run/host/guardian.h"

enum { SOMEBODY = 1000, SURVIVE_MS = 2000 };

struct trial {
	const char *guard, *name;
	uid_t uid;
	char mark[40]; /* in the command line of everything that is started */
	pid_t agent;
	int orders, answers; /* pipes to and from it */
	char home[64];
};

/* ---- in the agent ---- */

/* MARK is how long they sleep. */
static const char *const abuses[] = {
	"trap '' TERM; exec sleep $MARK",
	"trap 'exit 0' TERM; sh -c \"trap '' TERM; exec sleep $MARK\" & wait",
	"setsid sh -c \"(trap '' TERM; sleep $MARK) & exit 0\"; trap 'exit 0' TERM; while :; do "
	"sleep "
	"0.05; done",
	"trap 'exit 0' TERM; setsid sleep $MARK & wait",
	/* a session, parents and an environment of its own: nothing of ours is left on it */
	"setsid env -i sh -c \"sleep $MARK & exit 0\"; trap 'exit 0' TERM; while :; do sleep 0.05; "
	"done",
};

/* Together, so that some come to be in threads. */
static void start_abuses(struct stage_set *t, const char *mark)
{
	struct host_start all[countof(abuses)] = { 0 };
	struct host_spec specs[countof(abuses)];
	for (size_t i = 0; i < countof(abuses); i++) {
		const char *name = arena_printf(&t->h->a, "a%d", (int)i);
		const char *script = arena_printf(&t->h->a, "MARK=%s; %s", mark, abuses[i]);
		specs[i] = spec_for(&t->h->a, t->h,
			(struct spec_of){ .service = name, .script = script, .grace_ms = 300 });
		all[i].launch = (struct host_launch){ .spec = &specs[i], .env = plain_env() };
	}
	hosts_start_all(t->hosts, all, countof(abuses));
	for (size_t i = 0; i < countof(abuses); i++)
		if (all[i].failed)
			_exit(3);
}

static void become(uid_t uid)
{
	if (uid && (setgroups(0, NULL) || setgid(uid) || setuid(uid)))
		_exit(2);
	prctl(PR_SET_DUMPABLE, 1); /* as after an exec: else /proc/self stays root's */
}

/* Says which guard it has; on an order stops everything and says so; goes on until it is killed. */
static _Noreturn void agent(struct trial *r, int orders, int answers)
{
	void *state = NULL;
	char c;
	become(r->uid);
	if (set_up(&state))
		_exit(2);
	setenv("DEVENV_GUARD", r->guard, 1);
	struct stage_set *t = state;
	start_abuses(t, r->mark);
	char hello[120];
	snprintf(hello, sizeof(hello), "%s %s", supervisor_guard(t->s), t->h->dir);
	if (write(answers, hello, strlen(hello) + 1) < 0)
		_exit(2);
	struct pollfd p = { .fd = orders, .events = POLLIN };
	for (;;) {
		loop_turn(t->loop, 5);
		if (poll(&p, 1, 0) <= 0)
			continue;
		if (read(orders, &c, 1) <= 0)
			_exit(0);
		supervisor_stop(t->s, 1);
		while (supervisor_running(t->s))
			loop_turn(t->loop, 100);
		if (write(answers, "s", 1) < 0)
			_exit(2);
	}
}

/* ---- around it ---- */

static bool begin(struct trial *r)
{
	static int count;
	int to[2], from[2];
	char hello[120] = "";
	snprintf(r->mark, sizeof(r->mark), "1000%d.%d", (int)getpid(), ++count);
	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	r->agent = fork();
	if (r->agent == 0) {
		close(to[1]);
		close(from[0]);
		agent(r, to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	r->orders = to[1];
	r->answers = from[0];
	bool runs = read(r->answers, hello, sizeof(hello) - 1) > 0;
	char *home = strrchr(hello, ' ');
	if (runs) {
		*home = '\0';
		assert_string_equal(hello, r->name);
		snprintf(r->home, sizeof(r->home), "%s", home + 1);
	}
	return runs;
}

static void wait_until_alive(const struct trial *r, bool some)
{
	int64_t end = now_ms() + (some ? PATIENCE_MS : SURVIVE_MS);
	/* One in the middle of an exec shows nothing: none has to be seen several times. */
	for (int none = 0; some ? alive(r->mark) < (int)countof(abuses) : none < 5; none++) {
		if (!some && alive(r->mark) > 0)
			none = 0;
		if (now_ms() > end)
			fail_msg("%s, uid %d: %d processes %s", r->name, (int)r->uid,
				alive(r->mark), some ? "only" : "survived");
		usleep(10000);
	}
}

/* The guardian is the child of the agent that calls itself so. */
static pid_t guardian_of(pid_t agent_pid)
{
	char path[64], name[32];
	int pid;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)agent_pid, (int)agent_pid);
	FILE *children = fopen(path, "re");
	while (children && fscanf(children, "%d", &pid) == 1) {
		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		FILE *f = fopen(path, "re");
		bool it = f && fgets(name, sizeof(name), f) && starts_with(name, "devenv-guard");
		if (f)
			fclose(f);
		if (it) {
			fclose(children);
			return pid;
		}
	}
	if (children)
		fclose(children);
	return 0;
}

static void end(struct trial *r)
{
	kill(r->agent, SIGKILL);
	waitpid(r->agent, NULL, 0);
	close(r->orders);
	close(r->answers);
	struct err ignored = ERR_INIT;
	if (r->home[0])
		tree_remove(r->home, &ignored);
}

static const struct trial trials[] = {
	{ .guard = "pidns", .name = "pid namespace" },
	{ .guard = "cgroup", .name = "cgroup" },
	{ .guard = "subreaper", .name = "subreaper" },
	{ .guard = "pidns", .name = "pid namespace", .uid = SOMEBODY },
	{ .guard = "subreaper", .name = "subreaper", .uid = SOMEBODY },
};

/* A guard that this kernel or this user cannot have is left out; never the last resort. */
static void with_each(void (*what)(struct trial *r))
{
	for (size_t i = 0; i < countof(trials); i++) {
		struct trial r = trials[i];
		if (r.uid && geteuid() != 0)
			continue;
		bool runs = begin(&r);
		if (!runs && !streq(r.guard, "subreaper")) {
			print_message("no %s for uid %d here\n", r.name, (int)r.uid);
			end(&r);
			continue;
		}
		assert_true(runs);
		wait_until_alive(&r, true);
		what(&r);
		end(&r);
	}
}

static void stop_all(struct trial *r)
{
	char c = 0;
	int64_t began = now_ms();
	assert_int_equal(write(r->orders, "s", 1), 1);
	assert_int_equal(read(r->answers, &c, 1), 1);
	wait_until_alive(r, false);
	/* Four graces of 0.3 s, overlapping, not more. */
	assert_in_range(now_ms() - began, 300, 5000);
}

/* FAULTS F01, F02, F03 */
static void after_a_stop(void **state)
{
	(void)state;
	with_each(stop_all);
}

static void kill_agent(struct trial *r)
{
	kill(r->agent, SIGKILL);
	wait_until_alive(r, false);
}

/* FAULTS F04 */
static void after_the_agent_was_killed(void **state)
{
	(void)state;
	with_each(kill_agent);
}

static void kill_guardian(struct trial *r)
{
	pid_t pid = guardian_of(r->agent);
	assert_true(pid > 0);
	kill(pid, SIGKILL);
	wait_until_alive(r, false);
}

/* FAULTS F04 */
static void after_the_guardian_was_killed(void **state)
{
	(void)state;
	with_each(kill_guardian);
}

/* Both at once: where no kernel object ends them, the next start does. */
static void kill_both(struct trial *r)
{
	struct arena a = ARENA_INIT;
	struct strs ended = { 0 };
	struct err e = ERR_INIT;
	struct places none = { 0 };
	const char *workspace = arena_printf(&a, "shop-%s", r->home + strlen(r->home) - 6);
	pid_t pid = guardian_of(r->agent);
	assert_true(pid > 0);
	kill(r->agent, SIGSTOP);
	kill(pid, SIGKILL);
	kill(r->agent, SIGKILL);
	if (r->guard[0] != 'p') {
		int n = supervise_reconcile(&none, workspace, &ended, &a, &e);
		assert_true(n > 0);
		assert_int_equal(n, (int)ended.count);
	}
	wait_until_alive(r, false);
	assert_int_equal(supervise_reconcile(&none, workspace, &ended, &a, &e), (int)ended.count);
	arena_release(&a);
}

/* FAULTS F04 */
static void after_both_were_killed(void **state)
{
	(void)state;
	with_each(kill_both);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_a_stop),
		cmocka_unit_test(after_the_agent_was_killed),
		cmocka_unit_test(after_the_guardian_was_killed),
		cmocka_unit_test(after_both_were_killed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
