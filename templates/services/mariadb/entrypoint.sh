#!/bin/bash
# Makes the databases when the volume has none, then becomes the server. New databases are built in
# a subdirectory and moved up when they are whole, `mysql` last: as long as that one is missing
# nobody has used what lies here, and an interrupted first start begins again.
set -euo pipefail

datadir=/var/lib/mysql
staging=$datadir/.initialising
socket=/tmp/devenv-mariadb.sock

die() {
	echo "mariadb: $*" >&2
	exit 1
}

# setting NAME [DEFAULT]: exports MARIADB_NAME from MARIADB_NAME, MYSQL_NAME or the file that either
# with _FILE names
setting() {
	local name file value=
	for name in "MARIADB_$1" "MYSQL_$1"; do
		file=${name}_FILE
		if [ -n "${!file-}" ]; then
			[ -z "${!name-}" ] || die "both $name and $file are set, only one may be"
			value=${value:-$(<"${!file}")}
			unset "$file"
		fi
		value=${value:-${!name-}}
	done
	export "MARIADB_$1=${value:-${2-}}"
}

settings() {
	setting ROOT_PASSWORD
	setting ROOT_HOST %
	setting ALLOW_EMPTY_ROOT_PASSWORD
	setting DATABASE
	setting USER
	setting PASSWORD
	[ -n "$MARIADB_ROOT_PASSWORD$MARIADB_ALLOW_EMPTY_ROOT_PASSWORD" ] ||
		die "set MARIADB_ROOT_PASSWORD or MARIADB_ROOT_PASSWORD_FILE"
	[ -z "$MARIADB_USER" ] || [ -n "$MARIADB_PASSWORD" ] ||
		die "set MARIADB_PASSWORD or MARIADB_PASSWORD_FILE for the user $MARIADB_USER"
}

# A value as an SQL string, whatever it holds (backslashes count in MariaDB's default mode).
quote() {
	local text=${1//\\/\\\\}
	printf "'%s'" "${text//\'/\'\'}"
}

name() {
	echo "\`${1//\`/\`\`}\`"
}

# The server while the databases are made: root has no password yet, and nobody else reaches the
# socket.
start_server() {
	mariadbd --datadir="$staging" --skip-networking --socket="$socket" --skip-slave-start &
	server=$!
	until mariadb --no-defaults --socket="$socket" -u root -e 'SELECT 1' >/dev/null 2>&1; do
		kill -0 "$server" 2>/dev/null || die "the server ended while the databases were made"
		sleep 0.1
	done
}

stop_server() {
	kill "$server"
	wait "$server"
}

sql() {
	mariadb --no-defaults --socket="$socket" -u root --default-character-set=utf8mb4 "$@"
}

create_database() {
	[ -n "$MARIADB_DATABASE" ] || return 0
	echo "CREATE DATABASE IF NOT EXISTS $(name "$MARIADB_DATABASE");"
}

create_user() {
	local user
	[ -n "$MARIADB_USER" ] || return 0
	user="$(quote "$MARIADB_USER")@'%'"
	echo "CREATE USER $user IDENTIFIED BY $(quote "$MARIADB_PASSWORD");"
	[ -z "$MARIADB_DATABASE" ] || echo "GRANT ALL ON $(name "${MARIADB_DATABASE//_/\\_}").* TO $user;"
}

# Comes last: from here on root needs a password. devenv-health may connect from within and do
# nothing.
secure_root() {
	local host password
	password=$(quote "$MARIADB_ROOT_PASSWORD")
	host=$(quote "$MARIADB_ROOT_HOST")
	echo "DELETE FROM mysql.global_priv WHERE User = '' OR User = 'root' AND Host <> 'localhost';"
	echo "DELETE FROM mysql.proxies_priv WHERE Host <> 'localhost';"
	echo "FLUSH PRIVILEGES;"
	echo "CREATE USER 'devenv-health'@'127.0.0.1';"
	[ "$MARIADB_ROOT_HOST" = localhost ] || {
		echo "CREATE USER 'root'@$host IDENTIFIED BY $password;"
		echo "GRANT ALL ON *.* TO 'root'@$host WITH GRANT OPTION;"
	}
	echo "ALTER USER 'root'@'localhost' IDENTIFIED BY $password;"
}

run_shell() {
	if [ -x "$1" ]; then
		"$1"
		return
	fi
	set +u # such scripts are written for an entrypoint that does not insist
	# shellcheck disable=SC1090
	. "$1"
	set -u
}

run_scripts() {
	local script into=(${MARIADB_DATABASE:+"$MARIADB_DATABASE"})
	for script in /docker-entrypoint-initdb.d/*; do
		case $script in
			*.sh | *.sql | *.sql.gz) echo "mariadb: running $script" ;;
		esac
		case $script in
			*.sh) run_shell "$script" ;;
			*.sql) sql "${into[@]}" <"$script" ;;
			*.sql.gz) gunzip -c "$script" | sql "${into[@]}" ;;
		esac
	done
}

publish() {
	sync -f "$staging"
	find "$staging" -mindepth 1 -maxdepth 1 ! -name mysql -exec mv -t "$datadir" {} +
	sync "$datadir"
	mv "$staging/mysql" "$datadir/"
	sync "$datadir"
}

initialise() (
	settings
	trap 'exit 143' INT TERM
	rm -rf "$staging"
	mkdir -m 0750 "$staging"
	mariadb-install-db --datadir="$staging" --auth-root-authentication-method=normal --skip-test-db \
		--skip-name-resolve >/dev/null
	start_server
	{ create_database && create_user; } | sql
	run_scripts
	secure_root | sql
	stop_server
	publish
	echo "mariadb: made the database ${MARIADB_DATABASE:-(none)} for the user ${MARIADB_USER:-root}"
)

# Leaves the volume empty or with whole databases.
clear_interrupted() {
	local found
	found=$(find "$datadir" -mindepth 1 -maxdepth 1 ! -name lost+found -print -quit)
	[ -n "$found" ] || return 0
	[ -d "$staging" ] || die "$datadir holds files but no databases: $found"
	echo "mariadb: the first start was interrupted, beginning again"
	find "$datadir" -mindepth 1 -maxdepth 1 ! -name lost+found ! -path "$staging" -exec rm -rf {} +
}

[ "${1-}" = "${1#-}" ] || set -- mariadbd "$@"
[ $# -gt 0 ] || set -- mariadbd
case $1 in
	mariadbd | mysqld) ;;
	*) exec "$@" ;;
esac

[ -w "$datadir" ] || die "$datadir is not writable by uid $(id -u)"
if [ ! -d "$datadir/mysql" ]; then
	clear_interrupted
	initialise
fi
rm -rf "$staging"
exec "$@"
