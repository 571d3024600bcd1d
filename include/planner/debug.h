/*
 * The tools container of `devenv debug` as a value. Pure, as the rest of this room: what the joined
 * container is like was looked at before.
 */
#ifndef PLANNER_DEBUG_H
#define PLANNER_DEBUG_H

#include "model/tools.h"
#include "planner/planner.h"

struct tools_request {
	const struct service *service; /* to join; NULL: the project's network alone */
	const struct joined *joined;   /* its container; NULL: it runs on the host, or no service */
	bool bundle;                   /* the certificates that the project trusts are sent along */
	struct strs caps;              /* as given with --cap */
	const char *user;              /* NULL: the joined one's, else the image's */
	bool root;
	const char *unique;  /* tells several tools containers of a workspace apart */
	const char *version; /* of devenv, for labels */
};

/* The name of the image: the rung's tag, or a registry's with its tag. Needs world.inputs. */
const char *tools_image(struct arena *a, const struct project *p, const struct world *w);

/*
 * 0, or diagnostics: a capability that is none, or nothing of the project there to be joined.
 * Capabilities are those of the joined container and what was asked for, else none at all.
 */
int tools_make(struct arena *a, const struct project *p, const struct world *w,
	const struct tools_request *req, struct tools_spec *out, struct diags *d);

/* debug_clients.c: what clients in it need to find the project's databases and routes. Part of
 * tools_make(). */
void tools_clients(struct arena *a, const struct project *p, const struct world *w,
	const struct service *joined, struct tools_spec *out);

#endif
