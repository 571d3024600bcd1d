/*
 * What is known of a certificate, from the cache where it was read before. OpenSSL is slow to load
 * and to read one, and the certificates of a workspace stay the same for weeks.
 */
#ifndef RUN_SECRETS_CERTIFICATE_FACTS_H
#define RUN_SECRETS_CERTIFICATE_FACTS_H

#include "run/secrets/keys.h"
#include "run/files/places.h"

/* As certificate_look() and certificate_signed(); without places.cache nothing is remembered. */
int certificate_facts(struct arena *a, const struct places *pl, const struct buf *pem,
	struct certificate_facts *out, struct err *e);
bool certificate_issued(const struct places *pl, const struct buf *pem, const struct buf *issuer);

#endif
