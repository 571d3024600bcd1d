/* The local authority beyond what run.h declares: for probe.c and stores.c. */
#ifndef RUN_SECRETS_AUTHORITY_H
#define RUN_SECRETS_AUTHORITY_H

#include "model/world.h"
#include "run/secrets/keys.h"
#include "run/files/places.h"

struct authority {
	const char *dir, *certificate, *key; /* paths */
	struct buf pem;
	struct certificate_facts facts;
};

/* 0, 1: there is none, -1. Reads the certificate only. */
int authority_read(struct arena *a, const struct places *pl, struct authority *out, struct err *e);
void authority_release(struct authority *au);
/* Makes a new one in place of one that has expired; only on request. */
int authority_renew(struct arena *a, const struct places *pl, struct authority *out, struct err *e);
/* What there is of authority, leaf and host bundle, without making anything. */
void certificate_probe(
	struct arena *a, const struct places *pl, const struct project *p, struct world *w);
const char *host_bundle_path(void); /* the CA bundle of this machine; NULL: none is readable */

#endif
