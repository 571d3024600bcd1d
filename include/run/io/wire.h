/* An HTTP answer on a raw connection: its header (exec and attach take the connection over), and a
 * body in chunks. */
#ifndef RUN_IO_WIRE_H
#define RUN_IO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_MAX_HEADER = 64 * 1024 };

struct wire_head {
	int status;
	size_t length;       /* bytes of the header, blank line included */
	int64_t body_length; /* Content-Length; -1: none given */
	bool chunked;        /* Transfer-Encoding */
	bool upgraded;       /* 101, or 200 of an engine that hijacks without saying so */
};

/* 1: complete; 0: more bytes are needed; -1: this is no such header, or it is too long. */
int wire_parse(const char *data, size_t len, struct wire_head *out);

enum wire_state {
	CHUNK_SIZE,
	CHUNK_SIZE_END,
	CHUNK_DATA,
	CHUNK_DATA_END,
	CHUNK_TRAILER,
	CHUNK_TRAILER_LINE,
	CHUNK_END
};
struct wire_chunks { /* zero at first */
	enum wire_state state;
	uint64_t left;   /* bytes of this chunk */
	unsigned digits; /* of its size */
	size_t around;   /* bytes between two chunks so far */
};
enum wire_fed { WIRE_MORE, WIRE_WHOLE, WIRE_STOPPED, WIRE_BROKEN };

/* Gives out what lies in the chunks, in pieces; fn false: no more of it is wanted. */
enum wire_fed wire_chunks_feed(struct wire_chunks *w, const char *data, size_t len,
	bool (*fn)(void *ctx, const char *data, size_t len), void *ctx);

#endif
