/*
 * Every effect. Each function takes what it needs as arguments: the loop, the world to note into,
 * the const project and plan. Nothing here decides what ought to be done.
 */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include "base/os.h"
#include "doc/record.h"
#include "model/plan.h"
#include "model/world.h"
#include "run/loop.h"

struct engine; /* a connection to the Docker Engine's API, heap */
struct vault;  /* the workspace's keyring, open, heap */

/* Directories of one workspace; all absolute, made on demand by those who write. */
struct places {
	const char *project;   /* the checkout */
	const char *base;      /* what holds .devenv: the checkout, but for a run of its own */
	const char *dot;       /* .devenv */
	const char *generated; /* .devenv/generated */
	const char *logs;      /* .devenv/logs */
	const char *state;     /* $XDG_STATE_HOME/devenv/WORKSPACE */
	const char *data;      /* $XDG_DATA_HOME/devenv */
	const char *cache;     /* $XDG_CACHE_HOME/devenv */
	const char *turns;     /* locks of modules, shared by all who run stages on these sources */
};
int places_find(struct arena *a, const char *project_dir, const char *workspace, struct places *out,
	struct err *e);
/* The same for a decoded project, which may be a run of its own: then all is below its state. */
int places_of_project(struct arena *a, const struct project *p, struct places *out, struct err *e);
/* Its sources are an export below its own state, which nobody else works on. */
bool places_hold(const struct places *pl, const struct project *p);

/* What happens while a plan is carried out, for views. Text is raw: views clean it. */
enum event_kind { EV_START, EV_PROGRESS, EV_OUTPUT, EV_DONE, EV_FAILED, EV_SKIPPED, EV_NOTE };
struct event {
	enum event_kind kind;
	const struct step *step; /* NULL: about the whole run */
	const char *text;        /* output line, progress ("3/7 apt-get install"), error */
	const struct err *error; /* EV_FAILED */
	int64_t elapsed_ms;      /* of the step */
	double fraction;         /* progress 0..1; negative: unknown */
};
typedef void event_fn(void *ctx, const struct event *ev);

/* ---- spawn.c: children with argv, never a shell of our own. ---- */
struct spawn {
	const char *const *argv; /* NULL-terminated; argv[0] looked up in PATH */
	const char *dir;
	const char *const *env;  /* NULL: clean_environment(); else the whole environment */
	const struct buf *input; /* standard input, or NULL for /dev/null */
	struct buf *out, *err;   /* captured when not NULL; err NULL: joined into out */
	void (*line)(
		void *ctx, const char *line, size_t len); /* each line of both streams, when set */
	void *ctx;
	bool interactive;   /* inherit terminal and streams */
	int64_t timeout_ms; /* TERM, then KILL to the whole process group; 0: none */
};
/* Runs to the end. 0 and *status (exit status, or 128+n by signal); -1 when it could not be run or
 * ran out of time. */
int spawn_run(struct loop *l, const struct spawn *s, int *status, struct err *e);
/* Our environment without COMPOSE_* and other variables that would change what our children mean.
 */
char **clean_environment(struct arena *a, const struct strs *extra);

/* ---- engine.c over http.c: the Docker Engine API on its unix socket (libcurl). ---- */
/*
 * DOCKER_HOST or the current docker context (config.json) or /var/run/docker.sock. Makes no
 * request. -1 (ERR_ENGINE) with one of four messages: no socket, nobody listens, no permission, not
 * a socket.
 */
struct engine *engine_open(struct err *e);
void engine_close(struct engine *g);
const char *engine_host(const struct engine *g);
/* Fills containers (one request: all of the workspace, stopped ones too) and negotiates the API
 * version from the same answer. */
int engine_look(
	struct engine *g, struct arena *a, const char *workspace, struct world *w, struct err *e);
/* Further looks, made only when the planner needs them. */
/*
 * contents.c: into world.images what each of these names means to the engine now. One request each:
 * the engine's list takes as long as all images that it has, whatever it is asked for.
 */
int engine_images(struct engine *g, struct arena *a, const struct strs *names, struct world *w,
	struct err *e);
