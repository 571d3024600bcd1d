/* What each host service was last started with, kept in front of the supervisor. */
#ifndef RUN_LAUNCHES_H
#define RUN_LAUNCHES_H

#include "run/hosts.h"

struct launches; /* heap */

struct launches *launches_new(struct hosts *inner); /* inner must stay */
struct hosts *launches_hosts(struct launches *l);   /* inner's, which remember */
size_t launches_count(const struct launches *l);    /* started and not removed */
void launches_free(struct launches *l); /* wipes nothing: the memory is the agent's own */

#endif
