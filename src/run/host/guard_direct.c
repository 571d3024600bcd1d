/*
 * A shell that would only give its place to a program is passed over. Comes in: a launch. Goes out:
 * the same without "sh -c 'exec ...'", when the line holds plain words and the program is found
 * where the shell would find it. Whatever is not clear stays the shell's.
 */
#include <string.h>

#include "run/host/guardian.h"

/* None of them means anything to a shell inside a word. */
static bool is_plain(const char *words)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_./:=,@%+- \t";
	return !words[strspn(words, plain)];
}

/* The first must be no option of exec and no assignment. */
static bool is_program(const char *word)
{
	return word[0] != '-' && !strchr(word, '=');
}

static const char *const *split(struct arena *a, const char *line)
{
	struct strs words = { 0 };
	while (*(line += strspn(line, " \t"))) {
		size_t n = strcspn(line, " \t");
		strs_add(a, &words, arena_strndup(a, line, n));
		line += n;
	}
	strs_add(a, &words, NULL);
	return words.items;
}

/* An entry that is no absolute folder means one that we do not stand in. */
static bool is_clear(const char *list)
{
	if (!list || !*list)
		return false;
	for (;; list++) {
		if (*list != '/')
			return false;
		list = strchr(list, ':');
		if (!list)
			return true;
	}
}

bool guard_direct(struct arena *a, const struct guard_launch *l, struct guard_launch *out)
{
	const char *const *argv = l->argv;
	if (!streq(argv[0], "sh") || !argv[1] || !streq(argv[1], "-c") || !argv[2] || argv[3] ||
		!starts_with(argv[2], "exec ") || !is_plain(argv[2]))
		return false;
	*out = *l;
	out->argv = split(a, argv[2] + strlen("exec "));
	if (!out->argv[0] || !is_program(out->argv[0]))
		return false;
	return strchr(out->argv[0], '/') || is_clear(guard_variable(l->env, "PATH"));
}
