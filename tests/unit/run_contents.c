/* What is read from images: dpkg's list of packages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "run/engine/contents.h"

static const char status[] = "Package: zsh\n"
			     "Status: deinstall ok config-files\n"
			     "Version: 5.9\n"
			     "\n"
			     "Package: libc6\n"
			     "Status: install ok installed\n"
			     "Architecture: i386\n"
			     "Version: 2.36-9\n"
			     "\n"
			     "Package: dpkg\n"
			     "Status: install ok installed\n"
			     "Architecture: amd64\n"
			     "Version: 1.21.22\n"
			     "Pre-Depends: libbz2-1.0, libc6 (>= 2.34)\n"
			     "Depends: tar (>= 1.28-1)\n"
			     "Description: package management\n"
			     " Version: not a field\n"
			     "\n"
			     "Package: mawk\n"
			     "Status: install ok installed\n"
			     "Architecture: amd64\n"
			     "Provides: awk\n"
			     "Version: 1.3.4\n";

static void dpkg_list(void **state)
{
	struct arena a = ARENA_INIT;
	struct packages l = { 0 };
	(void)state;
	dpkg_status(&a, status, strlen(status), &l);
	assert_int_equal(l.count, 3);
	assert_string_equal(l.items[0].name, "dpkg");
	assert_string_equal(l.items[0].version, "1.21.22");
	assert_string_equal(l.items[0].needs, "libbz2-1.0, libc6 (>= 2.34), tar (>= 1.28-1)");
	assert_string_equal(l.items[1].name, "libc6:i386");
	assert_string_equal(l.items[2].provides, "awk");
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dpkg_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
