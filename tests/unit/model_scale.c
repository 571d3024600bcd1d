/*
 * Long chains and circles need no stack, and ten times the services cost ten times the work.
 */
#include "model.h"

#include <sys/resource.h>
#include <time.h>

static struct node *entry(struct arena *a, const char *key, size_t to)
{
	struct place at = { .file = "devenv.yml", .layer = "devenv.yml", .line = 1, .col = 1 };
	struct node *n = node_map(a, at), *needs = node_map(a, at), *need = node_map(a, at);
	map_put(a, n, key, at, node_str(a, "x", at));
	map_put(a, needs, arena_printf(a, "s%zu", to), at, need);
	map_put(a, n, "depends_on", at, needs);
	return n;
}

/* s0 needs s1 needs s2 ...; closed: the last one needs s0, else it needs nothing. */
static struct node *chain(struct arena *a, size_t count, bool closed)
{
	struct place at = { .file = "devenv.yml", .layer = "devenv.yml", .line = 1, .col = 1 };
	struct node *top = node_map(a, at), *services = node_map(a, at);
	for (size_t i = 0; i < count; i++) {
		struct node *n = entry(a, "image", (i + 1) % count);
		if (i + 1 == count && !closed)
			map_drop(n, "depends_on");
		map_put(a, services, arena_printf(a, "s%zu", i), at, n);
	}
	map_put(a, top, "services", at, services);
	return top;
}

static struct node *rungs(struct arena *a, size_t count, bool closed)
{
	struct place at = { .file = "devenv.yml", .layer = "devenv.yml", .line = 1, .col = 1 };
	struct node *top = node_map(a, at), *images = node_map(a, at);
	for (size_t i = 0; i < count; i++) {
		struct node *n = node_map(a, at);
		if (i + 1 < count || closed)
			map_put(a, n, "from", at, node_strf(a, at, "s%zu", (i + 1) % count));
		map_put(a, images, arena_printf(a, "s%zu", i), at, n);
	}
	map_put(a, top, "images", at, images);
	return top;
}

static void start(struct subject *s)
{
	memset(s, 0, sizeof(*s));
	s->diags.arena = &s->arena;
}

static void long_chain(void **state)
{
	struct subject s;
	(void)state;
	start(&s);
	subject_decode(&s, chain(&s.arena, 1000, false));
	assert_int_equal(s.result, 0);
	assert_string_equal(s.project.services.items[0].name, "s999");
	assert_string_equal(s.project.services.items[999].name, "s0");
	subject_decode(&s, rungs(&s.arena, 1000, false));
	assert_int_equal(s.result, 0);
	assert_string_equal(s.project.images.items[0].name, "s999");
	subject_release(&s);
}

static void long_circle(void **state)
{
	static const char wanted[] = "s0 -> s1 -> s2 -> s3 -> s4 -> s5 -> s6 -> s7 -> s8 -> s9 -> "
				     "s10 -> s11 -> (988 more) -> s0";
	struct subject s;
	(void)state;
	start(&s);
	subject_decode(&s, chain(&s.arena, 1000, true));
	assert_int_equal(s.diags.count, 1);
	assert_non_null(strstr(s.diags.items[0].message, wanted));
	subject_decode(&s, rungs(&s.arena, 1000, true));
	assert_int_equal(s.diags.count, 2);
	assert_non_null(strstr(s.diags.items[1].message, wanted));
	subject_release(&s);
}

static double decode_ms(size_t count, size_t *bytes)
{
	struct subject s;
	struct timespec from, to;
	start(&s);
	struct node *tree = chain(&s.arena, count, false);
	size_t before = s.arena.total;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	subject_decode(&s, tree);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	assert_int_equal(s.result, 0);
	*bytes = s.arena.total - before;
	subject_release(&s);
	return (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
}

/* Other work on the machine only ever adds. */
static double least_decode_ms(size_t count, size_t *bytes)
{
	double least = decode_ms(count, bytes);
	for (int i = 0; i < 4; i++) {
		double ms = decode_ms(count, bytes);
		least = ms < least ? ms : least;
	}
	return least;
}

static void linear(void **state)
{
	size_t few_bytes, many_bytes;
	double few = least_decode_ms(1000, &few_bytes);
	double many = least_decode_ms(10000, &many_bytes);
	(void)state;
	print_message("1000 services: %.1f ms, %zu KiB; 10000: %.1f ms, %zu KiB\n", few,
		few_bytes / 1024, many, many_bytes / 1024);
	assert_true(many_bytes < few_bytes * 14);
	assert_true(many < few * 30 + 50);
}

/* Ten thousand mistakes must not cost ten thousand searches among ten thousand names. */
static void many_mistakes(void **state)
{
	struct place at = { .file = "devenv.yml", .layer = "devenv.yml", .line = 1, .col = 1 };
	struct subject s;
	(void)state;
	start(&s);
	struct node *top = node_map(&s.arena, at), *services = node_map(&s.arena, at);
	for (size_t i = 0; i < 10000; i++)
		map_put(&s.arena, services, arena_printf(&s.arena, "service-%zu", i), at,
			entry(&s.arena, "image", i));
	map_put(&s.arena, top, "services", at, services);
	clock_t from = clock();
	subject_decode(&s, top);
	assert_int_equal(s.result, -1);
	assert_int_equal(s.diags.errors, 10000);
	assert_true(clock() - from < 5 * CLOCKS_PER_SEC);
	subject_release(&s);
}

int main(void)
{
	const struct rlimit small = { 256 * 1024, 256 * 1024 };
	const struct CMUnitTest tests[] = { cmocka_unit_test(long_chain),
		cmocka_unit_test(long_circle), cmocka_unit_test(linear),
		cmocka_unit_test(many_mistakes) };
	setrlimit(RLIMIT_STACK, &small);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
