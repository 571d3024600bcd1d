/* Files that nobody but their owner may read: keyring, keys, consent (FAULTS D07). */
#ifndef RUN_SECRETS_PRIVATE_H
#define RUN_SECRETS_PRIVATE_H

#include "base/diag.h"

/*
 * 0: a plain file of ours that others cannot open; 1: absent; -1 with the remedy: it is refused,
 * never narrowed silently, because it may have been read already.
 */
int private_check(const char *path, const char *what, struct err *e);

#endif
