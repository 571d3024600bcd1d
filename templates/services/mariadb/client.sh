#!/bin/bash
# The client (or the one that DEVENV_CLIENT names), as the service's user on its database. The password
# goes in by a file that only this process sees.
set -euo pipefail

password=${MARIADB_PASSWORD-}
[ -z "${MARIADB_PASSWORD_FILE-}" ] || password=$(<"$MARIADB_PASSWORD_FILE")
password=${password//\\/\\\\}
exec "${DEVENV_CLIENT:-mariadb}" --defaults-extra-file=<(printf '[client]\nuser="%s"\npassword="%s"\n' \
	"${MARIADB_USER:-root}" "${password//\"/\\\"}") \
	--protocol=tcp -h 127.0.0.1 "${MARIADB_DATABASE-}" "$@"