/* Volumes of the workspace, and those that all workspaces share (dependencies, caches). */
int engine_volumes(
	struct engine *g, struct arena *a, const char *workspace, struct world *w, struct err *e);
int engine_networks(
	struct engine *g, struct arena *a, const char *workspace, struct world *w, struct err *e);
int engine_all(struct engine *g, struct arena *a, struct world *w,
	struct err *e); /* containers of every workspace of ours */
int engine_start(struct engine *g, const char *id, struct err *e);
int engine_stop(struct engine *g, const char *id, int64_t grace_ms, struct err *e);
int engine_kill(struct engine *g, const char *id, const char *signal, struct err *e);
int engine_remove(struct engine *g, const char *id, struct err *e);
int engine_remove_volume(struct engine *g, const char *name, struct err *e);
int engine_remove_network(struct engine *g, const char *name, struct err *e);
/* Another name for an image: "shop-api:v1.2", "localhost:5000/shop-api:v1.2". */
int engine_tag(struct engine *g, const char *image, const char *name, struct err *e);
int engine_remove_image(struct engine *g, const char *name, struct err *e);
/* Images of devenv's ("image TAG") that no container stands on and, with volumes, its cache and
 * dependency volumes ("volume NAME") that none mounts. */
int engine_unused(
	struct engine *g, struct arena *a, bool volumes, struct strs *names, struct err *e);
/* The address that `host-gateway` means to containers, when the engine is this machine's; else
 * NULL.
 */
int engine_gateway(struct engine *g, struct arena *a, const char **out, struct err *e);
int engine_version(struct engine *g, struct arena *a, struct node **out,
	struct err *e); /* GET /version, for doctor */
/* Logs of containers, demultiplexed into whole lines with their time (ns since 1970). */
enum stream { STREAM_STDOUT = 1, STREAM_STDERR = 2 };
typedef void log_fn(void *ctx, const char *service, int number, enum stream s, int64_t time_ns,
	const char *line, size_t len);
struct log_request {
	const struct container *const *containers;
	size_t count;
	bool follow;
	int64_t since_ns; /* 0: all */
	int tail;         /* lines; -1: all */
};
/* Returns when all streams have ended, or on an interrupt while following. */
int engine_logs(struct engine *g, struct loop *l, const struct log_request *req, log_fn *fn,
	void *ctx, struct err *e);

/* ---- probe.c: look, never touch. ---- */
int probe_local(struct arena *a, const struct project *p, const struct places *pl, struct world *w,
	struct err *e); /* manifest, records, allocations, ids */
int probe_inputs(struct arena *a, const struct strs *paths, struct world *w,
	struct err *e); /* content hashes; directories by their packed context */

/* Ports published by running containers of anybody, ours or not: one GET /containers/json. */
struct published_port {
	int port;
	const char *protocol, *container, *project; /* project: Compose's label, or NULL */
};
struct published_ports {
	struct published_port *items;
	size_t count, cap;
};
int engine_published(struct engine *g, struct arena *a, struct published_ports *out, struct err *e);

/* ---- ports.c: allocation per machine under a lock, remembered per workspace. ---- */
struct port_request {
	const char *service, *protocol, *host_ip;
	int target;
	int wanted;         /* 0: any */
	struct place place; /* the line that asked */
};
/*
 * Gives each request a port: the remembered one when it is still free or held by our own container
 * (per w), else another, noting who holds it; strict: a taken port is an error instead. Writes the
 * registry.
 */
int ports_allocate(struct arena *a, const struct places *pl, const char *workspace,
	const struct port_request *req, size_t count, bool strict, struct engine *g,
	struct world *w, struct err *e);
/* "pid 812 (postgres)" or "container shop-db-1 of project shop", or NULL. */
const char *port_holder(struct arena *a, struct engine *g, int port, const char *protocol);

/* ---- registry.c: the workspaces of this machine and what is remembered of each. ---- */
struct workspace_entry {
	const char *id, *name, *dir;
	bool gone; /* the folder is not there any more */
};
struct workspace_entries {
	struct workspace_entry *items;
	size_t count, cap;
};
int registry_note(const struct places *pl, const struct project *p, struct err *e);
int registry_list(struct arena *a, struct workspace_entries *out, struct err *e);
int registry_forget(const char *workspace, struct err *e);
int records_save(const struct places *pl, const struct world *w,
	struct err *e); /* unit_record list, only when changed */

