#!/usr/bin/env bats
# The life cycle on tiny services: order, restart, recreation, logs, processes inside, commands,
# hooks, profiles, jobs, failures of what others need, and the foreground with its Ctrl-C.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # words for other shells; each test is a subshell
load lib

# Says what it does in /o/order; stops after the given seconds when asked to.
write_unit() {
	mkdir -p bin o
	cat >bin/unit <<-'END'
		#!/bin/sh
		echo "start $1" >>/o/order
		trap 'sleep ${2:-0}; echo "stop $1" >>/o/order; echo "$1 stops"; exit 0' TERM
		echo "$1 ready"
		while :; do sleep 0.1; done
	END
	chmod +x bin/unit
}

# The stack that most tests share: a <- b <- c, a job, and one behind a profile.
setup_file() {
	new_machine "$BATS_FILE_TMPDIR"
	project life <<-'END'
		name: life
		x-unit: &unit
		  image: debian:bookworm-slim
		  volumes: [./bin:/u, ./o:/o]
		services:
		  a:
		    <<: *unit
		    command: [/u/unit, a]
		    volumes: [./bin:/u, ./o:/o, keep:/keep]
		    healthcheck: { log: "^a ready" }
		  b:
		    <<: *unit
		    command: [/u/unit, b]
		    environment: { GREETING: hello }
		    depends_on: { a: { condition: service_healthy } }
		    healthcheck: { log: "^b ready" }
		  c:
		    <<: *unit
		    command: [/u/unit, c]
		    depends_on: { b: { condition: service_healthy } }
		    healthcheck: { log: "^c ready" }
		    ports: { http: { target: 8080, published: auto } }
		  tool:
		    <<: *unit
		    command: [/u/unit, tool]
		    profiles: [tools]
		    depends_on: [a]
		volumes: { keep: {} }
		commands:
		  greet: { service: b, run: 'printf "%s|" "$$GREETING"', description: says hello }
		  fails: { service: b, run: exit 7 }
	END
	write_unit
	devenv up -d
}

setup() {
	new_machine "$BATS_FILE_TMPDIR"
	enter life
}

teardown() {
	[ ! -e "$BATS_TEST_TMPDIR/pid" ] || kill -KILL "$(cat "$BATS_TEST_TMPDIR/pid")" 2>/dev/null || true
}

teardown_file() {
	clean_machine
}

order() {
	tr '\n' ' ' <o/order
	: >o/order
}

@test "units start after what they need and stop before it" {
	[ "$(order)" = "start a start b start c " ]
	before=$(containers)
	ok devenv stop
	[ "$(order)" = "stop c stop b stop a " ]
	[ "$(state b)" = exited ]
	ok devenv up -d
	[ "$(order)" = "start a start b start c " ]
	[ "$(containers)" = "$before" ]
}

@test "stop of one stops those who need it no more than asked" {
	ok devenv stop c
	[ "$(order)" = "stop c " ]
	[ "$(state a)" = ready ]
	ok devenv up -d
	[ "$(order)" = "start c " ]
}

@test "stop -t kills what does not end in time" {
	project stubborn <<-'END'
		name: stubborn
		services:
		  s:
		    image: debian:bookworm-slim
		    command: sh -c "trap '' TERM; echo on; while :; do sleep 1; done"
		    stop_grace_period: 60s
		    healthcheck: { log: ^on }
	END
	ok devenv up -d
	LIMIT=20 ok devenv stop -t 1
	[ "$(state s)" = exited ]
	ok devenv down
}

@test "restart keeps the container, recreate makes another and keeps the volume" {
	id=$(container b)
	started=$(docker inspect -f '{{.State.StartedAt}}' "$id")
	ok devenv restart b
	[ "$(container b)" = "$id" ]
	[ "$(docker inspect -f '{{.State.StartedAt}}' "$id")" != "$started" ]
	[ "$(state b)" = ready ]
	id=$(container a)
	ok devenv exec a -- sh -c 'echo kept >/keep/file'
	ok devenv recreate a
	[ "$(container a)" != "$id" ]
	ok devenv exec a -- cat /keep/file
	[ "$output" = kept ]
	: >o/order
}

