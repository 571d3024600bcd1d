/*
 * Items and maps that many tables share. Only shapes: no field here knows where it is used.
 */
#include "schema.h"

const struct field field_str = { .types = T_STR };
const struct field field_scalar = { .types = T_SCALAR | T_NULL };
const struct field field_port = { .types = T_INT | T_STR };
const struct field field_any = { .types = T_ANY };
const struct field field_path = { .types = T_STR, .format = F_PATH };
const struct field field_host = { .types = T_STR, .format = F_HOST };

const struct schema schema_vars = {
	.name = "variables",
	.any = &field_scalar,
	.help = "NAME: value pairs; a name without a value takes it from devenv's own environment",
};

const struct schema schema_env = {
	.name = "env",
	.any = &field_scalar,
	.key_format = F_ENV_NAME,
	.help = "NAME: value pairs; a name without a value takes it from devenv's own environment",
};

const struct schema schema_options = {
	.name = "options",
	.any = &field_scalar,
	.help = "Options of a driver by name",
};

static const struct field field_addresses = { .types = T_LIST | T_STR, .item = &field_str };

const struct schema schema_extra_hosts = {
	.name = "extra_hosts",
	.any = &field_addresses,
	.help = "Further host names by name, each with its addresses",
};

static const struct field ulimit_fields[] = {
	{ .name = "soft", .types = T_INT | T_STR, .flags = FIELD_COMPOSE, .help = "Soft limit" },
	{ .name = "hard", .types = T_INT | T_STR, .flags = FIELD_COMPOSE, .help = "Hard limit" },
	{ 0 },
};

static const struct schema schema_ulimit = {
	.name = "ulimit",
	.fields = ulimit_fields,
	.help = "One resource limit",
};

static const struct field field_ulimit = { .types = T_INT | T_STR | T_MAP, .map = &schema_ulimit };

const struct schema schema_ulimits = {
	.name = "ulimits",
	.any = &field_ulimit,
	.help = "Resource limits by name",
};
