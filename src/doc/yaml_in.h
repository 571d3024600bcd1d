/* Inside of doc: how the YAML reader hands a parser's complaint to those who put it into words. */
#ifndef SRC_DOC_YAML_IN_H
#define SRC_DOC_YAML_IN_H

#include "doc/node.h"

/* A text being read and where its faults go. */
struct yaml_source {
	const char *text;
	size_t len;
	const char *file, *layer;
	struct diags *diags;
};

/* What the parser said. Lines and columns from 1, in characters; line 0: no such place. */
struct yaml_fault {
	const char *problem; /* never NULL */
	const char *context; /* "while parsing a block mapping"; or NULL */
	int line, col;
	int context_line, context_col;
};

/* Turns the parser's words into a diagnostic that says what is wrong and what to do. */
void yaml_explain(const struct yaml_source *s, const struct yaml_fault *f);
/* A byte at offset that no YAML text may hold: NUL, a control character, bad UTF-8. */
void yaml_explain_byte(const struct yaml_source *s, size_t offset);
/* What is refused before parsing: size, UTF-16, floods of directives. False with a diagnostic. */
bool yaml_acceptable(const struct yaml_source *s);

#endif
