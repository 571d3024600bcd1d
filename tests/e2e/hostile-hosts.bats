#!/usr/bin/env bats
# Host services that misbehave, through the command line: none survives, none is hung upon, none drowns
# the agent. No engine is asked. Every process that a test starts bears the test's own token, as an
# argument where it hides its environment.
# alone

# shellcheck disable=SC2016,SC2030,SC2031 # words for other shells; each test is a subshell
load lib

setup_file() {
	new_machine "$BATS_FILE_TMPDIR"
	export DOCKER_HOST=unix:///nonexistent/docker.sock
}

setup() {
	token=$((BASHPID % 90000 + 10000))$BATS_TEST_NUMBER
	project "hosts$BATS_TEST_NUMBER" </dev/null
}

teardown() {
	devenv down -y >/dev/null 2>&1 || true
	# What a failed test may have left: processes with its own token or of its own workspace.
	# shellcheck disable=SC2046 # a list of ids
	kill -KILL $(marked) $(ours) 2>/dev/null || true
}

# services: devenv.yml with these, from standard input.
services() {
	{
		printf 'name: hosts%s\nup: { watch: false }\nservices:\n' "$BATS_TEST_NUMBER"
		cat
	} >devenv.yml
}

# Processes with the token in their arguments, zombies not counted.
marked() {
	pgrep -f "86400\.$token" || true
}

none_marked() {
	[ -z "$(marked)" ]
}

some_marked() {
	[ "$(marked | wc -l)" -ge "$1" ]
}

