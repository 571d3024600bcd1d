/*
 * The tables of `images:`: rungs of the hierarchy, made from packages, files and shell lines or
 * from one's own Dockerfile.
 */
#include "schema.h"

#define ENV_MAP .types = T_MAP, .form = FORM_ENV, .map = &schema_env

static const char *const certificate_words[] = { "host", NULL };

static const struct field user_fields[] = {
	{ .name = "name",
		.types = T_STR,
		.format = F_NAME,
		.flags = FIELD_REQUIRED,
		.help = "Name of the user and its group" },
	{ .name = "uid",
		.types = T_INT,
		.min = 0,
		.max = 4294967294,
		.value = "1000",
		.help = "User id; in dev replaced by your own" },
	{ .name = "gid",
		.types = T_INT,
		.min = 0,
		.max = 4294967294,
		.help = "Group id, by default the uid; in dev replaced by your own" },
	{ 0 },
};

static const struct schema schema_user = {
	.name = "user", .fields = user_fields, .help = "The unprivileged user of an image"
};

static const struct field file_fields[] = {
	{ .name = "target",
		.types = T_STR,
		.format = F_PATH,
		.flags = FIELD_REQUIRED,
		.help = "Absolute path in the image" },
	{ .name = "mode",
		.types = T_INT | T_STR,
		.format = F_MODE,
		.help = "Mode, octal; by default that of the source" },
	{ .name = "owner",
		.types = T_STR | T_INT,
		.value = "root",
		.help = "Owner as user or user:group" },
	{ 0 },
};

static const struct schema schema_file = {
	.name = "file", .fields = file_fields, .help = "Where a file goes in the image"
};

static const struct field field_file = { .types = T_STR | T_MAP, .map = &schema_file };

static const struct schema schema_files = { .name = "files",
	.any = &field_file,
	.key_format = F_PATH,
	.help = "Files put into the image, by their source" };

static const struct field image_fields[] = {
	{ .name = "from",
		.types = T_STR,
		.format = F_IMAGE,
		.help = "The rung or registry image it stands on; default: the rung `base`, else "
			"debian:bookworm-slim" },
	{ .name = "packages",
		.types = T_LIST,
		.form = FORM_LIST,
		.merge = MERGE_UNIQUE,
		.item = &field_str,
		.help = "Debian packages to install" },
	{ .name = "user",
		.types = T_STR | T_MAP,
		.format = F_NAME,
		.map = &schema_user,
		.help = "The unprivileged user that services run as; rungs above inherit it" },
	{ .name = "locale", .types = T_STR, .help = "Locale, such as C.UTF-8" },
	{ .name = "timezone", .types = T_STR, .help = "Time zone, such as UTC or Europe/Berlin" },
	{ .name = "files",
		.types = T_MAP,
		.map = &schema_files,
		.help = "Files put into the image, by their source" },
	{ .name = "run",
		.types = T_LIST,
		.form = FORM_LIST,
		.item = &field_str,
		.help = "Shell lines run as root when the image is built, in order" },
	{ .name = "env", ENV_MAP, .help = "Variables of every process of the image" },
	{ .name = "certificates",
		.types = T_STR,
		.choices = certificate_words,
		.help = "host: the image trusts what this host trusts, for companies with a TLS "
			"proxy" },
	{ .name = "timeout",
		.types = T_STR | T_INT,
		.format = F_DURATION,
		.value = "20m",
		.help = "How long its build may take" },
	{ .name = "dockerfile",
		.types = T_STR,
		.flags = FIELD_LOCAL,
		.format = F_PATH,
		.help = "Path of one's own Dockerfile, instead of all of the above" },
	{ .name = "context",
		.types = T_STR,
		.flags = FIELD_LOCAL,
		.format = F_PATH,
		.help = "Directory sent to the builder; default: the Dockerfile's folder" },
	{ .name = "target", .types = T_STR, .help = "Stage of the Dockerfile to stop at" },
	{ .name = "args", ENV_MAP, .help = "Build arguments" },
	{ 0 },
};

static const struct schema schema_image = {
	.name = "image", .fields = image_fields, .help = "One rung of the image hierarchy"
};

const struct field field_image = { .types = T_MAP | T_NULL, .map = &schema_image };

const struct schema schema_images = { .name = "images",
	.any = &field_image,
	.key_format = F_NAME,
	.help = "The image hierarchy, one graph for development, CI and production" };
