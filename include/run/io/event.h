/* What is told while something is carried out. */
#ifndef RUN_IO_EVENT_H
#define RUN_IO_EVENT_H

#include "base/diag.h"
#include "model/plan.h"

/* What happens while a plan is carried out, for views. Text is raw: views clean it. */
enum event_kind { EV_START, EV_PROGRESS, EV_OUTPUT, EV_DONE, EV_FAILED, EV_SKIPPED, EV_NOTE };
struct event {
	enum event_kind kind;
	const struct step *step; /* NULL: about the whole run */
	const char *text;        /* output line, progress ("3/7 apt-get install"), error */
	const struct err *error; /* EV_FAILED */
	int64_t elapsed_ms;      /* of the step */
	double fraction;         /* progress 0..1; negative: unknown */
};
typedef void event_fn(void *ctx, const struct event *ev);

#endif
