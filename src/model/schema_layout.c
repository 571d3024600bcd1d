/*
 * The tables of `layouts:`, in tmuxinator's and tmuxp's words: both are read where they differ.
 */
#include "schema.h"

#define LINES .types = T_LIST, .form = FORM_LIST, .item = &field_str
#define ENVIRONMENT .types = T_MAP, .form = FORM_ENV, .map = &schema_env
#define OPTIONS .types = T_MAP, .map = &schema_tmux_options

static const struct schema schema_tmux_options = {
	.name = "tmux_options",
	.any = &field_scalar,
	.help = "Options of tmux by name; those that can run commands need consent",
};

static const struct field pane_fields[] = {
	{ .name = "logs", LINES, .help = "Follows the log of a service, or of several" },
	{ .name = "attach",
		.types = T_STR,
		.help = "The client of a service (psql, redis-cli) where its template has one, "
			"else its process" },
	{ .name = "shell", .types = T_STR, .help = "A shell in a service" },
	{ .name = "stage", .types = T_STR, .help = "Results of a module's stages, live" },
	{ .name = "run", .types = T_STR, .help = "A command of the project, with arguments" },
	{ .name = "trace",
		.types = T_STR,
		.help = "A request followed through its route, again on each Enter: GET "
			"/api/orders; --every 5 GET /api/orders: each 5 seconds, too" },
	{ .name = "command",
		.types = T_STR | T_LIST,
		.flags = FIELD_HOST,
		.item = &field_str,
		.help = "Runs on the host: a shell line, or a list of words" },
	{ .name = "shell_command",
		LINES,
		.flags = FIELD_HOST,
		.help = "tmuxp's word: shell lines that run on the host, one after the other" },
	{ .name = "title", .types = T_STR, .help = "Title of the pane" },
	{ .name = "name", .types = T_STR, .help = "The same as title" },
	{ .name = "focus", .types = T_BOOL, .help = "The pane to start in" },
	{ .name = "size",
		.types = T_INT | T_STR,
		.help = "Width or height, as the window is divided: 30% or a number of cells" },
	{ .name = "root", .types = T_STR, .format = F_PATH, .help = "Folder it starts in" },
	{ .name = "start_directory", .types = T_STR, .format = F_PATH, .help = "The same as root" },
	{ .name = "environment", ENVIRONMENT, .help = "Variables of the pane" },
	{ 0 },
};

static const struct schema schema_pane = { .name = "pane",
	.fields = pane_fields,
	.help = "One pane; a text alone is a shell line for the host, nothing a shell of your "
		"own" };

static const struct field field_pane = { .types = T_MAP | T_STR | T_NULL, .map = &schema_pane };

static const char *const synchronize_words[] = { "true", "false", "before", "after", NULL };

static const struct field window_fields[] = {
	{ .name = "name",
		.types = T_STR,
		.help = "Name of the window; default: what its first pane shows" },
	{ .name = "window_name", .types = T_STR, .help = "The same as name" },
	{ .name = "layout",
		.types = T_STR,
		.value = "tiled",
		.help = "tmux's word for the arrangement, like main-vertical, or what tmux prints "
			"as #{window_layout}" },
	{ .name = "panes",
		.types = T_LIST,
		.flags = FIELD_REQUIRED | FIELD_ONE_OR_MORE,
		.item = &field_pane,
		.help = "Panes, in order" },
	{ .name = "focus", .types = T_BOOL, .help = "The window to start in" },
	{ .name = "root",
		.types = T_STR,
		.format = F_PATH,
		.help = "Folder that its panes start in" },
	{ .name = "start_directory", .types = T_STR, .format = F_PATH, .help = "The same as root" },
	{ .name = "pre", LINES, .flags = FIELD_HOST, .help = "The same as shell_command_before" },
	{ .name = "shell_command_before",
		LINES,
		.flags = FIELD_HOST,
		.help = "Shell lines before what a pane runs on the host" },
	{ .name = "environment", ENVIRONMENT, .help = "Variables of its panes" },
	{ .name = "options", OPTIONS, .help = "tmux options of the window" },
	{ .name = "options_after",
		OPTIONS,
		.help = "tmux options that are set when the panes are arranged" },
	{ .name = "synchronize",
		.types = T_BOOL | T_STR,
		.choices = synchronize_words,
		.help = "Types into all panes at once" },
	{ 0 },
};

static const struct schema schema_window = {
	.name = "window", .fields = window_fields, .help = "One window"
};

static const struct field field_window = { .types = T_MAP, .map = &schema_window };

static const char *const sides[] = { "top", "bottom", "off", NULL };

static const struct field layout_fields[] = {
	{ .name = "windows",
		.types = T_LIST,
		.flags = FIELD_REQUIRED | FIELD_ONE_OR_MORE,
		.item = &field_window,
		.help = "Windows, in order" },
	{ .name = "root",
		.types = T_STR,
		.format = F_PATH,
		.help = "Folder that panes start in; default: the project" },
	{ .name = "start_directory", .types = T_STR, .format = F_PATH, .help = "The same as root" },
	{ .name = "environment", ENVIRONMENT, .help = "Variables of all panes" },
	{ .name = "options", OPTIONS, .help = "tmux options of the session" },
	{ .name = "global_options", OPTIONS, .help = "tmux options of all sessions" },
	{ .name = "pre_window",
		LINES,
		.flags = FIELD_HOST,
		.help = "The same as shell_command_before" },
	{ .name = "shell_command_before",
		LINES,
		.flags = FIELD_HOST,
		.help = "Shell lines before what any pane runs on the host" },
	{ .name = "startup_window",
		.types = T_TEXT,
		.help = "Name of the window to start in, as tmuxinator says it" },
	{ .name = "pane_title_position",
		.types = T_STR,
		.choices = sides,
		.value = "top",
		.help = "Where the titles of panes stand: top, bottom or off" },
	{ 0 },
};

static const struct schema schema_layout = {
	.name = "layout", .fields = layout_fields, .help = "One layout"
};

static const struct field field_layout = { .types = T_MAP, .map = &schema_layout };

const struct schema schema_layouts = { .name = "layouts",
	.any = &field_layout,
	.key_format = F_NAME,
	.help = "Layouts of `devenv tmux` by name, in tmuxinator's and tmuxp's words" };
