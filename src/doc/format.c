/*
 * The text formats of fields: ports, names, durations, patterns. Comes in: the text of a scalar.
 * Goes out: yes or no. Knows nothing of fields; nothing is opened or asked.
 */
#include "doc/format.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

enum { REPEATS_MAX = 1000, REGEX_MAX = 1000, HOST_MAX = 253, LABEL_MAX = 63, NAME_LENGTH = 63 };

static bool fits_name(const char *s)
{
	size_t len = strspn(s, LOWER DIGITS "_-");
	return len && len <= NAME_LENGTH && !s[len] && *s != '-' && *s != '_';
}

static bool fits_duration(const char *s)
{
	int64_t ms;
	return parse_duration(s, &ms);
}

static bool fits_bytes(const char *s)
{
	int64_t bytes;
	return parse_bytes(s, &bytes);
}

/* The port that s spells, or 0. */
static int port_of(const char *s)
{
	int64_t port;
	return parse_int(s, &port) && port >= 1 && port <= 65535 ? (int)port : 0;
}

static bool fits_port(const char *s)
{
	return port_of(s) != 0;
}

static bool fits_port_range(const char *s)
{
	char low[8];
	const char *dash = strchr(s, '-');
	if (!dash)
		return fits_port(s);
	size_t len = (size_t)(dash - s);
	if (len >= sizeof(low))
		return false;
	memcpy(low, s, len);
	low[len] = '\0';
	return port_of(low) && port_of(low) <= port_of(dash + 1);
}

static bool fits_mode(const char *s)
{
	if (*s == '0')
		s += s[1] == 'o' ? 2 : strlen(s) > 3;
	size_t len = strspn(s, "01234567");
	return !s[len] && (len == 3 || len == 4);
}

static bool no_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

static bool fits_path(const char *s)
{
	return *s && no_control(s);
}

/* As wide as programs take it: elasticsearch reads discovery.type. */
static bool fits_env_name(const char *s)
{
	return *s && !strpbrk(s, "= ") && no_control(s);
}

/* One part of an image's name: lower case and digits, separated by single . _ __ or dashes. */
static bool fits_image_part(const char *s, size_t len)
{
	bool joint = true; /* a letter or digit must follow */
	for (size_t i = 0; i < len; i++) {
		bool letter = islower((unsigned char)s[i]) || isdigit((unsigned char)s[i]);
		if (!letter && (!strchr("._-", s[i]) || !i))
			return false;
		joint = !letter;
	}
	return len && !joint;
}

static bool fits_registry(const char *s, size_t len)
{
	return strspn(s, LOWER UPPER DIGITS ".-:[]") >= len &&
	       (memchr(s, '.', len) || memchr(s, ':', len) ||
		       (len == 9 && !memcmp(s, "localhost", 9)));
}

static bool fits_tag(const char *s, size_t len)
{
	return len && len <= 128 && *s != '.' && *s != '-' &&
	       strspn(s, LOWER UPPER DIGITS "_.-") >= len;
}

static bool fits_digest(const char *s)
{
	size_t kind = strspn(s, LOWER UPPER DIGITS "+._-");
	return kind && s[kind] == ':' && strlen(s + kind + 1) >= 32 &&
	       !s[kind + 1 + strspn(s + kind + 1, "abcdef" DIGITS)];
}

/* [REGISTRY/]NAME[/NAME...][:TAG][@DIGEST] */
static bool fits_image(const char *s)
{
	size_t len = strcspn(s, "@");
	if (s[len] && !fits_digest(s + len + 1))
		return false;
	const char *slash = memchr(s, '/', len);
	if (slash && fits_registry(s, (size_t)(slash - s))) {
		len -= (size_t)(slash + 1 - s);
		s = slash + 1;
	}
	const char *colon = memchr(s, ':', len);
	if (colon && !fits_tag(colon + 1, len - (size_t)(colon + 1 - s)))
		return false;
	len = colon ? (size_t)(colon - s) : len;
	for (;;) {
		slash = memchr(s, '/', len);
		size_t part = slash ? (size_t)(slash - s) : len;
		if (!fits_image_part(s, part) || !slash)
			return fits_image_part(s, part);
		s += part + 1;
		len -= part + 1;
	}
}

static bool fits_host(const char *s)
{
	unsigned char address[sizeof(struct in6_addr)];
	if (inet_pton(AF_INET, s, address) == 1 || inet_pton(AF_INET6, s, address) == 1)
		return true;
	s += starts_with(s, "*.") ? 2 : 0;
	if (strlen(s) > HOST_MAX)
		return false;
	for (;;) {
		size_t len = strspn(s, LOWER UPPER DIGITS "_-");
		if (!len || len > LABEL_MAX || *s == '-' || s[len - 1] == '-')
			return false;
		if (!s[len])
			return true;
		if (s[len] != '.')
			return false;
		s += len + 1;
	}
}

