/*
 * Room run: what a dashboard sees, on the real engine. Guards: states, exact starts and restarts
 * without a blocking call; what containers and processes take; logs that come at a bounded rate.
 */
#include "run_engine_test.h"

#include "base/os.h"
#include "run/logs/log_feed.h"
#include "run/sight.h"
#include "run/host/usage.h"

enum { PATIENCE_MS = 30000 };

struct heard {
	struct buf text;
	size_t lines, skips;
};

static void on_line(void *ctx, bool error, const char *line, size_t len)
{
	struct heard *h = ctx;
	h->lines++;
	if (h->text.len > 64 * 1024)
		buf_truncate(&h->text, 0);
	buf_addf(&h->text, "%s%.*s\n", error ? "! " : "", (int)len, line);
}

static void on_skip(void *ctx)
{
	((struct heard *)ctx)->skips++;
}

static const struct log_feed_ops ops = { .line = on_line, .skipped = on_skip };

struct taken {
	const char *service;
	int cpu, samples;
	int64_t memory;
};

static void on_usage(void *ctx, const char *service, int cpu, int64_t memory)
{
	struct taken *t = ctx;
	if (!streq(service, t->service))
		return;
	t->samples++;
	t->cpu = cpu;
	t->memory = memory;
}

struct watching {
	struct sight *sight;
	struct log_feed *feed;
	struct arena arena;
	struct world now;
	struct heard heard;
	struct taken taken;
};

static void turn(struct watching *w)
{
	sight_wait(w->sight, loop, 50);
	if (sight_turn(w->sight, now_ms())) {
		arena_release(&w->arena);
		w->now = (struct world){ 0 };
		sight_tell(w->sight, &w->arena, &w->now);
	}
	sight_measure(w->sight, &w->now, now_ms(), on_usage, &w->taken);
	if (w->feed)
		log_feed_turn(w->feed, &w->now, now_ms());
}

