/*
 * The tools container of `devenv debug`: what is seen of the container that it joins, and what it
 * is to be. Values only; strings are borrowed from the arena of whoever filled them.
 */
#ifndef MODEL_TOOLS_H
#define MODEL_TOOLS_H

#include "model/plan.h"

/* The rung of the hierarchy where the project names none; where its files stand in the container.
 */
#define TOOLS_RUNG "devenv-debug"
#define TOOLS_DIR "/opt/devenv"
#define TOOLS_CLIENTS TOOLS_DIR "/clients"
#define TOOLS_BUNDLE TOOLS_DIR "/trust/ca-bundle.crt"

struct tools_mount {
	const char *type;   /* "bind" or "volume" */
	const char *source; /* path on the engine's machine, or the volume's name */
	const char *target;
	bool read_only;
};

struct tools_mounts {
	struct tools_mount *items;
	size_t count, cap;
};

struct joined { /* a running container, as far as the tools container follows it */
	const char *id;
	const char *user; /* "UID:GID" of its first process, else as it was made with; "": root */
	struct strs cap_add, cap_drop;
	struct tools_mounts mounts;
	struct strs withheld; /* targets of mounts that lead to the engine's socket */
};

struct tools_spec {
	const char *name, *image;
	const char *network;     /* "container:ID", or the network it is made in */
	struct strs networks;    /* those it is connected to besides */
	const char *pid;         /* "container:ID"; NULL: a namespace of its own */
	struct strs labels, env; /* "NAME=VALUE" */
	struct strs hosts;       /* "NAME:ADDRESS" */
	struct strs cap_add, cap_drop;
	const char *user; /* NULL: the image's */
	struct tools_mounts mounts;
	/* Settings and passwords of clients: each by its name without the dot that it has in the
	 * home directory there. */
	LIST_OF(struct out_file) files;
	struct strs
		left_out; /* targets that are not mounted, for what stands there is the tools' */
};

struct tool_script { /* on the PATH of the tools container */
	const char *name;
	const char *help; /* its first line of comment; "": none */
	bool project;     /* of the project rather than devenv's own */
};
struct tool_scripts { /* sorted by name; the project's own replace those of devenv */
	struct tool_script *items;
	size_t count, cap;
};

#endif
