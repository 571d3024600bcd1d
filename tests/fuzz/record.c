/*
 * Lines of logs. Guards: whatever a service writes is read within its bytes; what is read as a
 * record lies inside the line, and its text is no longer than what it was written as.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "doc/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_inside(struct span s, const char *line, size_t len)
{
	check(s.at >= line && s.at + s.len <= line + len);
}

static void check_record(const struct record *r, const char *line, size_t len)
{
	check(r->count >= 0 && r->count <= RECORD_FIELDS);
	check(r->time < r->count && r->level < r->count && r->message < r->count);
	check(record_time(r) >= -1);
	for (int i = 0; i < r->count; i++) {
		cleanup_buf struct buf text = BUF_INIT;
		check_inside(r->fields[i].key, line, len);
		check_inside(r->fields[i].value, line, len);
		record_text(&text, &r->fields[i]);
		check(text.len <= r->fields[i].value.len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record r;
	char *line = calloc(1, size + !size); /* its end is the end of the memory */
	if (!line)
		return 0;
	if (size)
		memcpy(line, data, size);
	check(line_level(line, size) <= LEVEL_FATAL);
	if (size)
		check(line_has_id(line, size, line, size)); /* it is all of it */
	if (record_read(&r, line, size))
		check_record(&r, line, size);
	free(line);
	return 0;
}
