#!/bin/bash
# Writes the broker's settings from the environment, then becomes the broker. The broker makes user
# and virtual host itself when its database is empty.
set -euo pipefail

die() {
	echo "rabbitmq: $*" >&2
	exit 1
}

# setting NAME [DEFAULT]: sets NAME, from the environment or from the file that NAME_FILE names
setting() {
	local file="$1_FILE" value="${!1-}"
	if [ -n "${!file-}" ]; then
		[ -z "$value" ] || die "both $1 and $file are set, only one may be"
		value=$(<"${!file}")
		unset "$file"
	fi
	declare -g "$1=${value:-${2-}}"
}

# A value as an Erlang string.
quote() {
	local text=${1//\\/\\\\}
	printf '<<"%s"/utf8>>' "${text//\"/\\\"}"
}

entry() {
	[ -z "$2" ] || printf ', {%s, %s}' "$1" "$(quote "$2")"
}

# advanced.config is Erlang, where any password can be written; rabbitmq.conf has no quotes.
write_settings() (
	umask 077
	{
		printf '[{rabbit, [{loopback_users, []}'
		entry default_user "$RABBITMQ_DEFAULT_USER"
		entry default_pass "$RABBITMQ_DEFAULT_PASS"
		entry default_vhost "$RABBITMQ_DEFAULT_VHOST"
		printf ']}].\n'
	} >"$1"
)

# The cookie is what lets rabbitmqctl in: whole or not there, and never in the image.
write_cookie() (
	umask 077
	cookie=$HOME/.erlang.cookie
	if [ -n "$RABBITMQ_ERLANG_COOKIE" ]; then
		printf %s "$RABBITMQ_ERLANG_COOKIE" >"$cookie.new"
	elif [ ! -s "$cookie" ]; then
		od -An -N20 -tx1 /dev/urandom | tr -d ' \n' >"$cookie.new"
	fi
	[ ! -e "$cookie.new" ] || mv "$cookie.new" "$cookie"
	chmod 0400 "$cookie"
)

[ $# -gt 0 ] || set -- rabbitmq-server
[ "$1" = rabbitmq-server ] || exec "$@"

[ -w "$HOME" ] || die "$HOME is not writable by uid $(id -u)"
setting RABBITMQ_DEFAULT_USER
setting RABBITMQ_DEFAULT_PASS
setting RABBITMQ_DEFAULT_VHOST
setting RABBITMQ_ERLANG_COOKIE
write_settings /tmp/devenv-advanced.config
write_cookie
unset RABBITMQ_DEFAULT_PASS RABBITMQ_ERLANG_COOKIE
export RABBITMQ_ADVANCED_CONFIG_FILE=/tmp/devenv-advanced.config
exec "$@"
