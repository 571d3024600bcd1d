/*
 * The tables of `develop` and `release`: what is done with code that is written here.
 */
#include "schema.h"

#define WORDS .types = T_LIST, .form = FORM_LIST, .item = &field_str
#define PATHS .types = T_LIST, .form = FORM_LIST, .item = &field_path
#define COMPOSE .flags = FIELD_COMPOSE

static const char *const gate_words[] = { "on", "warn", NULL };
static const char *const action_words[] = { "rebuild", "sync", "restart", "sync+restart",
	"sync+exec", NULL };

static const struct field stage_fields[] = {
	{ .name = "command",
		.types = T_STR,
		.flags = FIELD_REQUIRED,
		.help = "Shell line, run in the service's image" },
	{ .name = "gate",
		.types = T_STR,
		.choices = gate_words,
		.value = "on",
		.help = "on: a failure keeps the last good process; warn: a failure is only "
			"reported" },
	{ 0 },
};

static const struct schema schema_stage = {
	.name = "stage", .fields = stage_fields, .help = "One check of the develop loop"
};

static const struct field dependency_fields[] = {
	{ .name = "lock",
		PATHS,
		.flags = FIELD_REQUIRED | FIELD_ONE_OR_MORE | FIELD_LOCAL,
		.help = "Files whose content decides which dependencies are wanted" },
	{ .name = "install",
		.types = T_STR,
		.flags = FIELD_REQUIRED,
		.help = "Shell line that installs them, run in the service's image and "
			"working_dir" },
	{ .name = "into",
		.types = T_STR,
		.format = F_PATH,
		.flags = FIELD_REQUIRED,
		.help = "Directory they are installed into, kept in a volume named by the lock "
			"files' content" },
	{ .name = "cache", WORDS, .help = "Download caches, shared by every workspace" },
	{ 0 },
};

static const struct schema schema_dependencies = {
	.name = "dependencies", .fields = dependency_fields, .help = "Third-party code of a module"
};

static const struct field success_fields[] = {
	{ .name = "exec",
		.types = T_STR,
		.flags = FIELD_REQUIRED,
		.help = "Command run in the service" },
	{ 0 },
};

static const struct schema schema_success = {
	.name = "on_success", .fields = success_fields, .help = "What follows a run that passed"
};

static const struct field watch_fields[] = {
	{ .name = "path",
		.types = T_STR,
		COMPOSE,
		.value = ".",
		.help = "Directory, relative to the source" },
	{ .name = "include", WORDS, COMPOSE, .help = "Only files that match one of these" },
	{ .name = "ignore", WORDS, COMPOSE, .help = "No files that match one of these" },
	{ .name = "debounce",
		.types = T_STR | T_INT,
		.format = F_DURATION,
		.value = "20ms",
		.help = "Changes are gathered until it was quiet for so long" },
	{ .name = "action",
		.types = T_STR,
		COMPOSE,
		.choices = action_words,
		.help = "Compose's action" },
	{ .name = "target",
		.types = T_STR,
		COMPOSE,
		.help = "Compose's target of a synchronisation" },
	{ .name = "exec",
		.types = T_MAP,
		COMPOSE,
		.help = "Compose's command after a synchronisation" },
	{ .name = "initial_sync",
		.types = T_BOOL,
		COMPOSE,
		.help = "Compose's synchronisation at the start" },
	{ 0 },
};

static const struct schema schema_watch = {
	.name = "watch", .fields = watch_fields, .help = "One set of watched files"
};

static const struct field field_watch = { .types = T_MAP, .map = &schema_watch };

static const struct field develop_fields[] = {
	{ .name = "source",
		.types = T_STR,
		.flags = FIELD_LOCAL,
		.format = F_PATH,
		.help = "Directory of the code, mirrored into working_dir" },
	{ .name = "dependencies",
		.types = T_MAP,
		.map = &schema_dependencies,
		.help = "Third-party code, installed again when its lock files change" },
	{ .name = "compile",
		.types = T_STR | T_MAP,
		.map = &schema_stage,
		.help = "First stage after a save" },
	{ .name = "lint",
		.types = T_STR | T_MAP,
		.map = &schema_stage,
		.help = "Second stage after a save" },
	{ .name = "test",
		.types = T_STR | T_MAP,
		.map = &schema_stage,
		.help = "Third stage after a save" },
	{ .name = "on_success",
		.types = T_STR | T_MAP,
		.map = &schema_success,
		.value = "restart",
		.help = "What follows: restart, signal:NAME, exec: CMD, or none" },
	{ .name = "watch",
		.types = T_LIST,
		.flags = FIELD_COMPOSE,
		.merge = MERGE_APPEND,
		.item = &field_watch,
		.help = "Which files' changes start a run; default: all of the source" },
	{ 0 },
};

const struct schema schema_develop = {
	.name = "develop", .fields = develop_fields, .help = "A module: code of this project"
};

static const struct field field_artifact = { .types = T_STR, .format = F_PATH };

static const struct schema schema_artifacts = { .name = "artifacts",
	.any = &field_artifact,
	.help = "Absolute paths in the image, by the path they come from: relative to the project, "
		"below the module's source; or absolute, as the build made it" };

static const struct field release_fields[] = {
	{ .name = "build",
		.types = T_STR,
		.help = "Shell line that makes the artifacts, run in the module's rung and "
			"working_dir, with its sources and dependencies" },
	{ .name = "artifacts",
		.types = T_MAP,
		.flags = FIELD_REQUIRED,
		.map = &schema_artifacts,
		.help = "What a production image persists, by source" },
	{ .name = "from",
		.types = T_STR,
		.help = "Rung or registry image that the result stands on; default: the module's "
			"own rung" },
	{ .name = "dependencies",
		.types = T_BOOL,
		.value = "true",
		.help = "Whether the module's locked dependencies are part of the image, as the "
			"build left them" },
	{ 0 },
};

const struct schema schema_release = { .name = "release",
	.fields = release_fields,
	.help = "What a production image of a module persists: never its sources and build tools" };
