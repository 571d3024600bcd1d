/*
 * What fingers know from Compose, and from those beside it, and devenv calls otherwise. Comes in: a
 * word or an option that is none of ours. Goes out: what it stands for, or one line that says what
 * to type instead. Knows no project.
 */
#include <string.h>

#include "cmd/opt.h"

static const struct {
	const char *word, *instead;
} words[] = {
	{ "check", "`devenv config -q` checks the configuration, `devenv doctor` the machine" },
	{ "convert", "`devenv config` prints the merged configuration" },
	{ "cp", "`devenv exec -T SVC -- cat FILE >FILE`; sources are mounted already" },
	{ "create", "`devenv build` and `devenv fetch` prepare, `devenv up` starts" },
	{ "delete", "`devenv down -v` removes containers, networks and data" },
	{ "describe", "use `devenv status` and `devenv ports`" },
	{ "destroy", "`devenv down -v` removes containers, networks and data" },
	{ "dev", "use `devenv up`" },
	{ "diagnose", "use `devenv doctor`" },
	{ "enter", "use `devenv shell [SVC]`" },
	{ "env", "use `devenv config services.SVC.environment --origin`" },
	{ "explain", "use `devenv config --explain PATH`" },
	{ "images", "`devenv config --images` names them, `devenv build` builds what is missing" },
	{ "import-db", "use `devenv db load [SVC] FILE`" },
	{ "export-db", "use `devenv db dump [SVC] -o FILE`" },
	{ "info", "use `devenv status` and `devenv ports`" },
	{ "kill", "use `devenv stop -t 0 SVC...`" },
	{ "launch", "use `devenv open [SVC]`" },
	{ "list", "`devenv ls` lists the workspaces, `devenv status` the services of this one" },
	{ "pause", "`devenv stop SVC...`, and `devenv up -d` to go on" },
	{ "poweroff", "`devenv ls` lists the workspaces; `devenv -C DIR down` for each" },
	{ "prune", "use `devenv clean`" },
	{ "publish", "use `devenv build --env prod --push REGISTRY`" },
	{ "pull", "`devenv fetch` brings every image that is missing, `devenv build --pull` newer "
		  "ones" },
	{ "push", "use `devenv build --env prod --push REGISTRY`" },
	{ "rebuild", "use `devenv build --no-cache`, then `devenv up -d`" },
	{ "rm", "`devenv down` removes all containers, `devenv recreate SVC...` makes some anew" },
	{ "scale", "use `devenv up -d --set services.SVC.scale=N`" },
	{ "ssh", "use `devenv shell [SVC]`" },
	{ "start", "`devenv up -d [SVC...]` starts whatever does not run" },
	{ "stats", "`devenv dash` shows processor time and memory of each service" },
	{ "tail", "use `devenv logs -f [SVC...]`" },
	{ "top", "use `devenv dash`, or `devenv debug SVC -- ps aux`" },
	{ "unpause", "`devenv up -d` starts whatever does not run" },
	{ "validate", "use `devenv config -q`" },
	{ "viz", "use `devenv graph --format dot`" },
	{ "volumes", "use `devenv config --volumes`" },
};

