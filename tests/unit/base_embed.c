/*
 * The table of embedded templates: sorted, so that embed_find can bisect, and
 * every entry is found under its own path with the bytes of the file on disk.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/embed.h"

static void test_sorted_and_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < embedded_count; i++) {
		const struct embedded *file = &embedded_files[i];

		if (i > 0)
			assert_true(strcmp(embedded_files[i - 1].path, file->path) < 0);
		assert_ptr_equal(embed_find(file->path), file);
		assert_int_equal(file->data[file->size], 0);
	}
	assert_null(embed_find("no/such/template"));
	assert_null(embed_find(""));
}

static void test_same_bytes_as_on_disk(void **state)
{
	(void)state;
	for (size_t i = 0; i < embedded_count; i++) {
		const struct embedded *file = &embedded_files[i];
		char path[512];
		FILE *disk;

		snprintf(path, sizeof path, "templates/%s", file->path);
		disk = fopen(path, "rb");
		assert_non_null(disk);
		for (size_t at = 0; at < file->size; at++)
			assert_int_equal(fgetc(disk), file->data[at]);
		assert_int_equal(fgetc(disk), EOF);
		fclose(disk);
		assert_int_equal(access(path, X_OK) == 0, file->executable);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorted_and_found),
		cmocka_unit_test(test_same_bytes_as_on_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
