/*
 * A way for containers to reach a host service that listens on 127.0.0.1 only: a listener on the
 * address that `host-gateway` means, which passes every connection on. To be made when the service
 * listens already: one that listens on all addresses would find its port taken by us.
 */
#ifndef RUN_HOST_RELAY_H
#define RUN_HOST_RELAY_H

#include "base/diag.h"
#include "run/io/loop.h"

enum { RELAY_CONNECTIONS = 256 }; /* at once; more wait in the listener's queue */

struct relay; /* heap */

/*
 * Listens on address:port and forwards to 127.0.0.1:port. address: numeric ("172.17.0.1"). NULL
 * with e->code ERR_OK: the port is taken there, by the service itself as a rule, so none is needed.
 * NULL with err: the address is none of this machine's, or may not be listened on.
 */
struct relay *relay_new(struct loop *l, const char *address, int port, struct err *e);
void relay_free(struct relay *r); /* cuts its connections */

#endif
