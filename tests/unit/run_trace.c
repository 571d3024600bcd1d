/*
 * Redirects of a trace: where a Location leads, whatever stands in its query.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "run/trace/trace.h"

static void locations(void **state)
{
	static const struct {
		const char *base, *location, *target;
	} cases[] = {
		{ "https://a:1/x/y?q", "/z", "https://a:1/z" },
		{ "https://a:1/x/y?q", "z", "https://a:1/x/z" },
		{ "https://a:1/x/y?q=/r", "z?w", "https://a:1/x/z?w" },
		{ "https://a:1/x/y?q", "?w", "https://a:1/x/y?w" },
		{ "https://a:1/x/y?q", "", "https://a:1/x/y" },
		{ "https://a:1/x/y?q", "#top", "https://a:1/x/y" },
		{ "https://a:1", "z", "https://a:1/z" },
		{ "https://a:1", "?w", "https://a:1/?w" },
		{ "https://a:1/x", "//b/z", "https://b/z" },
		{ "https://a:1/x", "http://b/z#f", "http://b/z" },
		{ "https://a:1/x", "/login?next=http://b/z", "https://a:1/login?next=http://b/z" },
		{ "https://a:1/x", "login?next=http://b/z", "https://a:1/login?next=http://b/z" },
		{ "https://a:1/x", "mailto:b@c", NULL },
		{ "https://a:1/x", "ftp://b/c", NULL },
	};
	struct arena a = ARENA_INIT;
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		const char *got = tracer_target(&a, cases[i].base, cases[i].location);
		if (!streq(got, cases[i].target))
			fail_msg("%s -> %s: %s", cases[i].base, cases[i].location, got);
	}
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(locations) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
