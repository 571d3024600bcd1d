/*
 * What the benches let others start. Each appends lines "NANOSECONDS TEXT" of CLOCK_MONOTONIC:
 *   child stamp LOG MARKER    the time and what the marker's file holds; ends
 *   child mark LOG            the time; then sleeps until it is told to end
 *   child flood MIB LOG       the time, so many MiB of numbered lines on stdout, the time; sleeps
 *   child chat KIB LOG        the time; then so many KiB of lines on stdout each second, for ever
 *   child prefix              a floor: stdin to stdout with a few words before each line
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void note(const char *log, const char *text)
{
	struct timespec t;
	char line[160];
	clock_gettime(CLOCK_MONOTONIC, &t);
	int n = snprintf(line, sizeof(line), "%lld %s\n",
		(long long)t.tv_sec * 1000000000LL + t.tv_nsec, text);
	int fd = open(log, O_WRONLY | O_APPEND | O_CREAT, 0644);
	if (fd < 0 || write(fd, line, (size_t)n) != n)
		_exit(3);
	close(fd);
}

static int stamp(const char *log, const char *marker)
{
	char text[64] = { 0 };
	int fd = open(marker, O_RDONLY);
	if (fd >= 0 && read(fd, text, sizeof(text) - 1) < 0)
		return 1;
	text[strcspn(text, " \n")] = '\0';
	note(log, text);
	return 0;
}

static void flood(long long bytes, const char *log)
{
	static char buffer[1 << 16];
	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	note(log, "begin");
	for (long i = 0; bytes > 0; i++)
		bytes -= printf("%08ld the quick brown fox jumps over the lazy dog and writes one "
				"log line of some length\n",
			i);
	puts("FLOOD-END");
	fflush(stdout);
	note(log, "end");
}

static void chat(long kib, const char *log)
{
	const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
	note(log, "runs");
	for (long i = 0;; nanosleep(&pause, NULL)) {
		for (long bytes = kib * 1024 / 20; bytes > 0; i++)
			bytes -= printf("%08ld a line of a service that has much to tell, and does "
					"tell it again and again\n",
				i);
		fflush(stdout);
	}
}

static int prefix(void)
{
	static char in[1 << 16], out[1 << 18];
	size_t used = 0;
	int fresh = 1;
	for (ssize_t got; (got = read(0, in, sizeof(in))) > 0; used = 0) {
		for (char *at = in, *end = in + got, *stop; at < end; at = stop) {
			char *newline = memchr(at, '\n', (size_t)(end - at));
			stop = newline ? newline + 1 : end;
			if (fresh && used + 32 < sizeof(out))
				used += (size_t)snprintf(out + used, 32, "p0   | ");
			memcpy(out + used, at, (size_t)(stop - at));
			used += (size_t)(stop - at);
			fresh = newline != NULL;
			if (used > sizeof(out) - sizeof(in) - 64) {
				if (write(1, out, used) < 0)
					return 1;
				used = 0;
			}
		}
		if (write(1, out, used) < 0)
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 4 && !strcmp(argv[1], "stamp")) /* watchman puts file names behind it */
		return stamp(argv[2], argv[3]);
	if (argc == 2 && !strcmp(argv[1], "prefix"))
		return prefix();
	if (argc == 4 && !strcmp(argv[1], "flood"))
		flood(atoll(argv[2]) << 20, argv[3]);
	else if (argc == 4 && !strcmp(argv[1], "chat"))
		chat(atol(argv[2]), argv[3]);
	else if (argc == 3 && !strcmp(argv[1], "mark"))
		note(argv[2], "runs");
	else
		return 2;
	for (;;)
		pause();
}