/* Turns until it is so; fails after PATIENCE_MS. */
#define UNTIL(w, condition)                                                                        \
	do {                                                                                       \
		int64_t end_ = now_ms() + PATIENCE_MS;                                             \
		while (!(condition)) {                                                             \
			if (now_ms() > end_)                                                       \
				fail_msg("%s", #condition);                                        \
			turn(w);                                                                   \
		}                                                                                  \
	} while (0)

static void begin(struct watching *w, const char *service)
{
	*w = (struct watching){ .taken = { .service = service } };
	w->sight = sight_new(engine, ws);
	w->feed = log_feed_new(engine, places.logs, &ops, &w->heard);
	log_feed_service(w->feed, service);
}

static void end(struct watching *w)
{
	log_feed_free(w->feed);
	sight_free(w->sight);
	arena_release(&w->arena);
	buf_release(&w->heard.text);
}

#define STATE(w, name)                                                                             \
	(world_container(&(w)->now, name) ? world_container(&(w)->now, name)->state : UNIT_ABSENT)

static void sees_states_restarts_and_use(void **state)
{
	struct watching w;
	(void)state;
	begin(&w, "busy");
	make("run -d --init", "busy", "--restart on-failure:2", "sh -c 'while :; do :; done'");
	UNTIL(&w, STATE(&w, "busy") == UNIT_RUNNING);
	UNTIL(&w, w.taken.samples >= 2 && w.taken.cpu > 0);
	assert_in_range(w.taken.cpu, 1, 1200); /* one process: one core at most */
	assert_in_range(w.taken.memory, 50 * 1024, 1 << 30);
	const struct container *c = world_container(&w.now, "busy");
	assert_in_range(c->uptime_s, 0, PATIENCE_MS / 1000);
	assert_int_equal(c->restarts, 0);
	docker("docker exec $W-busy-1 sh -c 'kill -9 $(pidof -s sh)' || :; docker stop -t 0 "
	       "$W-busy-1");
	UNTIL(&w, STATE(&w, "busy") == UNIT_EXITED);
	docker("docker rm -f $W-busy-1");
	UNTIL(&w, STATE(&w, "busy") == UNIT_ABSENT);
	end(&w);
}

static void counts_restarts(void **state)
{
	struct watching w;
	(void)state;
	begin(&w, "falls");
	make("run -d", "falls", "--restart on-failure:2", "sh -c 'sleep 0.2; exit 3'");
	UNTIL(&w, STATE(&w, "falls") == UNIT_EXITED &&
			  world_container(&w.now, "falls")->restarts == 2);
	end(&w);
}

static void reads_what_was_and_what_comes(void **state)
{
	struct watching w;
	(void)state;
	make("run -d", "says", "", "sh -c 'echo first; echo second >&2; cat; sleep 1000'");
	begin(&w, "says");
	UNTIL(&w, w.heard.lines == 2);
	assert_non_null(strstr(buf_str(&w.heard.text), "first\n"));
	assert_non_null(strstr(buf_str(&w.heard.text), "! second\n"));
	docker("docker exec $W-says-1 sh -c 'echo third >/proc/1/fd/1'");
	UNTIL(&w, strstr(buf_str(&w.heard.text), "third\n"));
	docker("docker restart -t 0 $W-says-1");
	UNTIL(&w, w.heard.lines == 5); /* nothing twice */
	log_feed_service(w.feed, "says");
	w.heard.lines = 0;
	UNTIL(&w, w.heard.lines == 5);
	assert_int_equal(w.heard.skips, 0);
	end(&w);
}

static void samples_a_flood(void **state)
{
	struct watching w;
	(void)state;
	make("run -d", "flood", "",
		"sh -c 'n=0; while [ $n -lt 60 ]; do seq 1 20000; n=$((n+1)); done; echo the end; "
		"sleep 1000'");
	begin(&w, "flood");
	UNTIL(&w, w.heard.skips > 0);
	UNTIL(&w, strstr(buf_str(&w.heard.text), "the end\n")); /* the last lines are never lost */
	assert_true(w.heard.lines < 60 * 20000 / 2);
	docker("docker exec $W-flood-1 sh -c 'echo calm again >/proc/1/fd/1'");
	UNTIL(&w, strstr(buf_str(&w.heard.text), "calm again\n"));
	end(&w);
}

/* ---- files of host services ---- */

static void append(const char *name, const char *text)
{
	const char *path = arena_printf(&arena, "%s/%s", places.logs, name);
	FILE *f = fopen(path, "a");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static const char *stamped(const char *text)
{
	return arena_printf(&arena, "2026-01-02T15:04:05.000000000Z host o %s\n", text);
}

static void reads_a_file_that_grows(void **state)
{
	struct err e = ERR_INIT;
	struct heard heard = { .lines = 0 };
	struct world none = { 0 };
	int64_t t = 1000;
	(void)state;
	assert_int_equal(dir_make(places.logs, 0755, &e), 0);
	append("host.log", stamped("one"));
	struct log_feed *f = log_feed_new(NULL, places.logs, &ops, &heard);
	log_feed_service(f, "host");
	log_feed_turn(f, &none, t += 1000);
	assert_string_equal(buf_str(&heard.text), "one\n");
	append("host.log", "2026-01-02T15:04:05.000000000Z host o tor");
	log_feed_turn(f, &none, t += 1000);
	assert_int_equal(heard.lines, 1);
	append("host.log", "n\n");
	log_feed_turn(f, &none, t += 1000);
	assert_string_equal(buf_str(&heard.text), "one\ntorn\n");
	const char *from = arena_printf(&arena, "%s/host.log", places.logs);
	assert_int_equal(rename(from, arena_printf(&arena, "%s.1", from)), 0);
	append("host.log", stamped("of the next file"));
	log_feed_turn(f, &none, t += 1000);
	log_feed_turn(f, &none, t += 1000);
	assert_string_equal(buf_str(&heard.text), "one\ntorn\nof the next file\n");
	for (int i = 0; i < 20000; i++)
		append("host.log", stamped("flood"));
	append("host.log", stamped("end of it"));
	log_feed_turn(f, &none, t += 1000);
	assert_int_equal(heard.skips, 1);
	assert_true(heard.lines < 1000);
	assert_non_null(strstr(buf_str(&heard.text), "end of it\n"));
	log_feed_free(f);
	buf_release(&heard.text);
}

static void a_process_and_its_children(void **state)
{
	struct usage u = { 0 }, later = { 0 };
	(void)state;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		setpgid(0, 0);
		execlp("sh", "sh", "-c", "sh -c 'while :; do :; done' & wait", (char *)NULL);
		_exit(127);
	}
	int64_t end_ms = now_ms() + PATIENCE_MS;
	while (later.cpu_us < 50000 && now_ms() < end_ms) {
		loop_turn(loop, 50);
		assert_true(usage_tree(pid, &later));
	}
	assert_true(later.cpu_us >= 50000); /* the child's: the parent only waits */
	assert_true(later.memory > 100 * 1024);
	kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_false(usage_tree(pid, &u));
	struct usage_place none;
	assert_false(usage_find(getpid(), "0123456789abcdef", &none));
	assert_false(usage_read(&none, &u));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(sees_states_restarts_and_use),
		cmocka_unit_test(counts_restarts), cmocka_unit_test(reads_what_was_and_what_comes),
		cmocka_unit_test(samples_a_flood), cmocka_unit_test(reads_a_file_that_grows),
		cmocka_unit_test(a_process_and_its_children) };
	return on_the_engine(tests, countof(tests));
}