/* ---- apply.c: the generated set. ---- */
struct applied {
	size_t written, removed, unchanged;
	struct strs changed; /* paths written or removed, relative to generated */
};
/*
 * Writes what differs, removes what is stale, manifest last. Refuses links in .devenv's own path.
 * dry: touches nothing, only reports what would change.
 */
int apply_files(struct arena *a, const struct plan *p, const struct places *pl, struct vault *v,
	bool dry, struct applied *out, struct err *e);
/*
 * The plan's files into a directory of the user's choice, with a manifest beside them. Refuses to
 * write over files that are not devenv's; removes those that it wrote, that nobody changed since,
 * and that are no longer wanted. dry: as above.
 */
int output_files(struct arena *a, const struct plan *p, const char *dir, bool dry,
	struct applied *out, struct err *e);
/* Content of one file as it would be written (secrets opened): for `generate --diff`, which hides
 * secret ones. */
int apply_content(struct arena *a, const struct out_file *f, const struct plan *p, struct vault *v,
	struct buf *out, struct err *e);

/* ---- vault.c, certificate.c ---- */
/* Opens (creating on first use when create is set) the keyring; refuses wrong owner or mode. NULL
 * with err. */
struct vault *vault_open(const struct places *pl, bool create, struct err *e);
void vault_close(struct vault *v); /* wipes; NULL is fine */
/*
 * Makes values that are missing; runs command: recipes (l NULL: does not); reads file: and
 * environment: ones. One that cannot be had fails when it is asked for. Saves only when it changed.
 */
int vault_ensure(struct vault *v, struct loop *l, const struct project *p, struct err *e);
int vault_get(struct vault *v, const char *name, struct buf *out, struct err *e);
int vault_public(struct vault *v, const char *name, struct buf *out,
	struct err *e); /* public half of a key pair */
int vault_set(struct vault *v, const char *name, const void *value, size_t len, struct err *e);
/* True when there was no keyring: with data volumes at hand their passwords are lost (FAULTS D05).
 */
bool vault_fresh(const struct vault *v);
/*
 * A new value by recipe, saved beside the old one, which stays until vault_settle() says that those
 * who use it have followed (accept) or have not (back to the old). Killed in between, the next run
 * still finds both (D06).
 */
int vault_rotate(struct vault *v, const struct secret *s, struct err *e);
/* The same with a value that is given; it stays whatever the recipe says. */
int vault_offer(struct vault *v, const char *name, const void *value, size_t len, struct err *e);
bool vault_previous(
	struct vault *v, const char *name, struct buf *out); /* false: nothing is unsettled */
int vault_settle(struct vault *v, const char *name, bool accept, struct err *e);
/* Exchanges the two while nothing is settled: the old value is the current one again. */
int vault_swap(struct vault *v, const char *name, struct err *e);
/* world.secrets anew. */
void vault_fingerprints(struct vault *v, struct arena *a, const struct project *p, struct world *w);
/* Marks of those in world.secrets, under a key that is not the keyring's. */
void vault_marks(struct vault *v, struct arena *a, const unsigned char key[32], struct world *w);
/* slow_hash() of its value, or of the one before; 1: there is none. */
int vault_proof(struct vault *v, const char *name, bool previous, const char *salt, int rounds,
	char hex[65], struct err *e);
/* Reads the keyring again when another devenv has written it since. */
int vault_refresh(struct vault *v, struct err *e);
void vault_redact(struct vault *v, struct buf *text); /* replaces every known value by *** */
/*
 * For much text that nearly never has one: a quick look, which is wrong now and then in one
 * direction only. Knows the values of when it was made; NULL (of a NULL vault, too) suspects
 * nothing.
 */
struct redactor; /* heap */
struct redactor *redactor_new(const struct vault *v);
bool redactor_suspects(const struct redactor *r, const char *text, size_t len);
void redactor_free(struct redactor *r);
/* The local authority (one per user, in places.data/ca) and the leaf of this workspace. */
int authority_ensure(const struct places *pl, struct arena *a, const struct strs *project_hosts,
	struct world *w, struct err *e);
