/*
 * A command of ours that is shown again and again: on Enter, and each so many seconds. Comes in:
 * its words. Goes out: what it prints, each time by a child, so that a changed devenv.yml is read
 * anew and one that is broken for a while ends nothing.
 */
#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "base/os.h"
#include "cmd/lifecycle.h"
#include "run/io/detach.h"
#include "run/io/spawn.h"

extern char **environ;

enum { SLICE_MS = 60 * 1000 };

enum word { WORD_NONE, WORD_AGAIN, WORD_END, WORD_CLOSED };

static enum word read_word(void)
{
	char line[256];
	ssize_t n = read(STDIN_FILENO, line, sizeof(line));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return WORD_NONE;
	if (n <= 0)
		return WORD_CLOSED;
	return line[0] == 'q' ? WORD_END : WORD_AGAIN;
}

/* Until it is time, or the developer says so. False: it is over. */
static bool await(struct context *c, int every_s, bool *open)
{
	int64_t end = now_ms() + every_s * 1000LL;
	while (!loop_interrupts(c->loop)) {
		int64_t left = every_s ? end - now_ms() : SLICE_MS;
		if (left <= 0)
			return true;
		struct pollfd p[] = { { .fd = *open ? STDIN_FILENO : -1, .events = POLLIN },
			{ .fd = loop_fd(c->loop), .events = POLLIN } };
		int wait = loop_timeout(c->loop, left < SLICE_MS ? (int)left : SLICE_MS);
		if (poll(p, countof(p), wait) < 0 && errno != EINTR)
			return false;
		loop_turn(c->loop, 0);
		enum word word = p[0].revents ? read_word() : WORD_NONE;
		if (word == WORD_AGAIN)
			return true;
		*open = *open && word != WORD_CLOSED;
		if (word == WORD_END || (word == WORD_CLOSED && (!every_s || isatty(STDIN_FILENO))))
			return false;
	}
	return false;
}

static void tell(struct context *c, int status)
{
	time_t now = time(NULL);
	struct tm tm;
	char clock[16] = "";
	if (localtime_r(&now, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	note(c, "-- %s, status %d -- Enter: again, q: end", clock, status);
}

int run_again(struct context *c, const struct strs *words, int every_s)
{
	struct strs argv = self_argv(c, own_program());
	struct spawn s = { .env = (const char *const *)environ, .interactive = true };
	bool open = true;
	int status = 0;
	for (size_t i = 0; i < words->count; i++)
		strs_add(&c->arena, &argv, words->items[i]);
	strs_add(&c->arena, &argv, NULL);
	s.argv = argv.items;
	c->loop = c->loop ? c->loop : loop_new();
	do {
		if (spawn_run(c->loop, &s, &status, &c->error))
			return fail(c);
		if (!loop_interrupts(c->loop))
			tell(c, status);
	} while (await(c, every_s, &open));
	return loop_interrupts(c->loop) ? 128 + loop_signal(c->loop) : status;
}
