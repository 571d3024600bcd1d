/* What a `devenv ci` came to. */
#ifndef VIEW_CI_H
#define VIEW_CI_H

#include "model/ci.h"
#include "view/view.h"

/* report: the directory with logs and JUnit XML, as it is to be shown; NULL: none. */
void view_ci(struct buf *out, const struct ci_run *r, const char *report, struct style st);
/* Of a webhook: state is "running", "passed", "failed" or "cancelled". */
struct node *view_ci_json(struct arena *a, const struct ci_run *r, const char *state);
/* junit.c: a suite per stage, a case per unit. */
void view_ci_junit(struct buf *out, const struct ci_run *r);

#endif
