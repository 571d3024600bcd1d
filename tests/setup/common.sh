# shellcheck shell=sh
# Words that the set-up scripts share; sourced, not run.

say() {
	printf '%s\n' "$*"
}

# The end of a step that cannot be done here: one precise reason and what to do about it.
give_up() {
	printf '%s\n' "$@" >&2
	exit 3
}

need_root() {
	[ "$(id -u)" = 0 ] || have sudo ||
		give_up "devenv set-up: $1 needs root: run this as root, or install sudo"
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		need_root "\`$*\`"
		sudo "$@"
	fi
}

have() {
	command -v "$1" >/dev/null 2>&1
}

# A header where Debian and most others put it; no compiler is needed to ask.
have_header() {
	for place in /usr/include /usr/local/include /usr/include/*-linux-gnu; do
		[ -e "$place/$1" ] && return 0
	done
	return 1
}

# Runs apt-get and shows what it prints only when it fails. APT_CONFIG reaches it, through sudo too.
quiet_apt() {
	need_root "installing packages"
	apt_log=$(mktemp)
	if as_root env ${APT_CONFIG:+APT_CONFIG="$APT_CONFIG"} DEBIAN_FRONTEND=noninteractive \
		apt-get -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 -q -y --no-install-recommends "$@" \
		</dev/null >"$apt_log" 2>&1; then
		rm -f "$apt_log"
	else
		tail -n 20 "$apt_log" >&2
		rm -f "$apt_log"
		return 1
	fi
}

apt_update() {
	quiet_apt update || give_up "devenv set-up: apt cannot read this machine's package lists (above)"
}

apt_install() {
	quiet_apt install "$@" || give_up "devenv set-up: apt cannot install $* (above)"
}

# The engine that the docker client (its context, DOCKER_HOST) or the usual socket leads to.
engine_answers() {
	if have docker; then
		timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1
	else
		case ${DOCKER_HOST:-unix:///var/run/docker.sock} in
		unix://*) path=${DOCKER_HOST:-unix:///var/run/docker.sock} ;;
		*) return 1 ;;
		esac
		have curl && curl -sf -m 10 --unix-socket "${path#unix://}" http://engine/_ping >/dev/null 2>&1
	fi
}
