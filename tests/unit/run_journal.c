/* The journal and the engine's events. Guards: nothing is lost or torn when files turn over or many
 * write at once; of the engine's actions only those that change a state are told. */
#include "run_test.h"

#include <sys/wait.h>

#include "base/os.h"
#include "doc/json.h"
#include "run/engine/engine_events.h"
#include "run/control/journal.h"

static struct happening step(const char *name)
{
	struct happening h = HAPPENING(HAPPENED_STEP);
	h.name = name;
	h.state = "done";
	h.duration_ms = 7;
	return h;
}

static void what_is_noted_is_read(void **state)
{
	struct home *h = *state;
	struct happening got, wanted = step("start \"api\"\n");
	struct journal *j = journal_open(&h->places);
	assert_false(journal_next(j, &h->a, &got)); /* there is none yet */
	wanted.service = "api";
	wanted.time_ms = 1769853600123;
	journal_add(&h->places, &wanted);
	assert_true(journal_next(j, &h->a, &got));
	assert_int_equal(got.kind, HAPPENED_STEP);
	assert_string_equal(got.name, wanted.name);
	assert_string_equal(got.service, "api");
	assert_null(got.text);
	assert_true(got.time_ms == wanted.time_ms);
	assert_true(got.duration_ms == 7 && got.status == -1 && got.pid == 0);
	assert_false(journal_next(j, &h->a, &got));
	struct stat st;
	assert_int_equal(stat(path_join(&h->a, h->places.state, "events.jsonl"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	journal_close(j);
}

/* Four writers turn the file over while it is read. */
static void many_write_and_none_is_lost(void **state)
{
	enum { WRITERS = 4, LINES = 400 };
	struct home *h = *state;
	struct happening got;
	long seen[WRITERS] = { 0 };
	char pad[1000];
	memset(pad, 'x', sizeof(pad) - 1);
	pad[sizeof(pad) - 1] = '\0';
	struct happening first = step("first");
	journal_add(&h->places, &first);
	struct journal *j = journal_open(&h->places);
	pid_t pids[WRITERS];
	for (int w = 0; w < WRITERS; w++) {
		pids[w] = fork();
		for (int i = 0; !pids[w] && i < LINES; i++) {
			char name[40];
			snprintf(name, sizeof(name), "%d %d", w, i);
			struct happening n = step(name);
			n.text = pad;
			journal_add(&h->places, &n);
			usleep(100);
		}
		if (!pids[w])
			_exit(0);
	}
	int64_t until = now_ms() + 60000;
	for (long all = 0; all < WRITERS * LINES && now_ms() < until;) {
		struct arena a = ARENA_INIT;
		int w = 0, i = 0;
		if (journal_next(j, &a, &got) && sscanf(got.name, "%d %d", &w, &i) == 2) {
			assert_int_equal(i, seen[w]);
			seen[w]++;
			all++;
		}
		arena_release(&a);
	}
	for (int w = 0; w < WRITERS; w++) {
		waitpid(pids[w], NULL, 0);
		assert_int_equal(seen[w], LINES);
	}
	struct stat st;
	assert_int_equal(stat(path_join(&h->a, h->places.state, "events.jsonl.1"), &st), 0);
	assert_in_range(st.st_size, JOURNAL_MAX, JOURNAL_MAX + 4096);
	journal_close(j);
}

static void a_torn_line_is_skipped(void **state)
{
	struct home *h = *state;
	struct happening got, after = step("after");
	const char *path = path_join(&h->a, h->places.state, "events.jsonl");
	static const char torn[] = "{\"kind\": \"step\", \"ti\n[]\n{\"kind\":\"step\"}\n";
	assert_int_equal(dir_make(h->places.state, 0700, &h->e), 0);
	assert_int_equal(file_write(path, torn, strlen(torn), 0600, false, &h->e), 0);
	journal_add(&h->places, &after);
	struct journal *j = journal_open(&h->places);
	assert_true(journal_next(j, &h->a, &got));
	assert_string_equal(got.name, "after");
	journal_close(j);
}

static const struct node *event(struct home *h, const char *action, const char *more)
{
	const char *text = arena_printf(&h->a,
		"{\"Type\":\"container\",\"Action\":\"%s\",\"Actor\":{\"ID\":\"0123\","
		"\"Attributes\":{\"com.docker.compose.service\":\"api\",\"name\":\"x-api-2\","
		"\"com.docker.compose.container-number\":\"2\"%s}},\"timeNano\":"
		"1769853600123456789}",
		action, more);
	return json_read(&h->a, text, strlen(text), "event", &h->e);
}

static void the_engines_actions_become_states(void **state)
{
	struct home *h = *state;
	struct container c;
	const char *note;
	int64_t t;
	assert_true(engine_event_read(event(h, "die", ",\"exitCode\":\"137\""), &t, &c, &note));
	assert_int_equal(c.state, UNIT_EXITED);
	assert_int_equal(c.exit_code, 137);
	assert_int_equal(c.number, 2);
	assert_string_equal(c.service, "api");
	assert_true(t == 1769853600123456789);
	assert_true(engine_event_read(event(h, "health_status: unhealthy", ""), &t, &c, &note));
	assert_int_equal(c.health, HEALTH_UNHEALTHY);
	assert_true(engine_event_read(
		event(h, "start", ",\"com.docker.compose.oneoff\":\"True\""), &t, &c, &note));
	assert_true(c.one_off);
	assert_true(engine_event_read(event(h, "oom", ""), &t, &c, &note));
	assert_non_null(note);
	static const char *const silent[] = { "exec_create: sh", "exec_start: sh", "exec_die",
		"top", "kill", "restart", "attach", "" };
	for (size_t i = 0; i < countof(silent); i++)
		assert_false(engine_event_read(event(h, silent[i], ""), &t, &c, &note));
	assert_false(engine_event_read(NULL, &t, &c, &note));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(what_is_noted_is_read),
		test(many_write_and_none_is_lost),
		test(a_torn_line_is_skipped),
		test(the_engines_actions_become_states),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
