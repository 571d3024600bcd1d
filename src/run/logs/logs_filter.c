/*
 * Which lines of logs are wanted. Comes in: a query, then line after line as its service wrote it.
 * Goes out: yes or no. An expression without special characters is searched for as plain bytes:
 * regexec(3) takes a hundred times as long.
 */
#include <regex.h>
#include <string.h>

#include "run/logs/log_file.h"

static bool is_plain(const char *pattern)
{
	return !pattern[strcspn(pattern, "\\^$.[]|()*+?{}")];
}

static int compile(struct log_filter *f, const struct log_query *q, struct err *e)
{
	regex_t *re = xcalloc(1, sizeof(*re));
	int rc = regcomp(re, q->grep, REG_EXTENDED | REG_NOSUB | (q->ignore_case ? REG_ICASE : 0));
	if (rc) {
		char why[200];
		regerror(rc, re, why, sizeof(why));
		xfree(re);
		return err_set(
			e, ERR_USAGE, "\"%s\" is not a regular expression: %s", q->grep, why);
	}
	f->regex = re;
	return 0;
}

int log_filter_init(struct log_filter *f, const struct log_query *q, struct err *e)
{
	*f = (struct log_filter){ .query = q };
	f->request_len = q->request ? strlen(q->request) : 0;
	if (!q->grep)
		return 0;
	f->plain = !q->ignore_case && is_plain(q->grep) ? strlen(q->grep) : 0;
	return f->plain ? 0 : compile(f, q, e);
}

void log_filter_release(struct log_filter *f)
{
	if (f->regex) {
		regfree(f->regex);
		xfree(f->regex);
	}
	buf_release(&f->text);
	arena_release(&f->arena);
}

bool log_filter_service(const struct log_filter *f, const char *service)
{
	return !f->query->services.count || strs_has(&f->query->services, service);
}

static bool matches(struct log_filter *f, const char *text, size_t len)
{
	if (f->plain)
		return memmem(text, len, f->query->grep, f->plain) != NULL;
	if (!f->regex)
		return true;
	buf_truncate(&f->text, 0);
	buf_add(&f->text, text, len);
	return regexec(f->regex, buf_str(&f->text), 0, NULL, 0) == 0;
}

/* By itself, whatever it follows. What is cheap to ask comes first. */
static bool wanted(
	struct log_filter *f, const char *service, int64_t time_ns, const char *text, size_t len)
{
	const struct log_query *q = f->query;
	return (!f->request_len || line_has_id(text, len, q->request, f->request_len) ||
		       (service && log_join_has(f, service, time_ns, text, len))) &&
	       (q->level == LEVEL_NONE || line_level(text, len) >= q->level);
}

bool log_filter_line(
	struct log_filter *f, struct log_past *past, int64_t time_ns, const char *text, size_t len)
{
	const struct log_query *q = f->query;
	if (time_ns < q->since_ns || (q->until_ns > 0 && time_ns > q->until_ns))
		return false;
	if (!f->request_len && q->level == LEVEL_NONE)
		return matches(f, text, len);
	bool goes_on = past && line_goes_on(&past->course, text, len);
	bool kept = (goes_on && past->kept) ||
		    wanted(f, past ? past->service : NULL, time_ns, text, len);
	if (past)
		past->kept = kept;
	return kept && matches(f, text, len);
}
