#!/bin/sh
# Makes a Docker Engine answer: the one that the client already leads to, else Debian's docker.io,
# started by the machine's service manager or, where there is none (containers, chroots), by hand.
# Where no engine can run, the reason is taken from dockerd's own log; status 3. Status 4: it runs, and
# this user was made a member of its group, which counts from the next login (or under `sg docker`).
set -eu
here=$(dirname "$0")
# shellcheck source=common.sh
. "$here/common.sh"

log=/var/log/dockerd.log
pidfile=/var/run/docker.pid
socket=/var/run/docker.sock
privileged="give it the right (docker run --privileged, or a virtual machine), or set DOCKER_HOST to another engine"

no_engine() {
	give_up "devenv set-up: no Docker Engine can run here: $1" "what to do: $2"
}

# An engine that was asked for but does not answer is not replaced by another.
refuse_to_replace() {
	if [ -n "${DOCKER_HOST:-}" ]; then
		no_engine "DOCKER_HOST=$DOCKER_HOST does not answer" \
			"start that engine, or unset DOCKER_HOST to use one on this machine"
	fi
	if [ -S "$socket" ] && [ ! -w "$socket" ]; then
		no_engine "this user may not use $socket" \
			"sudo usermod -aG docker $(id -un), then log in again"
	fi
	if running; then
		no_engine "dockerd runs (process $(cat $pidfile)) but does not answer on $socket" \
			"see its log ($log or journalctl -u docker) and restart it"
	fi
}

running() {
	[ -s "$pidfile" ] && [ -d "/proc/$(cat $pidfile)" ]
}

install_engine() {
	have dockerd && have iptables && return 0
	have apt-get || no_engine "dockerd is not installed and this machine has no apt" \
		"install Docker Engine: https://docs.docker.com/engine/install/"
	say "installing docker.io (Docker Engine), iptables (its networks), ca-certificates"
	apt_update
	apt_install docker.io iptables ca-certificates
}

# Waits until the engine answers or its socket is there but not for this user; gives up when process
# $1 is gone or after a minute.
await() {
	tries=300
	while [ "$tries" -gt 0 ]; do
		engine_answers && return 0
		[ -S "$socket" ] && [ ! -w "$socket" ] && return 0
		if [ -n "${1:-}" ] && ! as_root kill -0 "$1" 2>/dev/null; then
			return 1
		fi
		tries=$((tries - 1))
		sleep 0.2
	done
	return 1
}

by_service_manager() {
	if [ -d /run/systemd/system ]; then
		say "starting docker.service"
		as_root systemctl enable --now docker >/dev/null 2>&1
	elif [ -x /etc/init.d/docker ] && have service && [ -e /run/initctl ]; then
		say "starting service docker"
		as_root service docker start >/dev/null 2>&1
	else
		return 1
	fi
}

# Starts dockerd detached, with the options given, and waits for it.
by_hand() {
	say "starting dockerd${1:+ $*} (no service manager here; its log: $log)"
	# shellcheck disable=SC2016 # expanded by the inner shell
	pid=$(as_root sh -c 'log=$1; shift; : >"$log"
		PATH=$PATH:/usr/sbin:/sbin setsid dockerd "$@" >"$log" 2>&1 </dev/null & echo $!' \
		sh "$log" "$@")
	await "$pid"
}

# Newer kernels without the nf_tables module still take the older interface of iptables.
prefer_working_iptables() {
	legacy=$(PATH=$PATH:/usr/sbin:/sbin command -v iptables-legacy) || return 0
	as_root iptables -w 5 -t nat -L -n >/dev/null 2>&1 && return 0
	as_root "$legacy" -w 5 -t nat -L -n >/dev/null 2>&1 || return 0
	say "using iptables-legacy: this kernel has no nf_tables"
	as_root mkdir -p /run/devenv-iptables
	for name in iptables ip6tables; do
		as_root ln -sf "$(dirname "$legacy")/$name-legacy" "/run/devenv-iptables/$name"
	done
	PATH=/run/devenv-iptables:$PATH
}

mount_cgroups() {
	if [ -d /sys/fs/cgroup ] && ! grep -q ' /sys/fs/cgroup' /proc/mounts; then
		say "mounting /sys/fs/cgroup: dockerd needs control groups"
		as_root mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null || true
	fi
}

log_has() {
	as_root grep -qiE "$1" "$log"
}

# The last error that dockerd gave, without its time and level.
last_error() {
	as_root grep -E 'level=(fatal|error)|^failed|^panic' "$log" | tail -n 1 |
		sed 's/.*msg="\(.*\)"$/\1/; s/\\"/"/g'
}

# Whether an engine would come up if it had no network to make: names the missing thing.
network_is_missing() {
	by_hand --iptables=false --ip6tables=false --bridge=none --storage-driver="$storage" >/dev/null 2>&1 ||
		return 1
	as_root kill "$pid"
	while as_root kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
}

# Without the right to make namespaces dockerd starts, but no container ever would.
check_namespaces() {
	log_has 'initial namespace.*not permitted|unshare.*not permitted' || return 0
	why=$(last_error)
	as_root kill "$pid"
	no_engine "namespaces may not be made here ($why)" "$privileged"
}

# What each complaint of dockerd means: a pattern, what is missing, what to do; the first one decides.
explain() {
	why=$(last_error)
	if log_has 'pid file found|process with pid .* still running'; then
		no_engine "another dockerd runs on this machine ($why)" "set DOCKER_HOST to its socket"
	elif log_has 'devices cgroup|cgroups? (mountpoint|root|hierarch)|/sys/fs/cgroup'; then
		no_engine "control groups are not mounted or not writable ($why)" \
			"mount -t cgroup2 none /sys/fs/cgroup, or in a container: $privileged"
	elif log_has 'unshare|operation not permitted.*(mount|containerd)|mount.*operation not permitted'; then
		no_engine "mounting is not permitted here ($why)" "$privileged"
	elif log_has 'iptables|nat table|bridge|netlink|netfilter'; then
		storage=${storage:-vfs}
		if network_is_missing; then
			no_engine "dockerd itself starts, but the kernel or container denies the networks of containers ($why)" \
				"load nf_nat and bridge and allow CAP_NET_ADMIN; in a container: $privileged"
		fi
	fi
	no_engine "dockerd ended with: ${why:-no message}" "read $log; $privileged"
}

engine_answers && exit 0
refuse_to_replace
install_engine
engine_answers || by_service_manager || {
	[ "$(id -u)" = 0 ] || have sudo || no_engine "this user may not start dockerd" "run this as root, or install sudo"
	running || {
		mount_cgroups
		prefer_working_iptables
		storage=
		by_hand || {
			last_error | grep -qiE 'overlay|storage.driver|graphdriver' && storage=vfs &&
				by_hand --storage-driver=vfs
		} || explain
		check_namespaces
	}
}
if [ -S "$socket" ] && [ ! -w "$socket" ]; then
	say "adding $(id -un) to the group docker: may use the engine without sudo"
	as_root usermod -aG docker "$(id -un)"
	exit 4
fi
await '' || no_engine "dockerd was started, but $socket does not answer" "read $log"
