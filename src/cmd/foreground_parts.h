/* Inside the foreground: what its files share. */
#ifndef CMD_FOREGROUND_PARTS_H
#define CMD_FOREGROUND_PARTS_H

#include <regex.h>

#include "cmd/lifecycle.h"
#include "cmd/results.h"
#include "run/io/child.h"
#include "run/io/detach.h"
#include "run/io/hooks.h"
#include "run/io/tty.h"
#include "view/footer.h"
#include "view/keys.h"

enum ending {
	ENDING_NONE,
	ENDING_STOP,   /* everything is to be stopped */
	ENDING_DETACH, /* everything stays */
	ENDING_GONE,   /* nothing is left to be followed */
};

struct restarting { /* `devenv restart SVC`, beside all else */
	struct child *child;
	struct spawn spawn;
	struct strs argv;
	char service[300];
	struct loop_hook *look;
};

struct foreground {
	struct context *context;
	struct control_client *agent; /* NULL: none, or it has gone */
	struct strs names;            /* services whose logs are followed */
	struct results results;
	struct log_printer printer;
	int64_t read_ns; /* time of the latest line, wall clock */
	struct tty *tty; /* NULL: plain lines on standard output */
	struct footer footer;
	bool pins;         /* the terminal can do what the footer needs */
	struct buf pinned; /* as last drawn */
	struct keys keys;
	struct buf lines; /* to be shown with the next drawing */
	size_t dropped;   /* lines that the terminal was too slow for */
	int64_t drawn_at;
	struct loop_hook *draw_later, *agent_hook;
	regex_t filter;
	bool filtering;
	char filter_text[PROMPT_MAX + 1];
	struct restarting restart;
	enum ending ending;
	bool quit;   /* by key: that is no failure */
	bool failed; /* the agent has gone without a word */
};

/* foreground.c: the agent's events that are there. */
void on_agent(void *foreground);

/* foreground_show.c */
void show_open(struct foreground *f);
void show_lines(struct foreground *f, const struct buf *lines); /* whole ones */
void show_say(struct foreground *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void show_footer(struct foreground *f); /* something in it may be another now */
void show_again(struct foreground *f);  /* draws it whatever it was */
void show_close(struct foreground *f);  /* the terminal as it was; what is pending goes out */

/* foreground_keys.c */
void on_key(void *foreground, unsigned char byte);
bool filter_passes(struct foreground *f, const char *line, size_t len);
void foreground_end(struct foreground *f, enum ending e); /* the loop returns with its next turn */
void restart_release(struct restarting *r);

#endif
