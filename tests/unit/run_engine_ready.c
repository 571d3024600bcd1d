/* Readiness on the real engine. Guards: ready means that it answers; what cannot become ready fails
 * at once with its last lines and the place that asked. */
#include "run/perform.h"
#include "run_engine_test.h"

static int wait_for(struct service *s, struct err *e)
{
	struct world w = { 0 };
	struct performer pf = { .loop = loop, .engine = engine, .places = &places, .world = &w };
	const struct service *list[] = { s };
	*e = (struct err)ERR_INIT;
	return ready_wait(&pf, list, 1, 0, e);
}

static void units_become_ready(void **state)
{
	struct err e;
	(void)state;
	static const enum check_kind kinds[] = { CHECK_TCP, CHECK_LOG, CHECK_EXEC, CHECK_HTTP,
		CHECK_NONE };
	for (size_t i = 0; i < countof(kinds); i++) {
		for (int published = 0; published < 2; published++) {
			docker("docker rm -f $W-srv-1 >/dev/null 2>&1 || true");
			make("run -d", "srv", published ? "-p 127.0.0.1::8000" : "", SERVER);
			struct service s = service("srv", kinds[i]);
			s.check.regex = "^listen(ing)?$";
			strs_add(&arena, &s.check.argv, "perl");
			strs_add(&arena, &s.check.argv, "-MIO::Socket::INET");
			strs_add(&arena, &s.check.argv, "-e");
			strs_add(&arena, &s.check.argv,
				"exit !IO::Socket::INET->new(PeerAddr=>\"127.0.0.1:8000\")");
			int64_t began = now_ms();
			if (wait_for(&s, &e))
				fail_msg("kind %d: %s", kinds[i], e.text);
			int64_t took = now_ms() - began;
			if (kinds[i] != CHECK_NONE && took < 200)
				fail_msg("kind %d was ready after %lld ms, before it listened",
					kinds[i], (long long)took);
			if (took > 3000)
				fail_msg("kind %d took %lld ms", kinds[i], (long long)took);
		}
	}
}

static void jobs_are_ready_when_they_end(void **state)
{
	struct err e;
	(void)state;
	make("run -d", "job", "", "sh -c 'sleep 0.3'");
	struct service s = service("job", CHECK_NONE);
	s.kind = KIND_JOB;
	assert_int_equal(wait_for(&s, &e), 0);
	make("run -d", "badjob", "", "sh -c 'echo cannot migrate; exit 3'");
	s.name = "badjob";
	assert_int_equal(wait_for(&s, &e), -1);
	assert_non_null(strstr(e.text, "badjob ended with status 3"));
	assert_non_null(strstr(e.text, "cannot migrate"));
	assert_int_equal(e.place.line, 7);
}

static void units_that_cannot_fail_at_once(void **state)
{
	struct err e;
	int64_t began = now_ms();
	(void)state;
	make("run -d", "dies", "",
		"sh -c 'for i in `seq 40`; do echo line $i; done; sleep 0.2; exit 1'");
	struct service s = service("dies", CHECK_TCP);
	assert_int_equal(wait_for(&s, &e), -1);
	assert_non_null(strstr(e.text, "dies ended with status 1"));
	assert_non_null(strstr(e.text, "line 40"));
	assert_null(strstr(e.text, "line 20\n"));
	assert_int_equal(e.place.line, 9);
	make("run -d", "loops", "--restart always", "sh -c 'echo again; exit 1'");
	s = service("loops", CHECK_NONE);
	s.restart_policy = true;
	assert_int_equal(wait_for(&s, &e), -1);
	assert_non_null(strstr(e.text, "restarts again and again"));
	docker("docker rm -f $W-loops-1");
	make("run -d", "sick", "--health-cmd false --health-interval 200ms --health-retries 1",
		"sleep 600");
	s = service("sick", CHECK_NONE);
	assert_int_equal(wait_for(&s, &e), -1);
	assert_non_null(strstr(e.text, "unhealthy"));
	assert_in_range(now_ms() - began, 0, 9000);
	make("run -d", "slow", "", "sh -c 'echo still thinking; sleep 600'");
	s = service("slow", CHECK_TCP);
	s.check.deadline_ms = 700;
	assert_int_equal(wait_for(&s, &e), -1);
	assert_non_null(strstr(e.text, "slow is not ready after 700 ms: awaited a connection to "));
	assert_non_null(strstr(e.text, "still thinking"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_become_ready),
		cmocka_unit_test(jobs_are_ready_when_they_end),
		cmocka_unit_test(units_that_cannot_fail_at_once),
	};
	return on_the_engine(tests, countof(tests));
}
