/*
 * Names of the stages of ci, and what a run of them came to. Comes in: results, output of tools.
 * Goes out: the first cause, the line that matters.
 */
#include "model/ci.h"

#include <string.h>
#include <strings.h>

static const char *const names[CI_STAGES] = {
	[CI_BUILD] = "build",
	[CI_COMPILE] = "compile",
	[CI_LINT] = "lint",
	[CI_TEST] = "test",
	[CI_UP] = "up",
	[CI_E2E] = "e2e",
};

const char *ci_stage_name(enum ci_stage k)
{
	return names[k];
}

bool ci_stage_named(const char *name, enum ci_stage *out)
{
	for (enum ci_stage k = 0; k < CI_STAGES; k++) {
		if (!streq(names[k], name))
			continue;
		*out = k;
		return true;
	}
	return false;
}

const struct ci_result *ci_first_cause(const struct ci_run *r)
{
	for (size_t i = 0; i < r->results.count; i++)
		if (r->results.items[i].result.state == STAGE_FAILED)
			return &r->results.items[i];
	return NULL;
}

static bool has_word(const char *line, size_t len, const char *word)
{
	size_t n = strlen(word);
	for (size_t i = 0; i + n <= len; i++)
		if (!strncasecmp(line + i, word, n))
			return true;
	return false;
}

/* "0 errors" and "no failures" are no bad news. */
static bool speaks_of_error(const char *line, size_t len)
{
	static const char *const bad[] = { "error", "fail", "fatal", "panic", "exception", "denied",
		"not found", "cannot", "unexpected", "undefined" };
	static const char *const good[] = { "0 error", "no error", "0 fail", "no fail",
		"failures=0", "errors=0", "failures: 0", "fail 0" };
	for (size_t i = 0; i < countof(good); i++)
		if (has_word(line, len, good[i]))
			return false;
	for (size_t i = 0; i < countof(bad); i++)
		if (has_word(line, len, bad[i]))
			return true;
	return false;
}

static bool is_blank(const char *line, size_t len)
{
	return strspn(line, " \t\r=-~^") >= len;
}

/* What a builder is about to run, "Step 2/5 : ..." or "#7 [2/5] ...", is no news of how it went. */
static bool is_announced(const char *line)
{
	size_t digits = starts_with(line, "#") ? strspn(line + 1, "0123456789") : 0;
	return starts_with(line, "Step ") || (digits && starts_with(line + 1 + digits, " ["));
}

/* "ESC [ ... letter" is left out: it steers a terminal, and says nothing. */
static const char *without_colours(struct arena *a, const char *line, size_t len)
{
	char *out = arena_alloc(a, len + 1), *to = out;
	for (size_t i = 0; i < len;) {
		if (line[i] != '\033' || i + 1 >= len || line[i + 1] != '[') {
			*to++ = line[i++];
			continue;
		}
		i += 2;
		i += strspn(line + i, "0123456789;?");
		i += i < len;
	}
	*to = '\0';
	return out;
}

const char *ci_line(struct arena *a, const char *output)
{
	const char *last = NULL;
	size_t last_len = 0;
	for (const char *s = output; s && *s;) {
		size_t len = strcspn(s, "\n");
		if (!is_blank(s, len)) {
			last = s;
			last_len = len;
			if (!is_announced(s) && speaks_of_error(s, len))
				break;
		}
		s += len + (s[len] != '\0');
	}
	return last ? without_colours(a, last, last_len) : NULL;
}
