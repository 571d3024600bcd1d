/*
 * Files of images, as `cache restore` has them from anybody. Guards: which names a load would give
 * is told, or refused with a reason, in bounded time and memory.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/os.h"
#include "run/data/cache_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct strs names = { 0 };
	char path[] = "/tmp/devenv-fuzz-XXXXXX";
	int fd = mkstemp(path);
	check(fd >= 0 && !fd_write(fd, (const char *)data, size));
	close(fd);
	int rc = images_list(&a, path, &names, &e);
	check((rc != 0) == (e.text[0] != '\0'));
	unlink(path);
	arena_release(&a);
	return 0;
}
