/* A Dockerfile under way, and the words that it is made of. */
#ifndef PLANNER_WRITER_H
#define PLANNER_WRITER_H

#include "base/buf.h"
#include "parts.h"

struct writer {
	struct make *m;
	const struct rung *r; /* whom complaints name */
	struct buf out;
};

/* Can word stand unquoted: letters, digits and those of `more`? Else a complaint: it is no `what`.
 */
bool docker_plain(struct writer *w, const char *word, const char *more, const char *what);
void docker_words(struct writer *w, const char *const *words, size_t count); /* as a JSON list */
/* RUN in the form that no shell sees: sh -ec SCRIPT NAME ARGUMENTS...; args may be NULL */
void docker_run(struct writer *w, const char *script, const struct strs *args);
/* From the context; owner NULL: root. */
void docker_copy(struct writer *w, const char *owner, const char *source, const char *target);
void docker_quoted(struct writer *w, const char *text, struct place at); /* a double-quoted word */
void docker_env(struct writer *w, const char *name, const char *value, struct place at);

#endif
