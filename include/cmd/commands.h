/* Every command of the table, one or a close family per file of src/cmd. */
#ifndef CMD_COMMANDS_H
#define CMD_COMMANDS_H

#include "cmd/cmd.h"

extern const struct cmd cmd_up, cmd_down, cmd_stop, cmd_restart, cmd_recreate, cmd_status, cmd_logs,
	cmd_wait, cmd_ports, cmd_open, cmd_shell, cmd_exec, cmd_run, cmd_attach, cmd_tmux, cmd_init,
	cmd_config, cmd_plan, cmd_generate, cmd_graph, cmd_build, cmd_secrets, cmd_certs,
	cmd_doctor, cmd_ls, cmd_clean, cmd_help, cmd_completion, cmd_complete_words, cmd_session;

/*
 * Runs the project's own command of that name. False when the project (or a readable
 * configuration) has none: nothing was printed then.
 */
bool project_command_run(struct context *c, const char *name, const struct strs *args, int *status);

#endif
