/*
 * Tables of what belongs to a service under Compose's names: health, order, ports, mounts, grants,
 * deployment and build. Shapes are those after short forms were brought to their long one.
 */
#include "schema.h"

#define COMPOSE .flags = FIELD_COMPOSE
#define TRUTH .types = T_BOOL
#define WORDS .types = T_LIST, .form = FORM_LIST, .merge = MERGE_UNIQUE, .item = &field_str
#define ENV_MAP .types = T_MAP, .form = FORM_ENV, .map = &schema_vars
#define DURATION .types = T_STR | T_INT, .format = F_DURATION

/* healthcheck */
static const struct field healthcheck_fields[] = {
	{ .name = "http",
		.types = T_STR,
		.help = "Path that answers a request when the service is ready" },
	{ .name = "tcp",
		.types = T_BOOL | T_INT | T_STR,
		.help = "A port, by number or name, that accepts connections; true: the first "
			"port" },
	{ .name = "log",
		.types = T_STR,
		.format = F_REGEX,
		.help = "Regular expression of the line that the service prints when it is ready" },
	{ .name = "notify",
		.types = T_BOOL,
		.help = "The process itself says when it is ready, as sd_notify(3) does: READY=1 "
			"to the socket that $NOTIFY_SOCKET names; on the host only" },
	{ .name = "port",
		.types = T_INT | T_STR,
		.help = "Port of http or tcp, by name or number; default: the first one" },
	{ .name = "status",
		.types = T_INT,
		.min = 100,
		.max = 599,
		.help = "Status that http must answer; default: any from 200 to 399" },
	{ .name = "tls", .types = T_BOOL, .help = "Asks http over TLS" },
	{ .name = "deadline", DURATION, .help = "How long `up` waits until the service is ready" },
	{ .name = "test",
		.types = T_STR | T_LIST,
		COMPOSE,
		.form = FORM_COMMAND,
		.merge = MERGE_REPLACE,
		.item = &field_str,
		.help = "Command run inside the container: a shell line, [CMD, ...], [CMD-SHELL, "
			"line] or [NONE]" },
	{ .name = "interval", DURATION, COMPOSE, .help = "Time between the engine's own checks" },
	{ .name = "timeout", DURATION, COMPOSE, .help = "How long one check may take" },
	{ .name = "retries",
		.types = T_INT | T_STR,
		COMPOSE,
		.min = 0,
		.max = 100000,
		.help = "Failed checks in a row that make it unhealthy" },
	{ .name = "start_period",
		DURATION,
		COMPOSE,
		.help = "Time after the start in which failures do not count" },
	{ .name = "start_interval",
		DURATION,
		COMPOSE,
		.help = "Time between checks during the start period" },
	{ .name = "disable",
		TRUTH,
		COMPOSE,
		.help = "Takes no notice of any check, the image's included" },
	{ 0 },
};

const struct schema schema_healthcheck = {
	.name = "healthcheck",
	.fields = healthcheck_fields,
	.help = "How readiness shows; one of http, tcp, log, notify and test",
};

/* depends_on */
static const char *const condition_words[] = { "service_started", "service_healthy",
	"service_completed_successfully", NULL };
static const char *const follow_words[] = { "restart", "reload", "ignore", NULL };

static const struct field need_fields[] = {
	{ .name = "condition",
		.types = T_STR,
		COMPOSE,
		.choices = condition_words,
		.value = "service_started",
		.help = "What the other service must have reached" },
	{ .name = "required",
		TRUTH,
		COMPOSE,
		.value = "true",
		.help = "When false, its absence is no error" },
	{ .name = "restart",
		TRUTH,
		COMPOSE,
		.help = "Restarts this service when the other one is restarted" },
	{ .name = "on_restart",
		.types = T_STR,
		.choices = follow_words,
		.help = "What this service does when the other one was made anew" },
	{ 0 },
};

static const struct schema schema_need = {
	.name = "need", .fields = need_fields, .help = "One service that must be there first"
};

