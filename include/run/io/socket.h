/* Sockets of this machine: listening, connecting and who is at the other end. */
#ifndef RUN_IO_SOCKET_H
#define RUN_IO_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/diag.h"

/*
 * A listening stream socket of mode 0600, not blocking; one that nobody listens on any more is
 * replaced. -1: ERR_BUSY when somebody does, else what failed. Paths may be longer than a
 * sockaddr_un's.
 */
int socket_listen(const char *path, struct err *e);
/* A connected, not blocking descriptor; -1 with e->code ERR_OK: nobody listens there. */
int socket_connect(const char *path, int wait_ms, struct err *e);

/* ---- peer_linux.c ---- */
struct socket_peer {
	uid_t uid;
	pid_t pid;
};
bool socket_peer(int fd, struct socket_peer *out);
/*
 * A name of path that fits into a sockaddr_un: through *dir, a descriptor of its directory that the
 * caller closes (-1: path itself fitted). False with errno.
 */
bool socket_name(const char *path, char out[static 108], int *dir);

#endif
