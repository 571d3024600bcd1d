/*
 * The newest lines of one service for a screen: what it has written last, then what comes. A screen
 * shows some lines a second: where more are written, most are passed over and that is said, so that
 * a flood costs its writer's time and not the watcher's. All lines are in `devenv logs`.
 */
#ifndef RUN_LOGS_LOG_FEED_H
#define RUN_LOGS_LOG_FEED_H

#include "base/os.h"
#include "run/engine/engine.h"

struct log_feed; /* heap */

enum { LOG_FEED_TAIL = 500 }; /* lines of the past */

struct log_feed_ops {
	void (*line)(void *ctx, bool error, const char *line, size_t len);
	void (*skipped)(void *ctx); /* some lines are missing here */
};

/* g, dir (of our own log files) and ops must stay. g NULL: files alone. */
struct log_feed *log_feed_new(
	struct engine *g, const char *dir, const struct log_feed_ops *ops, void *ctx);
void log_feed_free(struct log_feed *f);
/* Of another service from now on: its first lines are those of the past. */
void log_feed_service(struct log_feed *f, const char *service);
/* Gives out what is there. w tells who writes: containers are asked for, host services' files read.
 */
void log_feed_turn(struct log_feed *f, const struct world *w, int64_t now_ms);

#endif
