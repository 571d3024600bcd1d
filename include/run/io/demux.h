/*
 * The engine's stream of a container: frames of eight bytes header and payload, or raw bytes of a
 * terminal. And on top of it log lines with the time that the engine put in front.
 */
#ifndef RUN_IO_DEMUX_H
#define RUN_IO_DEMUX_H

#include <stdint.h>

#include "run/io/lines.h"
#include "run/io/stream.h"

/* start: these bytes begin a frame (always false in raw streams). */
typedef void demux_fn(void *ctx, enum stream s, const char *data, size_t len, bool start);

enum demux_mode {
	DEMUX_AUTO, /* decided by the first byte: a frame's is 0..2; only for logs with times */
	DEMUX_FRAMES,
	DEMUX_RAW,
};

struct demux {
	enum demux_mode mode;
	demux_fn *fn;
	void *ctx;
	unsigned char head[8];
	size_t have;   /* bytes of head */
	uint32_t left; /* bytes of payload still to come */
	bool start;
};

/* 0; -1 when the bytes are no such stream (nothing more may be fed). */
int demux_feed(struct demux *d, const char *data, size_t len);
bool demux_whole(const struct demux *d); /* between frames */

enum { STAMP_LEN = 30 }; /* "2006-01-02T15:04:05.000000000Z" */

/* ns since 1970; -1 when it is no such time. s need not be terminated. */
int64_t stamp_read(const char *s, size_t len);
void stamp_write(char out[STAMP_LEN + 1], int64_t ns);

/* Lines of a log asked for with timestamps=1. The engine cuts long lines into stamped frames: they
 * are joined. */
typedef void stamped_fn(void *ctx, enum stream s, int64_t time_ns, const char *line, size_t len);
struct stamped {
	struct demux demux;
	stamped_fn *fn;
	void *ctx;
	struct stamped_part {
		struct stamped *owner;
		enum stream stream;
		struct lines lines;
		char stamp[STAMP_LEN + 1]; /* with its blank, as far as it came */
		size_t stamp_have;
		int64_t time;
		bool in_stamp;
	} parts[2];
};
void stamped_init(struct stamped *s, stamped_fn *fn, void *ctx);
int stamped_feed(struct stamped *s, const char *data, size_t len);
void stamped_end(struct stamped *s); /* gives out unfinished lines; releases */

#endif
