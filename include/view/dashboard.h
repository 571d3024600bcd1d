/*
 * The dashboard as a value: what is shown of units, stages, logs and the graph, and where its user
 * stands in it. Comes in: the nouns, lines of a log, keys, the mouse, the time. Goes out: a grid of
 * cells, and intents. Nothing here acts, reads a clock or touches a terminal.
 */
#ifndef VIEW_DASHBOARD_H
#define VIEW_DASHBOARD_H

#include <regex.h>

#include "base/map.h"
#include "view/grid.h"
#include "view/view.h"

/* ---- what its user does ---- */
enum dash_key { /* beyond Unicode; every other key is its code point */
	DASH_KEY_UP = 0x110000,
	DASH_KEY_DOWN,
	DASH_KEY_LEFT,
	DASH_KEY_RIGHT,
	DASH_KEY_PAGE_UP,
	DASH_KEY_PAGE_DOWN,
	DASH_KEY_HOME,
	DASH_KEY_END,
	DASH_KEY_ENTER,
	DASH_KEY_BACKSPACE,
	DASH_KEY_ESCAPE,
	DASH_KEY_TAB,
	DASH_KEY_BACKTAB,
};
enum dash_input_kind { DASH_KEY, DASH_CLICK, DASH_WHEEL_UP, DASH_WHEEL_DOWN };
struct dash_input {
	enum dash_input_kind kind;
	uint32_t key;
	int x, y; /* of the mouse */
};

/* ---- what it asks for ---- */
enum dash_want {
	DASH_NOTHING,
	DASH_QUIT,
	DASH_RUN,    /* devenv WORDS..., its output to dashboard_output() */
	DASH_INSIDE, /* devenv WORDS... on the whole terminal */
	DASH_CANCEL, /* what DASH_RUN began */
	DASH_REDRAW, /* the screen was spoilt by others */
};
struct dash_intent {
	enum dash_want want;
	struct strs words; /* live until the next input */
};

/* ---- what it holds ---- */
enum { DASH_SAMPLES = 60, DASH_ROWS = 2000, DASH_LINE_MAX = 8192, DASH_BYTES = 2 << 20 };

struct dash_history {                 /* of a unit, over looks; heap, by name */
	int cpu[DASH_SAMPLES];        /* thousandths of a core; a ring */
	int64_t memory[DASH_SAMPLES]; /* bytes */
	size_t count, at;
	int requests[DASH_SAMPLES]; /* a second, in a ring of its own */
	size_t request_count, request_at;
};

struct dash_unit { /* a service, or what is left of one; strings in the arena of the look */
	const char *name, *word;
	const char *note;  /* "exit status 1", "restarts in 3.2 s"; "" none */
	const char *ports; /* "8080->80 5432"; "" none */
	const char *url;   /* of a route that leads to it; NULL */
	const char *marks; /* of its stages: "++x"; "" none */
	int64_t uptime_s;  /* -1: does not run, or nobody knows */
	unsigned restarts;
	bool orphan; /* no service of the project: it can be read, not commanded */
	struct dash_history *history;
};

struct dash_row {   /* one line of a pane */
	char *text; /* clean, with SGR at most; heap */
	size_t len;
	bool shown, found; /* by the filter, by the search */
};

enum dash_pane_kind { DASH_LOGS, DASH_STAGES, DASH_GRAPH, DASH_OUTPUT, DASH_HELP, DASH_PANES };

struct dash_pane {
	struct dash_row *rows; /* a ring of DASH_ROWS; heap */
	size_t first, count, bytes;
	uint64_t dropped; /* rows that made way: the number of the first */
	bool tails;       /* new lines are what its reader waits for */
	bool follow;      /* the end is shown */
	uint64_t top;     /* else: number of the row that is shown first */
	uint64_t seen;    /* rows there were when it ceased to follow */
	uint64_t found;   /* number of the row that the search went to; UINT64_MAX: none */
	uint64_t end;     /* rows from this one on are held back; UINT64_MAX: none */
	bool wrap;
	int shift; /* columns scrolled to the right */
	struct buf filter_text, search_text;
	regex_t filter, search; /* where their texts are not empty */
};

enum dash_prompt { PROMPT_NONE, PROMPT_SEARCH, PROMPT_FILTER, PROMPT_PALETTE, PROMPT_CONFIRM };

struct dashboard {
	bool colour, unicode;
	int width, height;
	bool dirty; /* what is shown would be another */

	const char *project;  /* name; the caller's */
	const char *agent;    /* a few words on it; the caller's */
	const char *trouble;  /* the engine cannot be asked: why; NULL: it can */
	struct strs commands; /* of devenv that there are; the caller's */

	struct arena arena; /* of the last look */
	struct {
		struct dash_unit *items;
		size_t count, cap;
	} units;
	bool any_marks;
	struct map histories;
	char *selected; /* name of a unit, heap; NULL: there is none */
	size_t list_top;

	enum dash_pane_kind pane, before_help;
	struct dash_pane panes[DASH_PANES];
	char output_title[200];
	bool running;          /* a command of DASH_RUN */
	int64_t sampled_until; /* lines of the log come too fast to be shown; 0: they do not */

	enum dash_prompt prompt;
	struct buf typed;
	size_t palette_at; /* chosen entry among those that match */
	const struct dash_action *confirm;
	char message[300];
	int64_t now_ms, message_until;

	struct arena intent_arena;
	struct dash_intent intent;
};

void dashboard_init(struct dashboard *d, int width, int height);
void dashboard_release(struct dashboard *d);

/* The caller's nouns are looked at and not kept. modules: NULL where there are none. */
void dashboard_look(struct dashboard *d, const struct project *p, const struct world *w,
	const struct module_states *modules);
/* A sample every so often; cpu in thousandths of a core. */
void dashboard_usage(struct dashboard *d, const char *service, int cpu, int64_t memory);
/* Requests a second that it got, told each so often where there is a proxy. */
void dashboard_requests(struct dashboard *d, const char *service, int a_second);
void dashboard_log(struct dashboard *d, bool error, const char *line, size_t len);
void dashboard_log_clear(struct dashboard *d); /* another unit's comes */
void dashboard_log_skip(struct dashboard *d);  /* some were too many to be shown */
/* Text of the stages' pane, whole: any number of clean lines with SGR. */
void dashboard_stages(struct dashboard *d, const char *text, size_t len);
/* A command of DASH_RUN: begins, says, ends. */
void dashboard_run(struct dashboard *d, const char *title);
void dashboard_output(struct dashboard *d, const char *line, size_t len);
void dashboard_ran(struct dashboard *d, int status);
void dashboard_say(struct dashboard *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void dashboard_resize(struct dashboard *d, int width, int height);
void dashboard_tick(struct dashboard *d, int64_t now_ms);

struct dash_intent dashboard_input(struct dashboard *d, const struct dash_input *in);
void dashboard_choose(struct dashboard *d, const char *unit);          /* selects it */
const struct dash_unit *dashboard_selected(const struct dashboard *d); /* NULL: there is none */

/* Draws all of it anew; g has the dashboard's size afterwards. */
void dashboard_draw(struct dashboard *d, struct grid *g);
/* Where the cursor stands while something is typed; false: nowhere. */
bool dashboard_cursor(const struct dashboard *d, int *x, int *y);

#endif
