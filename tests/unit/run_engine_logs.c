/* Logs of the real engine. Guards: our files outlive containers, gain nothing twice, heal. */
#include "base/os.h"
#include "run/logs/logs.h"
#include "run_engine_test.h"

static void collect(void *ctx, const char *service, int number, enum stream s, int64_t time_ns,
	const char *line, size_t len)
{
	assert_true(time_ns > 1600000000LL * 1000000000);
	assert_int_equal(number, 1);
	buf_addf(ctx, "%s %c %.*s\n", service, s == STREAM_STDERR ? 'e' : 'o', (int)len, line);
}

static struct log_query all_of(const char *service)
{
	struct log_query q = { .tail = -1 };
	strs_add(&arena, &q.services, service);
	return q;
}

static void expect_log(struct world *w, const struct log_query *q, const char *wanted)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	if (logs_read(engine, NULL, &places, w, q, collect, &out, &e))
		fail_msg("%s", e.text);
	assert_string_equal(buf_str(&out), wanted);
}

static void logs_outlive_containers(void **state)
{
	struct err e = ERR_INIT;
	(void)state;
	make("run -d", "talk", "",
		"sh -c 'echo one; sleep 0.05; echo two >&2; sleep 0.05; head -c 40000 /dev/zero | "
		"tr \"\\\\0\" x; echo; echo end'");
	docker("docker wait $W-talk-1");
	struct world w = look();
	struct log_query q = all_of("talk");
	cleanup_buf struct buf wanted = BUF_INIT;
	buf_adds(&wanted, "talk o one\ntalk e two\ntalk o ");
	buf_pad(&wanted, 'x', 40000);
	buf_adds(&wanted, "\ntalk o end\n");
	expect_log(&w, &q, wanted.data);
	expect_log(&w, &q, wanted.data); /* a second drain adds nothing */
	/* A torn last line is repaired from the engine. */
	const char *file = arena_printf(&arena, "%s/talk.log", places.logs);
	cleanup_buf struct buf kept = BUF_INIT;
	assert_int_equal(file_read(file, 1 << 20, &kept, &e), 0);
	assert_int_equal(truncate(file, (off_t)(kept.len - 2)), 0);
	expect_log(&w, &q, wanted.data);
	assert_int_equal(engine_remove(engine, seen(&w, "talk")->id, &e), 0);
	w = look();
	expect_log(&w, &q, wanted.data);
	make("run -d", "talk", "", "echo again");
	docker("docker wait $W-talk-1");
	w = look();
	q.tail = 2;
	expect_log(&w, &q, "talk o end\ntalk o again\n");
	q.tail = -1;
	q.grep = "^(on|ag)";
	expect_log(&w, &q, "talk o one\ntalk o again\n");
	cleanup_buf struct buf text = BUF_INIT;
	assert_int_equal(file_read(file, 1 << 20, &text, &e), 0);
	size_t separators = 0;
	for (const char *p = text.data; (p = strstr(p, " talk - container ")); p++)
		separators++;
	assert_int_equal(separators, 2);
}

struct follower {
	struct buf text;
	bool told;
};

static void interrupt_at_five(void *ctx, const char *service, int number, enum stream s,
	int64_t time_ns, const char *line, size_t len)
{
	struct follower *f = ctx;
	collect(&f->text, service, number, s, time_ns, line, len);
	if (strstr(f->text.data, "n5") && !f->told) {
		f->told = true;
		raise(SIGINT);
	}
}

static void following_ends_by_an_interrupt(void **state)
{
	struct follower f = { 0 };
	struct err e = ERR_INIT;
	(void)state;
	make("run -d", "count", "",
		"sh -c 'for i in 1 2 3 4 5 6 7 8 9; do echo n$i; sleep 0.2; done; sleep 600'");
	usleep(300000);
	struct world w = look();
	struct log_query q = all_of("count");
	q.follow = true;
	int64_t began = now_ms();
	if (logs_read(engine, loop, &places, &w, &q, interrupt_at_five, &f, &e))
		fail_msg("%s", e.text);
	assert_in_range(now_ms() - began, 0, 5000);
	assert_string_equal(
		f.text.data, "count o n1\ncount o n2\ncount o n3\ncount o n4\ncount o n5\n");
	loop_rearm(loop);
	buf_release(&f.text);
}

struct counter {
	long next, gaps;
};

static void in_order(void *ctx, const char *service, int number, enum stream s, int64_t time_ns,
	const char *line, size_t len)
{
	struct counter *c = ctx;
	(void)service, (void)number, (void)s, (void)time_ns, (void)len;
	c->gaps += strtol(line, NULL, 10) != c->next;
	c->next = strtol(line, NULL, 10) + 1;
}

static void expect_lines(struct world *w, long count)
{
	struct log_query q = all_of("long");
	struct counter c = { .next = 1 };
	struct err e = ERR_INIT;
	if (logs_read(engine, NULL, &places, w, &q, in_order, &c, &e))
		fail_msg("%s", e.text);
	assert_int_equal(c.gaps, 0);
	assert_int_equal(c.next, count + 1);
}

/* What came since the last reading is found from the end of the log, and when that is further back,
 * from its beginning. */
static void a_long_log_is_read_on_without_a_gap(void **state)
{
	(void)state;
	make("run -d", "long", "", "sh -c 'seq 1 3000; sleep 600'");
	docker("until docker logs --tail 1 $W-long-1 | grep -qx 3000; do sleep 0.1; done");
	struct world w = look();
	expect_lines(&w, 3000);
	docker("docker exec $W-long-1 sh -c 'seq 3001 3010 >/proc/1/fd/1'; "
	       "until docker logs --tail 1 $W-long-1 | grep -qx 3010; do sleep 0.1; done");
	expect_lines(&w, 3010);
	docker("docker exec $W-long-1 sh -c 'seq 3011 9000 >/proc/1/fd/1'; "
	       "until docker logs --tail 1 $W-long-1 | grep -qx 9000; do sleep 0.1; done");
	expect_lines(&w, 9000);
	expect_lines(&w, 9000);
}

static void one_offs_are_shown_when_asked_for(void **state)
{
	(void)state;
	make("run -d", "once", "--label com.docker.compose.oneoff=True", "echo ran");
	docker("docker wait $W-once-1");
	struct world w = look();
	struct log_query q = all_of("once");
	struct counter c = { .next = 1 };
	struct err e = ERR_INIT;
	assert_int_equal(logs_read(engine, NULL, &places, &w, &q, in_order, &c, &e), 0);
	assert_int_equal(c.gaps, 0);
	q.one_offs = true;
	assert_int_equal(logs_read(engine, NULL, &places, &w, &q, in_order, &c, &e), 0);
	assert_int_equal(c.gaps, 1); /* "ran" is no number */
	docker(arena_printf(&arena, "test -z \"$(find %s -name '.once*')\"", places.logs));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logs_outlive_containers),
		cmocka_unit_test(following_ends_by_an_interrupt),
		cmocka_unit_test(a_long_log_is_read_on_without_a_gap),
		cmocka_unit_test(one_offs_are_shown_when_asked_for),
	};
	return on_the_engine(tests, countof(tests));
}
