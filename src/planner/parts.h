/*
 * What the files of this room share: one call of plan_make() with the rungs and units that it works
 * out, and the doors between the files. Rungs and units stand in the project's order, so that the
 * place of an image or service in the project is its place here.
 */
#ifndef PLANNER_PARTS_H
#define PLANNER_PARTS_H

#include "base/map.h"
#include "planner/planner.h"

enum { SHORT_HEX = 8, TAG_HEX = 16, VOLUME_HEX = 12, UNIT_HEX = 32 };

/* What goes into a rung, told apart so that a rebuild can say which of it changed. */
enum rung_part {
	RUNG_FROM,
	RUNG_PACKAGES,
	RUNG_USER,
	RUNG_LOCALE,
	RUNG_FILES,
	RUNG_RUN,
	RUNG_ENV,
	RUNG_ARGS,
	RUNG_CERTIFICATES,
	RUNG_LOCK, /* what devenv.lock says of it; of a rung without lock "" */
	RUNG_DOCKERFILE,
	RUNG_PARTS,
};

/* What goes into a container. */
enum part {
	PART_IMAGE,
	PART_COMMAND,
	PART_ENVIRONMENT,
	PART_PORTS,
	PART_MOUNTS,
	PART_SECRETS,
	PART_CERTIFICATES,
	PART_ROUTES,
	PART_DEPENDENCIES,
	PART_SOURCES,
	PART_HEALTH,
	PART_REST,
	PARTS,
};

struct rung {
	const struct image *image;
	const struct rung *parent; /* NULL: stands on a registry image */
	const char *tag;           /* NULL: not used by anything */
	struct build *build;
	bool certificates; /* itself or one below it trusts what the host trusts */
	bool wanted;       /* a container that is made now stands on it */
	bool forced;       /* built though the engine has it */
	const char *from;  /* what it stands on, by digest where that is locked; NULL: a rung */
	const struct locked_rung *lock;        /* of just these inputs; NULL: none that holds */
	char parts[RUNG_PARTS][SHORT_HEX + 1]; /* digests; "": nothing said */
};

enum fate { FATE_KEEP, FATE_READY, FATE_START, FATE_CREATE };

struct shared { /* a volume that several workspaces use */
	const char *name, *target;
	const char *kind; /* "dependencies" or "cache" */
};

struct owner {      /* who a service runs as */
	bool known; /* else: whoever the image says */
	uid_t uid;
	gid_t gid;
	const char *home;
};

struct host_copy { /* one process of a host service */
	struct host_spec *spec;
	char parts[PARTS][SHORT_HEX + 1];
	const char *why; /* it is to be started; NULL: it stays */
};

struct step_list {
	struct step **items;
	size_t count, cap;
};

struct unit {
	const struct service *service;
	const struct rung *rung; /* NULL: a registry image, or built by Compose */
	struct build *release;   /* the image that it runs instead of the rung's; NULL: none */
	bool wanted;             /* what it runs is to be there */
	bool chosen, asked;
	bool present;                     /* part of compose.yml */
	bool hosted;                      /* a host service of this run, or one that is there */
	LIST_OF(struct host_copy) copies; /* of a host service */
	bool guarded;       /* its container serves until gates have passed: replaced by itself */
	bool rolled;        /* and so does each of its copies until the one before was replaced */
	struct strs old;    /* rolled: ids that give way */
	int there, missing; /* rolled: its containers, and how many are to be made beside them */
	bool anew;          /* a host service that is replaced, or was not there */
	const char *image;  /* what it runs */
	struct node *node;  /* its entry in compose.yml */
	LIST_OF(struct piece) secret_env; /* lines of its env file; none: no file */
	LIST_OF(struct shared) shared;    /* dependencies first */
	struct strs binds;                /* host paths that are mounted or mounted upon */
	const char *routes;         /* text of its nginx mappings; NULL: none lead through it */
	struct hasher *hash[PARTS]; /* open while the node is made */
	char parts[PARTS][SHORT_HEX + 1];
	const char *digest; /* the whole: label devenv.hash */
	const char *inputs; /* label devenv.inputs */
	enum fate fate;
	const char *why;
	struct step *start, *ready, *install, *stop, *built;
	struct step_list loads;     /* of dumps into its new volumes, once it is ready */
	struct step_list displaced; /* what ran it elsewhere before is to be gone first */
	struct step_list
		gates; /* of one that has no step itself: what those who need it wait for */
};

