/*
 * One copy of a host service. Comes in: what is asked of it, its process's bytes and end. Goes out:
 * processes under the owner's guard, lines in its log, its state. What to do next is decided by
 * unit_machine.c; here it is done.
 */
#include "run/host/host_unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { LOOK_FIRST_MS = 1, LOOK_MAX_MS = 50, CANNOT_RUN = 127 };
enum {
	KILLED_MS = 3000
}; /* what is there so long after KILL hangs in the kernel, or is none of ours */

static void act(struct host_unit *u, enum unit_action action);

static void step(struct host_unit *u, enum unit_event e)
{
	act(u, unit_next(&u->machine, &u->policy, e, now_ms()));
}

/* ---- output ---- */

static void ring_add(struct host_unit *u, const char *data, size_t len)
{
	if (len > SUPERVISE_RING) {
		u->ring_lost += len - SUPERVISE_RING;
		data += len - SUPERVISE_RING;
		len = SUPERVISE_RING;
	}
	size_t room = SUPERVISE_RING - u->ring.len;
	size_t first = len < room ? len : room;
	if (first) {
		buf_add(&u->ring, data, first);
		u->ring_at = u->ring.len % SUPERVISE_RING;
	}
	for (data += first, len -= first; len;) {
		size_t n = SUPERVISE_RING - u->ring_at;
		n = len < n ? len : n;
		memcpy(u->ring.data + u->ring_at, data, n);
		u->ring_at = (u->ring_at + n) % SUPERVISE_RING;
		u->ring_lost += n;
		data += n;
		len -= n;
	}
}

void host_unit_output(const struct host_unit *u, struct buf *out, uint64_t *lost)
{
	bool round = u->ring.len == SUPERVISE_RING;
	if (round)
		buf_add(out, u->ring.data + u->ring_at, u->ring.len - u->ring_at);
	if (u->ring.len)
		buf_add(out, u->ring.data, round ? u->ring_at : u->ring.len);
	*lost = u->ring_lost + host_log_dropped(u->log);
}

static void on_output(void *ctx, enum stream s, const char *data, size_t len)
{
	struct host_unit *u = ctx;
	ring_add(u, data, len);
	host_log_feed(u->log, s, data, len);
	if (u->process && host_log_full(u->log))
		host_process_pause(u->process, true);
}

static void on_room(void *ctx)
{
	struct host_unit *u = ctx;
	if (u->process)
		host_process_pause(u->process, false);
}

static void log_run(struct host_unit *u, bool begins, const char *what)
{
	char text[200], at[40];
	time_t now = time(NULL);
	struct tm t;
	strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &t));
	if (begins)
		snprintf(text, sizeof(text), "process %d started %s", (int)u->group, at);
	else
		snprintf(text, sizeof(text), "process %d %s", (int)u->group, what);
	host_log_note(u->log, true, text);
}

/* ---- starting ---- */

static void take_next(struct host_unit *u)
{
	if (!u->next)
		return;
	launched_free(u->launched);
	u->launched = u->next;
	u->next = NULL;
	const struct host_spec *s = &u->launched->spec;
	bool always = s->restart == RESTART_ALWAYS || s->restart == RESTART_UNLESS_STOPPED;
	u->policy = (struct unit_policy){
		.on_success = !s->job && always,
		.on_failure = !s->job && (always || s->restart == RESTART_ON_FAILURE),
		.max = s->restart_max > 0 ? (unsigned)s->restart_max : SUPERVISE_RESTARTS,
	};
}

static void begin_spawn(struct host_unit *u)
{
	take_next(u);
	ticker_set(u->due, -1);
	u->told = u->killed = u->failed_start = false;
	u->at_rest = u->stopped = false;
	u->killed_ms = 0;
	u->note[0] = '\0';
	unit_begin(u);
}

/* One that cannot be started has ended, as far as its policy goes. */
static void end_spawn(struct host_unit *u)
{
	struct err e = ERR_INIT;
	u->ran = true;
	if (!unit_begun(u, &e)) {
		u->created = clock_ms() / 1000;
		u->group = host_process_pid(u->process);
		log_run(u, true, NULL);
		return;
	}
	u->failed_start = true;
	u->group = 0;
	snprintf(u->note, sizeof(u->note), "%.*s", (int)sizeof(u->note) - 1, e.text);
	host_log_note(u->log, false, e.text);
	u->exit_code = CANNOT_RUN;
	u->machine.succeeded = false;
	step(u, EVENT_EXIT);
}

