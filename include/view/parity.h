/* parity.c: two environments compared. */
#ifndef VIEW_PARITY_H
#define VIEW_PARITY_H

#include "model/parity.h"
#include "view/view.h"

/* A table per service: path, both values, the verdict, who said it; then how many there are. */
void view_parity(struct buf *out, struct arena *a, const struct parity *p, struct style st);
struct node *view_parity_json(struct arena *a, const struct parity *p);

#endif
