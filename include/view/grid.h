/*
 * A screen as a value: cells of text with a pen each. Made by views, drawn by screen.c, compared by
 * tests. Text that comes in is clean (text_clean()) and valid UTF-8.
 */
#ifndef VIEW_GRID_H
#define VIEW_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum pen_flags { PEN_BOLD = 1, PEN_DIM = 2, PEN_UNDERLINE = 4, PEN_REVERSE = 8 };
enum { INK_DEFAULT = -1, INK_TRUE = 0x1000000 };

struct pen {
	int32_t fg, bg; /* INK_DEFAULT; 0..255 of the usual palette; INK_TRUE | 0xrrggbb */
	uint8_t flags;  /* of enum pen_flags */
};
#define PEN_PLAIN                                                                                  \
	(struct pen)                                                                               \
	{                                                                                          \
		INK_DEFAULT, INK_DEFAULT, 0                                                        \
	}

struct cell {
	char text[14]; /* one character with what combines with it, NUL-terminated; "" a blank */
	uint8_t width; /* 1 or 2; 0: the right half of the cell before */
	uint8_t flags;
	int32_t fg, bg;
};

struct grid {
	struct cell *cells; /* row by row; heap */
	int width, height;
};

void grid_size(struct grid *g, int width, int height); /* and all blank */
void grid_clear(struct grid *g);
void grid_release(struct grid *g);

/* Where text goes: columns x .. x + width - 1 of rows y .. y + rows - 1; what lies outside of the
 * grid, or above row `top`, is left out. */
struct area {
	int x, y, width;
	int rows; /* more than 1: the text goes on in the next row */
	int top;
	int skip; /* columns that are passed over at the beginning (scrolled to the right) */
};
struct stretch { /* bytes of the text without its SGR sequences */
	size_t begin, end;
};

/* Plain text in one row, cut at column `end`. The column after it. */
int grid_text(struct grid *g, int x, int y, int end, struct pen pen, const char *text);
void grid_fill(struct grid *g, int x, int y, int end, struct pen pen);
/* Text with SGR sequences; stretches are shown reversed. */
void grid_sgr(struct grid *g, const struct area *at, struct pen pen, const char *text, size_t len,
	const struct stretch *marked, size_t count);
int sgr_rows(const char *text, size_t len, int width); /* that such a text takes; 1 at least */
void sgr_strip(struct buf *out, const char *text, size_t len); /* without its sequences */
/* A sequence of SGR at p: its length, applied to pen (NULL: not); 0: there is none. */
size_t sgr_read(const char *p, size_t len, struct pen base, struct pen *pen);
/* The nearest ink that a terminal of so many colours has; INK_DEFAULT below 8. */
int32_t ink_fit(int32_t ink, int colours);

/* Rows as lines of text without blanks at their ends; pens: a second picture, a letter a cell. */
void grid_dump(struct buf *out, const struct grid *g);
void grid_dump_pens(struct buf *out, const struct grid *g);

#endif
