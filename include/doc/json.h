/* JSON in and out (jansson): exact integers, bounded depth, duplicate keys refused. */
#ifndef DOC_JSON_H
#define DOC_JSON_H

#include "base/buf.h"
#include "doc/node.h"

enum { JSON_MAX_DEPTH = 64 };

/* name is what errors call the source ("the engine's answer", a path). NULL with err. */
struct node *json_read(
	struct arena *a, const char *text, size_t len, const char *name, struct err *e);
/* indent 0: one line. Keys in order. */
void json_write(struct buf *out, const struct node *n, int indent);
void json_quote(struct buf *out, const char *s, size_t len); /* one quoted, escaped string */
#define json_string json_quote /* jansson has a function of this name */

#endif
