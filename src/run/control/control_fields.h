/* Fields of what goes over the agent's socket, for its own files. */
#ifndef RUN_CONTROL_FIELDS_H
#define RUN_CONTROL_FIELDS_H

#include "base/diag.h"
#include "doc/node.h"

/* Nothing is put for NULL, false, and a place without a file. */
void control_put_text(struct arena *a, struct node *n, const char *key, const char *s);
void control_put_int(struct arena *a, struct node *n, const char *key, int64_t v);
void control_put_true(struct arena *a, struct node *n, const char *key, bool v);
void control_put_place(struct arena *a, struct node *n, struct place at);
void control_put_error(struct arena *a, struct node *n, const struct err *e);

/* Strings are the tree's. */
const char *control_get_text(const struct node *n, const char *key);
int64_t control_get_int(const struct node *n, const char *key, int64_t fallback);
bool control_get_true(const struct node *n, const char *key);
struct place control_get_place(const struct node *n);
/* e's place is the tree's, too. */
void control_get_error(const struct node *n, struct err *e);

#endif
