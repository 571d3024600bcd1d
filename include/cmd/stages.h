/* One stage of modules, once: what compile, lint and test share with ci. */
#ifndef CMD_STAGES_H
#define CMD_STAGES_H

#include "cmd/context.h"
#include "model/develop.h"

struct shot {
	struct context *c;
	enum stage_kind stage;
	struct stage_request *reqs;
	struct module_states modules; /* in the order of reqs */
	struct buf *outputs;          /* of the modules; results borrow from them */
	event_fn *also;               /* hears everything, secrets hidden; NULL: nobody does */
	void *ctx;
};

/* Each returns 0 or the exit status after having said what is wrong. */
/* The modules that are meant: those named, else all that have the stage and no profile holds back.
 */
int shot_gather(struct shot *x, const struct strs *names);
/* Runs the stage of all of them; what they need is there. A stage that failed is no error. */
int shot_run(struct shot *x);
void shot_release(struct shot *x);

#endif
