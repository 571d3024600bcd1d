/*
 * Names of stages and of their states. Comes in: values of model/develop.h. Goes out: words.
 */
#include "model/develop.h"

const char *stage_name(enum stage_kind k)
{
	static const char *const names[STAGES] = {
		[STAGE_COMPILE] = "compile",
		[STAGE_LINT] = "lint",
		[STAGE_TEST] = "test",
		[STAGE_SUCCESS] = "on_success",
	};
	return names[k];
}

const char *stage_state_name(enum stage_state s)
{
	static const char *const names[] = {
		[STAGE_ABSENT] = "absent",
		[STAGE_OFF] = "off",
		[STAGE_IDLE] = "idle",
		[STAGE_WAITING] = "waiting",
		[STAGE_RUNNING] = "running",
		[STAGE_PASSED] = "passed",
		[STAGE_WARNED] = "warned",
		[STAGE_FAILED] = "failed",
		[STAGE_SKIPPED] = "skipped",
		[STAGE_CANCELLED] = "cancelled",
	};
	return names[s];
}

const struct stage *service_stage(const struct service *s, enum stage_kind k)
{
	if (!s->develop || k == STAGE_SUCCESS)
		return NULL;
	const struct stage *stage = k == STAGE_COMPILE ? &s->develop->compile
				    : k == STAGE_LINT  ? &s->develop->lint
						       : &s->develop->test;
	return stage->command ? stage : NULL;
}
