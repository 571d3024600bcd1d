/* The header of an HTTP answer on a raw connection (exec and attach take the connection over). */
#ifndef RUN_WIRE_H
#define RUN_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_MAX_HEADER = 64 * 1024 };

struct wire_head {
	int status;
	size_t length;       /* bytes of the header, blank line included */
	int64_t body_length; /* Content-Length; -1: none given */
	bool upgraded;       /* 101, or 200 of an engine that hijacks without saying so */
};

/* 1: complete; 0: more bytes are needed; -1: this is no such header, or it is too long. */
int wire_parse(const char *data, size_t len, struct wire_head *out);

#endif
