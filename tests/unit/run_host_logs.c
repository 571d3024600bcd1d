/* Reading what host services said: history and following need no engine, survive the turning over
 * of files, take in copies that start meanwhile, and end with the last of them. */
#include "base/os.h"
#include "run_supervise_test.h"

struct reader { /* stops following after so many lines */
	struct stage_set *t;
	struct buf lines; /* "[api.1 o text]" */
	long count, stop_after, last_number, gaps;
};

static void on_line(void *ctx, const char *service, int number, enum stream s, int64_t time_ns,
	const char *line, size_t len)
{
	struct reader *r = ctx;
	(void)time_ns;
	if (r->lines.len < 10000)
		buf_addf(&r->lines, "[%s.%d %c %.*s]", service, number,
			s == STREAM_STDERR ? 'e' : 'o', (int)len, line);
	long n = strtol(line, NULL, 10);
	if (n && r->last_number && n != r->last_number + 1)
		r->gaps++;
	if (n)
		r->last_number = n;
	if (++r->count == r->stop_after)
		loop_interrupt(r->t->loop, SIGINT);
}

static int read_logs(struct reader *r, struct log_query q)
{
	struct world w = { 0 };
	return logs_read(NULL, r->t->loop, &r->t->h->places, &w, &q, on_line, r, &r->t->e);
}

static void history_needs_no_engine(void **state)
{
	struct stage_set *t = *state;
	struct reader r = { .t = t };
	assert_int_equal(
		start(t, (struct spec_of){ .script = "echo one; echo two >&2; echo three" }), 0);
	eventually(t, strstr(log_text(t, "api.log"), LOG_AT_REST));
	assert_int_equal(read_logs(&r, (struct log_query){ .tail = -1 }), 0);
	assert_non_null(strstr(buf_str(&r.lines), "[api.1 o one]"));
	assert_non_null(strstr(buf_str(&r.lines), "[api.1 e two]"));
	assert_null(strstr(buf_str(&r.lines), "process"));
	assert_int_equal(r.count, 3);
	buf_release(&r.lines);
}

static void following_ends_with_the_last(void **state)
{
	struct stage_set *t = *state;
	struct reader r = { .t = t };
	assert_int_equal(
		start(t,
			(struct spec_of){
				.script = "for i in 1 2 3 4 5; do echo $i; sleep 0.1; done",
				.job = true }),
		0);
	eventually(t, strstr(log_text(t, "api.log"), "o 1\n"));
	assert_int_equal(read_logs(&r, (struct log_query){ .tail = -1, .follow = true }), 0);
	assert_int_equal(r.count, 5);
	assert_int_equal(r.gaps, 0);
	assert_int_equal(loop_interrupts(t->loop), 0);
	buf_release(&r.lines);
}

static void a_restart_and_a_new_copy_are_followed(void **state)
{
	struct stage_set *t = *state;
	struct reader r = { .t = t, .stop_after = 12 };
	struct spec_of crash = { .script = "echo up; sleep 0.2; exit 1",
		.restart = RESTART_ALWAYS };
	assert_int_equal(start(t, crash), 0);
	eventually(t, strstr(log_text(t, "api.log"), "o up"));
	crash.number = 2;
	assert_int_equal(start(t, crash), 0);
	assert_int_equal(read_logs(&r, (struct log_query){ .tail = 0, .follow = true }), 0);
	assert_in_range(r.count, 12, 14); /* what came in the same turn is told, too */
	assert_non_null(strstr(buf_str(&r.lines), "[api.1 o up]"));
	assert_non_null(strstr(buf_str(&r.lines), "[api.2 o up]"));
	buf_release(&r.lines);
}

/* Some 25 MB: two turns of the file while it is read. */
static void no_line_is_lost_over_generations(void **state)
{
	struct stage_set *t = *state;
	struct reader r = { .t = t };
	assert_int_equal(
		start(t, (struct spec_of){ .script = "sleep 0.3; exec seq 1 500000", .job = true }),
		0);
	eventually(t, strstr(log_text(t, "api.log"), "started"));
	assert_int_equal(read_logs(&r, (struct log_query){ .tail = -1, .follow = true }), 0);
	assert_int_equal(r.count, 500000);
	assert_int_equal(r.gaps, 0);
	assert_true(file_exists(path_join(&t->h->a, t->h->places.logs, "api.log.1")));
	buf_release(&r.lines);
}

static void only_what_was_asked_for(void **state)
{
	struct stage_set *t = *state;
	struct reader r = { .t = t, .stop_after = 3 };
	struct log_query q = { .tail = -1, .follow = true, .grep = "^[0-9]*7$" };
	const char *only[] = { "web" };
	q.services = (struct strs){ only, 1, 1 };
	assert_int_equal(
		start(t, (struct spec_of){ .script = "while :; do echo 7; sleep 0.02; done" }), 0);
	assert_int_equal(start(t, (struct spec_of){ .service = "web",
					  .script = "i=1; while :; do echo $i; i=$((i+1)); "
						    "sleep 0.01; done" }),
		0);
	eventually(t, strstr(log_text(t, "web.log"), "o 1\n"));
	assert_int_equal(read_logs(&r, q), 0);
	assert_string_equal(buf_str(&r.lines), "[web.1 o 7][web.1 o 17][web.1 o 27]");
	buf_release(&r.lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		case_of(history_needs_no_engine),
		case_of(following_ends_with_the_last),
		case_of(a_restart_and_a_new_copy_are_followed),
		case_of(no_line_is_lost_over_generations),
		case_of(only_what_was_asked_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
