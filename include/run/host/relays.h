/* Ways for containers to the host services of an agent, made as these begin to listen. */
#ifndef RUN_HOST_RELAYS_H
#define RUN_HOST_RELAYS_H

#include "run/host/hosts.h"
#include "run/io/loop.h"

struct relays; /* heap */

struct relays *relays_new(struct loop *l, void (*note)(void *ctx, const char *text), void *ctx);
/* What was started as `id`: a relay for each of its TCP ports, when what->gateway says where. What
 * was there of that id before goes. */
void relays_start(struct relays *r, const char *id, const struct host_launch *what);
void relays_stop(struct relays *r, const char *id);
void relays_turn(struct relays *r);                     /* after each turn of the loop */
int relays_timeout(const struct relays *r, int max_ms); /* how long the next turn may wait */
void relays_free(struct relays *r);

#endif
