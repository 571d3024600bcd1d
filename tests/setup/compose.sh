#!/bin/sh
# Makes `docker compose` (v2) answer. Where the machine's own sources have none, Debian trixie's
# packages docker-compose and, without any client, docker-cli are used: they are static programs that
# want no newer library. Apt fetches and verifies them with a private configuration, so the
# machine's sources stay as they are and nothing else is upgraded.
set -eu
here=$(dirname "$0")
# shellcheck source=common.sh
. "$here/common.sh"

answers() {
	have docker && docker compose version --short 2>/dev/null | grep -q '^v\{0,1\}[2-9]'
}

candidate() {
	apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: \([0-9:]*\).*/\1/p'
}

# A package of the machine's own sources: Docker's, Ubuntu's or a newer Debian's name for it.
from_own_sources() {
	for package in docker-compose-plugin docker-compose-v2 docker-compose; do
		case $(candidate "$package") in
		[2-9] | [2-9]:* | [1-9][0-9] | [1-9][0-9]:*)
			say "installing $package: Compose v2 for the docker client"
			apt_install "$package"
			answers && return 0
			;;
		esac
	done
	return 1
}

# The mirror that this machine reads Debian from.
mirror() {
	# shellcheck disable=SC2016 # apt's own placeholders
	apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Created-By: Packages' 2>/dev/null |
		sed -n 's/ Debian$//p' | head -n 1
}

private_apt() {
	private=$(mktemp -d)
	trap 'rm -rf "$private"' EXIT
	trap 'exit 130' HUP INT TERM
	chmod 755 "$private"
	mkdir -p "$private/lists/partial" "$private/cache/archives/partial"
	uri=$(mirror)
	[ -n "$uri" ] || give_up "devenv set-up: apt's sources name no Debian mirror to fetch Compose v2 from" \
		"add Debian's main archive to /etc/apt/sources.list, or install Docker's Compose plugin"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri trixie main" \
		>"$private/sources.list"
	cat >"$private/preferences" <<-END
		Package: *
		Pin: release n=trixie
		Pin-Priority: -1

		Package: docker-compose docker-cli
		Pin: release n=trixie
		Pin-Priority: 990
	END
	cat >"$private/apt.conf" <<-END
		Dir::Etc::SourceList "$private/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::Etc::Preferences "$private/preferences";
		Dir::Etc::PreferencesParts "/dev/null";
		Dir::State::Lists "$private/lists";
		Dir::Cache "$private/cache";
		Acquire::Languages "none";
	END
}

from_trixie() {
	packages=docker-compose
	have docker || packages="docker-cli $packages"
	say "installing $packages from Debian trixie: Compose v2, which this release does not have"
	private_apt
	if ! (APT_CONFIG=$private/apt.conf quiet_apt update); then
		say "installing debian-archive-keyring: the keys that sign trixie"
		apt_update
		apt_install debian-archive-keyring
		(APT_CONFIG=$private/apt.conf apt_update)
	fi
	# shellcheck disable=SC2086 # a list of package names
	(APT_CONFIG=$private/apt.conf apt_install $packages)
}

answers && exit 0
have apt-get || give_up "devenv set-up: no \`docker compose\` v2 here, and no apt to install it with" \
	"install Docker's Compose plugin: https://docs.docker.com/compose/install/linux/"
from_own_sources || from_trixie
answers || give_up "devenv set-up: the Compose plugin is installed, yet \`docker compose version\` fails:" \
	"$(docker compose version 2>&1)"
