/*
 * A terminal that outlives a crash. Comes in: its settings of before. Goes out: they, from the
 * handler of a signal that ends the program. Does not know what was drawn.
 */
#include "base/terminal.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

static struct {
	struct termios before;
	int fd;
	const char *last;
	size_t last_len;
	volatile sig_atomic_t on;
} guarded;

static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT };

static void on_fatal(int signum)
{
	if (guarded.on) {
		tcsetattr(guarded.fd, TCSANOW, &guarded.before);
		if (write(guarded.fd, guarded.last, guarded.last_len) < 0)
			guarded.on = 0;
	}
	raise(signum); /* the handler is gone by now (SA_RESETHAND) */
}

static void handle(bool on)
{
	struct sigaction ours = { .sa_handler = on_fatal, .sa_flags = (int)SA_RESETHAND };
	struct sigaction old, none = { .sa_handler = SIG_DFL };
	for (size_t i = 0; i < countof(fatal); i++) {
		if (sigaction(fatal[i], NULL, &old))
			continue;
		if (on && old.sa_handler == SIG_DFL)
			sigaction(fatal[i], &ours, NULL);
		else if (!on && old.sa_handler == on_fatal)
			sigaction(fatal[i], &none, NULL);
	}
}

void terminal_guard(int fd, const struct termios *before, const char *last)
{
	guarded.on = 0;
	guarded.before = *before;
	guarded.fd = fd;
	guarded.last = last;
	guarded.last_len = strlen(last);
	guarded.on = 1;
	handle(true);
}

void terminal_unguard(void)
{
	guarded.on = 0;
	handle(false);
}
