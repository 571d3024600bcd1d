/*
 * The project: what is wanted. Decoded from the merged tree, names resolved, const from then on.
 * All strings are borrowed from the configuration's arena. Text may still hold ${secret.X} and
 * ${service.X.host|port|url}: the planner resolves the latter per consumer, and secrets are opened
 * only when a file is written.
 */
#ifndef MODEL_PROJECT_H
#define MODEL_PROJECT_H

#include <sys/types.h>

#include "base/text.h"
#include "doc/node.h"

struct service;
struct layout;

#define LIST_OF(type)                                                                              \
	struct {                                                                                   \
		type *items;                                                                       \
		size_t count, cap;                                                                 \
	}

struct var { /* NAME=VALUE of an environment, arguments or labels */
	const char *name;
	const char *value; /* NULL: taken from devenv's own environment (Compose's bare NAME) */
	struct place place;
};
typedef LIST_OF(
	struct var) vars; /* the one typedef: an anonymous list type needs a name to be passed */

struct image_file {
	const char *source;   /* relative to the project, or to the template's folder */
	const char *target;   /* absolute, in the image */
	const char *owner;    /* "user" or "user:group"; NULL: root */
	mode_t mode;          /* 0: as the source has it */
	const char *template; /* the template whose folder holds it; NULL: the project */
	struct place place;
};

struct image { /* a rung of the hierarchy */
	const char *name;
	struct place place;
	const char *from; /* as written (or the default): a rung or a registry name; NULL with an
			     own dockerfile */
	const struct image *parent; /* the rung that `from` names; NULL: a registry image */
	const char *template;       /* template it came with: files are the template's; NULL: the
				       project's */
	const char *dockerfile, *context,
		*target;      /* one's own Dockerfile; context defaults to its folder */
	vars args;            /* build arguments */
	struct strs packages; /* as declared, own ones only */
	const char *user;     /* user of the rung (own or inherited); NULL: root */
	uid_t uid;            /* declared ids; in dev the planner maps them to the developer's */
	gid_t gid;
	bool user_own; /* this rung declares the user, rather than inheriting it */
	const char *locale, *timezone;
	LIST_OF(struct image_file) files;
	struct strs run; /* shell lines, as root, in order */
	vars env;
	bool certificates_host; /* trust what this host trusts */
	int64_t timeout_ms;     /* of the whole build of this rung */
	unsigned used;          /* 1 when a service or a used rung stands on it */
};

enum where { RUN_CONTAINER, RUN_HOST };
enum kind { KIND_SERVICE, KIND_JOB };
enum condition { COND_STARTED, COND_HEALTHY, COND_COMPLETED };
enum on_restart { FOLLOW_DEFAULT, FOLLOW_RESTART, FOLLOW_RELOAD, FOLLOW_IGNORE };

struct need { /* one entry of depends_on */
	const char *name;
	const struct service *service;
	enum condition condition;
	bool required;
	enum on_restart on_restart;
	struct place place;
};

enum check_kind {
	CHECK_NONE,
	CHECK_HTTP,
	CHECK_TCP,
	CHECK_LOG,
	CHECK_EXEC,
	CHECK_NOTIFY, /* sd_notify(3): READY=1 on $NOTIFY_SOCKET; host services only */
};

struct check { /* healthcheck: how readiness shows */
	enum check_kind kind;
	const char *path;  /* http: "/healthz" */
	const char *regex; /* log: POSIX extended */
	struct strs
		argv; /* exec: Compose's test without CMD/CMD-SHELL; a shell line became sh -c */
	int port;     /* http, tcp: target port in the container */
	int status;   /* http: wanted status; 0: any of 200..399 */
	bool tls;     /* http over TLS */
	int64_t interval_ms, timeout_ms,
		start_period_ms; /* as written; 0: default. Readiness polls faster */
	int retries;
	int64_t deadline_ms; /* how long `up` waits for this unit */
	struct place place;
};

enum published { PUB_NONE, PUB_AUTO, PUB_FIXED };

struct port {
	const char *name;     /* of our map form, or Compose's name; NULL */
	int target;           /* in the container */
	const char *protocol; /* "tcp" or "udp" */
	enum published how;
	int published;       /* PUB_FIXED */
	const char *host_ip; /* as written; NULL: 127.0.0.1 */
	bool lan;            /* bind: lan, consented to */
	struct place place;
};

enum mount_kind { MOUNT_BIND, MOUNT_VOLUME, MOUNT_TMPFS };

