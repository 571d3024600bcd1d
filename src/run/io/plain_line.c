/*
 * Which lines a shell does nothing for. Comes in: argv. Goes out: the words of its line. Knows no
 * files: whether there is such a program is found out by starting it.
 */
#include "run/io/plain_line.h"

#include <string.h>

/* What a shell does itself, though there may be a program of that name, too. */
static bool is_shells_own(const char *word)
{
	static const char *const words[] = { ".", ":", "alias", "bg", "break", "builtin", "case",
		"cd", "chdir", "command", "continue", "coproc", "declare", "dirs", "disown", "do",
		"done", "echo", "elif", "else", "enable", "esac", "eval", "exec", "exit", "export",
		"false", "fc", "fg", "fi", "for", "function", "getopts", "hash", "help", "history",
		"if", "in", "jobs", "kill", "let", "local", "logout", "mapfile", "popd", "printf",
		"print", "pushd", "pwd", "read", "readarray", "readonly", "return", "select", "set",
		"shift", "shopt", "source", "suspend", "test", "then", "time", "times", "trap",
		"true", "type", "typeset", "ulimit", "umask", "unalias", "unset", "until", "wait",
		"whence", "while" };
	for (size_t i = 0; i < countof(words); i++)
		if (streq(words[i], word))
			return true;
	return false;
}

bool plain_line(struct arena *a, const struct strs *argv, struct strs *out)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789_@%+=:,./-";
	if (argv->count != 3 || !streq(argv->items[0], "/bin/sh") || !streq(argv->items[1], "-c"))
		return false;
	const char *at = argv->items[2];
	for (at += strspn(at, " \t"); *at; at += strspn(at, " \t")) {
		size_t len = strspn(at, plain);
		if (!len || !strchr(" \t", at[len]))
			return false;
		strs_add(a, out, arena_strndup(a, at, len));
		at += len;
	}
	return out->count && !strchr(out->items[0], '=') && !is_shells_own(out->items[0]);
}
