/* Inside of doc: how the YAML writer asks for the shape of a string. */
#ifndef SRC_DOC_YAML_OUT_H
#define SRC_DOC_YAML_OUT_H

#include <stdbool.h>

#include "base/buf.h"

/* One line: plain where every reader takes it for this string, else in quotes. */
void yaml_string(struct buf *out, const char *s, size_t len);
/* Several lines that a literal block (`|`) gives back exactly. */
bool yaml_fits_block(const char *s, size_t len);

#endif
