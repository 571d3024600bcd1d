/*
 * What is the same for all who run host services. Comes in: service and number; launches. Goes out:
 * an id; each launch's outcome.
 */
#include "run/host/hosts.h"

void hosts_start_all(struct hosts *h, struct host_start *list, size_t count)
{
	if (h->ops->start_all && count > 1) {
		h->ops->start_all(h, list, count);
		return;
	}
	for (size_t i = 0; i < count; i++)
		list[i].failed = h->ops->start(h, &list[i].launch, &list[i].error) != 0;
}

char *host_id(struct arena *a, const char *service, int number)
{
	return arena_printf(a, "host:%s.%d", service, number);
}
