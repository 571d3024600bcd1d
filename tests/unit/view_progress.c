/* Room view: progress. Guards: a frame is one write, and none when nothing is another; rows never
 * exceed the width; plain lines speak of a step at most once a second; JSON is stable and clean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/os.h"
#include "base/text.h"
#include "view/view.h"

struct scene { /* a plan with one build, one start, one wait; a stream that remembers */
	struct arena arena;
	struct plan plan;
	struct step *build, *start, *ready;
	struct progress *progress;
	FILE *file;
	char *text;
	size_t size;
	size_t writes;
};

static ssize_t count_write(void *cookie, const char *data, size_t len)
{
	struct scene *s = cookie;
	s->writes++;
	s->text = xrealloc(s->text, s->size + len + 1);
	memcpy(s->text + s->size, data, len);
	s->size += len;
	s->text[s->size] = '\0';
	return (ssize_t)len;
}

static struct step *step(struct scene *s, enum step_kind kind, const char *id, const char *unit)
{
	struct step *st = plan_add(&s->plan, kind, unit, (struct place){ 0 }, "because");
	st->id = id;
	return st;
}

static void open_scene(struct scene *s, const char *mode, struct style st)
{
	*s = (struct scene){ 0 };
	s->plan.arena = &s->arena;
	s->build = step(s, STEP_BUILD, "build base", "base");
	s->start = step(s, STEP_START, "start api", "api");
	s->ready = step(s, STEP_READY, "ready api", "api");
	s->file = fopencookie(s, "w", (cookie_io_functions_t){ .write = count_write });
	s->text = xcalloc(1, 1);
	s->progress = progress_new(s->file, mode, st, &s->plan);
}

static void close_scene(struct scene *s)
{
	if (s->progress)
		progress_end(s->progress);
	fclose(s->file);
	xfree(s->text);
	arena_release(&s->arena);
}

static void say(struct scene *s, const struct step *st, const char *phase, const char *text,
	int64_t elapsed, double fraction)
{
	progress_event(s->progress, &(struct progress_event){ phase, st, text, elapsed, fraction });
}

static void forget(struct scene *s)
{
	s->size = s->writes = 0;
	s->text[0] = '\0';
}

/* "2026-01-31T10:00:00.123Z" -> "T" */
static void forget_times(char *text)
{
	static const char key[] = "\"time\":\"";
	for (char *at = text; (at = strstr(at, key));) {
		at += sizeof(key) - 1;
		assert_true(strlen(at) > 24 && at[23] == 'Z' && at[24] == '"');
		*at++ = 'T';
		memmove(at, at + 23, strlen(at + 23) + 1);
	}
}

static void json_is_one_object_per_event(void **state)
{
	(void)state;
	struct scene s;
	open_scene(&s, "json", (struct style){ 0 });
	say(&s, s.build, "start", "because", 0, -1);
	say(&s, s.build, "progress", "2/4 RUN \033[2Jx", 1500, 0.25);
	say(&s, NULL, "note", "n\"n", 0, -1);
	forget_times(s.text);
	assert_string_equal(s.text,
		"{\"version\":1,\"time\":\"T\",\"kind\":\"step\",\"state\":\"started\","
		"\"step\":\"build base\",\"action\":\"build\",\"unit\":\"base\","
		"\"text\":\"because\",\"duration_ms\":0}\n"
		"{\"version\":1,\"time\":\"T\",\"kind\":\"step\",\"state\":\"progress\","
		"\"step\":\"build base\",\"action\":\"build\",\"unit\":\"base\","
		"\"text\":\"2/4 RUN \\u001b[2Jx\",\"fraction\":0.250,\"duration_ms\":1500}\n"
		"{\"version\":1,\"time\":\"T\",\"kind\":\"note\",\"state\":\"note\","
		"\"text\":\"n\\\"n\",\"duration_ms\":0}\n");
	assert_int_equal(s.writes, 3);
	close_scene(&s);
}

static void quiet_says_nothing(void **state)
{
	(void)state;
	struct scene s;
	open_scene(&s, "quiet", (struct style){ 0 });
	say(&s, s.build, "start", "because", 0, -1);
	say(&s, s.build, "failed", "no", 10, -1);
	assert_string_equal(s.text, "");
	close_scene(&s);
}

static void elsewhere_than_on_a_terminal_lines_are_plain(void **state)
{
	(void)state;
	struct scene s;
	open_scene(&s, "auto", (struct style){ .width = 80 });
	say(&s, s.build, "start", "because", 0, -1);
	say(&s, s.build, "done", "", 1234, 1);
	assert_string_equal(s.text, "build base             started  because\n"
				    "+ build base             done        1.2 s\n");
	close_scene(&s);
}

/* However many events come within a second. */
static void plain_lines_do_not_flood(void **state)
{
	(void)state;
	struct scene s;
	open_scene(&s, "plain", (struct style){ 0 });
	say(&s, s.build, "start", "because", 0, -1);
	forget(&s);
	int64_t began = now_ms();
	for (int i = 0; now_ms() - began < 1300; i++) {
		char text[30];
		snprintf(text, sizeof(text), "%d MB", i);
		say(&s, s.build, "progress", text, now_ms() - began, 0.5);
		say(&s, s.build, "output", text, now_ms() - began, -1);
		usleep(1000);
	}
	int64_t seconds = (now_ms() - began) / 1000;
	assert_true(s.writes >= 1 && s.writes <= (size_t)seconds);
	close_scene(&s);
}

