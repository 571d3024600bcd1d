/*
 * What happened in a workspace, kept for a while: lines of JSON in its state directory, 0600, two
 * files of at most JOURNAL_MAX bytes. Many may write at once; whoever reads sees whole lines. It is
 * for `events` only: nothing is decided by it.
 */
#ifndef RUN_CONTROL_JOURNAL_H
#define RUN_CONTROL_JOURNAL_H

#include "model/happening.h"
#include "run/files/places.h"

enum { JOURNAL_MAX = 1 << 20 };

/* Stamped with this moment unless it has a time. What cannot be written is lost: no error. */
void journal_add(const struct places *pl, const struct happening *h);

struct journal;                                        /* one that is read, heap */
struct journal *journal_open(const struct places *pl); /* from its beginning; it need not exist */
/* The next one in order of writing, its strings in the arena; false: no more for now. */
bool journal_next(struct journal *j, struct arena *a, struct happening *out);
void journal_close(struct journal *j);

#endif
