#!/bin/sh
# Asks the compiler for the headers that a build needs, says which are missing and how to get them.
# Nothing is installed here; `make setup` does that.
set -u

cc=${CC:-cc}
if ! command -v "${cc%% *}" >/dev/null 2>&1; then
	echo "devenv: no C compiler ($cc): run \`make setup\` (Debian, apt) or install one" >&2
	exit 1
fi

missing=
while read -r group check package reason; do
	[ "$group" = build ] || continue
	case $check in header:*) ;; *) continue ;; esac
	# shellcheck disable=SC2086 # CC and CPPFLAGS are words
	echo "#include <${check#header:}>" | $cc ${CPPFLAGS:-} -E -x c - >/dev/null 2>&1 ||
		missing="$missing
  ${check#header:} ($package: $reason)"
done <"$(dirname "$0")/packages"
[ -z "$missing" ] && exit 0
echo "devenv: missing headers:$missing
run \`make setup\` (Debian, apt) or install these libraries with their headers" >&2
exit 1
