/*
 * What one run of a command holds: options, the configuration's generation, the world as far as it
 * was looked at. Each part is opened on first use, so that a command pays only for what it needs.
 */
#ifndef CMD_CONTEXT_H
#define CMD_CONTEXT_H

#include "base/os.h"
#include "cmd/cmd.h"
#include "config/config.h"
#include "model/project.h"
#include "planner/planner.h"
#include "run/engine/engine.h"
#include "run/io/event.h"
#include "run/io/loop.h"
#include "run/files/places.h"
#include "run/secrets/vault.h"
#include "view/view.h"

struct globals {
	const char *dir; /* -C; NULL: the current folder */
	struct strs files, sets, profiles;
	const char *environment, *project, *ansi, *progress;
	bool json, yes, dry_run, trust, frozen, quiet, strict_ports, version;
};

struct control_client;
struct hosts;

struct timing { /* devenv's own share, for --timings */
	const char *what;
	int64_t us;
	bool waiting; /* spent on the engine or on others, not by devenv itself */
};

struct context {
	struct arena arena;
	struct globals g;
	const struct cmd *cmd;
	struct style out, err; /* of stdout and stderr */
	struct diags diags;
	struct err error;
	struct config config;
	struct project project;
	struct places places;
	struct world world;
	struct plan plan;
	struct loop *loop;
	struct engine *engine;
	struct vault *vault;
	struct lock lock;
	struct control_client *agent; /* the workspace's, when one runs */
	struct hosts *hosts;       /* who runs the host services: the agent, or this very process */
	const char *agent_version; /* of the devenv that it is */
	const char *agent_config;  /* hash of what the agent has read; NULL: nothing */
	int summoned;              /* an agent's word on its start is read from here; -1: none */
	bool tools;                /* the project is decoded for the tools container */
	bool host;                 /* up --host, now or as the agent remembers it */
	bool sought, looked;       /* for an agent; at the world */
	bool wants_agent;          /* one of this version is to run: started, or replaced */
	struct err engine_error;   /* why there is no engine, where that may not matter */
	const char *root;          /* folder of the configuration; set by load_config() */
	const char *environment;   /* "dev" unless told otherwise */
	bool implied;              /* nobody named that environment: it need not have files */
	const char *run;           /* id of the `devenv ci` that this belongs to; NULL: none */
	struct limits {
		int64_t until;   /* monotonic ms: what runs then is ended; 0: never */
		bool first_ends; /* after a failure nothing more is begun */
	} limits;                /* of carry_out() */
	bool have_project, have_places, locked;
	bool branches_switch; /* data of another branch serve in this plan; not remembered yet */
	struct timing timings[16];
	size_t timing_count;
	int64_t lap_us;
	int64_t began_ms; /* when the command did, since 1970 */
};

/* Each returns 0, or the exit status after having printed what is wrong. Calling twice is fine. */
int load_config(struct context *c);  /* layers, merge, substitution: config and diags */
int load_project(struct context *c); /* load_config(), schema, decode; prints diagnostics */
/* The same without a word: what is wrong is in diags, or error. */
int load_project_quietly(struct context *c);
int open_places(struct context *c); /* load_project() and the workspace's directories */
int open_engine(struct context *c);
/* lockfile.c: devenv.lock beside the configuration, if any, into the world. */
int load_lock(struct context *c);
/* What the engine has of the registry images that are used: world.images. Needs the engine. */
int look_at_registry(struct context *c);
/*
 * This workspace's units: host services of the agent, containers of the engine. Where the project
 * has host services, too, an engine that does not answer is only noted in engine_error:
 * need_engine() says it when it matters.
 */
int look(struct context *c);
int need_engine(struct context *c);
/*
 * agent_client.c: connects to the workspace's agent, if any, and looks through it: c->agent,
 * c->hosts and the world's host units; with c->wants_agent there is one afterwards, of this
 * version.
 */
int find_agent(struct context *c);
/* Asked before the project is decoded for good: sets c->host. */
bool agent_runs_host(struct context *c);
bool can_move_to_host(const struct context *c); /* is there a service that `up --host` would? */
int take_lock(struct context *c);               /* commands that change something take turns */

/* Everything a plan needs, in order: consent, secrets, certificates, ports, hashes of inputs. Then
 * the plan. */
struct prepare {
	struct plan_request request;
	bool engine;     /* the plan needs the engine */
	bool write;      /* may make secrets, certificates and allocations */
	bool new_values; /* data volumes are about to be told of new secrets: old ones may be gone
			  */
};
int prepare(struct context *c, const struct prepare *p);
int ask_trust(struct context *c); /* before anything of the project's runs on this host */
int make_plan(
	struct context *c, const struct plan_request *r); /* the last part of prepare() alone */
/* Carries c->plan out with live progress. The exit status. */
int carry_out(struct context *c);
/* Each event goes to `also`, too, its text without secrets: for who wants results. */
int carry_out_heard(struct context *c, event_fn *also, void *ctx);

/* Prints c->error and gives its exit status: of what a signal was to end, the signal's. */
int fail(struct context *c);
int fail_with(struct context *c, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Prints collected diagnostics (stderr, or JSON on stdout with --json); status of the worst. */
int report(struct context *c);
/* Writes a buf to stdout; false when the reader has gone. */
bool emit(const struct buf *b);
void emit_node(const struct node *n); /* JSON, indented, and a newline */
void note(struct context *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3))); /* a line on stderr, unless -q */
/* Asks on the terminal. 0: yes; ERR_CONSENT status when there is no terminal and no -y, or the
 * answer is no. */
int consent(struct context *c, const char *question);
int unknown_command(struct context *c, const char *word); /* with what may have been meant */
/* The same for the first argument of a command with verbs: there is none of that name, or it takes
 * other arguments. */
int wrong_verb(struct context *c, const char *word);
/* A service named on the command line, or NULL after an error with the nearest name. */
const struct service *named_service(struct context *c, const char *name);
int check_services(struct context *c, const struct strs *names);
void lap(struct context *c, const char *what,
	bool waiting); /* time since the last lap goes to `what` */
void print_timings(struct context *c);

void context_release(struct context *c);

/* Facts of this machine as a layer, and look-ups for ${...}. */
struct node *facts_layer(struct arena *a, const char *dir);
const char *fact_lookup(void *ctx, const char *name);
/* Templates embedded in the program. */
struct node *template_layer(void *ctx, struct arena *a, const char *name, struct diags *d);
void template_names(struct arena *a, struct strs *out);

#endif
