/*
 * The tables of what outlives containers or is made once: volumes, caches, secrets, certificates,
 * and of Compose's networks, configs and includes.
 */
#include "schema.h"

#define COMPOSE .flags = FIELD_COMPOSE
#define TRUTH .types = T_BOOL
#define WORDS .types = T_LIST, .form = FORM_LIST, .merge = MERGE_UNIQUE, .item = &field_str
#define PATHS .types = T_LIST, .form = FORM_LIST, .merge = MERGE_UNIQUE, .item = &field_path
#define HOSTS .types = T_LIST, .form = FORM_LIST, .merge = MERGE_UNIQUE, .item = &field_host
#define ENV_MAP .types = T_MAP, .form = FORM_ENV, .map = &schema_vars
#define EXTERNAL .name = "external", .types = T_BOOL | T_STR | T_MAP, COMPOSE
#define DRIVER_OPTS .name = "driver_opts", .types = T_MAP, COMPOSE, .map = &schema_options

static const char *const volume_words[] = { "data", "cache", "scratch", NULL };
static const char *const per_words[] = { "workspace", "branch", NULL };

static const struct field volume_fields[] = {
	{ .name = "kind",
		.types = T_STR,
		.choices = volume_words,
		.value = "data",
		.help = "data: asked about and snapshotted before any loss; cache: dropped freely; "
			"scratch: gone with the run" },
	{ .name = "per",
		.types = T_STR,
		.choices = per_words,
		.value = "workspace",
		.help = "One volume per workspace, or one per git branch" },
	{ .name = "initial",
		.types = T_STR,
		.format = F_PATH,
		.flags = FIELD_LOCAL,
		.help = "What a new volume starts with: a tar archive, the folder of a snapshot, "
			"or a dump (.sql, .rdb, also packed), loaded once its service is ready" },
	{ .name = "name",
		.types = T_STR,
		COMPOSE,
		.help = "Name at the engine, instead of one per workspace" },
	{ EXTERNAL, .help = "The volume exists already and is never made or removed" },
	{ .name = "driver", .types = T_STR, COMPOSE, .help = "Volume driver" },
	{ DRIVER_OPTS, .help = "Options of the driver" },
	{ .name = "labels", ENV_MAP, COMPOSE, .help = "Labels of the volume" },
	{ 0 },
};

static const struct schema schema_volume = {
	.name = "volume", .fields = volume_fields, .help = "One volume"
};

const struct field field_volume = { .types = T_MAP | T_NULL, .map = &schema_volume };

const struct schema schema_volumes = {
	.name = "volumes", .any = &field_volume, .help = "Volumes by name"
};

static const struct field cache_fields[] = {
	{ .name = "target",
		.types = T_STR,
		.format = F_PATH,
		.flags = FIELD_REQUIRED,
		.help = "Absolute path in every container" },
	{ 0 },
};

static const struct schema schema_cache = {
	.name = "cache", .fields = cache_fields, .help = "One shared cache"
};

const struct field field_cache = { .types = T_MAP | T_STR, .map = &schema_cache };

const struct schema schema_caches = { .name = "caches",
	.any = &field_cache,
	.key_format = F_NAME,
	.help = "Directories shared by every workspace of the machine, by name" };

static const char *const generate_words[] = { "password", "hex", "base64", "uuid", "ed25519", "rsa",
	NULL };

static const struct field rotate_fields[] = {
	{ .name = "service",
		.types = T_STR,
		.flags = FIELD_REQUIRED,
		.help = "Service to run it in" },
	{ .name = "run",
		.types = T_STR,
		.flags = FIELD_REQUIRED,
		.help = "Command that makes the new value known" },
	{ 0 },
};

static const struct schema schema_rotate = {
	.name = "on_rotate", .fields = rotate_fields, .help = "How a consumer follows a new value"
};

static const struct field secret_fields[] = {
	{ .name = "generate",
		.types = T_STR,
		.choices = generate_words,
		.value = "password",
		.help = "Makes the value once, by this recipe" },
	{ .name = "length",
		.types = T_INT,
		.min = 1,
		.max = 16384,
		.help = "Characters of a password, bytes of hex and base64, bits of an rsa key" },
	{ .name = "environment",
		.types = T_STR,
		.flags = FIELD_COMPOSE,
		.format = F_ENV_NAME,
		.help = "Takes the value from this variable" },
	{ .name = "file",
		.types = T_STR,
		.format = F_PATH,
		.flags = FIELD_COMPOSE | FIELD_LOCAL,
		.help = "Takes the value from this file" },
	{ .name = "command",
		.types = T_STR,
		.flags = FIELD_HOST,
		.help = "Takes the value from what this command prints" },
	{ .name = "value",
		.types = T_STR | T_INT,
		.help = "The value itself, only in a local overlay" },
	{ .name = "on_rotate",
		.types = T_MAP,
		.map = &schema_rotate,
		.help = "How a consumer follows a new value" },
	{ .name = "name", .types = T_STR, COMPOSE, .help = "Name of an external secret" },
	{ EXTERNAL, .help = "The secret is kept by a cluster, not by devenv" },
	{ .name = "labels", ENV_MAP, COMPOSE, .help = "Labels of the secret" },
	{ DRIVER_OPTS, .help = "Options of the driver" },
	{ 0 },
};