static bool fits_signal(const char *s)
{
	static const char *const names[] = { "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "IOT",
		"BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT",
		"CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM",
		"PROF", "WINCH", "IO", "POLL", "PWR", "SYS", "RTMIN", "RTMAX" };
	int64_t number;
	if (parse_int(s, &number))
		return number >= 1 && number <= 64;
	s += starts_with(s, "SIG") ? 3 : 0;
	for (size_t i = 0; i < countof(names); i++)
		if (streq(names[i], s))
			return true;
	if (starts_with(s, "RTMIN+") || starts_with(s, "RTMAX-"))
		return parse_int(s + 6, &number) && number >= 0 && number <= 30;
	return false;
}

/* One bound: an operator or none, numbers with dots, a pre-release. Its end, or NULL. */
static const char *version_bound(const char *s)
{
	s += strspn(s, " ");
	s += strspn(s, "<>=!~^") <= 2 ? strspn(s, "<>=!~^") : 0;
	s += strspn(s, " ");
	if (!isdigit((unsigned char)*s))
		return NULL;
	for (;;) {
		s += strspn(s, DIGITS);
		if (*s != '.')
			break;
		if (!isdigit((unsigned char)*++s))
			return NULL;
	}
	if (*s == '-' || *s == '+')
		s += 1 + strspn(s + 1, LOWER UPPER DIGITS ".-+");
	return s + strspn(s, " ");
}

static bool fits_version_range(const char *s)
{
	while ((s = version_bound(s)) && *s == ',')
		s++;
	return s && !*s;
}

/* Repetitions multiply, and regcomp(3) writes each of them out: a{255}{255}{255} is gigabytes. */
static bool repeats_little(const char *s)
{
	long product = 1;
	for (; (s = strchr(s, '{')); s++) {
		long low = strtol(s + 1, NULL, 10);
		size_t comma = strcspn(s, ",}");
		long high = s[comma] == ',' ? strtol(s + comma + 1, NULL, 10) : low;
		long most = high > low ? high : low;
		if (most > 1 && (most > REPEATS_MAX || (product *= most) > REPEATS_MAX))
			return false;
	}
	return true;
}

static bool fits_regex(const char *s)
{
	regex_t re;
	if (strlen(s) > REGEX_MAX || !repeats_little(s) ||
		regcomp(&re, s, REG_EXTENDED | REG_NOSUB))
		return false;
	regfree(&re);
	return true;
}

static const struct format formats[] = {
	[F_NONE] = { NULL, "text", NULL, NULL },
	[F_NAME] = { fits_name, "a name",
		"names have lower-case letters, digits, '-' and '_', start with a letter or digit "
		"and "
		"have at most 63 characters",
		"^[a-z0-9][a-z0-9_-]{0,62}$" },
	[F_DURATION] = { fits_duration, "a duration",
		"write a number and a unit: 200ms, 10s, 1h30m",
		"^(0|([0-9]+(\\.[0-9]*)?(ns|us|ms|s|m|h|d|w))+)$" },
	[F_BYTES] = { fits_bytes, "a size", "write a number and a unit: 512k, 64m, 1.5gb",
		"^[0-9.]+ *([bB]|[kKmMgGtT]([iI]?[bB])?)?$" },
	[F_PORT] = { fits_port, "a port from 1 to 65535", NULL, "^[1-9][0-9]{0,4}$" },
	[F_PORT_RANGE] = { fits_port_range, "a port or a range of ports",
		"ports go from 1 to 65535: 8000, or 8000-8010",
		"^[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?$" },
	[F_MODE] = { fits_mode, "a file mode", "write it in octal: \"0644\"",
		"^(0?o?)[0-7]{3,4}$" },
	[F_PATH] = { fits_path, "a path", NULL, "^[^\\x00-\\x1f]+$" },
	[F_ENV_NAME] = { fits_env_name, "the name of a variable",
		"it cannot be empty or hold '=', blanks or control characters",
		"^[^= \\x00-\\x1f]+$" },
	[F_IMAGE] = { fits_image, "an image", "write [REGISTRY/]NAME[:TAG], the name in lower case",
		NULL },
	[F_HOST] = { fits_host, "a host name or address", NULL, NULL },
	[F_SIGNAL] = { fits_signal, "a signal", "write a name or number: SIGTERM, HUP, 15",
		"^((SIG)?[A-Z]+[0-9]?([+-][0-9]+)?|[0-9]+)$" },
	[F_VERSION_RANGE] = { fits_version_range, "a range of versions",
		"write bounds with commas between them: \">=1.0, <2\"", NULL },
	[F_REGEX] = { fits_regex, "a regular expression",
		"POSIX extended syntax; a literal '(', '[', '*', '+' or '{' needs a '\\' before it",
		NULL },
};

const struct format *format_of(enum text_format f)
{
	return &formats[(size_t)f < countof(formats) ? f : F_NONE];
}
