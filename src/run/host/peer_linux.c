/*
 * What Linux knows about sockets of this machine: the credentials of the other end, and a short
 * name for a long path. Comes in: a descriptor or a path. Knows nothing of what is spoken.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/os.h"
#include "base/text.h"
#include "run/io/socket.h"

enum { NAME_MAX_BYTES = 108 };

bool socket_peer(int fd, struct socket_peer *out)
{
	struct ucred who;
	socklen_t size = sizeof(who);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size))
		return false;
	*out = (struct socket_peer){ who.uid, who.pid };
	return true;
}

bool socket_name(const char *path, char out[static 108], int *dir)
{
	*dir = -1;
	if (strlen(path) < NAME_MAX_BYTES) {
		snprintf(out, NAME_MAX_BYTES, "%s", path);
		return true;
	}
	struct arena a = ARENA_INIT;
	*dir = open(path_dir(&a, path), O_PATH | O_DIRECTORY | O_CLOEXEC);
	arena_release(&a);
	if (*dir < 0)
		return false;
	int len = snprintf(out, NAME_MAX_BYTES, "/proc/self/fd/%d/%.60s", *dir, path_base(path));
	if (len < NAME_MAX_BYTES && strlen(path_base(path)) <= 60)
		return true;
	errno = ENAMETOOLONG;
	return false;
}