static const char *const secret_carried[] = { "driver", "template_driver", NULL };

static const struct schema schema_secret = { .name = "secret",
	.fields = secret_fields,
	.carried = secret_carried,
	.help = "One secret and its recipe" };

const struct field field_secret = { .types = T_MAP | T_NULL, .map = &schema_secret };

const struct schema schema_secrets = {
	.name = "secrets", .any = &field_secret, .help = "Secrets by name"
};

static const struct field certs_fields[] = {
	{ .name = "hosts",
		HOSTS,
		.help = "Names and addresses in the certificate, beside the hosts of routes" },
	{ 0 },
};

const struct schema schema_certs = {
	.name = "certs", .fields = certs_fields, .help = "The workspace's certificate"
};

/* Compose's networks, configs, include */
static const struct field pool_fields[] = {
	{ .name = "driver", .types = T_STR, COMPOSE, .help = "Address driver" },
	{ .name = "config",
		.types = T_LIST,
		COMPOSE,
		.merge = MERGE_APPEND,
		.item = &field_any,
		.help = "Address ranges" },
	{ .name = "options",
		.types = T_MAP,
		COMPOSE,
		.map = &schema_options,
		.help = "Options of the driver" },
	{ 0 },
};

static const struct schema schema_ipam = {
	.name = "ipam", .fields = pool_fields, .help = "Address management"
};

static const struct field network_fields[] = {
	{ .name = "name",
		.types = T_STR,
		COMPOSE,
		.help = "Name at the engine, instead of one per workspace" },
	{ EXTERNAL, .help = "The network exists already and is never made or removed" },
	{ .name = "driver", .types = T_STR, COMPOSE, .help = "Network driver" },
	{ DRIVER_OPTS, .help = "Options of the driver" },
	{ .name = "internal", TRUTH, COMPOSE, .help = "Nothing outside can be reached from it" },
	{ .name = "ipam",
		.types = T_MAP,
		COMPOSE,
		.map = &schema_ipam,
		.help = "Address management" },
	{ .name = "labels", ENV_MAP, COMPOSE, .help = "Labels of the network" },
	{ 0 },
};

static const char *const network_carried[] = { "attachable", "enable_ipv4", "enable_ipv6", NULL };

static const struct schema schema_network = { .name = "network",
	.fields = network_fields,
	.carried = network_carried,
	.help = "One network" };

const struct field field_network = { .types = T_MAP | T_NULL, .map = &schema_network };

const struct schema schema_networks = {
	.name = "networks", .any = &field_network, .help = "Networks by name"
};

static const struct field config_fields[] = {
	{ .name = "file",
		.types = T_STR,
		.format = F_PATH,
		.flags = FIELD_COMPOSE | FIELD_LOCAL,
		.help = "Takes the content from this file" },
	{ .name = "content", .types = T_STR, COMPOSE, .help = "The content itself" },
	{ .name = "environment",
		.types = T_STR,
		COMPOSE,
		.help = "Takes the content from this variable" },
	{ .name = "name", .types = T_STR, COMPOSE, .help = "Name of an external config" },
	{ EXTERNAL, .help = "The config is kept by a cluster" },
	{ .name = "labels", ENV_MAP, COMPOSE, .help = "Labels of the config" },
	{ 0 },
};

static const char *const config_carried[] = { "template_driver", NULL };

static const struct schema schema_config = { .name = "config",
	.fields = config_fields,
	.carried = config_carried,
	.help = "A file given to services" };

const struct field field_config = { .types = T_MAP | T_NULL, .map = &schema_config };

const struct schema schema_configs = {
	.name = "configs", .any = &field_config, .help = "Configs by name"
};

static const struct field include_fields[] = {
	{ .name = "path", PATHS, COMPOSE, .help = "Files, the later ones over the earlier" },
	{ .name = "env_file", PATHS, COMPOSE, .help = "Files of variables for the included ones" },
	{ .name = "project_directory",
		.types = T_STR,
		COMPOSE,
		.help = "Where their relative paths start" },
	{ 0 },
};

static const struct schema schema_include = {
	.name = "include", .fields = include_fields, .help = "Files merged below this one"
};

const struct field field_include = { .types = T_MAP, .map = &schema_include };
