/* The compose file for production under way: what its parts share. */
#ifndef PLANNER_PRODUCTION_H
#define PLANNER_PRODUCTION_H

#include "parts.h"

struct production {
	struct make *m;
	const struct production_request *req;
	struct map secrets;       /* name in the file -> what the operator is told of it */
	struct node *top_secrets; /* the section */
	struct node *configs;     /* likewise */
	struct node *services;
};

/* production_service.c: an entry of services:. */
struct node *production_service(struct production *x, struct unit *u);
/* Declares a secret that the operator provides. */
void production_secret(struct production *x, const char *name, const char *what);

#endif