static const struct field field_need = { .types = T_MAP, .map = &schema_need };

const struct schema schema_depends = { .name = "depends_on",
	.any = &field_need,
	.help = "Services that must be there first, by name" };

/* ports */
static const char *const protocol_words[] = { "tcp", "udp", "sctp", NULL };
static const char *const bind_words[] = { "local", "lan", NULL };

static const struct field port_fields[] = {
	{ .name = "name",
		.types = T_STR,
		COMPOSE,
		.help = "Name that routes and health checks use" },
	{ .name = "target",
		.types = T_INT | T_STR,
		.flags = FIELD_COMPOSE | FIELD_REQUIRED,
		.format = F_PORT,
		.help = "Port inside the container" },
	{ .name = "published",
		.types = T_INT | T_STR | T_BOOL,
		COMPOSE,
		.help = "Port on this machine; auto: allocated once and remembered; false: none" },
	{ .name = "protocol",
		.types = T_STR,
		COMPOSE,
		.choices = protocol_words,
		.value = "tcp",
		.help = "Protocol of the port" },
	{ .name = "host_ip",
		.types = T_STR,
		COMPOSE,
		.help = "Address of this machine to publish on" },
	{ .name = "bind",
		.types = T_STR,
		.choices = bind_words,
		.value = "local",
		.flags = FIELD_HOST,
		.help = "Publishes to this machine or, after consent, to the local network" },
	{ .name = "mode",
		.types = T_STR,
		COMPOSE,
		.help = "Compose's publishing mode: host or ingress" },
	{ .name = "app_protocol", .types = T_STR, COMPOSE, .help = "Protocol spoken on the port" },
	{ 0 },
};

static const struct schema schema_port = {
	.name = "port", .fields = port_fields, .help = "One port"
};

const struct field field_port_entry = { .types = T_MAP, .map = &schema_port };

/* volumes */
static const char *const mount_words[] = { "bind", "volume", "tmpfs", "npipe", "cluster", "image",
	NULL };

static const struct field mount_fields[] = {
	{ .name = "type",
		.types = T_STR,
		COMPOSE,
		.choices = mount_words,
		.help = "What is mounted" },
	{ .name = "source",
		.types = T_STR,
		.format = F_PATH,
		.flags = FIELD_COMPOSE | FIELD_LOCAL,
		.help = "Path of the host or name of a volume" },
	{ .name = "target",
		.types = T_STR,
		.format = F_PATH,
		.flags = FIELD_COMPOSE | FIELD_REQUIRED,
		.help = "Absolute path in the container" },
	{ .name = "read_only", TRUTH, COMPOSE, .help = "Nothing can be written there" },
	{ .name = "consistency", .types = T_STR, COMPOSE, .help = "Compose's consistency word" },
	{ .name = "bind", .types = T_MAP, COMPOSE, .help = "Options of a bind mount" },
	{ .name = "volume", .types = T_MAP, COMPOSE, .help = "Options of a volume" },
	{ .name = "tmpfs", .types = T_MAP, COMPOSE, .help = "Options of a directory in memory" },
	{ .name = "image", .types = T_MAP, COMPOSE, .help = "Options of an image mount" },
	{ 0 },
};

static const struct schema schema_mount = {
	.name = "mount", .fields = mount_fields, .help = "One mount"
};

const struct field field_mount_entry = { .types = T_MAP, .map = &schema_mount };

/* secrets and configs of a service; env_file; hooks of Compose */
static const struct field grant_fields[] = {
	{ .name = "source",
		.types = T_STR,
		.flags = FIELD_COMPOSE | FIELD_REQUIRED,
		.help = "Name in the top `secrets:` or `configs:`" },
	{ .name = "target",
		.types = T_STR,
		.format = F_PATH,
		COMPOSE,
		.help = "File name, or an absolute path" },
	{ .name = "uid", .types = T_STR | T_INT, COMPOSE, .help = "Owner of the file" },
	{ .name = "gid", .types = T_STR | T_INT, COMPOSE, .help = "Group of the file" },
	{ .name = "mode",
		.types = T_STR | T_INT,
		COMPOSE,
		.format = F_MODE,
		.help = "Mode of the file, octal" },
	{ 0 },
};