# Processes of devenv that work on this machine of ours: agents and their guardians.
ours() {
	local exe pid
	for exe in /proc/[0-9]*/exe; do
		[ "$(readlink "$exe")" = "$DEVENV" ] || continue
		pid=${exe//[^0-9]/}
		tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -qxF "HOME=$HOME" && echo "$pid"
	done
}

# The agent: the one of them that is no child of another.
agent() {
	local pid all
	all=$(ours)
	for pid in $all; do
		grep -qxF "$(awk '{ print $4 }' "/proc/$pid/stat")" <<<"$all" || echo "$pid"
	done
}

up() {
	LIMIT=60 ok devenv --trust up -d
}

# What no supervisor in the field ends: a plain child, one of the same group that ignores TERM after its
# leader has ended, one that leaves the session, its own leader, and one that leaves the session and has
# no environment.
abuse() {
	cat >abuse.sh <<-END
		sleep 86400.$token &
		(trap '' TERM; exec sleep 86400.$token) &
		setsid sh -c 'sleep 86400.$token & exec sleep 86400.$token' &
		setsid env -i sleep 86400.$token </dev/null >/dev/null 2>&1 &
		wait
	END
	services <<-END
		  abuse: { run: host, command: sh abuse.sh, stop_grace_period: 1s }
	END
	up
	eventually 10 some_marked 5
}

@test "F02, F03: the abuse set: nothing survives down" {
	for _ in 1 2 3; do
		abuse
		LIMIT=20 ok devenv down
		none_marked || fail "$(marked)"
	done
}

@test "F02, F03: the abuse set: nothing survives stop" {
	abuse
	LIMIT=20 ok devenv stop abuse
	none_marked || fail "$(marked)"
}

@test "F04: the abuse set: nothing survives kill -9 of the agent, and up heals" {
	for _ in 1 2 3; do
		abuse
		kill -KILL "$(agent)"
		eventually 5 none_marked
		[ "$(state abuse)" != running ]
	done
	up
	[[ $(state abuse) =~ running|ready ]]
}

@test "F04: the abuse set: nothing survives kill -9 of the guardian" {
	for _ in 1 2 3; do
		abuse
		agent=$(agent)
		guardians=$(ours | grep -vx "$agent")
		[ -n "$guardians" ]
		# shellcheck disable=SC2086 # a list of ids
		kill -KILL $guardians
		eventually 10 none_marked
		LIMIT=20 ok devenv down
		none_marked
	done
}

@test "F04: the abuse set: nothing survives kill -9 of up in the foreground" {
	abuse
	LIMIT=20 ok devenv down
	timeout -s KILL 60 "$DEVENV" --trust up >up.log 2>&1 &
	eventually 20 some_marked 4
	pkill -KILL -P $! -x devenv || kill -KILL $!
	eventually 10 none_marked
}

@test "F02: a leader that ends takes its group along, also those that ignore TERM" {
	services <<-END
		  leader: { run: host, command: "(trap '' TERM; exec sleep 86400.$token) & sleep 0.3", restart: no }
	END
	run devenv --trust up -d
	LIMIT=20 ok devenv down
	none_marked || fail "$(marked)"
}

@test "F01: what ignores TERM is killed when its grace is over, and not much later" {
	services <<-END
		  deaf: { run: host, command: ["sh", "-c", "trap '' TERM; while :; do sleep 86400.$token; done"], stop_grace_period: 1s }
	END
	up
	eventually 5 some_marked 1
	before=$EPOCHREALTIME
	LIMIT=20 ok devenv stop deaf
	took=$(((${EPOCHREALTIME/./} - ${before/./}) / 1000))
	none_marked
	[ "$took" -ge 900 ] && [ "$took" -lt 4000 ] || fail "$took ms"
}

@test "F05: one that exits at once again and again is given up, told and cheap; the others run on" {
	services <<-END
		  bad: { run: host, command: "echo came; exit 7", restart: "on-failure:3" }
		  good: { run: host, command: sleep 86400.$token }
	END
	run devenv --trust up -d
	eventually 30 given_up bad
	[ "$(grep -c came .devenv/logs/bad*.log)" -le 5 ]
	some_marked 1
	[[ $(state good) =~ running|ready ]]
	ok devenv status
	says "given up"
}

given_up() {
	devenv status --json | jq -e --arg s "$1" '.services[] | select(.service == $s) | .state | test("dead|failed|given up")' >/dev/null
}

# heap_below KB: what lies in the agent's heap.
heap_below() {
	local heap
	heap=$(awk '/^[0-9a-f]+-/ { heap = /\[heap\]/ } heap && /^Private_Dirty/ { print $2 }' "/proc/$(agent)/smaps")
	[ "${heap:-0}" -lt "$1" ]
}

@test "F06: a flood without a reader neither blocks the service nor grows the agent" {
	services <<-END
		  flood: { run: host, command: "yes 'a line that says very little' | head -c 500000000; echo written >finished; exec sleep 86400.$token" }
	END
	up
	eventually 60 test -e finished
	for pid in $(ours); do
		pss=$(awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup")
		[ "$pss" -lt 30000 ] || fail "process $pid has $pss kB"
	done
	eventually 20 heap_below 1000
	LIMIT=20 ok devenv logs -n 3 flood
	says "a line that says very little"
	[ "$(du -sm .devenv/logs | cut -f 1)" -lt 200 ]
}

@test "F07: binary noise and a line of 100 MiB are drained, and shown harmlessly" {
	services <<-END
		  noise:
		    run: host
		    command: >-
		      head -c 104857600 /dev/zero | tr '\\0' x;
		      echo; head -c 100000 /dev/urandom; printf '\\033[2J\\007\\303'; sleep 0.2; printf '\\244end\\n';
		      echo written >finished; exec sleep 86400.$token
	END
	up
	eventually 60 test -e finished
	LIMIT=30 ok devenv logs -n 5 noise
	says end
	printf '%s' "$output" | iconv -f UTF-8 -t UTF-8 >/dev/null
	[ "$(printf '%s' "$output" | tr -d '\n\t' | tr -cd '\000-\037\177' | wc -c)" = 0 ]
}

@test "F08: a service that closes its output, or whose orphan holds it open, is seen to end" {
	services <<-END
		  closes: { run: host, command: "exec >&- 2>&-; sleep 1; exit 3", restart: no }
		  orphan: { run: host, command: "setsid sleep 86400.$token & sleep 0.2; exit 4", restart: no }
	END
	run devenv --trust up -d
	eventually 15 has_exited closes 3
	eventually 15 has_exited orphan 4
	LIMIT=20 ok devenv down
	none_marked
}

has_exited() {
	devenv status --json | jq -e --arg s "$1" --argjson c "$2" \
		'.services[] | select(.service == $s).containers[0] | .state == "exited" and .exit_code == $c' >/dev/null
}

@test "F12: what cannot be run at all is an error with its place, and the others are not touched" {
	services <<-END
		  good: { run: host, command: sleep 86400.$token }
	END
	up
	good=$(marked)
	for command in /nonexistent/program ./plain-file; do
		touch plain-file
		services <<-END
			  good: { run: host, command: sleep 86400.$token }
			  bad: { run: host, command: ["$command"] }
		END
		run devenv --trust up -d
		[ "$status" = 1 ] || fail "status $status"
		says "$command"
	done
	services <<-END
		  good: { run: host, command: sleep 86400.$token }
		  bad: { run: host, command: sleep 1, working_dir: nowhere }
	END
	run devenv --trust up -d
	[ "$status" != 0 ]
	says nowhere
	[ "$(marked)" = "$good" ]
}

@test "F11: a thousand short orphans leave no zombie" {
	services <<-END
		  breeder: { run: host, command: "for i in \$\$(seq 1000); do (true & ) ; done; echo bred >finished; exec sleep 86400.$token" }
	END
	up
	eventually 60 test -e finished
	eventually 10 no_zombie
}

no_zombie() {
	local pid
	for pid in $(ours); do
		pgrep -r Z -P "$pid" && return 1
	done
	return 0
}

@test "a service that reads its input, or asks for a terminal, gets neither and does not hang" {
	services <<-END
		  reader: { run: host, command: "cat; if (exec </dev/tty) 2>/dev/null; then echo terminal; fi; echo at-end; exec sleep 86400.$token" }
	END
	up
	eventually 10 some_marked 1
	ok devenv logs reader
	says at-end
	says_not terminal
}

@test "no descriptor of devenv is open in a service" {
	services <<-END
		  looks: { run: host, command: "ls -l /proc/self/fd >fds; exec sleep 86400.$token" }
	END
	up
	eventually 10 some_marked 1
	run grep -E 'socket:|anon_inode|agent|lock' fds
	[ "$status" = 1 ] || fail
}
