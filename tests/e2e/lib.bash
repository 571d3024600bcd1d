# What the end-to-end tests share: a machine of one's own (HOME, XDG directories, a folder for
# projects), the binary under a time limit, waiting for what is about to happen, and taking away all
# that the tests' workspaces left on the engine, whether they passed or not.
#
# shellcheck shell=bash disable=SC2154 # status, output and stderr come from `run`
bats_require_minimum_version 1.5.0

REPOSITORY=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
DEVENV=${DEVENV:-$REPOSITORY/build/devenv}
export DEVENV

# new_machine DIR: nothing of the real user is read or written from here on.
new_machine() {
	MACHINE=$1
	mkdir -p "$MACHINE/home" "$MACHINE/projects"
	export MACHINE HOME=$MACHINE/home
	export XDG_STATE_HOME=$MACHINE/state XDG_DATA_HOME=$MACHINE/data
	export XDG_CACHE_HOME=$MACHINE/cache XDG_CONFIG_HOME=$MACHINE/config
	export NO_COLOR=1
	unset DEVENV_ENV BROWSER COMPOSE_FILE COMPOSE_PROJECT_NAME
	CA=$XDG_DATA_HOME/devenv/ca/ca.crt
	export CA
}

# enter NAME: the folder of a project, made if need be, becomes the current one.
enter() {
	PROJECT=$MACHINE/projects/$1
	export PROJECT
	mkdir -p "$PROJECT"
	cd "$PROJECT" || return 1
}

# project NAME: enters it; its devenv.yml comes from standard input.
project() {
	enter "$1"
	cat >devenv.yml
}

# devenv ARG...: the binary; LIMIT seconds at most.
devenv() {
	timeout -s KILL "${LIMIT:-120}" "$DEVENV" "$@"
}

# on_terminal COMMAND...: with a terminal of its own on all three streams; its status, its output.
on_terminal() {
	python3 -c 'import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' "$@" </dev/null
}

# Runs and shows on failure: `ok devenv up -d` wants status 0.
ok() {
	run "$@"
	[ "$status" = 0 ] || fail "status $status of: $*"
}

# status N, COMMAND...: wants that exit status.
exits() {
	local want=$1
	shift
	run "$@"
	[ "$status" = "$want" ] || fail "status $status, not $want, of: $*"
}

fail() {
	printf '%s\n' "$*" "--- output" "${output:-}" "--- standard error" "${stderr:-}"
	return 1
}

# says TEXT...: each occurs in the output of the last `run`.
says() {
	local text
	for text in "$@"; do
		[[ $output == *"$text"* ]] || fail "not said: $text"
	done
}

says_not() {
	local text
	for text in "$@"; do
		[[ $output != *"$text"* ]] || fail "said: $text"
	done
}

# eventually SECONDS COMMAND...: until it succeeds.
eventually() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || fail "did not come true: $*"
		sleep 0.1
	done
}

workspace() {
	devenv status --json | jq -r .workspace
}

# state SERVICE: its word in `status`.
state() {
	devenv status --json | jq -r --arg s "$1" '.services[] | select(.service == $s).state'
}

# container SERVICE: its full id; nothing when there is none.
container() {
	docker ps -aq --no-trunc --filter "label=devenv.root=$PROJECT" \
		--filter "label=com.docker.compose.service=$1" \
		--filter label=com.docker.compose.oneoff=False
}

# containers: "SERVICE ID" of all containers of the project, sorted.
containers() {
	docker ps -a --no-trunc --filter "label=devenv.root=$PROJECT" \
		--format '{{.Label "com.docker.compose.service"}} {{.ID}}' | sort
}

# address SERVICE TARGET: "127.0.0.1:PORT" where that port is published.
address() {
	devenv ports --json | jq -r --arg s "$1" --argjson t "$2" \
		'.[] | select(.service == $s and .target == $t).address'
}

# url SERVICE [PATTERN]: the first of its URLs that matches.
url() {
	devenv open --print "$1" | grep -m 1 -E "${2:-.}"
}

# left [WORKSPACE]: names of all that the engine has of a workspace, this one's by default.
left() {
	local id=${1:-}
	[ -n "$id" ] || id=$(workspace)
	{
		docker ps -a --format '{{.Names}}' --filter "label=devenv.workspace=$id"
		docker ps -a --format '{{.Names}}' --filter "label=com.docker.compose.project=$id"
		docker network ls --format '{{.Name}}' --filter "name=$id"
		docker volume ls -q --filter "name=$id"
	} | sort -u
}

# Every workspace that these tests could have made: by the registry and by what the engine has.
workspaces_of_tests() {
	local dir
	for dir in "$MACHINE"/state/devenv/*/ "$MACHINE"/*/state/devenv/*/; do
		[ -d "$dir" ] && basename "$dir"
	done
	docker ps -a --filter label=devenv.workspace \
		--format '{{.Label "devenv.workspace"}} {{.Label "devenv.root"}}' |
		awk -v top="$MACHINE/" 'index($2, top) == 1 { print $1 }'
}

# Agents of these tests, by what they wrote into their locks; what they supervise goes with them.
end_agents() {
	local lock pid
	for lock in "$MACHINE"/state/devenv/*/agent.lock "$MACHINE"/*/state/devenv/*/agent.lock; do
		pid=$(cat "$lock" 2>/dev/null) || continue
		[ -n "$pid" ] || continue
		grep -qz __agent "/proc/$pid/cmdline" 2>/dev/null || continue
		kill "$pid" 2>/dev/null
		timeout 15 tail --pid="$pid" -f /dev/null || kill -KILL "$pid" 2>/dev/null
	done
	return 0
}

# Takes away containers, networks and volumes of these tests, and nothing else. Images stay: they
# are named by their content and shared between the tests.
clean_machine() {
	local id
	cd / || return
	[ -n "${MACHINE:-}" ] || return 0
	end_agents
	for id in $(workspaces_of_tests | sort -u); do
		remove ps "docker rm -fv" "label=devenv.workspace=$id"
		remove ps "docker rm -fv" "label=com.docker.compose.project=$id"
		remove "network" "docker network rm" "name=$id"
		remove "volume" "docker volume rm -f" "name=$id"
	done
}

remove() {
	local kind=$1 how=$2 filter=$3 list
	case $kind in
	ps) list=$(docker ps -aq --filter "$filter") ;;
	*) list=$(docker "$kind" ls -q --filter "$filter") ;;
	esac
	# shellcheck disable=SC2086 # a command and a list of ids
	[ -z "$list" ] || timeout -s KILL 60 $how $list >/dev/null 2>&1 || true
}

# In containers the package registries must be believed even behind a proxy that speaks TLS itself.
trust_host_certificates() {
	cat >>devenv.local.yml <<-'END'
		images: { base: { certificates: host } }
	END
}