/* Of the command's own first, then of any command. */
static const struct habit options[] = {
	{ "up", "wait", .as = "detach" },
	{ "up", "remove-orphans", .as = "" },
	{ "up", "no-build", .instead = "nothing is built that the engine has" },
	{ "up", "no-recreate",
		.instead = "what is as configured is left alone; see `devenv plan`" },
	{ "up", "no-start",
		.instead = "`devenv build` and `devenv fetch` prepare without starting" },
	{ "up", "pull", .instead = "`devenv build --pull` looks for newer base images" },
	{ "up", "scale", .instead = "use --set services.SVC.scale=N" },
	{ "up", "timeout", 't', .instead = "`stop_grace_period:` of the service says how long" },
	{ "up", "wait-timeout",
		.instead = "`healthcheck: { deadline: 60s }` of the service says how long" },
	{ "up", "renew-anon-volumes", 'V', .instead = "use --fresh SVC, or `devenv reset VOLUME`" },
	{ "up", "abort-on-container-exit",
		.instead = "`devenv ci` runs the tests against everything that is up" },
	{ "up", "abort-on-container-failure",
		.instead = "`devenv ci` runs the tests against everything that is up" },
	{ "up", "exit-code-from", .instead = "`devenv run SVC -- COMMAND` ends with its status" },
	{ "up", "attach", .instead = "use `devenv up -d`, then `devenv logs -f SVC...`" },
	{ "up", "no-attach", .instead = "use `devenv up -d`, then `devenv logs -f SVC...`" },
	{ "up", "no-log-prefix",
		.instead = "use `devenv up -d`, then `devenv logs -f --no-log-prefix`" },
	{ "down", "remove-orphans", .as = "" },
	{ "down", "rmi", .instead = "`devenv clean` removes images that nothing uses any more" },
	{ "restart", "no-deps",
		.instead = "a dependent with `depends_on: { SVC: { on_restart: ignore } }` is left "
			   "alone" },
	{ "exec", "interactive", 'i', .as = "" },
	{ "exec", "tty", 't', .as = "" },
	{ "exec", "detach", 'd', .instead = "use `devenv exec SVC -- sh -c 'COMMAND &'`" },
	{ "exec", "privileged", .instead = "use `devenv debug SVC --cap CAPABILITY -- COMMAND`" },
	{ "shell", "interactive", 'i', .as = "" },
	{ "shell", "tty", 't', .as = "" },
	{ "run", "rm", .as = "" },
	{ "run", "interactive", 'i', .as = "" },
	{ "run", "tty", 't', .as = "" },
	{ "run", "remove-orphans", .as = "" },
	{ "run", "detach", 'd', .instead = "a service with `kind: job` runs by `devenv up -d`" },
	{ "run", "entrypoint", .instead = "use --set services.SVC.entrypoint=COMMAND" },
	{ "run", "publish", 'p',
		.instead = "the ports of a service belong to `devenv up`: `devenv ports SVC`" },
	{ "run", "service-ports", 'P',
		.instead = "the ports of a service belong to `devenv up`: `devenv ports SVC`" },
	{ "run", "volume", 'v',
		.instead = "add it to `volumes:` of the service, in devenv.local.yml" },
	{ "run", "name", .instead = "the name is made from that of the service" },
	{ "run", "build", .instead = "what is missing is built in any case" },
	{ "build", "build-arg",
		.instead =
			"write it into devenv.yml: `images: { NAME: { args: { ARG: value } } }`" },
	{ "build", "with-dependencies", .as = "" },
	{ "build", "check", .instead = "use `devenv config -q`" },
	{ "status", "all", 'a', .as = "" },
	{ "status", "no-trunc", .as = "" },
	{ "status", "services", .instead = "use `devenv config --services`" },
	{ "ls", "all", 'a', .as = "" },
	{ "config", "output", 'o', .instead = "use `devenv config >FILE`" },
	{ "config", "hash", .instead = "`devenv plan` says what changed" },
	{ "config", "environment",
		.instead = "`devenv config --origin` says what comes from where" },
	{ "config", "variables", .instead = "`devenv config --origin` says what comes from where" },
	{ "config", "lock-image-digests", .instead = "use `devenv lock`" },
	{ "config", "resolve-image-digests", .instead = "use `devenv lock`" },
	{ NULL, "format", .instead = "use --json" },
	{ NULL, "no-color", .instead = "use --ansi never, or NO_COLOR=1 in the environment" },
	{ NULL, "env-file", .instead = "use `env_file:` of a service, `vars:`, or --set" },
	{ NULL, "project-name", .as = "project" },
	{ NULL, "project-directory", .as = "directory" },
	{ NULL, "verbose", .instead = "use --progress plain" },
};

const char *habit_word(const char *word)
{
	for (size_t i = 0; i < countof(words); i++)
		if (streq(words[i].word, word))
			return words[i].instead;
	return NULL;
}

const struct habit *habit_option(const struct cmd *cmd, const char *name, size_t len, char letter)
{
	for (size_t i = 0; i < countof(options); i++) {
		const struct habit *h = &options[i];
		bool named = name ? strlen(h->option) == len && !strncmp(h->option, name, len)
				  : h->letter == letter;
		if (named && (!h->cmd || (cmd && streq(h->cmd, cmd->name))))
			return h;
	}
	return NULL;
}

const struct habit *habits(size_t *count)
{
	*count = countof(options);
	return options;
}
