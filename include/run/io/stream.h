/* A line of output, and who takes it. */
#ifndef RUN_IO_STREAM_H
#define RUN_IO_STREAM_H

#include <stddef.h>
#include <stdint.h>

/* Logs of containers, demultiplexed into whole lines with their time (ns since 1970). */
enum stream { STREAM_STDOUT = 1, STREAM_STDERR = 2 };
typedef void log_fn(void *ctx, const char *service, int number, enum stream s, int64_t time_ns,
	const char *line, size_t len);

#endif
