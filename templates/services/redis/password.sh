#!/bin/sh
# Gives the server the password that the secret holds now (after `devenv secrets rotate`), knowing the
# one that it has from the file that the entrypoint wrote. No argument list shows either of them.
set -eu

conf=/tmp/devenv-redis.conf
umask 077
new=$(cat "$REDIS_PASSWORD_FILE")
old=$(sed -n 's/^requirepass "\(.*\)"$/\1/p' "$conf" | sed 's/\\\(.\)/\1/g')

# tell PASSWORD: as one who knows that password
tell() {
	printf %s "$new" | REDISCLI_AUTH=$1 redis-cli --no-auth-warning -e -x CONFIG SET requirepass >/dev/null
}

tell "$old" || tell "$new" # the latter when it was told before an interrupted run
quoted=$(printf %s "$new" | sed 's/[\\"]/\\&/g')
{
	grep -v '^requirepass ' "$conf" || :
	printf 'requirepass "%s"\n' "$quoted"
} >"$conf.new"
mv "$conf.new" "$conf"
