#!/bin/sh
# Kills everything that writes (keyring, certificate, generated set, records) at each of its system
# calls, and fails each of those that write, one at a time. After each: every file is old or new and
# whole, and the next plain run heals. FAULTS B02, B03, B04.
# Usage: apply.sh build/unit/run_apply [every Nth point]
set -eu
program=$(realpath "$1")
step=${2:-1}
work=$(mktemp -d "${TMPDIR:-/tmp}/devenv-faults.XXXXXX")
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
mkdir -p "$work/old/shop"
unset XDG_STATE_HOME XDG_DATA_HOME XDG_CACHE_HOME SUDO_UID
umask 022

"$program" once old "$work/old"
cp -a "$work/old" "$work/new"
"$program" once new "$work/new"
state=.local/state/devenv/shop-12345678

# What must be there, a line each: path, mode, hash; values that are made anew each time are left out.
picture() {
	(cd "$1/shop/.devenv" && find . -printf '%p %m %y\n' | grep -v 'manifest.json' | sort &&
		cd generated && find . -type f ! -name api.env -exec sha256sum {} + | sort -k2)
}
password() {
	sed -n 's/.*=//p' "$1/shop/.devenv/generated/env/api.env"
}
picture "$work/new" >"$work/want"
password "$work/old" >"$work/password"

# One file of the set after a fault: as it was before, as it will be, or (where one of them has none) absent.
whole() {
	for f in compose.yml env/api.env only/old only/new turns turns/file same; do
		a=$work/old/shop/.devenv/generated/$f b=$work/new/shop/.devenv/generated/$f
		c=$work/now/shop/.devenv/generated/$f
		if [ -f "$c" ]; then
			cmp -s "$c" "$a" || cmp -s "$c" "$b" || { echo "torn: $f"; return 1; }
		elif [ -f "$a" ] && [ -f "$b" ]; then
			echo "gone: $f"
			return 1
		fi
	done
	# Kept values are never lost, and the keyring can always be read.
	python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$work/now/$state/keyring.json" ||
		{ echo "torn: keyring"; return 1; }
}
heals() {
	"$program" once new "$work/now" || return 1
	picture "$work/now" | cmp -s - "$work/want" || { echo "not healed"; picture "$work/now" | diff - "$work/want"; return 1; }
	password "$work/now" | cmp -s - "$work/password" || { echo "the password changed"; return 1; }
}

# try NAME COUNT FAULT
try() {
	rm -rf "$work/now"
	cp -a "$work/old" "$work/now"
	timeout -s KILL 20 strace -f -o /dev/null -e "inject=$1:$3:when=$2" \
		"$program" once new "$work/now" >"$work/said" 2>&1 || true
	if whole >"$work/why" 2>&1 && heals >"$work/why" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$1 number $2, $3: $(cat "$work/why")"
	fi
}

cp -a "$work/old" "$work/now"
strace -f -o "$work/log" "$program" once new "$work/now"
# name and ordinal of each call between the marks; strace counts each name by itself
sed 's/^[0-9]* *//' "$work/log" | awk -F'(' '
	/devenv-begin/ { on = 1 }
	/^[a-z_0-9]+\(/ { n[$1]++; if (on) print $1, n[$1] }
	/devenv-end/ { exit }' >"$work/points"

i=0
while read -r name ordinal; do
	i=$((i + 1))
	[ $((i % step)) -eq 0 ] || continue
	try "$name" "$ordinal" signal=KILL
	case $name in
	write | fsync | fchmod | mkdirat | mkdir | openat | close | rename | renameat | unlinkat | ftruncate)
		for error in ENOSPC EIO; do
			try "$name" "$ordinal" "error=$error"
		done ;;
	esac
done <"$work/points"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