@test "a changed configuration recreates exactly the services that it is about" {
	containers >"$BATS_TEST_TMPDIR/before"
	cat >devenv.local.yml <<-'END'
		services: { b: { environment: { GREETING: good morning } } }
	END
	ok devenv plan
	says "b: environment changed"
	ok devenv up -d
	run diff <(grep -v ^b "$BATS_TEST_TMPDIR/before") <(containers | grep -v ^b)
	[ "$status" = 0 ] || fail
	[ "$(container b)" != "$(awk '/^b/ { print $2 }' "$BATS_TEST_TMPDIR/before")" ]
	ok devenv greet
	[ "$output" = "good morning|" ]
	rm devenv.local.yml
	ok devenv up -d
	: >o/order
}

@test "a service that is configured no more is taken away, its volume stays" {
	cat >devenv.local.yml <<-'END'
		services: { c: !reset null }
	END
	ok devenv up -d
	[ -z "$(container c)" ]
	rm devenv.local.yml
	ok devenv up -d
	[ "$(state c)" = ready ]
	: >o/order
}

@test "status, ps, ports, open and ls tell the same" {
	ok devenv status
	says "a " "ready" "127.0.0.1:"
	says_not tool
	ok devenv ps
	says ready
	ok devenv status --json
	[ "$(jq -r '.services | map(select(.state == "ready").service) | join(" ")' <<<"$output")" = "a b c" ]
	port=$(address c 8080)
	[[ $port =~ ^127\.0\.0\.1:[0-9]+$ ]]
	[ "$(docker port "$(container c)" 8080)" = "$port" ]
	ok devenv open --print c
	[ "$output" = "http://$port" ]
	ok devenv ls
	says life "$PROJECT" "3 running"
	ok devenv ls --json
	jq -e --arg d "$PROJECT" '.[] | select(.directory == $d).running == 3' <<<"$output"
}

@test "wait ends at once when all is ready, and fails when a unit has ended" {
	ok devenv wait
	docker stop -t 0 "$(container c)" >/dev/null
	LIMIT=15 exits 1 devenv wait c
	says "c"
	ok devenv up -d
	: >o/order
}

@test "logs: the last lines, since, matching, and of containers that are gone" {
	ok devenv restart b
	ok devenv logs --no-log-prefix -n 1 b
	[ "$output" = "b ready" ]
	ok devenv logs --grep '^b st' b
	says "b stops"
	says_not "b ready"
	ok devenv logs --since 2099-01-01 b
	[ -z "$output" ]
	count=$(devenv logs --no-log-prefix b | grep -c "b ready")
	ok devenv recreate b
	[ "$(devenv logs --no-log-prefix b | grep -c "b ready")" = $((count + 1)) ]
	exits 2 devenv logs -n many b
	: >o/order
}

@test "logs -f shows what comes and ends on Ctrl-C with 0" {
	env --default-signal=INT timeout -s KILL 30 "$DEVENV" logs -f b >"$BATS_TEST_TMPDIR/out" 2>&1 &
	eventually 10 grep -q "b ready" "$BATS_TEST_TMPDIR/out"
	ok devenv restart b
	eventually 10 grep -q "b stops" "$BATS_TEST_TMPDIR/out"
	kill -INT "$(pgrep -P $! devenv || echo $!)"
	wait $!
	: >o/order
}