struct make { /* one call */
	struct arena *a;
	const struct project *p;
	const struct world *w;
	const struct plan_request *req;
	struct plan *plan;
	struct diags *d;
	const char *generated; /* absolute */
	struct rung *rungs;
	struct unit *units;
	const struct node *compose;  /* compose.yml */
	bool forced;                 /* what is made anew is so whatever Compose thinks of it */
	struct step *built, *create; /* the last hook behind images; containers made together */
	bool production;             /* for elsewhere: nothing of this machine is at hand */
	struct step *mount_points;   /* makes directories in the sources; NULL: none to make */
	struct map dirs;             /* paths of the generated set, so far */
	struct map fingerprints;     /* secret -> fingerprint */
	size_t errors;               /* of d, before this call */
};

/* make.c */
void make_init(struct make *m, struct arena *a, const struct project *p, const struct world *w,
	struct diags *d);
void make_release(struct make *m);
/* For one that makes a plan; make_end() says whether there were errors: 0, -1. */
void make_begin(struct make *m, struct arena *a, const struct project *p, const struct world *w,
	const struct plan_request *req, struct plan *out, struct diags *d);
int make_end(struct make *m);
/* Steps beside a start: nobody asked for anything. */
extern const struct plan_request make_nothing;
struct unit *unit_of(const struct make *m, const struct service *s); /* NULL of NULL */
struct rung *rung_of(const struct make *m, const struct image *i);   /* NULL of NULL */
struct diag *complain(struct make *m, struct place at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
const char *generated_path(const struct make *m, const char *path); /* absolute */

/* select.c: what a run is about. */
void select_units(struct make *m);
bool lives_in(const struct service *s, const struct service *host); /* shares its namespaces */
void choose(struct make *m); /* plan->chosen from the units */

/* images.c, image_parts.c, dockerfile.c */
void rungs_make(struct make *m);
const char *build_context(
	struct arena *a, const struct project *p, const struct service *s); /* NULL: none here */
void rung_parts(struct make *m, struct rung *r);
/* Files of the context that hold `files:` and certificates; complains about those that are not
 * there. */
void rung_context(struct make *m, struct rung *r);
const char *rung_file_name(
	struct arena *a, size_t index); /* of the index-th of files:, in the context */
char *dockerfile_text(struct make *m, const struct rung *r);
/* Packages to install: declared ones and those that its locale and time zone need. */
void rung_packages(struct make *m, const struct rung *r, struct strs *out);
extern const char host_bundle_in_image[];
uid_t mapped_uid(const struct make *m, const struct image *i);
gid_t mapped_gid(const struct make *m, const struct image *i);

/* lock.c: what devenv.lock holds for this run. */
void rung_lock(struct make *m, struct rung *r); /* r->from, r->lock */
/* Installs what is locked: the script, and its arguments. apt: the program with its options. */
const char *locked_install(
	struct make *m, const struct rung *r, const char *apt, struct strs *args);
const char *locked_name(
	const struct make *m, const char *name); /* of a registry image: by digest */
void lock_check(struct make *m);                 /* what does not fit is said, or refused */
void plan_all_images(struct make *m);            /* GOAL_IMAGES */

/* registry.c: images of registries, which the engine may know as others from one day to the next.
 */
struct registry_use {
	const char *name; /* as written */
	struct place place;
};
typedef LIST_OF(struct registry_use) registry_uses;
void registry_of(struct arena *a, const struct project *p, registry_uses *out); /* each once */
void rung_notes(struct make *m, struct rung *r);                                /* build->on */
/* Why what the engine has under the very same name is not what is wanted; NULL: it is. */
const char *rung_moved(struct make *m, const struct rung *r);
const char *release_moved(struct make *m, const struct unit *u);
const char *image_moved(struct make *m, const struct unit *u, const struct container *c);
void plan_pulls(struct make *m); /* of all that the engine lacks */
/* Of what a rung stands on, when the engine is known to lack it; NULL: nothing is to be waited for.
 */
struct step *base_pull(struct make *m, const struct rung *r);
const char *image_repository(struct arena *a, const char *name); /* as Docker writes names */

/* release.c, release_text.c, release_name.c: production images of modules. */
void releases_make(struct make *m); /* of what is present or chosen, outside of development */
void want_image(struct make *m, struct unit *u);          /* what it runs, and what that needs */
bool lacks_release(struct make *m, const struct unit *u); /* it is to be built */
void plan_releases(struct make *m, struct step *after);   /* BUILD steps of those */
/* The one that makes what a unit runs; NULL: it is there. */
struct step *image_step(struct make *m, const struct unit *u);
void names_note(struct make *m); /* plan->named: what images are called outside */
/* release_manifests.c: what an install may read, there or not; absolute, each once. */
void release_manifests(
	struct arena *a, const struct project *p, const struct service *s, struct strs *out);
char *release_text(struct make *m, const struct unit *u);
struct owner release_owner(const struct make *m, const struct unit *u);
const char *release_user(struct make *m, const struct unit *u); /* NULL: root's */
void release_labels(struct make *m, const struct unit *u, struct strs *out);
/* The name that a service's image has outside: "shop-api:v1.2" */
const char *release_name(struct make *m, const struct service *s);
/* argv that asks a service inside of its container whether it is well; none: it cannot be asked. */
void health_words(struct make *m, const struct service *s, struct strs *argv);

/* expand.c, ports.c */
int published_port(
	const struct world *w, const struct service *s, const struct port *p); /* 0: none (yet) */
const char *url_scheme(const struct service *s, const struct port *p);
bool holds_secret(const char *text);
bool escaped_reference(const char *at); /* the first of two signs is to be dropped */
/* ${service.*} as the n-th copy of s reaches it: its own ports are that copy's. */
const char *expand_for_copy(
	struct make *m, const struct service *s, int number, const char *text, struct place at);
/* Text with ${service.*} filled in for the unit and every $ doubled; complains about secrets. */
const char *compose_text(struct make *m, const struct unit *u, const char *text, struct place at);

/* compose.c, compose_service.c, compose_mounts.c, compose_env.c, compose_ports.c,
 * compose_defaults.c */
struct node *compose_node(struct make *m);
void compose_unit(struct make *m, struct unit *u);
struct node *compose_carry(struct make *m, const struct unit *u, const struct node *n);
struct node *compose_merge(
	struct make *m, struct node *low, const struct node *high); /* `compose:` over ours */
void compose_put_text(struct make *m, struct node *map, const char *key, const char *text);
void compose_put_bool(struct make *m, struct node *map, const char *key, bool value);
void compose_put(struct make *m, struct node *map, const char *key, struct node *n);
void compose_add_text(struct make *m, struct node *list, const char *text);
void compose_mounts(struct make *m, struct unit *u);
void compose_environment(struct make *m, struct unit *u);
void compose_ports(struct make *m, struct unit *u);
void compose_defaults(struct make *m, struct unit *u);
/* compose_beside.c: what plan_run_file() holds; NULL: that is compose.yml */
struct node *compose_beside(struct make *m, const struct node *compose);
bool has_fixed_address(const struct node *service);
/* Variables and paths by which software finds the trusted certificates. */
struct trust_variable {
	const char *name, *value;
};
extern const struct trust_variable trust_variables[];       /* ends with NULL */
bool says_variable(const struct unit *u, const char *name); /* the user's or the image's own word */
const char *secret_target(
	const struct secret_use *use); /* file name in /run/secrets; NULL: elsewhere */

/* shared.c: dependency volumes and caches. */
void shared_volumes(struct make *m, struct unit *u);
struct owner owner_of(const struct make *m, const struct service *s);
const char *dependencies_dir(
	struct make *m, const struct service *s); /* absolute, in the container */
struct step *plan_install(struct make *m, struct unit *u);
void plan_volumes(struct make *m);
void plan_mount_points(struct make *m);
const char *mount_point(struct make *m, const struct unit *u, const char *target);

/* marked.c: plan->remembered; volumes that are made with a mark of a secret. */
void note_remembered(struct make *m);
void plan_marked_volumes(struct make *m);
void note_renamed(struct make *m); /* renamed.c */
void await_marked_volumes(struct make *m, struct step *s, const struct unit *u);

/* host_spec.c, host_env.c, host_install.c: services on the host. */
extern const char host_gateway[]; /* this host's name in containers */
void host_unit(struct make *m, struct unit *u);
/* A spec with the directory and environment of the first copy, for a command of its own. */
struct host_spec *host_errand(struct make *m, const struct service *s);
void host_environment(struct make *m, struct unit *u, struct host_spec *spec);
/* Variables without those that hold a secret: for steps, which hold none. */
void host_public_environment(struct make *m, const struct service *s, struct strs *env);
struct step *plan_host_install(struct make *m, struct unit *u, struct step *after); /* or NULL */
const char *host_text(struct make *m, const struct unit *u, int number, const char *text,
	struct place at); /* complains about secrets */
/* What a copy's port is on this machine; 0: not allocated yet. */
int host_port(const struct world *w, const struct service *s, const struct port *p, int number);
const char *host_port_owner(
	struct arena *a, const struct service *s, int number); /* in allocations: "web", "web.2" */
bool in_authority(const char *value, const char *at); /* is `at` between :// and @ of a URL? */

/* nginx.c */
void nginx_texts(struct make *m); /* units' routes */

/* hash.c, why.c */
struct part_word {
	const char *name; /* in the label devenv.inputs */
	const char *says; /* when it changed */
};
bool unit_mounts(const struct unit *u, const char *volume);                /* by its key */
const char *volume_digest(struct arena *a, const struct volume_record *r); /* in that label */
extern const struct part_word part_words[PARTS], rung_part_words[RUNG_PARTS];
struct hasher *part_hash(struct unit *u, enum part p);
/* A secret's value counts for those who must be started anew to follow it. */
void hash_secret_file(struct make *m, struct unit *u, const struct secret_use *use);
void hash_end(struct make *m, struct unit *u); /* parts, digest and inputs of what was hashed */
void unit_hash(struct make *m, struct unit *u);
const char *why_changed(struct make *m, const struct unit *u, const struct container *c);
const char *why_build(struct make *m, const struct rung *r);

/* files.c */
void files_make(struct make *m, const struct node *compose);

/* branches.c: data per branch. */
void note_branches(struct make *m);
void plan_clones(struct make *m, struct step *after);
void await_clones(struct make *m, struct step *s, const struct service *service);

/* initial.c: dumps that new volumes begin with. */
bool loads_any(const struct make *m, const struct unit *u);
void plan_loads(struct make *m, struct unit *u);

/* up.c, decide.c, follow.c, down.c, steps.c */
void plan_up(struct make *m);
void plan_made(struct make *m); /* GOAL_CREATE */
void plan_build(struct make *m);
void plan_generate(struct make *m);
void plan_prepare(struct make *m); /* prepare.c: GOAL_STAGES, GOAL_RUN */
/* Of containers that are made, and of such as were never ready. */
void plan_installs(struct make *m, struct step *after);
void plan_fetch(struct make *m); /* prepare.c: GOAL_FETCH */
void plan_tools(struct make *m); /* debug.c */
void plan_down(struct make *m);
void decide(struct make *m);                      /* the fate of each chosen unit */
void decide_host(struct make *m, struct unit *u); /* decide_host.c */
/* Copy 1 of a unit's own kind: container or process; NULL: none. */
const struct container *own_container(const struct make *m, const struct unit *u);
bool made_anew(const struct unit *u);
const char *why_again(struct make *m, const struct unit *u); /* a job's work may be undone */
bool asked_anew(const struct make *m, const struct unit *u); /* up --force-recreate, recreate */
void plan_host_start(struct make *m, struct unit *u, struct step *after); /* up_host.c */
/* create.c: images, volumes and containers of what is made anew. */
struct step *plan_compose_build(struct make *m, struct unit *u, struct step *after);
void plan_before_create(struct make *m, struct step *after);
void plan_create(struct make *m, struct step *after); /* all but the guarded ones */
struct step *plan_create_guarded(
	struct make *m, struct unit *u, struct step *gate, struct step *after);
/* replace.c: of what is made anew: copy by copy? */
void decide_replacement(struct make *m, struct unit *u);
void replacement_words(struct make *m, struct step *s, const struct unit *u); /* of Compose's up */
void plan_replacement(struct make *m, struct step *start, const struct unit *u);
/* What is there and should not be: all but that of services which are started in this run, */
void plan_orphans(struct make *m);
/* and that of one of these, once its gates have passed. */
void plan_displaced(struct make *m, struct unit *u, struct step *gate);
bool is_started(const struct unit *u);
bool any_orphan(struct make *m);
/* A path under a running container that is gone or another now; NULL: none. */
const char *stale_mount(const struct make *m, const struct unit *u, const struct container *c);
/* Lets a step wait for what the service needs; through units that have nothing to do, too. */
void await_needs(struct make *m, struct step *s, const struct service *service);
void pass_gates(
	struct make *m, struct unit *u); /* once its own steps are planned, in order of need */
void plan_followers(struct make *m);     /* those who depend on what was made anew */
/* stages.c: the named stages one after the other, or those of another module that are the same; the
 * last of them, or NULL. anew: not in the container that is there. */
struct step *plan_gates(struct make *m, const struct service *s, unsigned stages, bool anew,
	const struct step_list *after, const char *why);
/* Compile, and what `up.lint` and `up.test` put before a start; NULL: nothing. */
struct step *plan_first_stages(struct make *m, const struct unit *u, struct step *after);
bool has_gates(const struct make *m, const struct service *s); /* any of these that can fail it */
struct step *exec_step(struct make *m, const char *id, const char *unit, struct place at,
	int64_t timeout_ms, const char *why_fmt, ...) __attribute__((format(printf, 6, 7)));
void step_words(struct make *m, struct step *s, const char *const *words); /* NULL-terminated */
void step_word(struct make *m, struct step *s, const char *word);
/* docker compose -p ...; heard: how far it is is told, as lines */
void compose_words(struct make *m, struct step *s, bool heard);
void compose_run_words(struct make *m, struct step *s); /* ... run: a container beside it */
struct step *plan_write(struct make *m, const char *why);
/* BUILD steps of the wanted rungs that the engine lacks; `after` comes first. The last hook behind
 * them, or NULL. */
struct step *plan_images(struct make *m, struct step *after);
struct step *build_step(const struct make *m,
	const struct rung *r); /* its own or its nearest parent's; NULL: none */
/* The hooks of an event, one after the other; the last of them, or `before`. */
struct step *plan_hooks(struct make *m, const char *event, struct step *before);
bool tag_known(const struct make *m, const char *tag);

#endif
