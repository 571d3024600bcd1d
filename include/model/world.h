/*
 * The world: what is seen. Filled by run/probe and read by the planner; holds no secret values.
 */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

#include "base/map.h"
#include "model/develop.h"
#include "model/lock.h"
#include "model/project.h"

enum unit_state {
	UNIT_ABSENT,
	UNIT_CREATED,
	UNIT_STARTING,
	UNIT_RUNNING,
	UNIT_RESTARTING,
	UNIT_PAUSED,
	UNIT_REMOVING,
	UNIT_EXITED,
	UNIT_DEAD,
};
enum health { HEALTH_NONE, HEALTH_STARTING, HEALTH_HEALTHY, HEALTH_UNHEALTHY };

struct seen_port {
	int target, published; /* published 0: not published */
	const char *protocol, *host_ip;
};

struct container {         /* of the engine, or a process of a host service */
	bool host;         /* a host service's: id is "host:SERVICE.N", image its argv[0] */
	pid_t pid;         /* of a host service; 0: none */
	unsigned restarts; /* of a host service, in a row */
	const char *note;  /* of a host service: "restarts in 3.2 s", "given up after 5 restarts";
			      NULL */
	bool notified;     /* of a host service: it said READY=1 */
	const char *id, *name;
	const char *service;   /* key of services:, may be one that is gone (an orphan) */
	const char *workspace; /* label devenv.workspace */
	const char *root;      /* label devenv.root */
	const char *hash;      /* label devenv.hash: of all that made it */
	const char *inputs; /* label devenv.inputs: digests of its parts, for the why of a change */
	const char *base;   /* label devenv.base of its image: id of the registry image that the
			       lowest rung was built on; NULL or "": not known, or locked by digest */
	const char *image;  /* name it was made from */
	int number;         /* copy, from 1 */
	bool one_off;       /* of `run`, not of `up` */
	enum unit_state state;
	enum health health;
	int exit_code;    /* when UNIT_EXITED */
	int64_t uptime_s; /* least whole seconds it runs, as the engine's list tells; -1: unknown */
	int64_t created;  /* seconds since 1970 */
	const char *ip;   /* on the workspace's network, or NULL */
	LIST_OF(struct seen_port) ports;
};

struct seen_file {        /* from manifest.json: what devenv wrote last */
	const char *path; /* relative to .devenv/generated */
	const char *hash;
	mode_t mode;
};

struct allocation { /* a published port, remembered per workspace */
	const char *service;
	int target;
	const char *protocol;
	int published;
	int moved_from; /* the port that was taken; 0: it did not move */
	const char *
		holder; /* who holds moved_from: "pid 812 (postgres)", "container x of project y" */
};

struct seen_secret {
	const char *name;
	const char *fingerprint; /* keyed hash of the value: changes exactly when the value does */
	/* Of the value and, while a rotation is under way, of the one before: keyed by this
	 * machine, so that they outlive the keyring. NULL: not known, none. */
	const char *mark, *previous_mark;
};

struct volume_mark {        /* what the server on a data volume takes for a secret's value */
	const char *volume; /* name on the engine */
	const char *secret;
	struct strs marks; /* of one value, or of two: a rotation is under way */
};
struct volume_marks {
	struct volume_mark *items;
	size_t count, cap;
};

struct unit_record { /* remembered from earlier runs, in the workspace's state */
	const char *service;
	const char *container; /* id that was seen ready */
	int64_t ready_at;      /* seconds since 1970 */
	const char *job_hash;  /* inputs a job last succeeded with */
	struct strs mounts;    /* host paths its container was started upon: "DEVICE:INODE PATH" */
	const char *stale; /* one of them that is gone or another now: the container still has the
			      old */
};

struct seen_image {         /* a rung, one of a registry, or of this engine alone */
	const char *name;   /* as it was asked for */
	const char *id;     /* NULL: the engine does not have it */
	const char *digest; /* of its repository; NULL: it has none, as one that was imported */
	const char *base;   /* label devenv.base, see struct container; NULL: none */
	int64_t size;       /* bytes */
};

/*
 * Which volume of the engine serves a volume of the project, where that is not the one that its
 * name says: data that was restored, reset or belongs to a branch. At most one of a key serves.
 */
struct volume_record {
	const char *key;    /* of volumes: */
	const char *branch; /* whose data it is; NULL: the workspace's own */
	const char *engine; /* its name there */
	const char *before; /* kept until what uses the new one is ready; NULL: none */
	bool serves;
};

