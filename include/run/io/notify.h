/* sd_notify(3): what a service says about itself on the socket that $NOTIFY_SOCKET names. */
#ifndef RUN_IO_NOTIFY_H
#define RUN_IO_NOTIFY_H

#include <stddef.h>

#include "base/diag.h"
#include "run/io/poller.h"

struct notify; /* heap: one socket, of one copy */

/* One assignment ("READY", "1"); unknown ones too. value is cut at 200 bytes. */
typedef void notify_fn(void *ctx, const char *name, const char *value);

/* unit: SERVICE.N, a file name. dir is made, 0700; where its name is too long for a socket, a
 * folder below /tmp takes its place. */
struct notify *notify_new(
	struct loop *l, const char *dir, const char *unit, notify_fn *fn, void *ctx, struct err *e);
const char *notify_path(const struct notify *n); /* for $NOTIFY_SOCKET */
void notify_free(struct notify *n);              /* removes the socket */

#endif
