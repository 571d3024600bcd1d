/* What children say: nothing is lost of a flood, memory stays bounded, no child waits for a disk
 * that hangs, odd bytes pass, a closed or shared pipe says nothing about the process. FAULTS F06 to
 * F08. */
#include "base/os.h"
#include "run_supervise_test.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <uv.h>

static bool may_mount;

/* All generations, oldest first. */
static const char *whole_log(struct stage_set *t, const char *service)
{
	struct buf all = BUF_INIT;
	for (int g = LOG_GENERATIONS - 1; g >= 0; g--) {
		char path[4096 + 300];
		log_file_name(path, sizeof(path), t->h->places.logs, service, 1, g);
		const char *text = get_file(t->h, path);
		if (text)
			buf_adds(&all, text);
	}
	const char *out = arena_strdup(&t->h->a, buf_str(&all));
	buf_release(&all);
	return out;
}

static bool has_ended(struct stage_set *t)
{
	return supervisor_running(t->s) == 0;
}

/* Memory under the sanitizers is no measure: what was freed stays for a while. */
static int64_t peak_kib(void)
{
#ifdef __SANITIZE_ADDRESS__
	return 0;
#endif
	struct rusage r;
	getrusage(RUSAGE_SELF, &r);
	return r.ru_maxrss;
}

/* Lines numbered by the child arrive without a gap: checked on what the rotation keeps. FAULTS F06.
 */
static void a_flood_is_kept_whole(void **state)
{
	struct stage_set *t = *state;
	enum { LINES = 600000 };
	int64_t before = peak_kib();
	assert_int_equal(
		start(t, (struct spec_of){ .script = "exec seq -f 'line %.0f of many, with "
						     "some text behind it' 1 600000",
				 .job = true }),
		0);
	eventually(t, has_ended(t));
	assert_true(peak_kib() - before < 16 * 1024);
	eventually(t, strstr(whole_log(t, "api"), "ended with status 0"));
	const char *line = whole_log(t, "api");
	long first = -1, count = 0;
	/* Line by line: under the sanitizers each search of the whole costs its length. */
	for (; *line; line = strchr(line, '\n') + 1) {
		static const char mark[] = " api o line ";
		const char *at = strchr(line, ' ');
		if (strncmp(at, mark, strlen(mark)) != 0)
			continue;
		long number = strtol(at + strlen(mark), NULL, 10);
		first = first < 0 ? number : first;
		if (number != first + count)
			fail_msg("line %ld follows %ld", number, first + count - 1);
		count++;
	}
	assert_int_equal(first + count - 1, LINES);
	cleanup_buf struct buf ring = BUF_INIT;
	uint64_t lost;
	supervisor_output(t->s, "host:api.1", &ring, &lost);
	assert_int_equal(ring.len, SUPERVISE_RING);
	assert_true(buf_ends_with(&ring, "line 600000 of many, with some text behind it\n"));
}

/* The pool's only thread is busy: that is a disk that does not answer. */
static void hang(uv_work_t *w)
{
	(void)w;
	usleep(1500 * 1000);
}

static void resume(uv_work_t *w, int status)
{
	(void)status;
	*(bool *)w->data = true;
}

/* FAULTS F06 */
static void a_disk_that_hangs_stops_no_child(void **state)
{
	struct stage_set *t = *state;
	bool resumed = false;
	uv_work_t w = { .data = &resumed };
	uv_queue_work(loop_uv(t->loop), &w, hang, resume);
	int64_t before = peak_kib(), began = now_ms();
	assert_int_equal(
		start(t, (struct spec_of){ .script = "yes | head -c 30000000", .job = true }), 0);
	eventually(t, has_ended(t));
	assert_false(resumed);
	assert_in_range(now_ms() - began, 0, 1400);
	assert_true(peak_kib() - before < 16 * 1024);
	cleanup_buf struct buf ring = BUF_INIT;
	uint64_t lost = 0;
	supervisor_output(t->s, "host:api.1", &ring, &lost);
	assert_true(lost > 20000000);
	/* And the file says that something is missing. */
	eventually(t, strstr(whole_log(t, "api"), "bytes were lost: the disk did not take them"));
	assert_int_equal(start(t, (struct spec_of){ .script = "echo after", .job = true }), 0);
	eventually(t, strstr(whole_log(t, "api"), "o after"));
}

static bool ends_with_a_line(const char *text)
{
	return !*text || text[strlen(text) - 1] == '\n';
}

/* A file system of 64 KiB: what does not fit is counted, the file stays whole lines. */
static void a_full_disk_is_said(void **state)
{
	struct stage_set *t = *state;
	if (!may_mount) {
		print_message("mounts are refused here\n");
		skip();
	}
	const char *dir = t->h->places.logs;
	assert_int_equal(dir_make(dir, 0755, &t->e), 0);
	assert_int_equal(mount("none", dir, "tmpfs", 0, "size=256k"), 0);
	assert_int_equal(
		start(t, (struct spec_of){ .script = "exec seq 1 20000", .job = true }), 0);
	eventually(t, has_ended(t));
	cleanup_buf struct buf ring = BUF_INIT;
	uint64_t lost = 0;
	eventually(t, (supervisor_output(t->s, "host:api.1", &ring, &lost), lost > 300000));
	eventually(t, ends_with_a_line(log_text(t, "api.log"))); /* a part is taken back again */
	unlink(path_join(&t->h->a, dir, "api.log"));
	assert_int_equal(start(t, (struct spec_of){ .script = "echo again", .job = true }), 0);
	eventually(t, has_ended(t));
	assert_int_equal(start(t, (struct spec_of){ .script = "echo more", .job = true }), 0);
	eventually(t, strstr(log_text(t, "api.log"), "o more"));
	assert_non_null(strstr(log_text(t, "api.log"), "bytes were lost"));
	umount2(dir, MNT_DETACH);
}

