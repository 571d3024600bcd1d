/*
 * Which value of a secret a data volume knows: keyed hashes of it, remembered in the workspace's
 * state (marks.json), beside the label that the volume was made with. The key is this machine's
 * (fingerprint.key in places.data, 0600), so that a mark can still be compared when the keyring was
 * lost and its values were set again; nobody without the key learns anything from a mark.
 */
#ifndef RUN_SECRETS_MARKS_H
#define RUN_SECRETS_MARKS_H

#include "base/arena.h"
#include "base/diag.h"
#include "model/world.h"
#include "run/files/places.h"

extern const char marks_label[]; /* of a volume: "db_password=MARK other=MARK" */

/* The machine's key, made when it is absent and create is set. 1: there is none; -1: refused. */
int marks_key(const struct places *pl, bool create, unsigned char key[32], struct err *e);
void marks_load(struct arena *a, const struct places *pl, struct volume_marks *out);
int marks_save(const struct places *pl, const struct volume_marks *list, struct err *e);
/* Which machine's marks these are; "" where it has no key yet. */
const char *marks_machine(struct arena *a, const struct places *pl);
/* The marks in a label's text. */
void marks_parse(struct arena *a, const char *volume, const char *label, struct volume_marks *out);

#endif
