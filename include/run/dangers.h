/* Finding what reaches out of the containers, for trust.c. */
#ifndef RUN_DANGERS_H
#define RUN_DANGERS_H

#include "base/arena.h"
#include "base/diag.h"
#include "model/project.h"
#include "run/trust.h"

/* Adds one; loud: it is as good as root on this machine. */
void danger_add(struct arena *a, struct dangers *out, bool loud, struct place at, const char *fmt,
	...) __attribute__((format(printf, 5, 6)));
/* Keys of a service's mapping: privileged, namespaces of the host, capabilities, devices, ... */
void danger_options(struct arena *a, const struct service *s, struct dangers *out);
/* Commands of a service on this host: `run: host`, and `host:` for the day of --host. */
void danger_host(
	struct arena *a, const struct project *p, const struct service *s, struct dangers *out);
/* Who holds the engine's socket holds the machine; so does who holds a directory above it. */
bool danger_holds_engine(const char *path);
/* True when the path, links resolved, is not in the checkout; one that is not there counts by its
 * text. */
bool danger_outside(struct arena *a, const struct project *p, const char *path);

#endif
