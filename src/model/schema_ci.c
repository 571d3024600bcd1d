/*
 * The table of `ci:`: the last stage, deadlines, what follows a failure, who is told.
 */
#include "schema.h"

static const struct field e2e_fields[] = {
	{ .name = "run",
		.types = T_STR,
		.flags = FIELD_REQUIRED,
		.help = "Shell line; its status is the stage's" },
	{ .name = "service",
		.types = T_STR,
		.help = "Service it runs in, or beside when a profile holds it back; without: on "
			"the host" },
	{ 0 },
};

static const struct schema schema_e2e = {
	.name = "e2e", .fields = e2e_fields, .help = "The end-to-end stage"
};

#define TIMEOUT(stage, default_value)                                                              \
	{                                                                                          \
		.name = stage, .types = T_STR | T_INT, .format = F_DURATION,                       \
		.value = default_value, .help = "How long it may take"                             \
	}

static const struct field timeout_fields[] = {
	TIMEOUT("all", "2h"),
	TIMEOUT("build", "1h"),
	TIMEOUT("compile", "30m"),
	TIMEOUT("lint", "30m"),
	TIMEOUT("test", "30m"),
	TIMEOUT("up", "15m"),
	TIMEOUT("e2e", "30m"),
	{ 0 },
};

static const struct schema schema_timeouts = {
	.name = "timeouts", .fields = timeout_fields, .help = "Deadlines of the stages, and of all"
};

static const struct field report_fields[] = {
	{ .name = "webhook",
		.types = T_STR,
		.help = "URL that gets a JSON document by POST at the start and at the end" },
	{ .name = "sign",
		.types = T_STR,
		.help = "Secret that signs it: the header X-Devenv-Signature is sha256= and the "
			"HMAC of the body" },
	{ .name = "github", .types = T_STR, .help = "owner/name: a commit status on GitHub" },
	{ .name = "gitlab",
		.types = T_TEXT,
		.help = "group/name or its number: a commit status on GitLab" },
	{ .name = "url", .types = T_STR, .help = "Base URL of the Git host's API" },
	{ .name = "token",
		.types = T_STR,
		.help = "Secret with the token; without: GITHUB_TOKEN or GITLAB_TOKEN of the "
			"environment" },
	{ .name = "name",
		.types = T_STR,
		.value = "devenv",
		.help = "Name of the status as the Git host shows it" },
	{ 0 },
};

static const struct schema schema_report = {
	.name = "report", .fields = report_fields, .help = "Who is told how a run came out"
};

static const char *const fail_words[] = { "fast", "keep-going", NULL };

static const struct field ci_fields[] = {
	{ .name = "e2e",
		.types = T_STR | T_MAP,
		.map = &schema_e2e,
		.flags = FIELD_HOST,
		.help = "Last stage, when everything is up: a shell line on the host, or one in a "
			"service; without: every route is asked, as `devenv trace --all` does" },
	{ .name = "timeouts",
		.types = T_MAP,
		.map = &schema_timeouts,
		.help = "Deadlines of the stages, and of all" },
	{ .name = "fail",
		.types = T_STR,
		.choices = fail_words,
		.value = "fast",
		.help = "After a failure: begin nothing more, or go on with what can be" },
	{ .name = "report",
		.types = T_MAP,
		.map = &schema_report,
		.help = "Who is told how a run came out" },
	{ 0 },
};

const struct schema schema_ci = {
	.name = "ci", .fields = ci_fields, .help = "What `devenv ci` does"
};
