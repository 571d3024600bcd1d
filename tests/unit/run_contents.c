/* What is read from images: dpkg's list of packages, out of a tar archive that may be anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "run/contents.h"

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

static void put_header(char *block, char type, const char *size)
{
	memset(block, 0, 512);
	snprintf(block, 100, "status");
	snprintf(block + 124, 12, "%s", size);
	block[156] = type;
}

static void tar_of_one_file(void **state)
{
	char tar[4 * 512];
	size_t size = 0;
	(void)state;
	put_header(tar, 'x', "00000000012"); /* attributes come first */
	memset(tar + 512, 'p', 512);
	put_header(tar + 1024, '0', "00000000005");
	memcpy(tar + 1536, "hello", 5);
	assert_ptr_equal(tar_file(tar, sizeof(tar), &size), tar + 1536);
	assert_int_equal(size, 5);
	for (size_t len = 0; len < 1536 + 5; len++)
		assert_null(tar_file(tar, len, &size));
	put_header(tar + 1024, '0', "77777777777");
	assert_null(tar_file(tar, sizeof(tar), &size));
	put_header(tar + 1024, '0', "-1");
	assert_null(tar_file(tar, sizeof(tar), &size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dpkg_list),
		cmocka_unit_test(tar_of_one_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