/* Services that a command about data stopped and starts again, unless it is killed before. */
struct halted {
	const char *by; /* "restore" */
	struct strs services;
};

/*
 * A volume of the engine that is to begin with something, and does not have all of it yet: what an
 * earlier run did not get to the end of, or what this one is about to.
 */
struct unfilled {
	const char *volume; /* its name there */
	const char *from;   /* the volume of the engine that it is a copy of; NULL: a dump */
};

struct checkout { /* git's word on it; all empty unless some volume is per branch */
	bool repository;
	const char *branch;  /* NULL: none is checked out, or there is no repository */
	struct strs parents; /* branches that it was made from, the nearest first; they may be gone
			      */
};

struct agent_seen { /* the workspace's agent, when it answered */
	bool runs;
	pid_t pid;
	const char *guard; /* "pid namespace", "cgroup", "subreaper"; NULL: it supervises nothing */
	bool watch, lint, test; /* switches of its develop loop */
	struct module_states modules;
};

struct source_facts { /* the commit that the project's files are of; what images are labelled with
		       */
	bool known;   /* looked at */
	const char *commit;  /* 40 hex; NULL: no repository, or none in it yet */
	const char *version; /* "v1.2", "v1.2-3-g0a1b2c3d4e5f" or the commit's beginning; NULL */
	bool named;          /* version is what the user says instead (build --tag) */
	const char *url;     /* of the remote `origin`, without user and password; NULL */
	bool dirty;          /* files of the project differ from the commit */
	int64_t time;        /* of the commit, seconds since 1970; 0: none */
};

struct world {
	struct source_facts source;
	struct agent_seen agent;
	bool engine;             /* an engine was asked and answered */
	const char *api_version; /* negotiated, "1.41" */
	uid_t uid;               /* the developer's; with sudo the caller's own */
	gid_t gid;
	int64_t now;                          /* seconds since 1970 */
	LIST_OF(struct container) containers; /* of this workspace, one-offs and orphans too */
	LIST_OF(struct seen_image) images;    /* that the engine was asked for */
	bool images_known;                    /* all tags of the project were */
	const struct lockfile *locked;        /* devenv.lock; NULL: there is none */
	struct strs volumes;                  /* names of this workspace's volumes, when asked */
	bool volumes_known;
	struct strs networks;
	LIST_OF(struct unfilled) unfilled;
	struct checkout checkout;
	LIST_OF(struct seen_file) files;
	LIST_OF(struct allocation) allocations;
	LIST_OF(struct seen_secret) secrets;
	struct volume_marks marks; /* remembered in the workspace's state */
	struct volume_marks
		labels; /* on the volumes, from when they were made; with volumes_known */
	LIST_OF(struct unit_record) records;
	LIST_OF(struct volume_record) volume_map;
	struct strs leaving; /* volumes of the engine that are half-made or were replaced */
	struct halted halted;
	const char
		*leaf_hosts; /* names of the present leaf certificate, joined by ","; NULL: none */
	int64_t leaf_not_after;  /* seconds since 1970 */
	const char *authority;   /* fingerprint of the local authority; NULL: none yet */
	const char *host_bundle; /* hash of the host's CA bundle, for certificates: host; NULL: not
				    looked */
	const char *host_bundle_path; /* where that bundle is */
	/* Hashes of files that are inputs: lock files, image files, Dockerfiles and their contexts.
	 * Key: absolute path. */
	struct map inputs;
};

const struct container *world_container(
	const struct world *w, const char *service); /* number 1, no one-off */
const struct allocation *world_allocation(
	const struct world *w, const char *service, int target, const char *protocol);
const struct seen_secret *world_secret(const struct world *w, const char *name);
struct volume_mark *volume_mark_find(
	const struct volume_marks *list, const char *volume, const char *secret);
const struct unit_record *world_record(const struct world *w, const char *service);
/* What a volume of the engine does not have yet; NULL: it is whole. */
const struct unfilled *world_unfilled(const struct world *w, const char *volume);
/* The one that serves; NULL: the volume that the name says. */
const struct volume_record *world_volume(const struct world *w, const char *key);
/* Was c seen ready by an earlier `up`, as the run of its process that is there now? */
bool world_seen_ready(const struct world *w, const struct container *c);
const char *world_input(const struct world *w, const char *path); /* hash or NULL */
const struct seen_image *world_image(
	const struct world *w, const char *name); /* NULL: not asked for */
bool world_has_image(const struct world *w, const char *name);
void world_note_image(struct arena *a, struct world *w, const struct seen_image *seen);
const char *unit_state_name(enum unit_state s);

#endif
