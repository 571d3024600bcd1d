/* Certificates: the local authority, the leaf of a workspace, and who trusts it. */
#ifndef RUN_SECRETS_CERTIFICATE_H
#define RUN_SECRETS_CERTIFICATE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/text.h"
#include "model/plan.h"
#include "model/world.h"
#include "run/io/event.h"
#include "run/io/loop.h"
#include "run/files/places.h"

/* The local authority (one per user, in places.data/ca) and the leaf of this workspace. */
int authority_ensure(const struct places *pl, struct arena *a, const struct strs *project_hosts,
	struct world *w, struct err *e);
int leaf_ensure(const struct places *pl, struct arena *a, const struct strs *hosts, struct world *w,
	struct err *e);
int certificate_pem(
	const struct places *pl, enum source which, bool host, struct buf *out, struct err *e);
struct certificate_info {
	const char *what, *subject, *names, *fingerprint, *path;
	int64_t not_before, not_after;
};
int certificate_list(const struct places *pl, struct arena *a, struct certificate_info **out,
	size_t *count, struct err *e);
int authority_trust(const struct places *pl, struct loop *l, bool trust, event_fn *ev, void *ctx,
	struct err *e); /* system, NSS, Java stores */

#endif
