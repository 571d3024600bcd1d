/* Times on the command line: a moment, or so long ago. */
#include <time.h>

#include "cmd/lifecycle.h"

/* ".25": nanoseconds. */
static int64_t fraction(const char **s)
{
	int64_t ns = 0, unit = 100000000;
	if (**s != '.')
		return 0;
	for ((*s)++; **s >= '0' && **s <= '9'; (*s)++, unit /= 10)
		ns += unit * (**s - '0');
	return ns;
}

bool parse_when(const char *s, int64_t *ns)
{
	struct tm tm = { .tm_isdst = -1 };
	int64_t ms;
	if (parse_duration(s, &ms)) {
		*ns = (clock_ms() - ms) * 1000000;
		return true;
	}
	const char *end = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
	end = end ? end : strptime(s, "%Y-%m-%d", &tm);
	int64_t part = end ? fraction(&end) : 0;
	if (!end || (*end && !streq(end, "Z")))
		return false;
	*ns = (int64_t)(*end ? timegm(&tm) : mktime(&tm)) * 1000000000 + part;
	return true;
}
