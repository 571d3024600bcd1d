/* What the service answers, as text; it knows nothing of sockets. */
#ifndef PAGE_H
#define PAGE_H

#include <stddef.h>

struct build {
	unsigned number; /* of the programs that were linked here, from 1 */
	long long at;    /* seconds since 1970 */
	const char *revision, *compiler;
};
extern const struct build build; /* the one that runs */

enum { ANSWER_MAX = 8192 };

/*
 * The whole answer, head and body, to the head of a request. place: where the program runs, of the
 * environment and so of no trust. The answer's length.
 */
size_t page_answer(
	const char *request, const struct build *b, const char *place, char answer[ANSWER_MAX]);

#endif