static size_t longest_line(const char *text)
{
	size_t longest = 0;
	while (*text) {
		size_t n = strcspn(text, "\n");
		longest = n > longest ? n : longest;
		text += n + (text[n] == '\n');
	}
	return longest;
}

/* FAULTS F07 */
static void lines_without_end_are_cut(void **state)
{
	struct stage_set *t = *state;
	int64_t before = peak_kib();
	assert_int_equal(
		start(t,
			(struct spec_of){
				.script = "head -c 12000000 /dev/zero | tr '\\0' x; echo end",
				.job = true }),
		0);
	eventually(t, has_ended(t));
	assert_true(peak_kib() - before < 16 * 1024);
	eventually(t, strstr(whole_log(t, "api"), "ended with status 0"));
	size_t longest = longest_line(whole_log(t, "api"));
	assert_in_range(longest, LINE_MAX_BYTES, LINE_MAX_BYTES + 100);
	assert_non_null(strstr(whole_log(t, "api"), "xend\n"));
}

/* FAULTS F07 */
static void odd_bytes_pass(void **state)
{
	struct stage_set *t = *state;
	assert_int_equal(
		start(t,
			(struct spec_of){
				.script = "printf '10%%\\r20%%\\r30%%\\r\\n'; printf 'a\\0b\\n';"
					  "printf '\\377\\376\\n'; printf '\\303'; sleep 0.1;"
					  "printf '\\244\\n'; printf 'no end'",
				.job = true }),
		0);
	eventually(t, has_ended(t));
	const char *path = path_join(&t->h->a, t->h->places.logs, "api.log");
	cleanup_buf struct buf text = BUF_INIT;
	eventually(t, (buf_truncate(&text, 0), file_read(path, 1 << 20, &text, &t->e)) == 0 &&
			      memmem(text.data, text.len, "ended", 5));
	assert_non_null(memmem(text.data, text.len, " o 10%\r20%\r30%\n", 15));
	assert_non_null(memmem(text.data, text.len, " o a\0b\n", 7));
	assert_non_null(memmem(text.data, text.len, " o \377\376\n", 6));
	assert_non_null(memmem(text.data, text.len, " o \303\244\n", 6));
	assert_non_null(memmem(text.data, text.len, " o no end\n", 10));
}

/* FAULTS F08 */
static void a_closed_stdout_is_no_end(void **state)
{
	struct stage_set *t = *state;
	assert_int_equal(
		start(t,
			(struct spec_of){
				.script = "echo first; exec >/dev/null 2>&1; sleep 0.3; exit 5" }),
		0);
	eventually(t, strstr(log_text(t, "api.log"), "o first"));
	assert_int_equal(look(t, "host:api.1").state, UNIT_RUNNING);
	eventually(t, is_in(t, "host:api.1", UNIT_EXITED));
	assert_int_equal(look(t, "host:api.1").exit_code, 5);
}

/* It hides (another session, no mark), keeps the pipe, writes on: the end is seen all the same.
 * FAULTS F08. */
static void an_orphan_with_the_pipe_is_no_hindrance(void **state)
{
	struct stage_set *t = *state;
	const char *pid_file = in_home(t->h, "orphan");
	const char *script = arena_printf(&t->h->a,
		"setsid env -i /bin/sh -c 'echo $$ >%s; while echo noise; do :; done' & "
		"while ! [ -s %s ]; do sleep 0.02; done; echo last; exit 0",
		pid_file, pid_file);
	int64_t began = now_ms();
	assert_int_equal(start(t, (struct spec_of){ .script = script }), 0);
	eventually(t, is_in(t, "host:api.1", UNIT_EXITED));
	assert_in_range(now_ms() - began, 0, 10000);
	eventually(t, strstr(whole_log(t, "api"), "ended with status 0"));
	assert_non_null(strstr(whole_log(t, "api"), "o last"));
	struct spec_of next = { .script = "echo next; exec sleep 1000" };
	assert_int_equal(start(t, next), 0);
	eventually(t, strstr(log_text(t, "api.log"), "o next"));
}

int main(void)
{
	/* Before there are threads: each has a namespace of its own. */
	may_mount = geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
		    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
	setenv("UV_THREADPOOL_SIZE", "1", 1);
	const struct CMUnitTest tests[] = {
		case_of(a_flood_is_kept_whole),
		case_of(a_disk_that_hangs_stops_no_child),
		case_of(lines_without_end_are_cut),
		case_of(odd_bytes_pass),
		case_of(a_closed_stdout_is_no_end),
		case_of(an_orphan_with_the_pipe_is_no_hindrance),
		case_of(a_full_disk_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
