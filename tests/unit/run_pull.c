/* Room run: progress of pulls. Guards: layers and bytes add up over all that is pulled at once, as
 * Compose 2.26, the engine's builder and BuildKit tell them; other lines are left alone; nothing
 * that a hostile registry makes them print runs out of bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "run/engine/pull.h"

static bool feed(struct pull *p, const char *line, char text[200], double *fraction)
{
	*fraction = -2;
	text[0] = '\0';
	return pull_line(p, line, strlen(line), text, 200, fraction);
}

static void tells(struct pull *p, const char *line, const char *want, double fraction)
{
	char text[200];
	double got;
	assert_true(feed(p, line, text, &got));
	assert_string_equal(text, want);
	assert_true(got - fraction < 0.001 && fraction - got < 0.001);
}

static void compose_adds_up(void **state)
{
	(void)state;
	struct pull *p = &(struct pull){ 0 };
	tells(p, " db Pulling ", "pulling db", -1);
	tells(p, " web Pulling ", "pulling db, web", -1);
	tells(p, " bcf437850313 Pulling fs layer ", "pulling db, web: 0/1 layers", -1);
	tells(p, " f9d114aa4dd4 Pulling fs layer ", "pulling db, web: 0/2 layers", -1);
	tells(p, " bcf437850313 Downloading [>        ]  463.8kB/44.1MB",
		"pulling db, web: 0/2 layers, 0.5/44.1 MB", 0.0053);
	tells(p, " f9d114aa4dd4 Downloading [=====>   ]  1.5MB/3MB",
		"pulling db, web: 0/2 layers, 2.0/47.1 MB", 0.0208);
	tells(p, " f9d114aa4dd4 Verifying Checksum ", "pulling db, web: 0/2 layers, 3.5/47.1 MB",
		0.0368);
	tells(p, " f9d114aa4dd4 Pull complete ", "pulling db, web: 1/2 layers, 3.5/47.1 MB",
		0.0686);
	tells(p, " bcf437850313 Download complete ", "pulling db, web: 1/2 layers, 47.1/47.1 MB",
		0.5318);
	tells(p, " bcf437850313 Extracting [====>    ]  22.05MB/44.1MB",
		"pulling db, web: 1/2 layers, 47.1/47.1 MB", 0.7659);
	tells(p, " db Pulled ", "pulling web: 1/2 layers, 47.1/47.1 MB", 0.7659);
	tells(p, " bcf437850313 Pull complete ", "pulling web: 2/2 layers, 47.1/47.1 MB", 1);
	tells(p, " web Pulled ", "", 1);
}

static void the_builder_counts_layers(void **state)
{
	(void)state;
	struct pull *p = &(struct pull){ 0 };
	tells(p, "6e909acdb790: Pulling fs layer", "pulling: 0/1 layers", -1);
	tells(p, "5eaa34f5b9c2: Already exists", "pulling: 1/2 layers", -1);
	tells(p, "6e909acdb790: Pull complete", "", 1);
}

static void buildkit_tells_bytes(void **state)
{
	(void)state;
	struct pull *p = &(struct pull){ 0 };
	tells(p, "#4 sha256:bcf4378503130fbc9d01 10.49MB / 28.23MB 0.3s",
		"pulling: 0/1 layers, 10.5/28.2 MB", 0.3716);
	tells(p, "#4 sha256:bcf4378503130fbc9d01 28.23MB / 28.23MB 1.3s done", "", 1);
}

static void other_lines_are_left_alone(void **state)
{
	(void)state;
	static const char *const lines[] = { "", " ", " Container shop-api-1  Creating",
		" Network shop_default  Created", "bcf437850313", "bcf437850313 is a commit",
		"web Pulling the plug", "Pulling", "#5 [2/4] RUN make", "#5 sha256:xyz 1MB / 2MB",
		"Error response from daemon: pull access denied for x",
		" db Error pull access denied", "#4 sha256:bcf437850313 3MB / 2MB" };
	for (size_t i = 0; i < countof(lines); i++) {
		struct pull p = { 0 };
		char text[200];
		double fraction;
		if (feed(&p, lines[i], text, &fraction))
			fail_msg("taken for a pull: %s", lines[i]);
	}
}

static void bounds_hold(void **state)
{
	(void)state;
	struct pull p = { 0 };
	char text[200], line[400];
	double fraction;
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(line, sizeof(line), " %012x Downloading [>]  1MB/%uMB", i, i + 1);
		feed(&p, line, text, &fraction);
		snprintf(line, sizeof(line), " service-with-a-name-%u Pulling ", i);
		assert_true(feed(&p, line, text, &fraction));
		assert_true(fraction <= 1);
	}
	assert_int_equal(p.count, PULL_LAYERS);
	assert_int_equal(p.name_count, PULL_NAMES);
	memset(line, 'a', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	assert_false(feed(&p, line, text, &fraction));
	assert_true(feed(&p, " bcf437850313 Downloading [>] 1e300GB/1e308GB", text, &fraction));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compose_adds_up),
		cmocka_unit_test(the_builder_counts_layers),
		cmocka_unit_test(buildkit_tells_bytes),
		cmocka_unit_test(other_lines_are_left_alone),
		cmocka_unit_test(bounds_hold),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
