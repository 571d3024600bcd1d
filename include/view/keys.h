/*
 * Keys to intents. Comes in: the bytes of a terminal. Nothing here acts: whoever asked does.
 */
#ifndef VIEW_KEYS_H
#define VIEW_KEYS_H

#include "base/buf.h"
#include "view/view.h"

enum intent {
	INTENT_NONE,
	INTENT_WATCH,   /* w: the other way round */
	INTENT_LINT,    /* l */
	INTENT_TEST,    /* t */
	INTENT_RESTART, /* r; text: which */
	INTENT_DETACH,  /* d */
	INTENT_FILTER,  /* /; text: the expression, "" none */
	INTENT_QUIT,    /* q */
	INTENT_HELP,    /* ? */
	INTENT_REDRAW,  /* Ctrl-L */
};

enum { PROMPT_MAX = 500 };

struct keys {
	enum intent asking; /* a line is being typed for it; NONE: none is */
	struct buf line;    /* what was typed so far, whole characters at its end */
	int sequence;       /* bytes of an escape sequence that are still passed over */
};

/*
 * One byte on. The intent that it completes; RESTART and FILTER only begin a line with keys_ask(),
 * and come again, with keys->line, when it ends. *changed: what is shown must be drawn anew.
 */
enum intent keys_byte(struct keys *k, unsigned char byte, bool *changed);
/* Begins to ask for a line; what was typed before is offered when old is set. */
void keys_ask(struct keys *k, enum intent i, const char *old);
void keys_release(struct keys *k);
/* The keys and what they do, a line each. */
void view_keys(struct buf *out, struct style st);

#endif
