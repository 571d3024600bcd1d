/*
 * What a Compose that failed meant. Comes in: its last lines. Goes out: the error with the service
 * and the line of the configuration that it is about. Knows how Compose words things, and no more.
 */
#include <stdio.h>
#include <string.h>

#include "run/job.h"

/* How docker says that it has no Compose v2: by not understanding what follows. */
static bool compose_missing(const char *text)
{
	static const char *const signs[] = { "'compose' is not a docker command",
		"unknown shorthand flag: 'f'", "unknown flag: --project-directory",
		"unknown flag: --env-file", "unknown command: docker compose" };
	for (size_t i = 0; i < countof(signs); i++)
		if (strstr(text, signs[i]))
			return true;
	return false;
}

/* The service whose container or name the output speaks of: "shop-1a2b3c4d-api-1", "service
 * \"api\"". */
static const struct service *service_named(const struct plan *p, const char *text)
{
	char mark[300];
	for (size_t i = 0; i < p->chosen.count; i++) {
		const struct service *s = p->chosen.items[i].service;
		snprintf(mark, sizeof(mark), "%s-%s-", p->project->workspace, s->name);
		if (strstr(text, mark))
			return s;
		snprintf(mark, sizeof(mark), "service \"%s\"", s->name);
		if (strstr(text, mark))
			return s;
	}
	return NULL;
}

/* Compose's progress lines say nothing about an error. */
static void drop_progress(const struct tail *t, struct tail *out)
{
	static const char *const progress[] = { " Container ", " Network ", " Volume ", " Image " };
	for (size_t i = 0; i < t->count; i++) {
		const char *line = tail_line(t, i);
		bool skip = false;
		for (size_t k = 0; k < countof(progress); k++)
			skip |= starts_with(line, progress[k]) && !strstr(line, "rror");
		if (!skip)
			tail_add(out, line, strlen(line));
	}
}

/* " api Error manifest unknown": service and reason. */
static const struct service *failed_pull(
	const struct plan *p, const char *line, const char **reason)
{
	char mark[300];
	while (*line == ' ')
		line++;
	for (size_t i = 0; i < p->chosen.count; i++) {
		const struct service *s = p->chosen.items[i].service;
		snprintf(mark, sizeof(mark), "%s Error ", s->name);
		if (s->image_name && starts_with(line, mark)) {
			*reason = line + strlen(mark);
			return s;
		}
	}
	return NULL;
}

/* Of several the one of which Compose itself speaks last: it has called the others off. */
static const struct service *blamed_pull(
	const struct plan *p, const struct tail *t, const char **reason)
{
	const struct service *first = NULL;
	const char *why = NULL;
	for (size_t i = 0; i < t->count; i++) {
		const struct service *s = failed_pull(p, tail_line(t, i), &why);
		bool last = s && ends_with(tail_line(t, t->count - 1), why);
		if (!s || (first && !last))
			continue;
		first = s;
		*reason = why;
		if (last)
			break;
	}
	return first;
}

static bool explain_pull(struct job *j, const struct tail *said)
{
	const char *reason = NULL;
	const struct service *s = blamed_pull(j->run->plan, said, &reason);
	if (!s)
		return false;
	err_set(&j->error, ERR_FAILED, "the image %s of %s could not be pulled: %s", s->image_name,
		s->name, reason);
	if (!hint_full_disk(&j->error))
		err_hint(&j->error,
			"is its name right (services.%s.image), and does its registry answer? "
			"A private one needs `docker login`; `devenv fetch` brings all images while"
			" there is a network",
			s->name);
	j->error.place = s->place;
	return true;
}

static void explain_missing(struct job *j)
{
	err_set(&j->error, ERR_FAILED, "Docker Compose v2 is not installed");
	err_hint(&j->error,
		"install the package docker-compose-plugin (Docker) or docker-compose-v2; "
		"docker-compose v1 does not suffice");
}

static void explain_rest(struct job *j, const struct tail *said, const char *text)
{
	const struct service *s = service_named(j->run->plan, text);
	if (s)
		j->error.place = s->place;
	tail_error(said, &j->error);
}

void compose_explain(struct job *j, const struct tail *all)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct tail *said = xcalloc(1, sizeof(*said));
	drop_progress(all, said);
	tail_text(said, &text);
	if (compose_missing(buf_str(&text)))
		explain_missing(j);
	else if (!explain_pull(j, said))
		explain_rest(j, said, buf_str(&text));
	xfree(said);
}