/* ---- ending ---- */

static bool is_success(const struct host_spec *s, int status)
{
	char text[16];
	snprintf(text, sizeof(text), "%d", status);
	return status == 0 || strs_has(&s->success_codes, text);
}

static void on_exited(void *ctx, int status)
{
	struct host_unit *u = ctx;
	char what[60];
	u->exit_code = status;
	u->machine.succeeded = is_success(&u->launched->spec, status);
	for (int i = 0; i < 2; i++)
		host_log_end(u->log, i ? STREAM_STDERR : STREAM_STDOUT);
	snprintf(what, sizeof(what), "ended with status %d", status);
	log_run(u, false, what);
	step(u, EVENT_EXIT);
}

const struct host_process_ops unit_process_ops = { .output = on_output, .exited = on_exited };

static void arm(struct host_unit *u, int64_t ms)
{
	u->due_ms = now_ms() + ms;
	ticker_set(u->due, ms);
}

static int64_t grace_of(const struct host_unit *u)
{
	return u->grace_ms >= 0 ? u->grace_ms : u->launched->spec.stop_grace_ms;
}

static int stop_signal(const struct host_unit *u)
{
	const char *name = u->launched->spec.stop_signal;
	int n = name ? signal_number(name) : 0;
	return n ? n : SIGTERM;
}

static void tell(struct host_unit *u)
{
	host_process_signal(u->process, stop_signal(u));
	host_process_signal(u->process, SIGCONT); /* one that is held must hear it, too */
	arm(u, grace_of(u));
}

static void kill_all(struct host_unit *u)
{
	u->killed = true;
	if (u->process)
		host_process_signal(u->process, SIGKILL);
	if (u->guard)
		guard_rest(u->guard, u->label, u->group, SIGKILL);
}

static void clear(struct host_unit *u)
{
	ticker_set(u->due, -1);
	ticker_set(u->look, -1);
	if (u->process) {
		host_process_drain(u->process);
		host_process_free(u->process);
		u->process = NULL;
	}
	if (u->guard)
		guard_forget(u->guard, u->label);
	u->guard = NULL;
	u->group = 0;
	u->stopped = u->machine.intent == INTENT_STAY;
	step(u, EVENT_CLEAR);
}

/* After a crash nothing is left that a restart could trip over; after a stop, what its leader left
 * behind is told once to end and has the rest of the grace for it. */
static void sweep(struct host_unit *u)
{
	bool crashed = u->machine.intent == INTENT_POLICY;
	int signum = u->killed || crashed ? SIGKILL : u->told ? 0 : stop_signal(u);
	u->told = true;
	if (signum == SIGKILL && !u->killed_ms)
		u->killed_ms = now_ms();
	bool hopeless = u->killed_ms && now_ms() - u->killed_ms > KILLED_MS;
	if (!u->group || hopeless || !guard_rest(u->guard, u->label, u->group, signum)) {
		clear(u);
		return;
	}
	u->look_pause_ms = u->look_pause_ms ? u->look_pause_ms * 2 : LOOK_FIRST_MS;
	if (u->look_pause_ms > LOOK_MAX_MS)
		u->look_pause_ms = LOOK_MAX_MS;
	ticker_set(u->look, u->look_pause_ms);
}

static void on_look(void *ctx)
{
	sweep(ctx);
}

static void on_due(void *ctx)
{
	struct host_unit *u = ctx;
	step(u, EVENT_DUE);
}

static void hasten(struct host_unit *u)
{
	int64_t left = u->due_ms - now_ms(), grace = grace_of(u);
	if (grace < left || u->machine.phase == PHASE_CLEARING)
		arm(u, grace);
}

