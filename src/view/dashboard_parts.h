/* Inside the dashboard: what its files share. */
#ifndef VIEW_DASHBOARD_PARTS_H
#define VIEW_DASHBOARD_PARTS_H

#include "view/dashboard.h"

enum { DASH_LEAST_WIDTH = 40, DASH_LEAST_HEIGHT = 10 };

/* Something that can be asked for, by a key or in the palette. */
enum dash_verb {
	VERB_RUN,     /* devenv NAME SVC */
	VERB_RUN_ALL, /* devenv NAME */
	VERB_INSIDE,  /* devenv NAME SVC on the whole terminal */
	VERB_TRACE,   /* devenv trace URL */
	VERB_OWN,     /* of the dashboard itself: `key` is pressed */
};
struct dash_action {
	uint32_t key; /* 0: in the palette alone */
	enum dash_verb verb;
	const char *name;     /* of the command; or the words of the palette */
	const char *argument; /* before the service; NULL */
	const char *help;
	bool confirm;
};
extern const struct dash_action dash_actions[];
extern const size_t dash_action_count;
/* Can it be asked for now? unit NULL: none is selected. */
bool action_applies(
	const struct dashboard *d, const struct dash_action *a, const struct dash_unit *unit);
void action_begin(struct dashboard *d, const struct dash_action *a, const struct dash_unit *unit);

/* ---- where things are on the screen ---- */
struct dash_layout {
	bool too_small;
	int list_y, list_rows; /* of the units */
	int info_y;            /* the selected one at length; -1: no room */
	int tabs_y, pane_y, pane_rows, footer_y;
};
void dashboard_layout(const struct dashboard *d, struct dash_layout *out);
/* First column of the tab, and the one after it. */
void dashboard_tab(enum dash_pane_kind k, int *x, int *end);
const char *dashboard_tab_name(enum dash_pane_kind k);

void dashboard_help(struct dashboard *d); /* fills its pane */

/* ---- panes ---- */
void pane_add(struct dash_pane *p, const char *line, size_t len);  /* clean */
void pane_text(struct dash_pane *p, const char *text, size_t len); /* lines, in place of what was */
void pane_clear(struct dash_pane *p);
void pane_release(struct dash_pane *p);
/* "" takes it away. False: it is no expression, with why. */
bool pane_filter(struct dash_pane *p, const char *text, char why[static 120]);
bool pane_search(struct dash_pane *p, const char *text, char why[static 120]);
void pane_scroll(struct dash_pane *p, int rows, int width, int height); /* > 0: down */
void pane_end(struct dash_pane *p, bool last, int width, int height);
void pane_pause(struct dash_pane *p, bool on, int width, int height);
/* To the next row that the search found, upwards or down. */
bool pane_find(struct dash_pane *p, bool up, int width, int height);
void pane_draw(const struct dash_pane *p, struct grid *g, int y, int height);
uint64_t pane_newer(const struct dash_pane *p); /* rows that came since it ceased to follow */

/* ---- the palette ---- */
struct dash_entry {
	const struct dash_action *action;
	const struct dash_unit *unit; /* NULL: about none */
	const char *label;
};
struct dash_entries {
	struct dash_entry *items;
	size_t count, cap;
};
/* What fits the words that were typed, in the arena. */
void palette_entries(const struct dashboard *d, struct arena *a, struct dash_entries *out);
void palette_draw(const struct dashboard *d, struct grid *g);
void palette_cursor(const struct dashboard *d, int *x, int *y);
/* The entry at a place of the screen; -1: none is there. */
int palette_hit(const struct dashboard *d, int x, int y);

size_t dashboard_index(const struct dashboard *d); /* of the selected one */
struct pen dashboard_ink(const struct dashboard *d, int colour, uint8_t flags);

#endif
