/*
 * The terminal of a command that stays. Comes in: what is to be written. Goes out: keys. Opened a
 * second time by its name, so that not to block is our affair alone and not the shell's, too.
 */
#include "run/io/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/os.h"
#include "base/terminal.h"
#include "base/text.h"
#include "run/io/hooks.h"

enum { RETRY_MS = 20, BACK_MS = 300, LAST_WORDS_MS = 300 };

struct tty {
	struct loop *loop;
	const struct tty_ops *ops;
	void *ctx;
	int fd;
	struct termios before;
	bool raw;
	struct buf pending;
	struct loop_hook *input, *retry, *back, *suspend, *resume, *resize;
};

static const char last_words[] = "\033[?25h\r\n"; /* after a crash: a cursor */

static bool in_foreground(const struct tty *t)
{
	return tcgetpgrp(t->fd) == getpgrp();
}

/* Keys one by one and unseen; Ctrl-C, Ctrl-Z and the flow of output stay the terminal's affair. */
static void make_raw(struct tty *t)
{
	struct termios raw;
	if (!t->raw && tcgetattr(t->fd, &t->before))
		return;
	raw = t->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ECHONL | IEXTEN);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	terminal_guard(t->fd, &t->before, last_words);
	t->raw = tcsetattr(t->fd, TCSANOW, &raw) == 0;
	if (!t->raw)
		terminal_unguard();
}

/* In the background the settings are somebody else's by now, and to touch them would stop us. */
static void give_back(struct tty *t)
{
	if (t->raw && in_foreground(t))
		tcsetattr(t->fd, TCSANOW, &t->before);
	t->raw = false;
	terminal_unguard();
}

static void hook_drop(struct loop_hook **h)
{
	loop_hook_free(*h);
	*h = NULL;
}

static void lost(struct tty *t)
{
	hook_drop(&t->input);
	hook_drop(&t->retry);
	buf_truncate(&t->pending, 0);
	t->ops->gone(t->ctx);
}

static void on_input(void *ctx)
{
	struct tty *t = ctx;
	unsigned char bytes[256];
	ssize_t n = read(t->fd, bytes, sizeof(bytes));
	if (n > 0) {
		for (ssize_t i = 0; i < n && t->input; i++)
			t->ops->key(t->ctx, bytes[i]);
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0 && errno == EIO && !in_foreground(t))
		return;
	lost(t);
}

static void flush(struct tty *t);

static void on_retry(void *ctx)
{
	flush(ctx);
}

static void flush(struct tty *t)
{
	while (t->pending.len) {
		ssize_t n = write(t->fd, t->pending.data, t->pending.len);
		if (n > 0) {
			buf_consume(&t->pending, (size_t)n);
		} else if (n < 0 && errno == EINTR) {
			continue;
		} else if (n < 0 && errno == EAGAIN) {
			break;
		} else {
			lost(t);
			return;
		}
	}
	if (t->pending.len && !t->retry)
		t->retry = loop_every(t->loop, RETRY_MS, on_retry, t);
	else if (!t->pending.len)
		hook_drop(&t->retry);
}

bool tty_write(struct tty *t, const char *data, size_t len)
{
	if (t->pending.len && t->pending.len + len > TTY_PENDING_MAX)
		return false;
	buf_add(&t->pending, data, len);
	flush(t);
	return true;
}

size_t tty_pending(const struct tty *t)
{
	return t->pending.len;
}

static void drain(struct tty *t, int wait_ms)
{
	int64_t until = now_ms() + wait_ms;
	for (;;) {
		struct pollfd p = { .fd = t->fd, .events = POLLOUT };
		flush(t);
		int64_t left = until - now_ms();
		if (!t->pending.len || left <= 0)
			return;
		poll(&p, 1, left < RETRY_MS ? (int)left : RETRY_MS);
	}
}

bool tty_active(const struct tty *t)
{
	return t->input != NULL;
}

int tty_width(const struct tty *t)
{
	struct winsize size = { 0 };
	return ioctl(t->fd, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

static void enter(struct tty *t)
{
	make_raw(t);
	if (!t->input)
		t->input = loop_on_readable(t->loop, t->fd, on_input, t);
	hook_drop(&t->back);
}

/* A job that goes on in the background is not told when it comes to the foreground. */
static void on_back(void *ctx)
{
	struct tty *t = ctx;
	if (!in_foreground(t))
		return;
	enter(t);
	t->ops->again(t->ctx);
}

static void on_resume(void *ctx)
{
	struct tty *t = ctx;
	if (in_foreground(t)) {
		enter(t);
	} else {
		hook_drop(&t->input);
		if (!t->back)
			t->back = loop_every(t->loop, BACK_MS, on_back, t);
	}
	t->ops->again(t->ctx);
}

static void on_suspend(void *ctx)
{
	struct tty *t = ctx;
	t->ops->left(t->ctx);
	drain(t, LAST_WORDS_MS);
	give_back(t);
	hook_drop(&t->suspend); /* the signal does what it does by default again */
	raise(SIGTSTP);
	t->suspend = loop_on_signal(t->loop, SIGTSTP, on_suspend, t);
	on_resume(t);
}

static void on_resize(void *ctx)
{
	struct tty *t = ctx;
	t->ops->again(t->ctx);
}

static int open_terminal(void)
{
	char name[300];
	int fd = -1;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return -1;
	if (ttyname_r(STDIN_FILENO, name, sizeof(name)) == 0)
		fd = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	return fd;
}

struct tty *tty_open(struct loop *l, const struct tty_ops *ops, void *ctx)
{
	int fd = open_terminal();
	if (fd < 0 || tcgetpgrp(fd) < 0) { /* none, or not the one that controls us */
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	struct tty *t = xcalloc(1, sizeof(*t));
	t->loop = l;
	t->ops = ops;
	t->ctx = ctx;
	t->fd = fd;
	if (in_foreground(t))
		enter(t);
	else
		t->back = loop_every(l, BACK_MS, on_back, t);
	t->suspend = loop_on_signal(l, SIGTSTP, on_suspend, t);
	t->resume = loop_on_signal(l, SIGCONT, on_resume, t);
	t->resize = loop_on_signal(l, SIGWINCH, on_resize, t);
	return t;
}

void tty_close(struct tty *t, int wait_ms)
{
	if (!t)
		return;
	drain(t, wait_ms);
	give_back(t);
	struct loop_hook *const hooks[] = { t->input, t->retry, t->back, t->suspend, t->resume,
		t->resize };
	for (size_t i = 0; i < countof(hooks); i++)
		loop_hook_free(hooks[i]);
	close(t->fd);
	buf_release(&t->pending);
	xfree(t);
}
