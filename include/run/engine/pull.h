/*
 * How far images are pulled, read from the lines that Compose and the engine's builder write when
 * their output is no terminal. Comes in: lines. Goes out: one text and a fraction for all of them.
 */
#ifndef RUN_ENGINE_PULL_H
#define RUN_ENGINE_PULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PULL_LAYERS = 256, PULL_NAMES = 16 };

struct pull_layer {
	char id[16];
	int64_t total; /* bytes; 0: not told yet */
	int64_t loaded, unpacked;
	bool done;
};

struct pull {
	struct pull_layer layers[PULL_LAYERS]; /* what exceeds them is not counted */
	size_t count;
	char names[PULL_NAMES][40]; /* services that are being pulled for */
	size_t name_count;
};

/*
 * True: the line is about a pull, and text (of size) and *fraction say how things stand now; an
 * empty text: nothing is to be told any more.
 */
bool pull_line(
	struct pull *p, const char *line, size_t len, char *text, size_t size, double *fraction);

#endif