@test "exec passes status, arguments, input, user, folder and variables" {
	exits 3 devenv exec b -- sh -c 'exit 3'
	run devenv exec b -- no-such-command
	[[ $status =~ ^12[67]$ ]] # the engine's word: 126 until 20.10, 127 later
	ok devenv exec b -- printf '%s|' 'two words' '$HOME' '' '"q"'
	[ "$output" = "two words|\$HOME||\"q\"|" ]
	[ "$(printf 'one\ntwo\n' | devenv exec b -- wc -l)" = 2 ]
	ok devenv exec -u 1234 -w /tmp -e X='a b' b -- sh -c 'echo "$(id -u) $PWD $X"'
	[ "$output" = "1234 /tmp a b" ]
	run --separate-stderr devenv exec b -- sh -c 'echo out; echo err >&2'
	[ "$output" = out ]
	[ "$stderr" = err ]
	exits 2 devenv exec nobody -- true
	exits 143 devenv exec b -- sh -c 'kill -TERM $$'
}

@test "exec and shell have a terminal where there is one" {
	run on_terminal timeout -s KILL 20 "$DEVENV" exec b -- sh -c 'tty; exit 5'
	[ "$status" = 5 ]
	says /dev/pts/
	run devenv exec b -- tty
	[ "$output" = "not a tty" ]
	ok devenv shell b <<<'echo "in $0"'
	says "in bash"
}

@test "Ctrl-C in a terminal reaches the process inside, not devenv" {
	tmux -L "e2e-$$" -f /dev/null new-session -d -x 90 -y 20 \
		"$DEVENV exec b -- sh -c 'trap \"echo caught; exit 9\" INT; echo waiting; while :; do sleep 0.1; done'; echo status \$? >$BATS_TEST_TMPDIR/status; sleep 5"
	eventually 10 sh -c "tmux -L e2e-$$ capture-pane -p | grep -q waiting"
	tmux -L "e2e-$$" send-keys C-c
	eventually 10 grep -q "status 9" "$BATS_TEST_TMPDIR/status"
	tmux -L "e2e-$$" kill-server
}

@test "run makes a container of its own and takes it away" {
	count=$(containers | wc -l)
	exits 6 devenv run b -- sh -c 'echo "one-off $GREETING"; exit 6'
	says "one-off hello"
	[ "$(containers | wc -l)" = "$count" ]
}

@test "attach shows what the process prints and ends with it" {
	env --default-signal=INT timeout -s KILL 30 "$DEVENV" attach c >"$BATS_TEST_TMPDIR/out" 2>&1 </dev/null &
	attached=$!
	eventually 10 sh -c "docker inspect -f '{{.State.Running}}' $(container c) | grep -q true"
	sleep 0.3 # nothing tells that the engine has attached
	ok devenv stop c
	wait $attached
	grep -q "c stops" "$BATS_TEST_TMPDIR/out"
	ok devenv up -d
	: >o/order
}

@test "commands of the project take arguments and give their status" {
	ok devenv greet 'two words' '$HOME' "it's"
	[ "$output" = "hello|two words|\$HOME|it's|" ]
	exits 7 devenv fails
	exits 2 devenv gret
	says greet
	ok devenv help
	says up
}

@test "a profile holds services back until it is named" {
	[ -z "$(container tool)" ]
	ok devenv up -d --profile tools
	[ -n "$(container tool)" ]
	ok devenv stop tool
	docker rm -f "$(container tool)" >/dev/null
	ok devenv up -d tool
	[ "$(state tool)" = ready ]
	docker rm -f "$(container tool)" >/dev/null
	: >o/order
}

@test "--no-deps starts the named one alone" {
	ok devenv down
	: >o/order
	ok devenv up -d --no-deps b
	[ "$(order)" = "start b " ]
	ok devenv up -d b
	[ "$(order)" = "start a " ]
	ok devenv up -d
	: >o/order
}

@test "down keeps logs and volumes; the logs can still be read" {
	ok devenv exec a -- sh -c 'echo kept >/keep/file'
	ok devenv down
	[ "$(left)" = "$(workspace)_keep" ]
	ok devenv logs -n 1 --no-log-prefix c
	[ "$output" = "c stops" ]
	ok devenv down
	says "Nothing to do"
	ok devenv up -d
	ok devenv exec a -- cat /keep/file
	[ "$output" = kept ]
	: >o/order
}

