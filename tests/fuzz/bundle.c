/*
 * Files of `cache restore`. Guards: whatever comes in is refused with a reason, or taken apart into
 * plain files of its own directory, by the names and lengths of its manifest and nothing else; what
 * its manifest says of volumes is refused or within bounds. Checksums of headers are put right, so
 * that what they stand for is tried, too.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os.h"
#include "run/engine/bundle.h"
#include "run/data/cache_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOCK = 512 };

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void put_checksum_right(char *header)
{
	unsigned sum = 0;
	memset(header + 148, ' ', 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)header[i];
	snprintf(header + 148, 8, "%06o", sum & 0777777);
}

static void put_all_right(char *data, size_t size)
{
	for (size_t at = 0; at + BLOCK <= size && data[at];) {
		char digits[13] = "";
		memcpy(digits, data + at + 124, 12);
		size_t bytes = strtoul(digits, NULL, 8);
		put_checksum_right(data + at);
		if (bytes > size)
			return;
		at += BLOCK + (bytes + BLOCK - 1) / BLOCK * BLOCK;
	}
}

static size_t entries_of(const char *dir)
{
	size_t count = 0;
	DIR *d = opendir(dir);
	check(d);
	for (struct dirent *entry; (entry = readdir(d));)
		count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
	closedir(d);
	return count;
}

static void check_parts(struct arena *a, const char *dir, const struct node *manifest)
{
	const struct node *parts = node_get(manifest, "parts"), *part;
	struct stat st;
	struct err e = ERR_INIT;
	check(entries_of(dir) == node_count(parts));
	node_each_item(parts, i, part)
	{
		const char *path = path_join(a, dir, node_text(node_get(part, "file")));
		check(!lstat(path, &st) && S_ISREG(st.st_mode));
		check(st.st_size == node_get(part, "bytes")->integer);
	}
	check(!cache_check(manifest, "linux/amd64", &e) || e.text[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char home[] = "/tmp/devenv-fuzz-XXXXXX";
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT, bad = ERR_INIT;
	struct node *manifest = NULL;
	char *copy = xmalloc(size + !size);
	check(mkdtemp(home));
	const char *dir = path_join(&a, home, "parts"), *file = path_join(&a, home, "file");
	if (size)
		memcpy(copy, data, size);
	put_all_right(copy, size);
	check(!dir_make(dir, 0700, &e) && !file_write(file, copy, size, 0600, false, &e));
	int rc = bundle_read(&a, file, dir, &manifest, &bad);
	check((rc != 0) == (bad.text[0] != '\0') && (rc != 0) == !manifest);
	check(entries_of(home) == 2); /* nothing beside */
	if (!rc)
		check_parts(&a, dir, manifest);
	check(!tree_remove(home, &e));
	memcpy(home + sizeof(home) - 7, "XXXXXX", 6);
	xfree(copy);
	arena_release(&a);
	return 0;
}
