/*
 * Who holds a port. Comes in: a port. Goes out: a container's or a process's name, as far as this
 * user may see it; nothing where there is no /proc. Only reads.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/os.h"
#include "run/engine/engine.h"
#include "run/ports.h"
#include "run/engine/published.h"

enum { TABLE_MAX = 16 << 20, LISTEN = 0x0a };

struct socket_seen {
	unsigned long inode; /* 0: none */
	unsigned long uid;
};

/* One line: sl local:port remote:port state queues timer retransmits uid timeout inode ... */
static bool socket_line(const char *line, int port, bool udp, struct socket_seen *out)
{
	unsigned local = 0, state = 0;
	unsigned long uid = 0, inode = 0;
	if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %lu %*s %lu",
		    &local, &state, &uid, &inode) != 4)
		return false;
	if ((int)local != port || (!udp && state != LISTEN))
		return false;
	*out = (struct socket_seen){ inode, uid };
	return true;
}

static bool find_socket(const char *table, int port, bool udp, struct socket_seen *out)
{
	struct err ignored = ERR_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	bool found = false;
	if (file_read(table, TABLE_MAX, &text, &ignored))
		return false;
	for (const char *p = buf_str(&text); p && !found; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
		found = socket_line(p, port, udp, out);
	return found;
}

static bool process_has(const char *pid, unsigned long inode)
{
	char dir[64], name[320], target[64], wanted[64];
	struct dirent *entry;
	bool found = false;
	snprintf(dir, sizeof(dir), "/proc/%.20s/fd", pid);
	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	DIR *d = opendir(dir);
	while (d && !found && (entry = readdir(d))) {
		snprintf(name, sizeof(name), "%s/%s", dir, entry->d_name);
		ssize_t n = readlink(name, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		found = streq(target, wanted);
	}
	if (d)
		closedir(d);
	return found;
}

static const char *process_name(struct arena *a, const char *pid)
{
	struct err ignored = ERR_INIT;
	cleanup_buf struct buf name = BUF_INIT;
	if (file_read(arena_printf(a, "/proc/%s/comm", pid), 4096, &name, &ignored))
		return arena_printf(a, "pid %s", pid);
	return arena_printf(
		a, "pid %s (%.*s)", pid, (int)strcspn(buf_str(&name), "\n"), buf_str(&name));
}

static const char *process_of(struct arena *a, const struct socket_seen *s)
{
	const char *out = NULL;
	struct dirent *entry;
	DIR *d = opendir("/proc");
	while (d && !out && (entry = readdir(d)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
			process_has(entry->d_name, s->inode))
			out = process_name(a, entry->d_name);
	if (d)
		closedir(d);
	return out ? out : arena_printf(a, "a process of uid %lu", s->uid);
}

static const char *container_of(struct arena *a, struct engine *g, int port, const char *protocol)
{
	struct published_ports list = { 0 };
	struct err ignored = ERR_INIT;
	if (!g || engine_published(g, a, &list, &ignored))
		return NULL;
	for (size_t i = 0; i < list.count; i++) {
		const struct published_port *p = &list.items[i];
		if (p->port == port && streq(p->protocol, protocol))
			return p->project ? arena_printf(a, "container %s of project %s",
						    p->container, p->project)
					  : arena_printf(a, "container %s", p->container);
	}
	return NULL;
}

const char *port_holder(struct arena *a, struct engine *g, int port, const char *protocol)
{
	static const char *const tables[2][2] = { { "/proc/net/tcp", "/proc/net/tcp6" },
		{ "/proc/net/udp", "/proc/net/udp6" } };
	bool udp = streq(protocol, "udp");
	struct socket_seen s = { 0 };
	const char *container = container_of(a, g, port, protocol);
	if (container)
		return container;
	if (!find_socket(tables[udp][0], port, udp, &s) &&
		!find_socket(tables[udp][1], port, udp, &s))
		return NULL;
	return process_of(a, &s);
}