static void act(struct host_unit *u, enum unit_action action)
{
	switch (action) {
	case ACT_NONE:
		return;
	case ACT_SPAWN:
		begin_spawn(u);
		if (u->patient)
			return; /* host_unit_started() is next */
		end_spawn(u);
		break;
	case ACT_TELL:
		tell(u);
		break;
	case ACT_HASTEN:
		hasten(u);
		break;
	case ACT_KILL:
		kill_all(u);
		break;
	case ACT_SWEEP:
		u->look_pause_ms = 0;
		sweep(u);
		return; /* told when it is done */
	case ACT_WAIT:
		arm(u, u->machine.delay_ms);
		break;
	case ACT_REST:
		ticker_set(u->due, -1);
		if (u->ran && !u->at_rest)
			host_log_note(u->log, true, "process " LOG_AT_REST);
		u->at_rest = true;
		break;
	}
	u->owner->changed(u->owner->ctx, u);
}

/* ---- what is asked of it ---- */

int host_unit_start(struct host_unit *u, const struct host_launch *l, struct err *e)
{
	if (u->start)
		return err_set(e, ERR_USAGE, "%s is asked for twice at once", u->label);
	if (!l->spec->argv.count)
		return err_set(e, ERR_FAILED, "there is no command");
	if (unit_check(l, e))
		return -1;
	launched_free(u->next);
	u->next = launched_copy(l);
	u->remove = false;
	u->grace_ms = -1;
	u->patient = true;
	step(u, EVENT_START);
	u->patient = false;
	return 0;
}

int host_unit_started(struct host_unit *u, struct err *e)
{
	if (u->start) {
		end_spawn(u);
		u->owner->changed(u->owner->ctx, u);
	}
	if (!u->failed_start)
		return 0;
	err_set(e, ERR_FAILED, "%s", u->note);
	host_unit_stop(u, 0, false); /* whoever asked decides, not its policy */
	return -1;
}

void host_unit_restart(struct host_unit *u)
{
	u->remove = false;
	u->grace_ms = -1;
	step(u, EVENT_RESTART);
}

void host_unit_stop(struct host_unit *u, int64_t grace_ms, bool remove)
{
	u->grace_ms = grace_ms;
	u->remove = remove;
	launched_free(u->next);
	u->next = NULL;
	step(u, EVENT_STOP);
}

int signal_number(const char *name)
{
	int64_t n;
	if (parse_int(name, &n))
		return n > 0 && n < NSIG ? (int)n : 0;
	if (starts_with(name, "SIG"))
		name += 3;
	for (int i = 1; i < NSIG; i++)
		if (streq(sigabbrev_np(i), name))
			return i;
	return 0;
}

int host_unit_signal(struct host_unit *u, const char *name, struct err *e)
{
	int n = signal_number(name);
	if (!n)
		return err_set(e, ERR_USAGE, "%s is not a signal", name);
	if (!u->process || host_process_exited(u->process))
		return err_set(e, ERR_FAILED, "%s does not run", u->label);
	host_process_signal(u->process, n);
	return 0;
}

bool host_unit_active(const struct host_unit *u)
{
	return u->machine.phase != PHASE_IDLE && u->machine.phase != PHASE_DEAD;
}

struct host_unit *host_unit_new(const struct unit_owner *o, const char *id)
{
	struct host_unit *u = xcalloc(1, sizeof(*u));
	u->owner = o;
	snprintf(u->id, sizeof(u->id), "%s", id);
	u->label = strchr(u->id, ':') + 1;
	u->due = ticker_new(o->loop, on_due, u);
	u->look = ticker_new(o->loop, on_look, u);
	char service[sizeof(u->id)];
	int64_t number = 1;
	const char *dot = strrchr(u->label, '.');
	snprintf(service, sizeof(service), "%.*s", (int)(dot - u->label), u->label);
	parse_int(dot + 1, &number);
	u->log = host_log_new(o->loop, o->places->logs, service, (int)number, on_room, u);
	return u;
}

void host_unit_free(struct host_unit *u)
{
	if (!u)
		return;
	kill_all(u);
	host_process_free(u->process);
	ticker_free(u->due);
	ticker_free(u->look);
	notify_free(u->notify);
	host_log_free(u->log);
	launched_free(u->launched);
	launched_free(u->next);
	buf_release(&u->ring);
	xfree(u);
}