@test "what another put into the project's network or named like it is left alone" {
	docker run -d --name "$(workspace)-alien-1" debian:bookworm-slim sleep 300 >/dev/null
	ok devenv down
	docker inspect "$(workspace)-alien-1" >/dev/null
	docker rm -f "$(workspace)-alien-1" >/dev/null
	ok devenv up -d
	: >o/order
}

@test "a job runs once, and again when its inputs change" {
	project jobs <<-'END'
		name: jobs
		vars: { WHAT: one }
		services:
		  job:
		    kind: job
		    image: debian:bookworm-slim
		    environment: { WHAT: "${WHAT}" }
		    command: sh -c 'echo "$$WHAT"'
		  app:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    depends_on: { job: { condition: service_completed_successfully } }
	END
	ok devenv up -d
	[ "$(state job)" = "done" ]
	ok devenv up -d
	[ "$(devenv logs --no-log-prefix job)" = one ]
	ok devenv up -d --set vars.WHAT=two
	[ "$(devenv logs --no-log-prefix job | tr '\n' ' ')" = "one two " ]
	ok devenv down
}

@test "a failed job fails up, and runs again" {
	project badjob <<-'END'
		name: badjob
		services:
		  job:
		    kind: job
		    image: debian:bookworm-slim
		    volumes: [./o:/o]
		    command: sh -c 'echo "no table users" >&2; test -e /o/good'
		  app:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    depends_on: { job: { condition: service_completed_successfully } }
	END
	mkdir -p o
	LIMIT=30 exits 1 devenv up -d
	says "job ended with status 1" "no table users" "devenv.yml:3"
	[ "$(state app)" != ready ]
	touch o/good
	ok devenv up -d
	[ "$(state app)" = ready ]
	ok devenv down
}

# dependency COMMAND [EXTRA]: what `up` says when that is what the app needs.
dependency() {
	project "dep-$1" <<-END
		name: dep
		services:
		  dep:
		    image: debian:bookworm-slim
		    command: sh -c '$2'
		    $3
		  app:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    depends_on: { dep: { condition: service_healthy } }
	END
	before=$SECONDS
	LIMIT=40 exits 1 devenv up -d
	took=$((SECONDS - before))
	says "last words" "devenv.yml:"
	[ "$(state app)" != ready ]
	[ "$took" -le "${4:-8}" ] || fail "it took $took s"
	devenv down
}

@test "a dependency that exits fails up at once with its last lines and the place" {
	dependency exits 'echo last words; exit 4' 'healthcheck: { log: never }'
}

@test "a dependency that restarts again and again fails up" {
	dependency restarts 'echo last words; exit 4' 'restart: always' 20
}

@test "a dependency that is unhealthy fails up" {
	dependency unhealthy 'echo last words; sleep 60' \
		'healthcheck: { test: "exit 1", interval: 1s, retries: 1, timeout: 1s }' 12
}

@test "a dependency that never answers fails up at its deadline" {
	dependency silent 'echo last words; sleep 60' 'healthcheck: { tcp: true, port: 9, deadline: 3s }'
}

@test "hooks run before and after, in containers and, once trusted, on the host" {
	project hooks <<-'END'
		name: hooks
		services:
		  app: { image: debian:bookworm-slim, command: sleep infinity, volumes: [./o:/o] }
		hooks:
		  pre-up: [{ exec-host: "echo host before >>o/order" }]
		  post-up: [{ exec: "echo inside after >>/o/order", service: app }]
	END
	mkdir -p o
	exits 5 devenv up -d </dev/null
	says "echo host before" "devenv.yml:5" "--trust"
	[ ! -e o/order ]
	[ -z "$(containers)" ]
	ok devenv up -d --trust
	[ "$(tr '\n' ' ' <o/order)" = "host before inside after " ]
	ok devenv up -d
	sed -i 's/host before/something else/' devenv.yml
	exits 5 devenv up -d </dev/null
	says "new since you last agreed"
	ok devenv down
}

