/*
 * Who has to do what when a secret gets a new value. Comes in: the project. Goes out: the answer of
 * one service. Knows no value.
 */
#include <string.h>

#include "model/project.h"

const struct service *secret_consumer(const struct project *p, const struct secret *x)
{
	return project_service(p, node_text(node_get(x->on_rotate, "service")));
}

bool reads_secret(const struct service *s, const struct secret *x)
{
	for (size_t i = 0; i < s->secrets.count; i++) {
		if (streq(s->secrets.items[i].source, x->name))
			return true;
	}
	return false;
}

static bool names_secret(const char *value, const char *name)
{
	static const char mark[] = "${secret.";
	size_t len = strlen(name);
	for (const char *at = value; at && (at = find_reference(at, mark));) {
		at += strlen(mark);
		if (!strncmp(at, name, len) && at[len] == '}')
			return true;
	}
	return false;
}

static bool any_names(const vars *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (names_secret(list->items[i].value, name))
			return true;
	}
	return false;
}

bool holds_secret_value(const struct service *s, const struct secret *x)
{
	return any_names(&s->environment, x->name) ||
	       (s->on_host && any_names(&s->on_host->environment, x->name));
}

enum on_restart secret_answer(
	const struct project *p, const struct service *s, const struct secret *x)
{
	const struct service *consumer = secret_consumer(p, x);
	if (holds_secret_value(s, x) || !consumer)
		return FOLLOW_RESTART;
	if (s == consumer || s->kind == KIND_JOB)
		return FOLLOW_IGNORE;
	for (size_t i = 0; i < s->needs.count; i++) {
		const struct need *n = &s->needs.items[i];
		if (n->service == consumer && n->on_restart != FOLLOW_DEFAULT)
			return n->on_restart;
	}
	return FOLLOW_RESTART;
}
