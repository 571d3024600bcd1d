#!/bin/bash
# Makes the database cluster when the volume has none, then becomes the server. A new cluster is
# built in a subdirectory and moved up when it is whole, PG_VERSION last: as long as that file is
# missing nobody has used what lies here, and an interrupted first start begins again.
set -euo pipefail

die() {
	echo "postgres: $*" >&2
	exit 1
}

# setting NAME [DEFAULT]: exports NAME, from the environment or from the file that NAME_FILE names
setting() {
	local file="$1_FILE" value="${!1-}"
	if [ -n "${!file-}" ]; then
		[ -z "$value" ] || die "both $1 and $file are set, only one may be"
		value=$(<"${!file}")
		unset "$file"
	fi
	export "$1=${value:-${2-}}"
}

settings() {
	setting POSTGRES_PASSWORD
	setting POSTGRES_USER postgres
	setting POSTGRES_DB "$POSTGRES_USER"
	setting POSTGRES_INITDB_ARGS
	setting POSTGRES_HOST_AUTH_METHOD scram-sha-256
	[ -n "$POSTGRES_PASSWORD" ] || [ "$POSTGRES_HOST_AUTH_METHOD" = trust ] ||
		die "set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE: the superuser needs a password"
}

make_cluster() {
	local auth=(--auth-local=trust --auth-host=scram-sha-256)
	[ -z "$POSTGRES_PASSWORD" ] || auth+=(--pwfile=/dev/stdin)
	eval 'printf "%s\n" "$POSTGRES_PASSWORD" | initdb --no-sync -D "$staging" -U "$POSTGRES_USER"' \
		'"${auth[@]}"' "$POSTGRES_INITDB_ARGS" '>/dev/null'
	printf 'host all all all %s\n' "$POSTGRES_HOST_AUTH_METHOD" >>"$staging/pg_hba.conf"
}

# sql DATABASE ARGUMENT...
sql() {
	psql -v ON_ERROR_STOP=1 --no-psqlrc -q -U "$POSTGRES_USER" -d "$@"
}

create_database() {
	[ "$POSTGRES_DB" != postgres ] || return 0
	sql postgres -v db="$POSTGRES_DB" <<<'CREATE DATABASE :"db";'
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
	local script
	for script in /docker-entrypoint-initdb.d/*; do
		case $script in
			*.sh | *.sql | *.sql.gz) echo "postgres: running $script" ;;
		esac
		case $script in
			*.sh) run_shell "$script" ;;
			*.sql) sql "$POSTGRES_DB" -f "$script" ;;
			*.sql.gz) gunzip -c "$script" | sql "$POSTGRES_DB" ;;
		esac
	done
}

publish() {
	initdb --sync-only -D "$staging" >/dev/null
	find "$staging" -mindepth 1 -maxdepth 1 ! -name PG_VERSION -exec mv -t "$PGDATA" {} +
	sync "$PGDATA"
	mv "$staging/PG_VERSION" "$PGDATA/"
	sync "$PGDATA"
}

initialise() (
	umask 077
	settings
	chmod 0700 "$PGDATA"
	trap 'exit 143' INT TERM
	rm -rf "$staging"
	mkdir "$staging"
	make_cluster
	pg_ctl -D "$staging" -s -w -o "-c listen_addresses='' -c fsync=off" start
	create_database
	run_scripts
	pg_ctl -D "$staging" -s -w -m fast stop
	publish
	echo "postgres: made the database $POSTGRES_DB for the user $POSTGRES_USER"
)

# Leaves the volume empty or with a whole cluster.
clear_interrupted() {
	local found
	found=$(find "$PGDATA" -mindepth 1 -maxdepth 1 ! -name lost+found -print -quit)
	[ -n "$found" ] || return 0
	[ -d "$staging" ] || die "$PGDATA holds files but no database cluster: $found"
	echo "postgres: the first start was interrupted, beginning again"
	find "$PGDATA" -mindepth 1 -maxdepth 1 ! -name lost+found ! -path "$staging" -exec rm -rf {} +
}

[ "${1-}" = "${1#-}" ] || set -- postgres "$@"
[ "${1-postgres}" = postgres ] || exec "$@"

[ -d "$PGDATA" ] || mkdir -p "$PGDATA"
[ -w "$PGDATA" ] || die "$PGDATA is not writable by uid $(id -u)"
staging=$PGDATA/.initialising
if [ ! -s "$PGDATA/PG_VERSION" ]; then
	clear_interrupted
	initialise
fi
rm -rf "$staging"
[ $# -gt 0 ] || set -- postgres
exec "$@"