# foreground: devenv up in the background of the test, its output in a file; $up is its process.
foreground() {
	env --default-signal=INT "$DEVENV" up >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" </dev/null &
	up=$!
	echo $up >"$BATS_TEST_TMPDIR/pid"
	eventually 60 grep -q "Following logs" "$BATS_TEST_TMPDIR/err"
}

gone() {
	! kill -0 "$up" 2>/dev/null
}

slow_project() {
	project "$1" <<-END
		name: $1
		services:
		  a:
		    image: debian:bookworm-slim
		    command: [/u/unit, a]
		    volumes: [./bin:/u, ./o:/o]
		    healthcheck: { log: "^a ready" }
		  b:
		    image: debian:bookworm-slim
		    command: [/u/unit, b, "$2"]
		    volumes: [./bin:/u, ./o:/o]
		    healthcheck: { log: "^b ready" }
		    depends_on: { a: { condition: service_healthy } }
		    stop_grace_period: 60s
	END
	write_unit
}

@test "foreground: logs are followed, Ctrl-C stops in order and names who is awaited" {
	slow_project fore 2
	foreground
	docker exec "$(container b)" sh -c 'echo hello there >/proc/1/fd/1'
	eventually 10 grep -q "hello there" "$BATS_TEST_TMPDIR/out"
	kill -INT $up
	eventually 20 gone
	wait $up || [ $? = 130 ]
	cat "$BATS_TEST_TMPDIR/err"
	[ "$(order)" = "start a start b stop b stop a " ]
	grep -q "waiting for b to stop" "$BATS_TEST_TMPDIR/err"
	[ -z "$(docker ps -q --filter "label=devenv.root=$PROJECT")" ]
}

@test "foreground: a second Ctrl-C kills, and nothing survives" {
	slow_project hurry 50
	foreground
	kill -INT $up
	eventually 10 grep -q "waiting for b to stop" "$BATS_TEST_TMPDIR/err"
	kill -INT $up
	eventually 15 gone
	status=0
	wait $up || status=$?
	cat "$BATS_TEST_TMPDIR/err"
	[ "$status" = 130 ]
	[ -z "$(docker ps -q --filter "label=devenv.root=$PROJECT")" ]
}

@test "foreground: up ends when every service has ended by itself" {
	slow_project alone 0
	foreground
	docker stop -t 2 "$(container b)" "$(container a)" >/dev/null
	eventually 15 gone
}

@test "Ctrl-C while starting leaves by 130 and the next up finishes the work" {
	project early <<-'END'
		name: early
		services:
		  a:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    healthcheck: { test: "test -e /tmp/go", interval: 60s, start_period: 60s }
	END
	env --default-signal=INT "$DEVENV" up -d >"$BATS_TEST_TMPDIR/out" 2>&1 </dev/null &
	up=$!
	echo $up >"$BATS_TEST_TMPDIR/pid"
	eventually 20 grep -q "waiting for a" "$BATS_TEST_TMPDIR/out"
	kill -INT $up
	status=0
	wait $up || status=$?
	[ "$status" = 130 ]
	docker exec "$(container a)" touch /tmp/go
	LIMIT=20 ok devenv up -d
	[ "$(state a)" = ready ] || [ "$(state a)" = healthy ]
}

@test "generate beside what runs takes its ports for its own" {
	project generated <<-'END'
		services:
		  a: { image: "debian:bookworm-slim", command: sleep infinity, ports: { http: { target: 80, published: auto } } }
	END
	ok devenv up -d
	before=$(cat .devenv/generated/compose.yml)
	ok devenv generate
	[ "$(cat .devenv/generated/compose.yml)" = "$before" ]
	[[ $output != *taken* ]]
}