static const struct schema schema_grant = {
	.name = "grant", .fields = grant_fields, .help = "A secret or config given to a service"
};

const struct field field_grant_entry = { .types = T_MAP, .map = &schema_grant };

static const struct field env_file_fields[] = {
	{ .name = "path",
		.types = T_STR,
		.format = F_PATH,
		.flags = FIELD_COMPOSE | FIELD_REQUIRED | FIELD_LOCAL,
		.help = "Path of the file" },
	{ .name = "required",
		TRUTH,
		COMPOSE,
		.value = "true",
		.help = "When false, the file may be absent" },
	{ .name = "format",
		.types = T_STR,
		COMPOSE,
		.help = "raw: values are taken as they stand" },
	{ 0 },
};

static const struct schema schema_env_file = {
	.name = "env_file", .fields = env_file_fields, .help = "A file of variables"
};

const struct field field_env_file_entry = { .types = T_MAP, .map = &schema_env_file };

static const struct field service_hook_fields[] = {
	{ .name = "command",
		.types = T_STR | T_LIST | T_NULL,
		COMPOSE,
		.form = FORM_COMMAND,
		.merge = MERGE_REPLACE,
		.item = &field_str,
		.help = "Command line" },
	{ .name = "user", .types = T_STR | T_INT, COMPOSE, .help = "User it runs as" },
	{ .name = "privileged",
		TRUTH,
		.flags = FIELD_COMPOSE | FIELD_HOST,
		.help = "Lifts the confinement" },
	{ .name = "working_dir", .types = T_STR, COMPOSE, .help = "Directory it runs in" },
	{ .name = "environment", ENV_MAP, COMPOSE, .help = "Further variables" },
	{ 0 },
};

static const struct schema schema_service_hook = { .name = "service_hook",
	.fields = service_hook_fields,
	.help = "A command run inside the container" };

const struct field field_service_hook = { .types = T_MAP, .map = &schema_service_hook };

/* networks of a service */
static const struct field endpoint_fields[] = {
	{ .name = "aliases",
		WORDS,
		COMPOSE,
		.help = "Further names of the service on this network" },
	{ .name = "ipv4_address", .types = T_STR, COMPOSE, .help = "Fixed IPv4 address" },
	{ .name = "ipv6_address", .types = T_STR, COMPOSE, .help = "Fixed IPv6 address" },
	{ .name = "link_local_ips", WORDS, COMPOSE, .help = "Link-local addresses" },
	{ .name = "driver_opts",
		.types = T_MAP,
		COMPOSE,
		.map = &schema_options,
		.help = "Options of the driver" },
	{ 0 },
};

static const char *const endpoint_carried[] = { "gw_priority", "interface_name", "mac_address",
	"priority", NULL };

static const struct schema schema_endpoint = { .name = "endpoint",
	.fields = endpoint_fields,
	.carried = endpoint_carried,
	.help = "How a service appears on a network" };

static const struct field field_endpoint = { .types = T_MAP | T_NULL, .map = &schema_endpoint };

const struct schema schema_endpoints = { .name = "endpoints",
	.any = &field_endpoint,
	.help = "Networks that a service joins, by name" };

/* extends */
static const struct field extends_fields[] = {
	{ .name = "template",
		.types = T_STR,
		.format = F_NAME,
		.help = "A service template, like postgres" },
	{ .name = "service",
		.types = T_STR,
		COMPOSE,
		.help = "A service of this file or of `file`" },
	{ .name = "file",
		.types = T_STR,
		.format = F_PATH,
		.flags = FIELD_COMPOSE | FIELD_LOCAL,
		.help = "Another Compose file" },
	{ 0 },
};

const struct schema schema_extends = {
	.name = "extends", .fields = extends_fields, .help = "What a service starts from"
};