struct mount {
	enum mount_kind kind;
	const char *source; /* bind: absolute path; volume: its name, NULL: anonymous */
	const char *target;
	bool read_only;
	const struct node
		*node; /* the long form as merged, for what we only carry (propagation, size) */
	struct place place;
};

struct secret_use {
	const char *source; /* key of secrets: */
	const char *target; /* file name under /run/secrets, or an absolute path */
	struct place place;
};

struct stage { /* compile, lint, test of develop */
	const char *command;
	bool warn; /* gate: warn */
	struct place place;
};

struct dependencies {
	struct strs lock;    /* files, relative to the project */
	const char *install; /* shell line, run in the service's image and working_dir */
	const char *into;    /* directory, relative to working_dir or absolute: where the volume is
				mounted */
	struct strs cache;   /* directories shared by all workspaces: download caches */
	struct place place;
};

enum success { SUCCESS_RESTART, SUCCESS_SIGNAL, SUCCESS_EXEC, SUCCESS_NONE };

struct watch_rule {          /* one set of watched files */
	const char *path;    /* absolute; of a directory or a file */
	struct strs include; /* patterns of .gitignore's kind, relative to path; none: all */
	struct strs ignore;  /* the same; over what git ignores */
	int64_t debounce_ms; /* quiet time; default 20, 0: none */
	struct place place;
};

struct develop {
	const char *source;               /* absolute; mirrored into working_dir */
	struct dependencies deps;         /* deps.install NULL: none */
	struct stage compile, lint, test; /* command NULL: none */
	enum success success;
	const char *success_arg; /* signal "HUP", command line; NULL for the others */
	struct place success_place;
	LIST_OF(struct watch_rule) watch; /* at least one: the whole source */
	struct place place;
};

/*
 * How a service runs on the host: `run: host`, or `host:` beside a container with `up --host`.
 * A shell line becomes sh -c; a list is argv.
 */
struct host_run {
	const struct node *command; /* NULL: the service's entrypoint alone. Of `host:` it is the
				       whole; the service's own stands behind its entrypoint */
	const char *working_dir;    /* absolute; default: develop.source, else the project */
	vars environment;           /* over the service's own */
	struct place place;
};

struct load {                /* how the data is replaced by that of a dump */
	struct strs command; /* in the container, reads the dump; none: it cannot be */
	const char *begin;   /* what it is given before the dump; NULL: nothing */
	const char *end;     /* after one that is whole: without it nothing may stay; NULL */
	struct place place;
};

struct artifact {           /* one path that a production image persists */
	const char *source; /* in the build: absolute */
	const char *target; /* in the image: absolute */
	const char *said;   /* source as written */
	struct place place;
};

struct release {                            /* how a module becomes a production image */
	const struct develop *code;         /* the sources that it is built from, dependencies */
	const char *build;                  /* shell line, run in the module's rung; NULL: none */
	const struct image *image;          /* the rung that the result stands on; NULL: from */
	const char *from;                   /* a registry image; NULL: image */
	bool dependencies;                  /* the locked ones are part of the image */
	LIST_OF(struct artifact) artifacts; /* at least one */
	struct place place;
};

enum restart { RESTART_NO, RESTART_ON_FAILURE, RESTART_ALWAYS, RESTART_UNLESS_STOPPED };

struct service {
	const char *name;
	struct place place;
	const struct node *node; /* merged, canonical: everything, Compose's unknown keys too */
	enum where where;
	enum kind kind;
	const char *template;      /* NULL: none */
	const struct image *image; /* a rung, or NULL */
	const char *image_name;    /* a registry image, or NULL */
	const struct node *build;  /* Compose's build, or NULL: built by docker compose build */
	const struct node *command, *entrypoint; /* string or list, or NULL */
	const char *working_dir;
	const char *user; /* NULL: the image's */
	vars environment;
	vars labels;
	LIST_OF(struct need) needs;
	struct check check;
	LIST_OF(struct port) ports;
	LIST_OF(struct mount) mounts;
	LIST_OF(struct secret_use) secrets;
	struct strs profiles;
	struct strs client; /* argv of the interactive client of a template */
	struct strs dump;   /* argv of what prints a dump of its data; none: nothing */
	struct load load;
	const struct develop *develop; /* NULL: not a module, or its release runs in its stead */
	const struct release *release; /* NULL: none; only modules have one */
	int replicas;
	bool start_first; /* deploy.update_config.order: a new container before the old one goes */
	const char *stop_signal; /* NULL: the image's */
	int64_t stop_grace_ms;   /* default 10 s */
	bool tty, stdin_open;
	bool restart_policy; /* has a restart policy other than no */
	enum restart restart;
	int restart_max;           /* restarts in a row before it is given up; 0: the default */
	struct strs success_codes; /* exit statuses that count as success besides 0 ("143") */
	const struct host_run *on_host; /* how it runs on the host; NULL: it cannot */
	bool left_out;                  /* with --host: it cannot, so it is no part of the run */
	unsigned order;                 /* rank in dependency order, 0 first */
};

