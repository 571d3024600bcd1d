#!/bin/sh
# Becomes redis-server, with a password when REDIS_PASSWORD or REDIS_PASSWORD_FILE gives one. The
# password goes through a file of mode 0600, never through an argument.
set -eu

case ${1-} in
	"" | -* | *.conf) set -- redis-server "$@" ;;
esac
[ "$1" = redis-server ] || exec "$@"
shift

password=${REDIS_PASSWORD-}
if [ -n "${REDIS_PASSWORD_FILE-}" ]; then
	if [ -n "$password" ]; then
		echo "redis: both REDIS_PASSWORD and REDIS_PASSWORD_FILE are set, only one may be" >&2
		exit 1
	fi
	password=$(cat "$REDIS_PASSWORD_FILE")
fi
unset REDIS_PASSWORD

conf=/tmp/devenv-redis.conf
umask 077
case ${1-} in
	*.conf) printf 'include %s\n' "$1" >"$conf" && shift ;;
	*) echo 'protected-mode no' >"$conf" ;;
esac
if [ -n "$password" ]; then
	quoted=$(printf %s "$password" | sed 's/[\\"]/\\&/g')
	printf 'requirepass "%s"\n' "$quoted" >>"$conf"
fi
exec redis-server "$conf" --dir /data "$@"
