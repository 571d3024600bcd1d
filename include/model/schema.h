/* The grammar as tables: which keys exist, their types, defaults, merge rules, help (DESIGN 6;
 * Compose specification). */
#ifndef MODEL_SCHEMA_H
#define MODEL_SCHEMA_H

#include "doc/schema.h"

extern const struct schema schema_devenv;   /* devenv.yml and its overlays */
extern const struct schema schema_service;  /* an entry of services: */
extern const struct schema schema_template; /* templates/services/NAME/template.yml */

/* Built-in defaults as a layer: the lowest one. */
struct node *schema_defaults(struct arena *a);

#endif