/* May the local authority sign for it: below .localhost, .test or .internal, or a loopback address?
 */
bool host_is_local(const char *host);
/* The code of this project that a service is made of, mounted or built into its image; or NULL. */
const struct develop *service_code(const struct service *s);

struct route {
	const char *host;        /* on this machine: "shop.example.localhost" */
	const char *public_host; /* as written, where this environment serves: "shop.example" */
	const char *path;
	const struct service *to, *via;
	const char *to_name, *via_name;
	int port;   /* target port of `to` */
	bool strip; /* the path is taken off before `to` sees it */
	const struct node *node;
	struct place place;
};

enum volume_kind { VOLUME_DATA, VOLUME_CACHE, VOLUME_SCRATCH };

struct volume {
	const char *name;
	enum volume_kind kind;
	bool per_branch;
	const char *initial; /* absolute: what a new one begins with; NULL: nothing */
	bool dump;           /* that is a dump: its service loads it when it is ready */
	struct place initial_place;
	bool external;
	const struct node *node; /* Compose's own keys are carried */
	struct place place;
};

struct cache { /* a directory shared by every workspace of the machine */
	const char *name, *target;
	struct place place;
};

enum recipe {
	RECIPE_PASSWORD,
	RECIPE_HEX,
	RECIPE_BASE64,
	RECIPE_UUID,
	RECIPE_ED25519,
	RECIPE_RSA,
	RECIPE_FILE,
	RECIPE_ENVIRONMENT,
	RECIPE_COMMAND,
	RECIPE_VALUE
};

struct secret {
	const char *name;
	enum recipe recipe;
	int length;         /* password, hex, base64: characters or bytes; rsa: bits */
	const char *source; /* file path, variable, command line; value for RECIPE_VALUE */
	const struct node *on_rotate;
	struct place place;
};

struct hook {
	const char *event;   /* "pre-up", "post-up", "pre-down", ... */
	const char *command; /* shell line */
	bool host;           /* exec-host: needs consent */
	const char *service; /* exec: in this one */
	struct place place;
};

struct command { /* commands: defined by the project */
	const char *name, *run, *description;
	const char *service; /* NULL: on the host */
	struct place place;
};

enum stage_when { STAGE_NEVER, STAGE_ON_CHANGE, STAGE_BEFORE_START };

struct up_defaults {
	struct strs services; /* count 0: all that no profile holds back */
	bool watch, recreate_containers, recreate_data;
	enum stage_when lint, test;
};

struct debug {                     /* the tools container */
	const char *image_name;    /* as written, or the default */
	const struct image *image; /* its rung; NULL: of a registry, or the default one, which only
				      a decoding for the tools container knows */
	const char *tools;         /* absolute: the project's own scripts */
	bool tools_own;            /* the configuration names that directory */
	struct place place;
};

struct allowance { /* a difference between environments that is accepted */
	const char *pattern;
	struct place place;
};

enum ci_stage { CI_BUILD, CI_COMPILE, CI_LINT, CI_TEST, CI_UP, CI_E2E, CI_STAGES };

struct ci_report {           /* where it is told how a run came out; each may be NULL */
	const char *webhook; /* URL */
	const char *sign;    /* secret that signs what the webhook gets */
	const char *github;  /* "owner/name" */
	const char *gitlab;  /* "group/name", or its number */
	const char *url;     /* base of the Git host's API; NULL: the public one */
	const char *token;   /* secret with the token; NULL: GITHUB_TOKEN, GITLAB_TOKEN */
	const char *name;    /* of the check as the host shows it */
	struct place place;
};

struct ci {                                /* what `devenv ci` does besides the stages of modules */
	const char *e2e;                   /* shell line; NULL: every route is looked at */
	const struct service *e2e_service; /* NULL: on the host */
	struct place e2e_place;
	int64_t timeouts[CI_STAGES]; /* ms */
	int64_t timeout;             /* of all, ms */
	bool keep_going;
	struct ci_report report;
};

struct names { /* things sorted by name, for look-up; each begins with its `const char *name` */
	const void **items;
	size_t count;
};

