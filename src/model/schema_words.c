/*
 * The tables of what the developer meets: up's defaults, routes, hooks, commands, the debug tools
 * and the differences between environments that are accepted.
 */
#include "schema.h"

#define WORDS .types = T_LIST, .form = FORM_LIST, .item = &field_str

static const char *const when_words[] = { "off", "on_change", "before_start", NULL };
static const char *const keep_words[] = { "keep", "recreate", NULL };

static const struct field up_fields[] = {
	{ .name = "services",
		WORDS,
		.help = "What a bare `devenv up` starts, with all it needs; default: all that no "
			"profile holds back" },
	{ .name = "watch", .types = T_BOOL, .help = "Follows saves; false: run only" },
	{ .name = "lint", .types = T_STR, .choices = when_words, .help = "When lint runs" },
	{ .name = "test", .types = T_STR, .choices = when_words, .help = "When tests run" },
	{ .name = "data",
		.types = T_STR,
		.choices = keep_words,
		.value = "keep",
		.help = "keep, or recreate data volumes (asks first)" },
	{ .name = "containers",
		.types = T_STR,
		.choices = keep_words,
		.value = "keep",
		.help = "keep containers that need no change, or recreate all" },
	{ 0 },
};

const struct schema schema_up = {
	.name = "up", .fields = up_fields, .help = "What a bare `devenv up` does"
};

static const struct field route_fields[] = {
	{ .name = "host",
		.types = T_STR,
		.flags = FIELD_REQUIRED | FIELD_KEY,
		.format = F_HOST,
		.help = "Host name in the URL" },
	{ .name = "path",
		.types = T_STR,
		.flags = FIELD_KEY,
		.value = "/",
		.help = "Prefix of the path" },
	{ .name = "to",
		.types = T_STR,
		.flags = FIELD_REQUIRED,
		.help = "Service and port by name or number: web:http, web:3000, or web for its "
			"first port" },
	{ .name = "via", .types = T_STR, .help = "The nginx service that passes it on" },
	{ .name = "strip",
		.types = T_BOOL,
		.value = "false",
		.help = "Takes the path off before the service sees it" },
	{ 0 },
};

static const struct schema schema_route = {
	.name = "route", .fields = route_fields, .help = "A way in"
};

const struct field field_route = { .types = T_MAP, .map = &schema_route };

static const struct field hook_fields[] = {
	{ .name = "exec", .types = T_STR, .help = "Shell line, run in `service`" },
	{ .name = "service", .types = T_STR, .help = "Service that exec runs in" },
	{ .name = "exec-host",
		.types = T_STR,
		.flags = FIELD_HOST,
		.help = "Shell line, run on the host" },
	{ 0 },
};

static const struct schema schema_hook = {
	.name = "hook", .fields = hook_fields, .help = "One thing to run"
};

static const struct field field_hook = { .types = T_MAP, .map = &schema_hook };

#define HOOKS(event, text)                                                                         \
	{                                                                                          \
		.name = event, .types = T_LIST, .item = &field_hook, .help = text                  \
	}

static const struct field hooks_fields[] = {
	HOOKS("pre-up", "Run before anything is built or started"),
	HOOKS("post-up", "Run when every unit is ready"),
	HOOKS("pre-stop", "Run before services are stopped"),
	HOOKS("post-stop", "Run after services were stopped"),
	HOOKS("pre-down", "Run before containers are removed"),
	HOOKS("post-down", "Run after containers were removed"),
	HOOKS("pre-build", "Run before images are built"),
	HOOKS("post-build", "Run after images were built"),
	{ 0 },
};

const struct schema schema_hooks = { .name = "hooks",
	.fields = hooks_fields,
	.help = "What runs before and after the life cycle's steps" };

static const struct field command_fields[] = {
	{ .name = "run",
		.types = T_STR,
		.flags = FIELD_REQUIRED,
		.help = "Shell line; further arguments are added" },
	{ .name = "service", .types = T_STR, .help = "Service it runs in; without: on the host" },
	{ .name = "description", .types = T_STR, .help = "One line for `devenv help`" },
	{ 0 },
};

static const struct schema schema_command = {
	.name = "command", .fields = command_fields, .help = "A command of the project"
};

static const struct field field_command = { .types = T_MAP, .map = &schema_command };

const struct schema schema_commands = { .name = "commands",
	.any = &field_command,
	.key_format = F_NAME,
	.help = "Commands of the project, run as `devenv NAME`" };

static const struct field debug_fields[] = {
	{ .name = "image",
		.types = T_STR,
		.format = F_IMAGE,
		.help = "Rung or image of the tools container; without: a rung of devenv's own, "
			"called devenv-debug, with curl, dig, tcpdump, strace, gdb and clients of "
			"databases" },
	{ .name = "tools",
		.types = T_STR,
		.format = F_PATH,
		.help = "Directory of the project's own scripts, below the project; without: "
			"debug" },
	{ 0 },
};

const struct schema schema_debug = {
	.name = "debug", .fields = debug_fields, .help = "The debug-tools container"
};

static const struct field parity_fields[] = {
	{ .name = "allow",
		.types = T_LIST,
		.form = FORM_LIST,
		.merge = MERGE_UNIQUE,
		.item = &field_str,
		.help = "Paths of `devenv diff` that may differ, with what is below them; * stands "
			"for any text within a part" },
	{ 0 },
};

const struct schema schema_parity = { .name = "parity",
	.fields = parity_fields,
	.help = "Differences between environments that are accepted" };
