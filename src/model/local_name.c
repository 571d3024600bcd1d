/*
 * Names that stay on this machine. Comes in: a host. Goes out: whether the local authority may sign
 * for it (the same list as the name constraints of its certificate, run/keys.c), and what a host of
 * the world outside is called here.
 */
#include "decode.h"

#include <arpa/inet.h>
#include <string.h>

bool host_is_local(const char *host)
{
	static const char *const tops[] = { "localhost", "test", "internal" };
	unsigned char four[4], six[16];
	if (inet_pton(AF_INET, host, four) == 1)
		return four[0] == 127;
	if (inet_pton(AF_INET6, host, six) == 1)
		return !memcmp(six, &in6addr_loopback, sizeof(six));
	for (size_t i = 0; i < countof(tops); i++) {
		size_t n = strlen(host), k = strlen(tops[i]);
		if (n >= k && !strcmp(host + n - k, tops[i]) && (n == k || host[n - k - 1] == '.'))
			return true;
	}
	return false;
}

/* What another environment serves to the world is tried here under a name that leads here. */
const char *host_here(struct decode *c, const char *host)
{
	bool foreign = host && !c->p->dev && !host_is_local(host);
	return foreign ? arena_printf(c->a, "%s.localhost", host) : host;
}