static void start_and_wait_are_one_line(void **state)
{
	(void)state;
	struct scene s;
	open_scene(&s, "plain", (struct style){ 0 });
	say(&s, s.start, "start", "", 0, -1);
	say(&s, s.start, "done", "", 5, 1);
	say(&s, s.ready, "start", "", 0, -1);
	say(&s, s.ready, "done", "", 7, 1);
	assert_int_equal(s.writes, 1);
	assert_true(starts_with(s.text, "+ api                    ready "));
	close_scene(&s);
}

/* The widest of the rows, sequences taken out. */
static size_t widest(const char *text)
{
	size_t most = 0;
	cleanup_buf struct buf row = BUF_INIT;
	for (; *text; text++) {
		if (*text == '\033') {
			text += strcspn(text, "ABCDHJKhlm");
		} else if (*text == '\n') {
			size_t width = text_width(buf_str(&row));
			most = width > most ? width : most;
			buf_truncate(&row, 0);
		} else if (*text != '\r') {
			buf_addc(&row, *text);
		}
	}
	return most;
}

static void a_frame_is_one_write_and_fits(void **state)
{
	(void)state;
	static const int widths[] = { 10, 40, 59, 60, 80, 200 };
	for (size_t i = 0; i < countof(widths); i++) {
		struct scene s;
		open_scene(&s, "tty", (struct style){ .width = widths[i], .unicode = i % 2 });
		say(&s, s.build, "start", "", 0, -1);
		say(&s, s.start, "start", "", 0, -1);
		say(&s, s.build, "progress",
			"2/4 RUN apt-get install a very long list of \346\274\242\345\255\227 and "
			"more",
			0, 0.5);
		forget(&s);
		usleep(110000);
		progress_tick(s.progress);
		assert_int_equal(s.writes, 1);
		assert_true(widest(s.text) < (size_t)widths[i]);
		assert_non_null(strstr(s.text, "\033[?25h"));
		assert_true(ends_with(s.text, "\033[?25h"));
		close_scene(&s);
	}
}

static void nothing_new_draws_nothing(void **state)
{
	(void)state;
	struct scene s;
	open_scene(&s, "tty", (struct style){ .width = 80 });
	int64_t began = now_ms();
	say(&s, s.build, "start", "", 0, -1);
	usleep(110000);
	progress_tick(s.progress);
	forget(&s);
	for (int i = 0; i < 4; i++) {
		usleep(101000);
		progress_tick(s.progress);
	}
	/* The time is shown from the first second on; a busy machine may get there. */
	assert_true(s.writes == 0 || now_ms() - began >= 1000);
	forget(&s);
	say(&s, s.build, "done", "", 300, 1);
	assert_int_equal(s.writes, 1);
	forget(&s);
	progress_end(s.progress);
	s.progress = NULL;
	assert_int_equal(s.writes, 0); /* no row is left that had to be cleared */
	close_scene(&s);
}

static void many_steps_do_not_outgrow_the_screen(void **state)
{
	(void)state;
	struct scene s;
	open_scene(&s, "tty", (struct style){ .width = 80 });
	for (int i = 0; i < 100; i++) {
		struct step *one = step(&s, STEP_BUILD, "x", "x");
		say(&s, one, "start", "", 0, -1);
	}
	forget(&s);
	usleep(110000);
	progress_tick(s.progress);
	size_t rows = 0;
	for (const char *p = s.text; (p = strchr(p, '\n')); p++)
		rows++;
	assert_true(rows <= 23);
	assert_non_null(strstr(s.text, " more"));
	close_scene(&s);
}

static void what_a_step_writes_cannot_steer(void **state)
{
	(void)state;
	struct scene s;
	open_scene(&s, "tty", (struct style){ .width = 80, .colour = true });
	say(&s, s.build, "start", "", 0, -1);
	say(&s, s.build, "output", "\033[2J\033]0;x\007", 0, -1);
	usleep(110000);
	progress_tick(s.progress);
	assert_null(strstr(s.text, "\033[2J"));
	assert_null(strstr(s.text, "\033]0"));
	close_scene(&s);
}

int main(void)
{
	setlocale(LC_ALL, "C.UTF-8");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_is_one_object_per_event),
		cmocka_unit_test(quiet_says_nothing),
		cmocka_unit_test(elsewhere_than_on_a_terminal_lines_are_plain),
		cmocka_unit_test(plain_lines_do_not_flood),
		cmocka_unit_test(start_and_wait_are_one_line),
		cmocka_unit_test(a_frame_is_one_write_and_fits),
		cmocka_unit_test(nothing_new_draws_nothing),
		cmocka_unit_test(many_steps_do_not_outgrow_the_screen),
		cmocka_unit_test(what_a_step_writes_cannot_steer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
