/* Inside progress: what its files share. */
#ifndef VIEW_PROGRESS_PARTS_H
#define VIEW_PROGRESS_PARTS_H

#include "base/map.h"
#include "view/view.h"

enum { LIVE_MAX = 64 };

struct live { /* a running step and what it last said */
	const struct step *step;
	char text[160];
	double fraction; /* negative: unknown */
	int64_t since;
	int64_t told; /* when plain lines last spoke of it */
	char said[160];
};

struct progress {
	const struct plan *plan;
	struct map begun; /* unit -> when its start began, for those whose readiness is awaited */
	FILE *file;
	enum progress_mode { MODE_TTY, MODE_PLAIN, MODE_JSON, MODE_QUIET } mode;
	struct style style;
	struct live live[LIVE_MAX];
	size_t live_count;
	size_t widths[LIVE_MAX + 1]; /* columns of the rows on the screen */
	size_t drawn;                /* such rows */
	struct buf frame;            /* as last drawn */
	int64_t drawn_at;
	bool paused; /* a step has the terminal for itself */
};

void progress_flush(struct progress *pr, const struct buf *out);
struct live *progress_live(struct progress *pr, const struct step *s);
/* A line for good about the event, with its newline; false: it is no such event. */
bool progress_ending(struct buf *out, const struct progress *pr, const struct progress_event *ev);
/* Room for a name: short ones align, long ones push the rest. */
void progress_name(struct buf *out, const struct progress *pr, const char *name);

/* progress_live.c */
/* Draws what runs below the lines for good; lines NULL: only when something in it is another. */
void live_draw(struct progress *pr, const struct buf *lines);
void live_clear(struct progress *pr);

#endif
