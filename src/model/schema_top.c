/*
 * The whole file and a service template as tables, and the built-in defaults as a layer.
 */
#include "schema.h"

static const struct field field_service = { .types = T_MAP | T_NULL, .map = &schema_service };

const struct schema schema_services = {
	.name = "services", .any = &field_service, .key_format = F_NAME, .help = "Services by name"
};

static const struct field top_fields[] = {
	{ .name = "name",
		.types = T_STR,
		.flags = FIELD_COMPOSE,
		.help = "Name of the project; default: the folder's" },
	{ .name = "requires",
		.types = T_STR,
		.format = F_VERSION_RANGE,
		.help = "Versions of devenv that can read this" },
	{ .name = "version",
		.types = T_TEXT,
		.flags = FIELD_COMPOSE,
		.help = "Compose's old version number, ignored" },
	{ .name = "include",
		.types = T_LIST,
		.flags = FIELD_COMPOSE,
		.form = FORM_INCLUDE,
		.merge = MERGE_APPEND,
		.item = &field_include,
		.help = "Files merged below this one, in order" },
	{ .name = "vars",
		.types = T_MAP,
		.map = &schema_vars,
		.help = "Values for ${NAME} where the environment has none" },
	{ .name = "up", .types = T_MAP, .map = &schema_up, .help = "What a bare `devenv up` does" },
	{ .name = "images",
		.types = T_MAP,
		.map = &schema_images,
		.help = "The image hierarchy, one graph for development, CI and production" },
	{ .name = "services",
		.types = T_MAP,
		.flags = FIELD_COMPOSE,
		.map = &schema_services,
		.help = "Services by name" },
	{ .name = "routes",
		.types = T_LIST,
		.merge = MERGE_BY_KEY,
		.item = &field_route,
		.help = "Ways in: they become nginx mappings, URLs and certificate names" },
	{ .name = "volumes",
		.types = T_MAP,
		.flags = FIELD_COMPOSE,
		.map = &schema_volumes,
		.help = "Volumes by name" },
	{ .name = "caches",
		.types = T_MAP,
		.map = &schema_caches,
		.help = "Directories shared by every workspace of the machine" },
	{ .name = "secrets",
		.types = T_MAP,
		.flags = FIELD_COMPOSE,
		.map = &schema_secrets,
		.help = "Secrets by name, each with its recipe" },
	{ .name = "certs",
		.types = T_MAP,
		.map = &schema_certs,
		.help = "The workspace's certificate" },
	{ .name = "hooks",
		.types = T_MAP,
		.map = &schema_hooks,
		.help = "What runs before and after the steps" },
	{ .name = "commands",
		.types = T_MAP,
		.map = &schema_commands,
		.help = "Commands of the project" },
	{ .name = "layouts",
		.types = T_MAP,
		.map = &schema_layouts,
		.help = "What `devenv tmux` shows, by name; the one called `default`, else the "
			"first, is shown when none is named" },
	{ .name = "debug",
		.types = T_MAP,
		.map = &schema_debug,
		.help = "The debug-tools container" },
	{ .name = "ci", .types = T_MAP, .map = &schema_ci, .help = "What `devenv ci` does" },
	{ .name = "parity",
		.types = T_MAP,
		.map = &schema_parity,
		.help = "Differences between environments that are accepted" },
	{ .name = "networks",
		.types = T_MAP,
		.flags = FIELD_COMPOSE,
		.map = &schema_networks,
		.help = "Networks by name" },
	{ .name = "configs",
		.types = T_MAP,
		.flags = FIELD_COMPOSE,
		.map = &schema_configs,
		.help = "Configs by name" },
	{ .name = "compose",
		.types = T_MAP,
		.help = "Merged last and unchecked into the generated Compose file" },
	{ 0 },
};

static const char *const top_carried[] = { "models", NULL };

const struct schema schema_devenv = {
	.name = "devenv.yml",
	.fields = top_fields,
	.carried = top_carried,
	.help = "What a project wants: its images, services, routes, data, secrets and commands",
};

static const struct field template_fields[] = {
	{ .name = "description", .types = T_STR, .help = "One line for `devenv help`" },
	{ .name = "images",
		.types = T_MAP,
		.map = &schema_images,
		.help = "Rungs that the service stands on" },
	{ .name = "volumes",
		.types = T_MAP,
		.map = &schema_volumes,
		.help = "Volumes of the service" },
	{ .name = "caches",
		.types = T_MAP,
		.map = &schema_caches,
		.help = "Caches of the service" },
	{ .name = "secrets",
		.types = T_MAP,
		.map = &schema_secrets,
		.help = "Secrets of the service" },
	{ .name = "networks",
		.types = T_MAP,
		.map = &schema_networks,
		.help = "Networks of the service" },
	{ .name = "configs",
		.types = T_MAP,
		.map = &schema_configs,
		.help = "Configs of the service" },
	{ .name = "commands",
		.types = T_MAP,
		.map = &schema_commands,
		.help = "Commands for the service" },
	{ .name = "service",
		.types = T_MAP,
		.flags = FIELD_REQUIRED,
		.map = &schema_service,
		.help = "What a service that extends the template starts from" },
	{ 0 },
};

const struct schema schema_template = {
	.name = "template", .fields = template_fields, .help = "A service template"
};

struct node *schema_defaults(struct arena *a)
{
	struct place at = { .layer = "default" };
	struct node *top = node_map(a, at), *up = node_map(a, at);
	map_put(a, up, "data", at, node_str(a, "keep", at));
	map_put(a, up, "containers", at, node_str(a, "keep", at));
	map_put(a, top, "up", at, up);
	return top;
}
