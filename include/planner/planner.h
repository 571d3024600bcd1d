/* (project, world, request) -> plan. Pure: no disk, network, clock or terminal. */
#ifndef PLANNER_PLANNER_H
#define PLANNER_PLANNER_H

#include "model/plan.h"
#include "model/world.h"

enum goal {
	GOAL_UP,
	GOAL_GENERATE,
	GOAL_DOWN,
	GOAL_STOP,
	GOAL_RESTART,
	GOAL_RECREATE,
	GOAL_BUILD,
	GOAL_RUN,    /* all that a command in a container of its own needs, short of running it */
	GOAL_TOOLS,  /* the image of the tools container */
	GOAL_FETCH,  /* all that services need which no network has to bring afterwards */
	GOAL_IMAGES, /* rungs, and the registry images that rungs and services stand on */
	GOAL_STAGES, /* all that stages of modules which are down need, short of running them */
	GOAL_CREATE, /* up, short of starting anything: images, dependencies, containers */
};

struct plan_request {
	enum goal goal;
	struct strs services; /* named on the command line; none: the default set */
	struct strs images;   /* build: rungs that are named, too */
	struct strs profiles;
	bool no_deps;  /* --no-deps */
	bool recreate; /* --force-recreate */
	bool volumes;  /* down -v */
	bool build;    /* up --build: rebuild although the tag is there */
	bool no_cache; /* build: what the builder remembers of earlier builds is not used */
	bool pull;     /* build --pull: what rungs stand on is looked for anew in its registry */
	bool no_hooks;
	int64_t timeout_ms;    /* -t of stop; <0: each service's own */
	const char *version;   /* of devenv, for labels */
	const char *state_dir; /* of the workspace, for mounts that must survive */
	struct strs self;      /* a command line of devenv about this project, short of the command
				*/
};

/* 0, or diagnostics (a service that no profile allows, a reference to a port that is not published,
 * ...). */
int plan_make(struct arena *a, const struct project *p, const struct world *w,
	const struct plan_request *req, struct plan *out, struct diags *d);

/* The engine's name of a volume; NULL: it is external, so not ours to name. */
const char *plan_volume_name(
	struct arena *a, const struct project *p, const struct world *w, const struct volume *v);

/*
 * Which data serve the volumes that are `per: branch`, by the branch that is checked out: the map
 * of w as it is to be, and what is to be copied (w->unfilled). In memory; who carries the plan out
 * remembers both before. Calling it again changes nothing.
 */
enum branch_verdict {
	BRANCHES_STAY,
	BRANCHES_SWITCH,
	BRANCHES_ASK, /* the engine is to be asked for its volumes first: nothing was changed */
};
enum branch_verdict plan_branches(struct arena *a, const struct project *p, struct world *w);

/* What others run: a compose file with all that it mounts, which knows no path of this machine. */
struct production_request {
	struct strs profiles;
	const char *registry;  /* in front of the names of our images; NULL: none */
	bool external_secrets; /* kept by the cluster already, rather than files beside it */
	bool no_mesh;          /* the cluster's kernel cannot share addresses and ports (IPVS) */
};
/* Files relative to where they are to be written. Needs world.source. 0, or diagnostics. */
int production_make(struct arena *a, const struct project *p, const struct world *w,
	const struct production_request *req, struct plan *out, struct diags *d);

/* Which files must be hashed into world.inputs before plan_make(): absolute paths, sorted. */
void plan_inputs(struct arena *a, const struct project *p, struct strs *paths);
/* Of `docker compose run`: the generated file that makes a container beside the one that serves,
 * without what there can be one of (addresses, host names). Below .devenv/generated. */
const char *plan_run_file(const struct project *p);
/* Tags of all used rungs, for the probe to ask the engine about. Needs world.inputs. */
void plan_tags(struct arena *a, const struct project *p, const struct world *w, struct strs *tags);
/* Ports that `up` publishes and that must be allocated first. */
struct port_wish {
	const struct service *service;
	const struct port *port;
	const char *owner; /* to remember it by: the service, or "web.2" of a copy on the host */
	int wanted;        /* 0: any */
};
struct port_wishes {
	struct port_wish *items;
	size_t count, cap;
};
void plan_ports(struct arena *a, const struct project *p, const struct plan_request *req,
	struct port_wishes *out);
/* URLs to show after `up`: of routes first, then of published ports. */
struct url {
	const struct service *service;
	const struct service *via; /* of a route: the proxy; NULL */
	const char *url;
	struct place place;
};
struct urls {
	struct url *items;
	size_t count, cap;
};
void plan_urls(struct arena *a, const struct project *p, const struct world *w, struct urls *out);
/* ${service.X.host|port|url} in text, as `consumer` reaches it (NULL: from the host). */
const char *plan_expand(struct arena *a, const struct project *p, const struct world *w,
	const struct service *consumer, const char *text, struct place at, struct diags *d);

/* ---- stages.c: the develop loop's part. ---- */
/*
 * One run of a module: its stages in order, each needing the one before (a gate: warn is soft),
 * then on_success and those who depend on it by on_restart. In the module's own container when that
 * runs, in one made for it (docker compose run) when it does not, on the host for a host service.
 */
struct stage_request {
	const struct service *service;
	unsigned stages; /* bits 1 << enum stage_kind */
	const char *why; /* "api/app.py changed" */
};
int plan_stages(struct arena *a, const struct project *p, const struct world *w,
	const struct stage_request *req, struct plan *out, struct diags *d);
/*
 * The same for several modules in one plan: those who need another's come after it, whatever that
 * came to, and what two of them have in common (same image, sources and command) is done once.
 * alone: each stage counts for itself, a failure stops no other one (one-shot commands).
 */
int plan_all_stages(struct arena *a, const struct project *p, const struct world *w,
	const struct stage_request *reqs, size_t count, bool alone, struct plan *out,
	struct diags *d);
/* Is this stage of two modules one and the same work, so that its run is one run for both? */
bool stage_is_common(const struct service *a, const struct service *b, enum stage_kind k);
bool stages_shared(const struct service *a, const struct service *b); /* any of them */

/*
 * ---- ci.c: the last stage of `devenv ci`. ----
 * In the service's container, in one made for it where it is not running (all that it needs is
 * there), or on the host. No step: nothing is configured.
 */
int plan_e2e(struct arena *a, const struct project *p, const struct world *w, struct plan *out,
	struct diags *d);

/* What changed files mean, by the configuration alone. Paths are relative to the project. */
enum change {
	CHANGE_SOURCE,       /* a run of the module's stages */
	CHANGE_DEPENDENCIES, /* a lock file: install anew first */
	CHANGE_IMAGE,        /* an input of the module's rung: build it anew first */
	CHANGE_CONFIGURATION,
};
enum change plan_change(const struct project *p, const struct strs *config_files,
	const struct service *s, const char *path);

#endif