struct project {
	const char *name;        /* slug of `name:` or of the folder */
	const char *dir;         /* absolute, real */
	const char *environment; /* "dev", "ci", "prod", ... */
	const char *workspace;   /* slug + '-' + 8 hex of the hash of dir: Compose's project name */
	const char *run;         /* of the request; NULL: the developer's own workspace */
	const char *base;        /* absolute: what holds .devenv; dir, but for a run of its own */
	bool dev;                /* sources are mirrored, users mapped */
	bool host;               /* of the request */
	bool tools;              /* of the request */
	bool frozen;             /* of the request */
	const struct node *tree;
	struct up_defaults up;
	LIST_OF(struct image) images;     /* parents before children */
	LIST_OF(struct service) services; /* dependencies first (field order) */
	LIST_OF(struct route) routes;
	LIST_OF(struct volume) volumes;
	LIST_OF(struct cache) caches;
	LIST_OF(struct secret) secrets;
	LIST_OF(struct hook) hooks;
	LIST_OF(struct command) commands;
	LIST_OF(struct layout) layouts; /* model/layout.h */
	struct debug debug;
	LIST_OF(struct allowance) parity; /* of parity.allow */
	struct ci ci;
	struct strs
		cert_hosts; /* of certs: and routes, as this machine calls them; sorted, unique */
	struct strs public_hosts; /* the same as written */
	struct strs includes;
	struct names image_names, service_names, volume_names, secret_names, command_names;
};

struct project_request {
	const char *dir, *environment;
	const char *name; /* -p, or NULL */
	bool host;        /* up --host: what can run on the host does, what cannot is left out */
	bool tools;       /* for the tools container: of the images only its own counts as used */
	bool frozen;      /* --frozen: nothing that devenv.lock does not say is built */
	const char *home; /* for ~ in bind mounts; NULL: it is kept as written */
	/*
	 * Id of a `devenv ci`: a workspace of its own beside the developer's, with containers,
	 * volumes, networks and ports that nobody else has, whatever names are configured.
	 */
	const char *run;
	const char *state; /* with run: the directory that holds one per workspace */
};

/*
 * Decodes a merged tree (already through schema_check) and resolves names: unknown services,
 * images, volumes, secrets, ports; cycles of depends_on and of the image hierarchy (shown as a -> b
 * -> a); colliding names and ports; cross-field rules. Everything found is a diagnostic. 0 without
 * errors.
 */
int project_decode(struct arena *a, struct node *tree, const struct project_request *req,
	struct project *out, struct diags *d);

const struct service *project_service(const struct project *p, const char *name);
/* Is there a service that runs there? Those that --host leaves out do not count. */
bool project_runs(const struct project *p, enum where where);
const struct image *project_image(const struct project *p, const char *name);
const struct volume *project_volume(const struct project *p, const char *name);
const struct secret *project_secret(const struct project *p, const char *name);
const struct command *project_command(const struct project *p, const char *name);
void names_index(struct arena *a, struct names *n, const void *items, size_t count, size_t size);
/* The service that `on_rotate` tells of a new value; NULL: there is no on_rotate. */
const struct service *secret_consumer(const struct project *p, const struct secret *x);
bool reads_secret(const struct service *s, const struct secret *x); /* as a file */
bool holds_secret_value(const struct service *s,
	const struct secret *x); /* in its environment, from its start on */
/*
 * What a service that has x does when x gets a new value: it is started anew (FOLLOW_RESTART), it
 * is told (FOLLOW_RELOAD), or nothing (FOLLOW_IGNORE): it is the consumer itself, a job that is
 * done, or it reads the file again by itself, as `on_restart` of its need of the consumer says.
 */
enum on_restart secret_answer(
	const struct project *p, const struct service *s, const struct secret *x);
/* The port a reference means: by name, by number, or the first one when name is NULL. */
const struct port *service_port(const struct service *s, const char *name);
/* Does this exit status count as success? 0, and those of success_exit_codes. */
bool service_success(const struct service *s, int status);
/* "My Shop" -> "my-shop": lower case, digits and dashes, at most 30; "project" when nothing is
 * left. */
char *project_slug(struct arena *a, const char *name);
/* "shop" -> "shop-1a2b3c4d"; real path in, result in the arena. */
char *workspace_id(struct arena *a, const char *name, const char *dir);
/* That of a run: "shop-ci-1a2b3c4d". */
char *workspace_run_id(struct arena *a, const char *name, const char *run);

#endif
