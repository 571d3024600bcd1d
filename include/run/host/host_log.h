/*
 * Output of one copy of a host service on its way into its log file (format: run/logs.h). Bytes are
 * taken at once; a thread of the loop's pool writes them, so that a slow disk holds nobody up.
 */
#ifndef RUN_HOST_HOST_LOG_H
#define RUN_HOST_HOST_LOG_H

#include "run/logs/log_file.h"
#include "run/io/poller.h"

enum {
	HOST_LOG_FULL = 768 * 1024, /* bytes that wait for the disk: more is not taken at once */
	HOST_LOG_PATIENCE_MS =
		200, /* so long the disk may take for one write before bytes are lost */
};

struct host_log; /* heap */

/* room: called when there is place again after host_log_full(). */
struct host_log *host_log_new(struct loop *l, const char *dir, const char *service, int number,
	poller_fn *room, void *ctx);
/* A line of devenv's own ("process 812 started ..."). state: it says what the process is doing from
 * now on, so that a new generation of the file begins with it. Written a few ms later. */
void host_log_note(struct host_log *g, bool state, const char *text);
/* Whole lines go on their way, stamped with this moment; the rest waits for its end, at most
 * LINE_MAX_BYTES of it. */
void host_log_feed(struct host_log *g, enum stream s, const char *data, size_t len);
void host_log_end(struct host_log *g, enum stream s); /* an unfinished last line, too */
/* Better wait for room() before the next feed; false again after HOST_LOG_PATIENCE_MS: then what is
 * fed is dropped and counted, and a line in the log says how much. */
bool host_log_full(const struct host_log *g);
uint64_t host_log_dropped(const struct host_log *g); /* bytes of output */
/* What was taken is still written while the loop turns; room is not called any more. */
void host_log_free(struct host_log *g);

#endif