int leaf_ensure(const struct places *pl, struct arena *a, const struct strs *hosts, struct world *w,
	struct err *e);
int certificate_pem(
	const struct places *pl, enum source which, bool host, struct buf *out, struct err *e);
struct certificate_info {
	const char *what, *subject, *names, *fingerprint, *path;
	int64_t not_before, not_after;
};
int certificate_list(const struct places *pl, struct arena *a, struct certificate_info **out,
	size_t *count, struct err *e);
int authority_trust(const struct places *pl, struct loop *l, bool trust, event_fn *ev, void *ctx,
	struct err *e); /* system, NSS, Java stores */

/* ---- archive.c (libarchive), git.c (libgit2) ---- */
/* Packs a build context: deterministic (sorted, no owners, times 0), honouring .dockerignore and
 * .gitignore. */
int context_pack(struct arena *a, const struct build *b, struct buf *tar, struct err *e);
int context_hash(struct arena *a, const char *dir, char hex[65],
	struct err *e); /* of what context_pack would take from dir */
/*
 * What `docker save` wrote, as an OCI archive: oci-layout, index.json and blobs by their digests,
 * the same bytes for the same images. Times and names of the machine that built them are left out.
 * The file appears whole or not at all.
 */
int oci_archive(struct arena *a, const char *saved, const char *file, struct err *e);
struct git_facts {
	const char *branch, *commit; /* NULL: none */
	bool worktree, dirty_known;
};
int git_look(struct arena *a, const char *dir, struct git_facts *out,
	struct err *e); /* no repository: all NULL, 0 */
/* What is built from dir: its commit, and whether the files below dir are that commit's. Not for
 * every command: it looks at each file. */
int git_source(struct arena *a, const char *dir, struct source_facts *out, struct err *e);
/* Would git leave path (below dir) out of a commit? Outside of a repository: yes. */
int git_ignored(const char *dir, const char *path, bool *ignored, struct err *e);

/* ---- trust.c: consent of DESIGN 15, kept outside the repository. ---- */
struct danger { /* one thing that reaches out of the containers */
	const char
		*what; /* "host hook pre-up: ./check", "mount of /var/run/docker.sock in tools" */
	struct place place;
	bool loud;                     /* privileged, engine socket, host namespaces */
	bool with_host;                /* only with --host, or where that is in force */
	const struct service *service; /* a process of this machine for it; NULL */
};
struct dangers {
	struct danger *items;
	size_t count, cap;
};
void trust_list(struct arena *a, const struct project *p, struct dangers *out);
/* Hash of path, owner and every file that can cause execution. */
int trust_hash(struct arena *a, const struct project *p, const struct strs *files,
	const struct dangers *list, char hex[65], struct err *e);
bool trust_given(const struct places *pl, const char *workspace, const char *hex);
/* Consent's text as it was last given, for showing what changed; NULL: never. */
const char *trust_before(struct arena *a, const struct places *pl, const char *workspace);
/*
 * Refuses configuration that belongs to another user (root's is fine, and under sudo the caller's)
 * or that everybody may write, its directory included: as git does (FAULTS H07).
 */
int trust_owner_check(const struct strs *files, struct err *e);
/* A line "file HASH PATH" for every file that trust_hash() looks into; an absent one has no line.
 */
void trust_files(struct arena *a, const struct project *p, const struct strs *files,
	const struct dangers *list, struct strs *lines);
int trust_give(const struct places *pl, const char *workspace, const char *hex,
	const struct dangers *list, const struct strs *lines, struct err *e);

/*
 * perform_stage.c: one run of a module's stages at a time, whoever asks. Does not wait: ERR_BUSY.
 * STEP_STAGE takes it by itself; who restarts a module holds it meanwhile.
 */
int stages_lock(const struct places *pl, const char *service, struct lock *l, struct err *e);
/* Ends what stages go on with in their containers though the devenv that ran them was killed. */
void stages_end_left(struct engine *g, const struct places *pl);

