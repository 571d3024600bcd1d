/*
 * Whether a private file is private. Comes in: a path. Goes out: a verdict with the remedy. Changes
 * nothing.
 */
#include "run/secrets/private.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

int private_check(const char *path, const char *what, struct err *e)
{
	struct stat st;
	if (lstat(path, &st))
		return errno == ENOENT ? 1 : err_errno(e, "%s", path);
	if (!S_ISREG(st.st_mode)) {
		err_set(e, ERR_FAILED, "the %s %s is not a plain file: refusing to use it", what,
			path);
		err_hint(e, "move it away, or restore it from a backup");
	} else if (st.st_uid != geteuid()) {
		err_set(e, ERR_FAILED, "the %s %s belongs to uid %ld: refusing to use it", what,
			path, (long)st.st_uid);
		err_hint(e, "chown %ld %s", (long)geteuid(), path);
	} else if (st.st_mode & 077) {
		err_set(e, ERR_FAILED, "the %s %s is open to others (mode %04o)", what, path,
			(unsigned)(st.st_mode & 07777));
		err_hint(e, "chmod 600 %s; others may have read it, so consider a new one", path);
	} else {
		return 0;
	}
	return -1;
}
