/*
 * The file of `cache save|restore`. Guards FAULTS G03, G04, G06 and G07 for it: of another machine
 * or format, volumes that are no caches, absurd sizes, bombs, and lists of images that an engine
 * would read otherwise than they look.
 */
#include <fcntl.h>

#include "base/os.h"
#include "doc/json.h"
#include "run/data/cache_file.h"
#include "run/data/cache_file.h"
#include "run/files/packed.h"
#include "run_test.h"

/* ---- the manifest ---- */

#define PART(volume, entries, unpacked)                                                            \
	"{\"format\": 1, \"machine\": \"linux/amd64\", \"parts\": [{\"kind\": \"cache\", "         \
	"\"bytes\": 1000, \"volume\": \"" volume "\", \"entries\": " entries                       \
	", \"unpacked\": " unpacked "}]}"

static void manifests(void **state)
{
	static const struct {
		const char *text, *says; /* NULL: it is fine */
	} cases[] = {
		{ PART("devenv-cache-npm", "3", "100"), NULL },
		{ PART("devenv-deps-api-1a", "2000000", "1073841824"), NULL },
		{ PART("devenv-deps-api-1a", "2000001", "1"), "more than its size can hold" },
		{ PART("devenv-deps-api-1a", "1", "1073841825"), "more than its size can hold" },
		{ PART("devenv-deps-api-1a", "1", "9223372036854775807"), "more than" },
		{ PART("devenv-deps-api-1a", "-1", "1"), "not understood" },
		{ PART("devenv-deps-api-1a", "1", "\"1\""), "not understood" },
		{ PART("shop_data", "1", "1"), "no cache" },
		{ PART("devenv-cache-../x", "1", "1"), "no cache" },
		{ PART("devenv-cache-x y", "1", "1"), "no cache" },
		{ "{\"format\": 2, \"machine\": \"linux/amd64\", \"parts\": []}",
			"another version" },
		{ "{\"format\": 1, \"machine\": \"linux/arm64\", \"parts\": []}",
			"for linux/arm64, the engine is linux/amd64" },
		{ "{\"format\": 1, \"parts\": []}", "which machine" },
		{ "[]", "another version" },
	};
	struct arena a = ARENA_INIT;
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct err e = ERR_INIT;
		struct node *n = json_read(&a, cases[i].text, strlen(cases[i].text), "m", &e);
		assert_non_null(n);
		int rc = cache_check(n, "linux/amd64", &e);
		if ((rc != 0) != (cases[i].says != NULL) || (rc && !strstr(e.text, cases[i].says)))
			fail_msg("case %zu: %s", i, e.text);
	}
	arena_release(&a);
}

/* ---- images ---- */

struct made {
	char type; /* of tar: '0' file, '2' link, '1' hard link, '3' device */
	const char *name, *text;
};

static void put(struct buf *b, const struct made *m)
{
	char h[512] = "";
	unsigned sum = 0;
	size_t size = m->type == '0' ? strlen(m->text) : 0;
	snprintf(h, 100, "%s", m->name);
	memcpy(h + 100, "0000644", 8);
	memcpy(h + 108, "0000000", 8);
	memcpy(h + 116, "0000000", 8);
	snprintf(h + 124, 12, "%011o", (unsigned)size & 0777777);
	memset(h + 148, ' ', 8);
	h[156] = m->type;
	snprintf(h + 157, 100, "%s", m->type == '0' ? "" : m->text);
	memcpy(h + 257, "ustar\00000", 8);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	buf_add(b, h, sizeof(h));
	buf_add(b, m->text, size);
	buf_pad(b, '\0', -size & 511);
}

#define LIST(name) "[{\"RepoTags\": [\"" name "\"]}]"
#define INDEX(name)                                                                                \
	"{\"manifests\": [{\"annotations\": {\"io.containerd.image.name\": \"" name "\"}}]}"