/* ---- perform.c: carries a plan out. ---- */
struct performer {
	struct loop *loop;
	struct engine *engine;
	struct vault *vault;
	const struct places *places;
	struct world *world; /* noted into: states, records */
	const struct lock
		*lock;       /* the workspace's, or NULL: Compose keeps it when devenv is killed */
	struct hosts *hosts; /* who runs the host services; NULL: the plan has none */
	const char *gateway; /* address of this host for containers; NULL: none needs it */
	event_fn *event;
	void *ctx;
	int parallel;    /* at most so many builds at once; 0: number of processors */
	int64_t until;   /* monotonic ms: what runs then is ended as by an interrupt; 0: never */
	bool first_ends; /* after a failure nothing more is begun, what runs goes on to its end */
};
/* The whole environment of a host service, secrets opened, NULL-terminated; NULL with err. base:
 * what it begins with, clean_environment(); its strings are shared. */
const char *const *host_launch_environment(struct arena *a, char *const *base,
	const struct host_spec *s, const struct plan *p, struct vault *vault, struct err *e);
/* All units of a workspace anew: containers of g, host services of h; either may be NULL. */
int units_look(struct engine *g, struct hosts *h, struct arena *a, const char *workspace,
	struct world *w, struct err *e);
/* Ready queue over the graph; on failure what needs the failed step is skipped, the rest ends. 0,
 * or -1 with the first error. */
int perform(struct performer *pf, struct plan *p, struct err *e);
/*
 * The same beside others, for a loop that does more than one plan: begin, then after each turn of
 * the loop step, until it returns false; then end. pf and p must stay until then. Interrupts of the
 * loop are its owner's affair: perform_cancel() stops what runs (the n-th call escalates).
 */
struct performance; /* heap */
struct performance *perform_begin(struct performer *pf, struct plan *p);
bool perform_step(struct performance *r);
int perform_timeout(const struct performance *r, int max_ms); /* how long the next turn may wait */
void perform_cancel(struct performance *r, int times);
int perform_end(struct performance *r, struct err *e); /* result as perform(); frees */

/* ---- ready.c: readiness from outside, every 100-200 ms. ---- */
/* Part of perform (STEP_READY); alone for `wait`. */
int ready_wait(struct performer *pf, const struct service *const *services, size_t count,
	int64_t timeout_ms, struct err *e);

/* ---- logs.c: own log files that survive containers. ---- */
/* Brings .devenv/logs/SVC.log up to date from the engine, with a separator per container; before
 * removal and in `logs`. */
int logs_drain(struct engine *g, const struct places *pl, const struct container *const *containers,
	size_t count, struct err *e);
struct log_query {
	struct strs services; /* none: all */
	int tail;             /* -1: all */
	int64_t since_ns, until_ns;
	const char *grep;    /* POSIX extended, or NULL */
	bool ignore_case;    /* of grep */
	const char *request; /* id that lines must have; NULL: any */
	enum level level;    /* at least this; LEVEL_NONE: any */
	bool follow;
	bool one_offs; /* containers of `run` that the engine still has, too: as number 0 */
	/* Nothing more is at hand: what was given out may be shown. NULL: not called. */
	void (*pause)(void *ctx);
};
int logs_read(struct engine *g, struct loop *l, const struct places *pl, const struct world *w,
	const struct log_query *q, log_fn *fn, void *ctx, struct err *e);

/* ---- terminal.c: exec into a container with the terminal passed through. ---- */
struct exec_request {
	const char *container; /* id */
	const char *const *argv;
	const char *user, *dir;
	const struct strs *env;
	bool tty, stdin_open;
	int lifeline; /* engine_exec(): when this descriptor ends, so has the container; 0: none */
	/* engine_run_begin(): each line of both streams as it comes, instead of the whole at the
	 * end. */
	void (*line)(void *ctx, const char *line, size_t len);
	void *ctx;
};
int engine_exec(
	struct engine *g, struct loop *l, const struct exec_request *r, int *status, struct err *e);
int engine_exec_capture(struct engine *g, const struct exec_request *r, struct buf *out,
	int *status, int64_t timeout_ms, struct err *e);
int engine_attach(
	struct engine *g, struct loop *l, const char *id, bool tty, int *status, struct err *e);

#endif
