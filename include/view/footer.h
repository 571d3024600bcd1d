/*
 * One line pinned below output that scrolls. Comes in: text for above, text of the line. Goes out:
 * the bytes that a terminal wants, one write for both.
 */
#ifndef VIEW_FOOTER_H
#define VIEW_FOOTER_H

#include <stdbool.h>

#include "base/buf.h"

struct footer {
	size_t columns; /* that the line on the screen takes; 0: there is none */
	bool cursor;    /* it was hidden and is to be shown at the end */
};

/*
 * above: whole lines that scroll (NULL: none); line: cleaned text with SGR at most, cut to width;
 * NULL: no line from now on. typing: the cursor stands at its end, seen.
 */
void footer_draw(struct footer *f, struct buf *out, const struct buf *above, const char *line,
	int width, bool typing);
/* Text with SGR cut to so many columns, at a character. */
void text_cut(struct buf *out, const char *text, size_t columns);

#endif
