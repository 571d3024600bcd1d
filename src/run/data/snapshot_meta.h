/* Inside of snapshot*.c: the file that says what is in a snapshot. */
#ifndef RUN_SNAPSHOT_META_H
#define RUN_SNAPSHOT_META_H

#include "run/data/snapshot.h"

#define SNAPSHOT_META "snapshot.json"

#endif
