/* Every command of the table, one or a close family per file of src/cmd. */
#ifndef CMD_COMMANDS_H
#define CMD_COMMANDS_H

#include "cmd/cmd.h"

extern const struct cmd cmd_up;
extern const struct cmd cmd_down;
extern const struct cmd cmd_stop;
extern const struct cmd cmd_restart;
extern const struct cmd cmd_recreate;
extern const struct cmd cmd_status;
extern const struct cmd cmd_logs;
extern const struct cmd cmd_events;
extern const struct cmd cmd_watch;
extern const struct cmd cmd_dash;
extern const struct cmd cmd_compile;
extern const struct cmd cmd_lint;
extern const struct cmd cmd_test;
extern const struct cmd cmd_wait;
extern const struct cmd cmd_ports;
extern const struct cmd cmd_open;
extern const struct cmd cmd_shell;
extern const struct cmd cmd_exec;
extern const struct cmd cmd_run;
extern const struct cmd cmd_attach;
extern const struct cmd cmd_tmux;
extern const struct cmd cmd_trace;
extern const struct cmd cmd_debug;
extern const struct cmd cmd_init;
extern const struct cmd cmd_config;
extern const struct cmd cmd_plan;
extern const struct cmd cmd_generate;
extern const struct cmd cmd_graph;
extern const struct cmd cmd_diff;
extern const struct cmd cmd_build;
extern const struct cmd cmd_ci;
extern const struct cmd cmd_cache;
extern const struct cmd cmd_snapshot;
extern const struct cmd cmd_restore;
extern const struct cmd cmd_reset;
extern const struct cmd cmd_lock;
extern const struct cmd cmd_fetch;
extern const struct cmd cmd_db;
extern const struct cmd cmd_secrets;
extern const struct cmd cmd_certs;
extern const struct cmd cmd_doctor;
extern const struct cmd cmd_ls;
extern const struct cmd cmd_clean;
extern const struct cmd cmd_help;
extern const struct cmd cmd_completion;
extern const struct cmd cmd_complete_words;
extern const struct cmd cmd_agent;
extern const struct cmd cmd_session;
extern const struct cmd cmd_load_initial;
extern const struct cmd cmd_copy_volume;

/*
 * Runs the project's own command of that name. False when the project (or a readable
 * configuration) has none: nothing was printed then.
 */
bool project_command_run(struct context *c, const char *name, const struct strs *args, int *status);

#endif