/* What an engine that unpacks it would find under the name of its list is what was listed. */
static void lists_of_images(void **state)
{
	static const struct {
		struct made items[3];
		const char *names; /* NULL: refused */
	} cases[] = {
		{ { { '0', "manifest.json", LIST("devenv/a:1") } }, "devenv/a:1" },
		{ { { '0', "b/layer.tar", "x" }, { '2', "a/layer.tar", "../b/layer.tar" },
			  { '0', "manifest.json", LIST("devenv/a:1") } },
			"devenv/a:1" },
		{ { { '0', "index.json", INDEX("docker.io/library/debian:12") },
			  { '0', "manifest.json", LIST("devenv/a:1") } },
			"devenv/a:1 debian:12" },
		{ { { '0', "index.json", INDEX("docker.io/devenv/b:2") },
			  { '0', "manifest.json", "[]" } },
			"devenv/b:2" },
		{ { { '0', "manifest.json", LIST("devenv/a:1") },
			  { '0', "manifest.json", LIST("debian:12") } },
			NULL },
		{ { { '0', "manifest.json", LIST("devenv/a:1") },
			  { '0', "./manifest.json", LIST("debian:12") } },
			NULL },
		{ { { '0', "manifest.json", LIST("devenv/a:1") },
			  { '0', "x/../manifest.json", LIST("debian:12") } },
			NULL },
		{ { { '2', "x", "." }, { '0', "manifest.json", LIST("devenv/a:1") },
			  { '0', "x/manifest.json", LIST("debian:12") } },
			NULL },
		{ { { '0', "other", LIST("debian:12") }, { '2', "manifest.json", "other" } },
			NULL },
		{ { { '0', "other", LIST("debian:12") },
			  { '0', "manifest.json", LIST("devenv/a:1") },
			  { '1', "manifest.json", "other" } },
			NULL },
		{ { { '3', "null", "" }, { '0', "manifest.json", LIST("devenv/a:1") } }, NULL },
		{ { { '0', "/etc/x", "" }, { '0', "manifest.json", LIST("devenv/a:1") } }, NULL },
		{ { { '0', "repositories", "{\"debian\": {\"12\": \"x\"}}" } }, NULL },
		{ { { '0', "manifest.json", "[{" } }, NULL },
	};
	struct home *h = *state;
	const char *path = in_home(h, "images.tar");
	for (size_t i = 0; i < countof(cases); i++) {
		cleanup_buf struct buf b = BUF_INIT;
		struct strs names = { 0 };
		struct err e = ERR_INIT;
		for (size_t k = 0; k < countof(cases[i].items) && cases[i].items[k].type; k++)
			put(&b, &cases[i].items[k]);
		buf_pad(&b, '\0', 1024);
		assert_int_equal(file_write(path, b.data, b.len, 0600, false, &h->e), 0);
		int rc = images_list(&h->a, path, &names, &e);
		if ((rc != 0) != !cases[i].names || (rc != 0) != (e.text[0] != '\0'))
			fail_msg("case %zu: %d %s", i, rc, e.text);
		if (!rc)
			assert_string_equal(strs_join(&h->a, &names, " "), cases[i].names);
	}
}

/* Twenty frames of zeros, of some kilobytes each, for more than a gigabyte. */
static void a_bomb_is_left_at_its_bound(void **state)
{
	enum { MEGABYTES = 64, FRAMES = 20 };
	struct home *h = *state;
	static char zeros[1 << 20];
	cleanup_buf struct buf frame = BUF_INIT, all = BUF_INIT;
	struct strs names = { 0 };
	struct err e = ERR_INIT;
	const char *path = in_home(h, "bomb.tar.zst");
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	struct packing *p = packing_new(fd, path, &h->e);
	assert_non_null(p);
	for (int i = 0; i < MEGABYTES; i++)
		assert_int_equal(packing_write(p, zeros, sizeof(zeros), &h->e), 0);
	assert_int_equal(packing_end(p, &h->e), 0);
	packing_free(p);
	close(fd);
	assert_int_equal(file_read(path, 1 << 20, &frame, &h->e), 0);
	for (int i = 0; i < FRAMES; i++)
		buf_add(&all, frame.data, frame.len);
	assert_int_equal(file_write(path, all.data, all.len, 0600, false, &h->e), 0);
	assert_int_equal(images_list(&h->a, path, &names, &e), -1);
	assert_non_null(strstr(e.text, "larger than their file can be"));
}

int main(void)
{
#define WITH_HOME(f) cmocka_unit_test_setup_teardown(f, home_setup, home_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manifests),
		WITH_HOME(lists_of_images),
		WITH_HOME(a_bomb_is_left_at_its_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
