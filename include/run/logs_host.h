/* Inside logs: log files that somebody else of devenv writes, followed as they grow. */
#ifndef RUN_LOGS_HOST_H
#define RUN_LOGS_HOST_H

#include "run/logs.h"

struct log_tails; /* heap */

/* Everything but the folder's name must stay; marks: what was shown already. */
struct log_tails *log_tails_new(const char *dir, const struct log_marks *marks,
	struct log_filter *filter, log_fn *fn, void *ctx);
/* Finds files that are new. of_engine: services whose lines the engine gives. */
void log_tails_scan(struct log_tails *t, const struct strs *of_engine);
bool log_tails_read(struct log_tails *t); /* gives out what was written since; was there any? */
void log_tails_free(struct log_tails *t);

#endif
