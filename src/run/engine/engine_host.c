/*
 * Where the engine is and whether somebody is there. Comes in: the environment, docker's own
 * configuration. Goes out: an address, or the reason why there is none with its remedy.
 */
#include "run/engine/call.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/os.h"
#include "doc/json.h"

#define DEFAULT_SOCKET "/var/run/docker.sock"

enum { CONFIG_MAX = 1024 * 1024 };

static const char *variable(const char *name)
{
	const char *v = getenv(name);
	return v && *v ? v : NULL;
}

static const char *docker_config_dir(struct arena *a)
{
	const char *dir = variable("DOCKER_CONFIG");
	const char *home = variable("HOME");
	if (dir)
		return dir;
	return home ? arena_printf(a, "%s/.docker", home) : NULL;
}

static struct node *read_json(struct arena *a, const char *path, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	if (file_read(path, CONFIG_MAX, &text, e))
		return NULL;
	return json_read(a, buf_str(&text), text.len, path, e);
}

/* NULL: the default context. A configuration that cannot be read is as good as none. */
static const char *context_name(struct arena *a, const char *dir)
{
	const char *name = variable("DOCKER_CONTEXT");
	struct err ignored = ERR_INIT;
	if (!name && dir) {
		struct node *n = read_json(a, arena_printf(a, "%s/config.json", dir), &ignored);
		name = node_text(node_get(n, "currentContext"));
	}
	return name && *name && !streq(name, "default") ? name : NULL;
}

static int context_host(
	struct arena *a, const char *dir, const char *name, const char **host, struct err *e)
{
	char hex[HASH_HEX + 1];
	hash_hex(name, strlen(name), hex);
	struct node *n =
		read_json(a, arena_printf(a, "%s/contexts/meta/%s/meta.json", dir, hex), e);
	*host = node_text(node_path(n, "Endpoints.docker.Host"));
	if (*host)
		return 0;
	err_set(e, ERR_ENGINE, "the docker context %s has no engine", name);
	err_hint(e, "choose another with `docker context use`, or set DOCKER_HOST");
	return -1;
}

/* The usual socket; the rootless one when the usual is absent or not ours. */
static const char *usual_socket(struct arena *a)
{
	const char *run = variable("XDG_RUNTIME_DIR");
	const char *rootless = run ? arena_printf(a, "%s/docker.sock", run) : NULL;
	if (rootless && access(DEFAULT_SOCKET, W_OK) != 0 && access(rootless, W_OK) == 0)
		return arena_printf(a, "unix://%s", rootless);
	return "unix://" DEFAULT_SOCKET;
}

static int check_scheme(const char *host, struct err *e)
{
	if (starts_with(host, "ssh://")) {
		err_set(e, ERR_ENGINE,
			"the engine at %s is reached by ssh, which devenv does not speak", host);
		err_hint(e,
			"forward its socket: ssh -L /tmp/docker.sock:/var/run/docker.sock HOST, "
			"then DOCKER_HOST=unix:///tmp/docker.sock");
		return -1;
	}
	if (starts_with(host, "tcp://") &&
		(variable("DOCKER_TLS_VERIFY") || variable("DOCKER_TLS"))) {
		err_set(e, ERR_ENGINE,
			"the engine at %s wants TLS, which devenv does not speak to engines", host);
		err_hint(e, "forward its socket by ssh and set DOCKER_HOST=unix:///...");
		return -1;
	}
	if (starts_with(host, "unix:///") || starts_with(host, "tcp://"))
		return 0;
	err_set(e, ERR_ENGINE, "\"%s\" is not an engine's address", host);
	err_hint(e, "DOCKER_HOST or the docker context must say unix:///path or tcp://host:port");
	return -1;
}

int engine_find_host(char *out, size_t size, struct err *e)
{
	struct arena a = ARENA_INIT;
	const char *host = variable("DOCKER_HOST");
	int rc = 0;
	if (!host) {
		const char *dir = docker_config_dir(&a);
		const char *context = context_name(&a, dir);
		if (context)
			rc = context_host(&a, dir ? dir : "", context, &host, e);
		else
			host = usual_socket(&a);
	}
	if (!rc)
		rc = check_scheme(host, e);
	if (!rc && strlen(host) >= size)
		rc = err_set(e, ERR_ENGINE, "the engine's address is too long");
	if (!rc)
		memcpy(out, host, strlen(host) + 1);
	arena_release(&a);
	return rc;
}

static int explain_socket(const char *path, int error, struct err *e)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
		err_set(e, ERR_ENGINE, "no engine: there is no socket %s", path);
		err_hint(e, "install or start Docker (systemctl start docker), or set DOCKER_HOST "
			    "to where it listens");
		return -1;
	case ECONNREFUSED:
		err_set(e, ERR_ENGINE, "no engine: nobody listens on %s", path);
		err_hint(e, "the engine has stopped and left its socket behind: start it "
			    "(systemctl start docker)");
		return -1;
	case EACCES:
	case EPERM:
		err_set(e, ERR_ENGINE, "no permission to use the engine's socket %s", path);
		err_hint(e, "join its group (sudo usermod -aG docker $USER) and log in again");
		return -1;
	case ENOTSOCK:
		err_set(e, ERR_ENGINE, "no engine: %s is not a socket", path);
		err_hint(e, "DOCKER_HOST or the docker context names the wrong path");
		return -1;
	default:
		return err_set(e, ERR_ENGINE, "no engine: %s: %s", path, strerror(error));
	}
}

int engine_check_socket(const struct engine *g, struct err *e)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat st;
	if (!g->socket[0])
		return 0;
	if (stat(g->socket, &st))
		return explain_socket(g->socket, errno, e);
	if (!S_ISSOCK(st.st_mode))
		return explain_socket(g->socket, ENOTSOCK, e);
	memcpy(addr.sun_path, g->socket, strlen(g->socket) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_errno(e, "no socket for the engine");
	int rc = connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ? errno : 0;
	close(fd);
	/* EAGAIN: its queue is full; whether it answers shows with the first request. */
	return rc && rc != EAGAIN && rc != EINPROGRESS ? explain_socket(g->socket, rc, e) : 0;
}

/* Engines that name no gateway of their bridge mean the bridge's own address. */
static const char *bridge_address(struct arena *a, const char *bridge)
{
	struct ifaddrs *all = NULL;
	char text[INET_ADDRSTRLEN] = "";
	if (getifaddrs(&all))
		return NULL;
	for (struct ifaddrs *i = all; i && !text[0]; i = i->ifa_next)
		if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET && streq(i->ifa_name, bridge))
			inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)i->ifa_addr)->sin_addr,
				text, sizeof(text));
	freeifaddrs(all);
	return text[0] ? arena_strdup(a, text) : NULL;
}

int engine_gateway(struct engine *g, struct arena *a, const char **out, struct err *e)
{
	struct node *n = NULL;
	*out = NULL;
	if (!g->socket[0])
		return 0;
	if (engine_get(g, a, &n, e, "/networks/bridge"))
		return -1;
	const char *named =
		node_text(node_get(node_get(n, "Options"), "com.docker.network.bridge.name"));
	*out = node_text(node_path(n, "IPAM.Config[0].Gateway"));
	if (!*out)
		*out = bridge_address(a, named ? named : "docker0");
	return 0;
}
