#!/bin/sh
# tools.sh GROUP...: installs what a group of tests/setup/packages lacks, and does nothing when all is there.
set -eu
here=$(dirname "$0")
# shellcheck source=common.sh
. "$here/common.sh"

present() {
	case $1 in
	cmd:*) have "${1#cmd:}" ;;
	header:*) have_header "${1#header:}" ;;
	file:*) [ -e "${1#file:}" ] ;;
	*) give_up "tests/setup/packages: unknown check $1" ;;
	esac
}

# Sets packages to what GROUP lacks and reasons to a line about it.
look() {
	packages='' reasons=''
	while read -r group check package reason; do
		if [ "$group" = "$1" ] && ! present "$check"; then
			packages="$packages $package"
			reasons="$reasons, $package ($reason)"
		fi
	done <"$here/packages"
	reasons=${reasons#, }
}

updated=''
for wanted; do
	look "$wanted"
	[ -z "$packages" ] && continue
	have apt-get || give_up "devenv set-up: missing for $wanted: $reasons" \
		"this machine has no apt: install them with its own package manager"
	say "installing for $wanted: $reasons"
	[ -n "$updated" ] || apt_update
	updated=yes
	# shellcheck disable=SC2086 # a list of package names
	apt_install $packages
	look "$wanted"
	[ -z "$packages" ] || give_up "devenv set-up: still missing for $wanted: $reasons"
done
