/*
 * Tables of Compose's `deploy` and `build`. devenv itself reads copies, the order in which they are
 * replaced, and the build's files;
 * the rest is checked for shape, merged by Compose's rules and carried.
 */
#include "schema.h"

#define COMPOSE .flags = FIELD_COMPOSE
#define TRUTH .types = T_BOOL
#define WORDS .types = T_LIST, .form = FORM_LIST, .merge = MERGE_UNIQUE, .item = &field_str
#define ENV_MAP .types = T_MAP, .form = FORM_ENV, .map = &schema_vars

static const struct field limit_fields[] = {
	{ .name = "cpus",
		.types = T_NUM | T_STR,
		COMPOSE,
		.help = "Processors, fractions allowed" },
	{ .name = "memory", .types = T_STR | T_INT, COMPOSE, .format = F_BYTES, .help = "Memory" },
	{ .name = "pids", .types = T_INT | T_STR, COMPOSE, .help = "Number of processes" },
	{ 0 },
};

static const char *const limit_carried[] = { "devices", "generic_resources", NULL };

static const struct schema schema_limits = { .name = "limits",
	.fields = limit_fields,
	.carried = limit_carried,
	.help = "Amounts of resources" };

static const struct field resource_fields[] = {
	{ .name = "limits",
		.types = T_MAP,
		COMPOSE,
		.map = &schema_limits,
		.help = "What it may use at most" },
	{ .name = "reservations",
		.types = T_MAP,
		COMPOSE,
		.map = &schema_limits,
		.help = "What is kept for it" },
	{ 0 },
};

static const struct schema schema_resources = {
	.name = "resources", .fields = resource_fields, .help = "Resources of a service"
};

static const struct field placement_fields[] = {
	{ .name = "constraints",
		.types = T_LIST,
		COMPOSE,
		.merge = MERGE_APPEND,
		.item = &field_str,
		.help = "Conditions on the node" },
	{ .name = "preferences",
		.types = T_LIST,
		COMPOSE,
		.merge = MERGE_APPEND,
		.item = &field_any,
		.help = "Wishes about the node" },
	{ 0 },
};

static const char *const placement_carried[] = { "max_replicas_per_node", NULL };

static const struct schema schema_placement = { .name = "placement",
	.fields = placement_fields,
	.carried = placement_carried,
	.help = "Placement in a cluster, carried" };

static const char *const order_words[] = { "stop-first", "start-first", NULL };

static const struct field update_fields[] = {
	{ .name = "order",
		.types = T_STR,
		COMPOSE,
		.choices = order_words,
		.value = "stop-first",
		.help = "Who goes first where a container takes the place of another" },
	{ 0 },
};

static const char *const update_carried[] = { "delay", "failure_action", "max_failure_ratio",
	"monitor", "parallelism", NULL };

static const struct schema schema_update = { .name = "update_config",
	.fields = update_fields,
	.carried = update_carried,
	.help = "How containers are replaced" };

static const struct field deploy_fields[] = {
	{ .name = "replicas",
		.types = T_INT | T_STR,
		COMPOSE,
		.min = 0,
		.max = 1000,
		.value = "1",
		.help = "Number of copies" },
	{ .name = "resources",
		.types = T_MAP,
		COMPOSE,
		.map = &schema_resources,
		.help = "Limits and reservations" },
	{ .name = "labels", ENV_MAP, COMPOSE, .help = "Labels of the service in a cluster" },
	{ .name = "placement",
		.types = T_MAP,
		COMPOSE,
		.map = &schema_placement,
		.help = "Placement in a cluster" },
	{ .name = "update_config",
		.types = T_MAP,
		COMPOSE,
		.map = &schema_update,
		.help = "How containers are replaced" },
	{ 0 },
};

static const char *const deploy_carried[] = { "endpoint_mode", "mode", "restart_policy",
	"rollback_config", NULL };

const struct schema schema_deploy = { .name = "deploy",
	.fields = deploy_fields,
	.carried = deploy_carried,
	.help = "Copies and resources" };

static const struct field build_fields[] = {
	{ .name = "context",
		.types = T_STR,
		.flags = FIELD_COMPOSE | FIELD_LOCAL,
		.value = ".",
		.help = "Directory sent to the builder" },
	{ .name = "dockerfile",
		.types = T_STR,
		COMPOSE,
		.help = "Dockerfile, relative to the context" },
	{ .name = "dockerfile_inline", .types = T_STR, COMPOSE, .help = "Text of the Dockerfile" },
	{ .name = "target", .types = T_STR, COMPOSE, .help = "Stage to stop at" },
	{ .name = "args", ENV_MAP, COMPOSE, .help = "Build arguments" },
	{ .name = "labels", ENV_MAP, COMPOSE, .help = "Labels of the image" },
	{ .name = "additional_contexts", ENV_MAP, COMPOSE, .help = "Further contexts by name" },
	{ .name = "ssh", ENV_MAP, COMPOSE, .help = "SSH agents or keys for the build" },
	{ .name = "cache_from", WORDS, COMPOSE, .help = "Sources of the build cache" },
	{ .name = "cache_to", WORDS, COMPOSE, .help = "Targets of the build cache" },
	{ .name = "extra_hosts",
		.types = T_MAP,
		COMPOSE,
		.form = FORM_EXTRA_HOSTS,
		.map = &schema_extra_hosts,
		.help = "Further host names during the build" },
	{ .name = "secrets",
		.types = T_LIST,
		COMPOSE,
		.form = FORM_SECRETS,
		.merge = MERGE_BY_KEY,
		.item = &field_grant_entry,
		.help = "Secrets for the build" },
	{ .name = "tags", WORDS, COMPOSE, .help = "Further tags of the image" },
	{ .name = "platforms", WORDS, COMPOSE, .help = "Platforms to build for" },
	{ .name = "entitlements",
		WORDS,
		.flags = FIELD_COMPOSE | FIELD_HOST,
		.help = "Privileges of the build" },
	{ .name = "privileged",
		TRUTH,
		.flags = FIELD_COMPOSE | FIELD_HOST,
		.help = "Builds without confinement" },
	{ .name = "network",
		.types = T_STR,
		.flags = FIELD_COMPOSE | FIELD_HOST,
		.help = "Network of the build" },
	{ .name = "ulimits",
		.types = T_MAP,
		COMPOSE,
		.form = FORM_ULIMITS,
		.map = &schema_ulimits,
		.help = "Resource limits of the build" },
	{ 0 },
};

static const char *const build_carried[] = { "isolation", "no_cache", "provenance", "pull", "sbom",
	"shm_size", NULL };

const struct schema schema_build = { .name = "build",
	.fields = build_fields,
	.carried = build_carried,
	.help = "How Compose builds the image" };
