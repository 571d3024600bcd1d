/*
 * A terminal as a screen, by ncurses. Comes in: a grid. Goes out: what changed of it on the
 * terminal; keys and clicks. Does not know what is shown.
 */
#define NCURSES_WIDECHAR 1
#define NCURSES_NOMACROS 1 /* functions have addresses */
#include "view/screen.h"

#include <curses.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "base/lib.h"
#include "base/terminal.h"

enum { PAIRS_MAX = 256, ESCAPE_MS = 25, FIRST_PAIR = 1 };

/* After a crash: no mouse, the screen of before, a cursor, no colour. */
static const char last_words[] = "\033[?1000l\033[?1006l\033[?1049l\033[?25h\033[0m\r\n";

struct screen {
	FILE *in, *out;
	SCREEN *term;
	WINDOW *window;
	struct grid shown; /* what stands on the terminal */
	struct termios before;
	bool colour, whole, gone;
	int colours; /* that the terminal has */
	struct {
		int32_t fg, bg;
	} pairs[PAIRS_MAX];
	int pair_count;
};

static struct {
	__typeof__(newterm) *newterm;
	__typeof__(delscreen) *delscreen;
	__typeof__(endwin) *endwin;
	__typeof__(wrefresh) *wrefresh;
	__typeof__(wclear) *wclear;
	__typeof__(clearok) *clearok;
	__typeof__(cbreak) *cbreak;
	__typeof__(noecho) *noecho;
	__typeof__(nonl) *nonl;
	__typeof__(keypad) *keypad;
	__typeof__(nodelay) *nodelay;
	__typeof__(set_escdelay) *set_escdelay;
	__typeof__(curs_set) *curs_set;
	__typeof__(start_color) *start_color;
	__typeof__(use_default_colors) *use_default_colors;
	__typeof__(init_extended_pair) *init_extended_pair;
	__typeof__(setcchar) *setcchar;
	__typeof__(mvwadd_wch) *mvwadd_wch;
	__typeof__(wmove) *wmove;
	__typeof__(wget_wch) *wget_wch;
	__typeof__(getmouse) *getmouse;
	__typeof__(mousemask) *mousemask;
	__typeof__(mouseinterval) *mouseinterval;
	__typeof__(resizeterm) *resizeterm;
	WINDOW **standard;
	int *colours;
} curses;

#define SYMBOL(name)                                                                               \
	{                                                                                          \
#name, (void **)&curses.name, false                                                \
	}

static int load(struct err *e)
{
	static const char *const names[] = { "libncursesw.so.6", "libncursesw.6.dylib", NULL };
	static const struct lib_symbol symbols[] = { SYMBOL(newterm), SYMBOL(delscreen),
		SYMBOL(endwin), SYMBOL(wrefresh), SYMBOL(wclear), SYMBOL(clearok), SYMBOL(cbreak),
		SYMBOL(noecho), SYMBOL(nonl), SYMBOL(keypad), SYMBOL(nodelay), SYMBOL(set_escdelay),
		SYMBOL(curs_set), SYMBOL(start_color), SYMBOL(use_default_colors),
		SYMBOL(init_extended_pair), SYMBOL(setcchar), SYMBOL(mvwadd_wch), SYMBOL(wmove),
		SYMBOL(wget_wch), SYMBOL(getmouse), SYMBOL(mousemask), SYMBOL(mouseinterval),
		SYMBOL(resizeterm), { "stdscr", (void **)&curses.standard, false },
		{ "COLORS", (void **)&curses.colours, false } };
	static bool loaded;
	if (!loaded && lib_open(names, symbols, countof(symbols), e))
		return -1;
	loaded = true;
	return 0;
}

/* ---- opening ---- */

static FILE *open_terminal(const char *name, int flags, const char *mode)
{
	int fd = open(name, flags | O_NOCTTY | O_CLOEXEC);
	FILE *f = fd >= 0 ? fdopen(fd, mode) : NULL;
	if (fd >= 0 && !f)
		close(fd);
	return f;
}

static int open_streams(struct screen *s, struct err *e)
{
	const char *name =
		isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ? ttyname(STDIN_FILENO) : NULL;
	if (!name) {
		err_set(e, ERR_USAGE, "the dashboard needs a terminal");
		err_hint(e, "`devenv status`, `devenv graph` and `devenv logs` print the same");
		return -1;
	}
	s->in = open_terminal(name, O_RDONLY, "r");
	s->out = open_terminal(name, O_RDWR, "w");
	return s->in && s->out ? 0 : err_errno(e, "opening the terminal %s", name);
}

