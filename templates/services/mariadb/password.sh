#!/bin/bash
# Gives the service's user the password that the secret holds now (after `devenv secrets rotate`),
# with root's. Neither an argument list nor the server's log shows it.
set -euo pipefail

root=$(<"$MARIADB_ROOT_PASSWORD_FILE")
new=$(<"$MARIADB_PASSWORD_FILE")
root=${root//\\/\\\\}
new=${new//\\/\\\\}
mariadb --defaults-extra-file=<(printf '[client]\nuser=root\npassword="%s"\n' "${root//\"/\\\"}") <<SQL
SET sql_log_bin = 0;
ALTER USER '${MARIADB_USER//\'/\'\'}'@'%' IDENTIFIED BY '${new//\'/\'\'}';
SQL
