/*
 * A terminal as a screen: draws a grid, gives out what its user does. Opens the terminal a second
 * time, by name, so that not to block is this file's affair alone. The only file that knows ncurses
 * (loaded on first use).
 */
#ifndef VIEW_SCREEN_H
#define VIEW_SCREEN_H

#include "base/diag.h"
#include "view/dashboard.h"

struct screen; /* heap; one at a time */

/* NULL with err: no terminal, or one that cannot be drawn on (TERM=dumb). */
struct screen *screen_open(bool colour, struct err *e);
void screen_close(struct screen *s);   /* gives the terminal back; NULL is fine */
int screen_fd(const struct screen *s); /* can be read when its user did something */
bool screen_colours(const struct screen *s);
void screen_size(const struct screen *s, int *width, int *height);
void screen_resized(struct screen *s); /* after SIGWINCH */
/* What its user did; false: nothing more for now. */
bool screen_input(struct screen *s, struct dash_input *out);
/* The terminal has gone: nobody reads or types any more. */
bool screen_gone(const struct screen *s);
/* cursor: x, y of it; negative: hidden. */
void screen_draw(struct screen *s, const struct grid *g, int x, int y);
void screen_spoilt(struct screen *s); /* the next draw is of all of it */
/* Others use the terminal meanwhile. */
void screen_leave(struct screen *s);
void screen_enter(struct screen *s);

#endif