/* newterm() itself would end the program for a terminal that it does not know. */
static int start(struct screen *s, struct err *e)
{
	const char *type = getenv("TERM");
	bool known = type && *type && !streq(type, "dumb") && !streq(type, "unknown");
	s->term = known ? curses.newterm(NULL, s->out, s->in) : NULL;
	if (s->term)
		return 0;
	err_set(e, ERR_USAGE, "the dashboard cannot draw on a terminal of type \"%s\"",
		type ? type : "");
	err_hint(e, "set TERM to what the terminal is, as in `TERM=xterm-256color devenv dash`");
	return -1;
}

static void set_up(struct screen *s)
{
	s->window = *curses.standard;
	curses.cbreak();
	curses.noecho();
	curses.nonl();
	curses.keypad(s->window, true);
	curses.nodelay(s->window, true);
	curses.set_escdelay(ESCAPE_MS);
	curses.curs_set(0);
	curses.mousemask(
		BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
	curses.mouseinterval(0);
	s->colour = s->colour && curses.start_color() == OK && *curses.colours >= 8;
	s->colours = s->colour ? *curses.colours : 0;
	if (s->colour)
		curses.use_default_colors();
	screen_resized(s);
}

struct screen *screen_open(bool colour, struct err *e)
{
	struct screen *s = xcalloc(1, sizeof(*s));
	s->colour = colour;
	if (open_streams(s, e) || load(e)) {
		screen_close(s);
		return NULL;
	}
	tcgetattr(fileno(s->out), &s->before);
	if (start(s, e)) {
		screen_close(s);
		return NULL;
	}
	terminal_guard(fileno(s->out), &s->before, last_words);
	set_up(s);
	return s;
}

void screen_close(struct screen *s)
{
	if (!s)
		return;
	terminal_unguard();
	if (s->term) {
		curses.endwin();
		curses.delscreen(s->term);
	}
	if (s->in)
		fclose(s->in);
	if (s->out)
		fclose(s->out);
	grid_release(&s->shown);
	xfree(s);
}

int screen_fd(const struct screen *s)
{
	return fileno(s->in);
}

bool screen_colours(const struct screen *s)
{
	return s->colour;
}

bool screen_gone(const struct screen *s)
{
	return s->gone;
}

void screen_size(const struct screen *s, int *width, int *height)
{
	struct winsize size = { 0 };
	if (ioctl(fileno(s->out), TIOCGWINSZ, &size) || !size.ws_col || !size.ws_row)
		size = (struct winsize){ .ws_col = 80, .ws_row = 24 };
	*width = size.ws_col;
	*height = size.ws_row;
}

void screen_resized(struct screen *s)
{
	int width, height;
	screen_size(s, &width, &height);
	curses.resizeterm(height, width);
	s->whole = true;
}

void screen_spoilt(struct screen *s)
{
	s->whole = true;
}

void screen_leave(struct screen *s)
{
	s->whole = true;
	curses.curs_set(1);
	curses.endwin();
	terminal_unguard();
}

void screen_enter(struct screen *s)
{
	terminal_guard(fileno(s->out), &s->before, last_words);
	screen_resized(s);
	curses.curs_set(0);
}

/* ---- input ---- */

static bool from_mouse(struct dash_input *out)
{
	MEVENT m;
	if (curses.getmouse(&m) != OK)
		return false;
	out->x = m.x;
	out->y = m.y;
	out->kind = m.bstate & BUTTON4_PRESSED   ? DASH_WHEEL_UP
		    : m.bstate & BUTTON5_PRESSED ? DASH_WHEEL_DOWN
						 : DASH_CLICK;
	return true;
}

/* 0: one that means nothing here. */
static uint32_t special(wint_t key)
{
	static const struct {
		wint_t theirs;
		uint32_t ours;
	} keys[] = { { KEY_UP, DASH_KEY_UP }, { KEY_DOWN, DASH_KEY_DOWN },
		{ KEY_LEFT, DASH_KEY_LEFT }, { KEY_RIGHT, DASH_KEY_RIGHT },
		{ KEY_PPAGE, DASH_KEY_PAGE_UP }, { KEY_NPAGE, DASH_KEY_PAGE_DOWN },
		{ KEY_HOME, DASH_KEY_HOME }, { KEY_END, DASH_KEY_END },
		{ KEY_ENTER, DASH_KEY_ENTER }, { KEY_BACKSPACE, DASH_KEY_BACKSPACE },
		{ KEY_BTAB, DASH_KEY_BACKTAB } };
	for (size_t i = 0; i < countof(keys); i++)
		if (keys[i].theirs == key)
			return keys[i].ours;
	return 0;
}

static uint32_t plain(wint_t key)
{
	switch (key) {
	case '\r':
	case '\n':
		return DASH_KEY_ENTER;
	case '\t':
		return DASH_KEY_TAB;
	case 27:
		return DASH_KEY_ESCAPE;
	case 8:
	case 127:
		return DASH_KEY_BACKSPACE;
	default:
		return key < 0x110000 ? (uint32_t)key : 0;
	}
}

bool screen_input(struct screen *s, struct dash_input *out)
{
	wint_t key;
	int waiting = 0;
	for (;;) {
		int rc = curses.wget_wch(s->window, &key);
		/* A terminal that can be read and has nothing has gone. */
		if (rc == ERR) {
			s->gone = ioctl(fileno(s->in), FIONREAD, &waiting) != 0;
			return false;
		}
		*out = (struct dash_input){ .kind = DASH_KEY };
		if (rc == KEY_CODE_YES && key == KEY_MOUSE && from_mouse(out))
			return true;
		out->key = rc == KEY_CODE_YES ? special(key) : plain(key);
		if (out->key && out->kind == DASH_KEY)
			return true;
	}
}

/* ---- drawing ---- */

/* Where colours are direct, ncurses counts them by red, green and blue. */
static int number_of(int32_t ink)
{
	return ink != INK_DEFAULT && ink & INK_TRUE ? ink & ~INK_TRUE : ink;
}

static int pair_of(struct screen *s, int32_t fg, int32_t bg)
{
	if (fg == INK_DEFAULT && bg == INK_DEFAULT)
		return 0;
	for (int i = 0; i < s->pair_count; i++)
		if (s->pairs[i].fg == fg && s->pairs[i].bg == bg)
			return FIRST_PAIR + i;
	if (s->pair_count == PAIRS_MAX - FIRST_PAIR) /* rather plain than another one's colour */
		return 0;
	s->pairs[s->pair_count].fg = fg;
	s->pairs[s->pair_count].bg = bg;
	curses.init_extended_pair(FIRST_PAIR + s->pair_count, number_of(fg), number_of(bg));
	return FIRST_PAIR + s->pair_count++;
}

static attr_t attributes(uint8_t flags)
{
	return (flags & PEN_BOLD ? A_BOLD : 0) | (flags & PEN_DIM ? A_DIM : 0) |
	       (flags & PEN_UNDERLINE ? A_UNDERLINE : 0) | (flags & PEN_REVERSE ? A_REVERSE : 0);
}

static void draw_cell(struct screen *s, const struct cell *c, int x, int y)
{
	wchar_t text[CCHARW_MAX + 1] = { L' ' };
	cchar_t cell;
	mbstate_t state = { 0 };
	const char *p = c->text;
	if (!c->width)
		return;
	size_t n = c->text[0] ? mbsrtowcs(text, &p, CCHARW_MAX, &state) : 1;
	if (n == (size_t)-1) { /* the locale has no such character */
		text[0] = L'?';
		text[1] = L'\0';
	}
	int pair = pair_of(s, ink_fit(c->fg, s->colours), ink_fit(c->bg, s->colours));
	curses.setcchar(&cell, text, attributes(c->flags), (short)pair, NULL);
	curses.mvwadd_wch(s->window, y, x, &cell);
}

static bool same(const struct cell *a, const struct cell *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static void draw_row(struct screen *s, const struct grid *g, int y)
{
	const struct cell *row = &g->cells[y * g->width], *old = &s->shown.cells[y * g->width];
	for (int x = 0; x < g->width; x++)
		if (s->whole || !same(&row[x], &old[x]))
			draw_cell(s, &row[x], x, y);
}

void screen_draw(struct screen *s, const struct grid *g, int x, int y)
{
	if (s->shown.width != g->width || s->shown.height != g->height) {
		grid_size(&s->shown, g->width, g->height);
		s->whole = true;
	}
	if (s->whole) {
		curses.wclear(s->window);
		curses.clearok(s->window, true);
	}
	for (int row = 0; row < g->height; row++)
		draw_row(s, g, row);
	memcpy(s->shown.cells, g->cells, sizeof(*g->cells) * (size_t)(g->width * g->height));
	s->whole = false;
	curses.curs_set(x >= 0);
	if (x >= 0)
		curses.wmove(s->window, y, x);
	curses.wrefresh(s->window);
}
