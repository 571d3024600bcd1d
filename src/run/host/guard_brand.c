/*
 * Whose descendant a process is, even when it has a session and an environment of its own. Comes
 * in: a workspace, a unit. Goes out: a number for a limit of the kernel's that is inherited by all
 * and used by none: real-time microseconds without a break, some 150 000 years of them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/hash.h"
#include "run/host/guardian.h"

enum { WORKSPACE_BITS = 30, UNIT_BITS = 31 };

static uint64_t bits_of(const char *name, int bits)
{
	char hex[HASH_HEX + 1];
	hash_hex(name, strlen(name), hex);
	hex[16] = '\0';
	return strtoull(hex, NULL, 16) >> (64 - bits);
}

struct brand brand_of(const char *workspace, const char *unit)
{
	struct brand b = {
		.value = (uint64_t)1 << (WORKSPACE_BITS + UNIT_BITS) |
			 bits_of(workspace, WORKSPACE_BITS) << UNIT_BITS,
		.mask = ~(((uint64_t)1 << UNIT_BITS) - 1),
	};
	_Static_assert(WORKSPACE_BITS + UNIT_BITS < 63, "above is no limit at all");
	if (unit) {
		b.value |= bits_of(unit, UNIT_BITS);
		b.mask = ~(uint64_t)0;
	}
	return b;
}

/* One that may not set it (it has an older, smaller one) is known by its environment only. */
BORROWED_STACK void brand_put(uint64_t value)
{
	const struct rlimit64 l = { value, value };
	syscall(SYS_prlimit64, 0, RLIMIT_RTTIME, &l, NULL);
}

/* Of another user's process the kernel tells it in words only. */
static uint64_t read_limit(pid_t pid)
{
	static const char name[] = "Max realtime timeout";
	char path[64], line[200];
	uint64_t soft, hard = 0;
	snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
	FILE *f = fopen(path, "re");
	while (f && !hard && fgets(line, sizeof(line), f))
		if (!starts_with(line, name) ||
			sscanf(line + strlen(name), "%" SCNu64 " %" SCNu64, &soft, &hard) != 2)
			hard = 0;
	if (f)
		fclose(f);
	return hard;
}

bool brand_seen(const struct brand *b, pid_t pid)
{
	struct rlimit64 l;
	if (prlimit64(pid, RLIMIT_RTTIME, NULL, &l))
		l.rlim_max = errno == EPERM ? read_limit(pid) : 0;
	return (l.rlim_max & b->mask) == b->value;
}
