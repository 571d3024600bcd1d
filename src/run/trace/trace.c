/*
 * The probes of a trace, by their kind. Comes in: one of them. Goes out: what it saw, in the plan's
 * twin; an interrupt ends it.
 */
#include "run/trace/trace.h"

int tracer_begin(struct tracer *x, struct err *e)
{
	x->http = http_new(NULL);
	return http_load(x->http, e);
}

void tracer_end(struct tracer *x)
{
	http_free(x->http);
	x->http = NULL;
}

static void look(struct tracer *x, enum trace_probe probe)
{
	static void (*const looks[TRACE_PROBES])(struct tracer *) = {
		[TRACE_FOLLOW] = tracer_follow,
		[TRACE_LISTEN] = tracer_listen,
		[TRACE_TRY_NEEDS] = tracer_try_needs,
		[TRACE_READ_LOGS] = tracer_logs,
		[TRACE_RESOLVE] = tracer_resolve,
	};
	if (looks[probe])
		looks[probe](x);
	else
		tracer_send(x, probe);
}

int tracer_probe(struct tracer *x, enum trace_probe probe, struct err *e)
{
	int before = loop_interrupts(x->loop);
	x->seen->done |= 1U << probe;
	look(x, probe);
	return loop_interrupts(x->loop) == before ? 0 : err_set(e, ERR_FAILED, "interrupted");
}
