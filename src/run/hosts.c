/* Names of copies of host services. Comes in: service and number. Goes out: an id. */
#include "run/hosts.h"

char *host_id(struct arena *a, const char *service, int number)
{
	return arena_printf(a, "host:%s.%d", service, number);
}
