#!/bin/bash
# devenv-mariadb-password [root [FILE]]: gives the service's user, or root, the password that the
# secret holds now (after `devenv secrets rotate`), whatever it was before: the server's own user
# needs none on the socket. Neither an argument list nor the server's log shows it.
set -euo pipefail

sql() {
	mariadb --no-defaults --socket=/run/mysqld/mysqld.sock -u "$(id -un)" --batch --skip-column-names
}

case ${1-user} in
	user) user=${MARIADB_USER-${MYSQL_USER-}} file=${2-${MARIADB_PASSWORD_FILE-${MYSQL_PASSWORD_FILE-}}} ;;
	root) user=root file=${2-${MARIADB_ROOT_PASSWORD_FILE-${MYSQL_ROOT_PASSWORD_FILE-}}} ;;
	*) echo "usage: devenv-mariadb-password [user|root [FILE]]" >&2 && exit 2 ;;
esac
[ -n "$file" ] || {
	echo "no file holds the password of ${user:-the user}: name it, as in devenv-mariadb-password root /run/secrets/NAME" >&2
	exit 2
}
new=$(<"$file")
new=${new//\\/\\\\}
user=${user//\\/\\\\}
user="'${user//\'/\'\'}'"
hosts=$(sql <<<"SELECT QUOTE(Host) FROM mysql.user WHERE User = $user AND plugin <> 'unix_socket';")
[ -n "$hosts" ] || {
	echo "the server knows no user $user" >&2
	exit 1
}
{
	echo "SET sql_log_bin = 0;"
	while read -r host; do
		echo "ALTER USER $user@$host IDENTIFIED BY '${new//\'/\'\'}';"
	done <<<"$hosts"
} | sql
