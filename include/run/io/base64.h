/* Base64 (RFC 4648, padded), and wiping what nobody is to read. */
#ifndef RUN_IO_BASE64_H
#define RUN_IO_BASE64_H

#include "base/buf.h"

void base64_encode(struct buf *out, const void *data, size_t len);
bool base64_decode(struct buf *out, const char *text, size_t len);
void wipe(void *data, size_t len);
void wipe_text(const char *text); /* a string that a reader left in an arena */

#endif
