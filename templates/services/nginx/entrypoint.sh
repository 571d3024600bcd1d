#!/bin/sh
# Runs the scripts of /docker-entrypoint.d in order of name, then becomes nginx.
set -eu

for script in /docker-entrypoint.d/*.sh; do
	[ ! -x "$script" ] || "$script"
done
exec "$@"
