/*
 * Keys to intents, and the one line that some of them ask for. Comes in: bytes as typed; sequences
 * of cursor and function keys are passed over. Goes out: intents.
 */
#include "view/keys.h"

#include <string.h>

static const struct key {
	unsigned char byte;
	enum intent intent;
	bool asks; /* for a line */
	const char *name, *help;
} table[] = {
	{ 'w', INTENT_WATCH, false, "w", "watch for saved files: on or off" },
	{ 'l', INTENT_LINT, false, "l", "lint on change: on or off" },
	{ 't', INTENT_TEST, false, "t", "test on change: on or off" },
	{ 'r', INTENT_RESTART, true, "r", "restart a service" },
	{ '/', INTENT_FILTER, true, "/", "show only lines that match; empty: all" },
	{ 'd', INTENT_DETACH, false, "d", "detach: leave everything running" },
	{ 'q', INTENT_QUIT, false, "q", "quit: stop everything (as Ctrl-C does)" },
	{ '?', INTENT_HELP, false, "?", "these lines" },
	{ 'h', INTENT_HELP, false, NULL, NULL },
	{ 0x0c, INTENT_REDRAW, false, "Ctrl-L", "draw the bottom line anew" },
};

enum { ESCAPE = 0x1b, BACKSPACE = 0x7f, CTRL_H = 8, CTRL_U = 0x15, CTRL_W = 0x17, CTRL_G = 7 };
/* Where an escape sequence is. */
enum { NO_SEQUENCE, AFTER_ESCAPE, IN_SEQUENCE };

static void drop_character(struct buf *b)
{
	while (b->len && ((unsigned char)b->data[b->len - 1] & 0xc0) == 0x80)
		buf_truncate(b, b->len - 1);
	if (b->len)
		buf_truncate(b, b->len - 1);
}

static void drop_word(struct buf *b)
{
	while (b->len && b->data[b->len - 1] == ' ')
		buf_truncate(b, b->len - 1);
	while (b->len && b->data[b->len - 1] != ' ')
		buf_truncate(b, b->len - 1);
}

static enum intent stop_asking(struct keys *k, bool *changed)
{
	enum intent i = k->asking;
	k->asking = INTENT_NONE;
	*changed = true;
	return i;
}

/* A lone ESC gives up; one that begins a sequence cannot be told from it before the next byte. */
static bool pass_over(struct keys *k, unsigned char byte, bool *changed)
{
	if (k->sequence == AFTER_ESCAPE) {
		k->sequence = byte == '[' || byte == 'O' ? IN_SEQUENCE : NO_SEQUENCE;
		return k->sequence == IN_SEQUENCE;
	}
	if (k->sequence == IN_SEQUENCE) {
		if (byte >= 0x40 && byte <= 0x7e)
			k->sequence = NO_SEQUENCE;
		return true;
	}
	if (byte != ESCAPE)
		return false;
	k->sequence = AFTER_ESCAPE;
	if (k->asking)
		stop_asking(k, changed);
	return true;
}

static enum intent edit(struct keys *k, unsigned char byte, bool *changed)
{
	*changed = true;
	switch (byte) {
	case '\n':
	case '\r':
		return stop_asking(k, changed);
	case CTRL_G:
		stop_asking(k, changed);
		break;
	case BACKSPACE:
	case CTRL_H:
		drop_character(&k->line);
		break;
	case CTRL_U:
		buf_truncate(&k->line, 0);
		break;
	case CTRL_W:
		drop_word(&k->line);
		break;
	default:
		if (byte >= 0x20 && k->line.len < PROMPT_MAX)
			buf_addc(&k->line, (char)byte);
	}
	return INTENT_NONE;
}

void keys_ask(struct keys *k, enum intent i, const char *old)
{
	k->asking = i;
	buf_truncate(&k->line, 0);
	if (old)
		buf_adds(&k->line, old);
}

enum intent keys_byte(struct keys *k, unsigned char byte, bool *changed)
{
	*changed = false;
	if (pass_over(k, byte, changed))
		return INTENT_NONE;
	if (k->asking)
		return edit(k, byte, changed);
	for (size_t i = 0; i < countof(table); i++) {
		if (table[i].byte != byte)
			continue;
		if (!table[i].asks)
			return table[i].intent;
		keys_ask(k, table[i].intent, NULL);
		*changed = true;
	}
	return INTENT_NONE;
}

void keys_release(struct keys *k)
{
	buf_release(&k->line);
}

void view_keys(struct buf *out, struct style st)
{
	for (size_t i = 0; i < countof(table); i++) {
		if (!table[i].name)
			continue;
		buf_adds(out, "  ");
		view_colour(out, st, "1");
		buf_addf(out, "%-6s", table[i].name);
		view_colour(out, st, "0");
		buf_addf(out, "  %s\n", table[i].help);
	}
}
