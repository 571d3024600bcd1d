/*
 * Times the leaf certificate inside a process, as `up` calls for it. Comes in: an empty folder, how
 * many leaves. Goes out, one word and microseconds a line: the authority (made once per user), each
 * leaf (other names each time: key, signature, check and file), one that is there already.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/os.h"
#include "run/secrets/certificate.h"
#include "run/files/places.h"

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void line(const char *what, int64_t since)
{
	printf("%s %.1f\n", what, (double)(now_ns() - since) / 1000);
}

static int leaf(const char *what, const struct places *pl, struct arena *a, int number)
{
	struct strs hosts = { 0 };
	struct world w = { 0 };
	struct err e = ERR_INIT;
	strs_add(a, &hosts, arena_printf(a, "app%d.localhost", number));
	strs_add(a, &hosts, "*.app.localhost");
	strs_add(a, &hosts, "localhost");
	strs_add(a, &hosts, "127.0.0.1");
	int64_t start = now_ns();
	int rc = leaf_ensure(pl, a, &hosts, &w, &e);
	line(what, start);
	if (rc || !w.leaf_hosts)
		fprintf(stderr, "%s\n", e.text);
	return rc || !w.leaf_hosts;
}

int main(int argc, char **argv)
{
	struct arena a = ARENA_INIT;
	struct world w = { 0 };
	struct err e = ERR_INIT;
	struct strs none = { 0 };
	int count = argc == 3 ? (int)strtol(argv[2], NULL, 10) : 0;
	if (count < 1)
		return 2;
	struct places pl = { .state = path_join(&a, argv[1], "state"),
		.data = path_join(&a, argv[1], "data") };
	int64_t start = now_ns();
	if (authority_ensure(&pl, &a, &none, &w, &e)) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	line("authority", start);
	int bad = 0;
	for (int i = 0; i < count && !bad; i++)
		bad = leaf("leaf", &pl, &a, i);
	bad = bad || leaf("kept", &pl, &a, count - 1);
	arena_release(&a);
	return bad;
}
