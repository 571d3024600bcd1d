#!/bin/bash
# Gives the default user the password that the secret holds now (after `devenv secrets rotate`); it
# is read from stdin, so that no argument list shows it.
set -euo pipefail

exec rabbitmqctl -q change_password "$RABBITMQ_DEFAULT_USER" <"$RABBITMQ_DEFAULT_PASS_FILE"
