#!/usr/bin/env bats
# Engines and Composes that hang, die, lie or are not there (FAULTS C01-C09, C11-C13, C15): a clear
# message with status 4 within 5 s, nothing of others touched, and the next run converges.

# shellcheck disable=SC2030,SC2031,SC2119,SC2120 # each test is a subshell of its own
load lib

setup() {
	new_machine "$BATS_TEST_TMPDIR"
	FAULTS=$REPOSITORY/tests/faults
	cd "$MACHINE" || return 1 # never the repository itself
	ENGINE=${DOCKER_HOST:-unix:///var/run/docker.sock}
	helpers=
}

teardown() {
	unset DOCKER_HOST
	[ "$ENGINE" = unix:///var/run/docker.sock ] || export DOCKER_HOST=$ENGINE
	# shellcheck disable=SC2086 # a list of ids
	[ -z "$helpers" ] || kill -KILL $helpers 2>/dev/null || true
	# shellcheck disable=SC2086
	[ -z "${strangers:-}" ] || docker rm -fv $strangers >/dev/null 2>&1 || true
	clean_machine
}

# helper COMMAND...: runs beside the test until it prints `ready`.
helper() {
	"$@" >"$MACHINE/ready" 2>&1 3>&- &
	helpers="$helpers $!"
	eventually 10 grep -q ready "$MACHINE/ready"
}

# proxy FAULT PATTERN...: what devenv talks to from here on.
proxy() {
	rm -f "$MACHINE/proxy.sock" "$MACHINE/ready"
	helper python3 "$FAULTS/proxy.py" "$MACHINE/proxy.sock" "${ENGINE#unix://}" "$@"
	export DOCKER_HOST=unix://$MACHINE/proxy.sock
}

no_proxy() {
	# shellcheck disable=SC2086
	kill -KILL $helpers
	helpers=
	export DOCKER_HOST=$ENGINE
}

two_services() {
	project "${1:-two}" <<-'END'
		name: two
		services:
		  a: { image: "debian:bookworm-slim", command: sleep 300, stop_signal: KILL }
		  b: { image: "debian:bookworm-slim", command: sleep 300, stop_signal: KILL, depends_on: [a] }
	END
}

# within MS COMMAND...: `run` that also bounds the time it took.
within() {
	local limit=$1 begun
	shift
	begun=$(date +%s%3N)
	run "$@"
	took=$(($(date +%s%3N) - begun))
	[ "$took" -le "$limit" ] || fail "took $took ms: $*"
}

@test "C01: no socket, nobody behind it, a plain file, no permission: four messages at once" {
	two_services
	ok devenv generate
	python3 -c 'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$MACHINE/dead.sock"
	: >"$MACHINE/file.sock"
	while IFS='|' read -r socket want; do
		for words in status "up -d" down ports wait build "exec a true"; do
			# shellcheck disable=SC2086
			DOCKER_HOST=unix://$MACHINE/$socket within 1000 devenv $words
			[ "$status" = 4 ] || fail "status $status of $words"
			says "$want" "$MACHINE/$socket" "help: "
		done
		DOCKER_HOST=unix://$MACHINE/$socket within 2000 devenv doctor
		[ "$status" = 1 ]
		says "problem  engine" "$want"
		DOCKER_HOST=unix://$MACHINE/$socket ok devenv config -q
		DOCKER_HOST=unix://$MACHINE/$socket ok devenv generate
	done <<-'END'
		none.sock|there is no socket
		dead.sock|nobody listens
		file.sock|not a socket
	END
	DOCKER_HOST=ssh://somewhere within 2000 devenv status
	[ "$status" = 4 ]
	says "ssh://somewhere"
}

@test "C01: a socket that one may not use says which group may" {
	[ "$(id -u)" = 0 ] || skip "becomes somebody else"
	open=$(mktemp -d /tmp/devenv-c01.XXXXXX)
	chmod 777 "$open"
	cp "$DEVENV" "$open/devenv"
	mkdir "$open/p"
	printf 'name: c\nservices: { a: { image: x } }\n' >"$open/p/devenv.yml"
	chown -R 12345 "$open/p"
	cd "$open/p"
	within 1000 setpriv --reuid 12345 --regid 12345 --clear-groups env -u XDG_STATE_HOME \
		-u XDG_DATA_HOME -u XDG_CACHE_HOME -u XDG_CONFIG_HOME HOME="$open" "$open/devenv" status
	cd /
	rm -rf "$open"
	[ "$status" = 4 ]
	says "permission" "help: " "group"
}

@test "C02, C03, C04, C05, C06, C07: twenty-five ways to lie, each a clear error within 5 s, in every kind of command" {
	two_services
	ok devenv generate
	one() {
		local mode=$1 want=$2 code=$3 sock=$MACHINE/$1.sock status took begun
		python3 "$FAULTS/engine.py" "$mode" "$sock" >"$MACHINE/$mode.ready" 2>&1 3>&- &
		local fake=$!
		until grep -q ready "$MACHINE/$mode.ready"; do sleep 0.05; done
		for words in status "up -d" down plan; do
			begun=$(date +%s%3N)
			status=0
			# shellcheck disable=SC2086
			XDG_STATE_HOME=$MACHINE/state.$mode http_proxy=http://127.0.0.1:1 ALL_PROXY=http://127.0.0.1:1 DOCKER_HOST=unix://$sock \
				timeout -s KILL 20 "$DEVENV" $words >"$MACHINE/$mode.out" 2>&1 </dev/null || status=$?
			took=$(($(date +%s%3N) - begun))
			if [ "$status" != "$code" ] || [ "$took" -gt 7000 ] || ! grep -q "$want" "$MACHINE/$mode.out"; then
				echo "$mode, $words: status $status after $took ms: $(head -c 400 "$MACHINE/$mode.out")" >>"$MACHINE/bad"
			fi
		done
		kill -KILL $fake
	}
	while read -r code mode want; do
		if [ "$mode" = hang ] || [ "$mode" = drip_header ] || [ "$mode" = drip_body ] || [ "$mode" = stall ]; then
			one "$mode" "$want" "$code" & # the slow ones side by side
		else
			one "$mode" "$want" "$code"
		fi
	done <<-'END'
		4 hang does not answer (waited 5 s)
		4 drip_header does not answer (waited 5 s)
		4 drip_body does not answer (waited 5 s)
		4 stall does not answer (waited 5 s)
		4 truncated broken answer
		4 length broken answer
		4 chunk broken answer
		4 header header is longer than 64 KiB
		4 flood body is too long
		4 json the engine's answer
		4 utf8 the engine's answer
		4 duplicate the engine's answer
		4 map should be a list
		4 labels Labels should be a map
		4 id Id should be a string
		4 created Created should be a whole number
		4 port port out of range
		4 depth the engine's answer
		4 redirect redirects (301)
		4 401 wants credentials (401)
		4 407 wants credentials (407)
		1 500 disk on fire
		4 old speaks API 1.30
		4 garbage broken answer
		4 empty broken answer
	END
	wait
	[ ! -e "$MACHINE/bad" ] || fail "$(cat "$MACHINE/bad")"
}

@test "C08: an engine that dies at any step of up: an error soon, and the next up converges" {
	two_services
	while IFS='|' read -r fault pattern; do
		proxy "$fault" "$pattern"
		LIMIT=45 within 30000 devenv up -d
		[ "$status" = 1 ] || [ "$status" = 4 ] || fail "status $status with $fault at $pattern"
		says "error: "
		no_proxy
		LIMIT=60 ok devenv up -d
		[ "$(state a) $(state b)" = "ready ready" ]
		ok devenv down
	done <<-'END'
		refuse|GET .*/containers/json
		cut|GET .*/containers/json
		refuse|POST .*/containers/create
		cut|POST .*/networks/create
		refuse|POST .*/containers/[0-9a-f]+/start
		half|GET .*/containers/[0-9a-f]+/json
		cut|POST .*/containers/[0-9a-f]+/start
	END
	[ -z "$(left)" ]
}

@test "C08: an engine that dies while logs are followed ends the stream with a reason" {
	project follow <<-'END'
		name: follow
		services:
		  a: { image: "debian:bookworm-slim", command: "sh -c 'while :; do echo tick; sleep 0.1; done'", stop_signal: KILL }
	END
	ok devenv up -d
	proxy cutlater 'GET .*/logs'
	LIMIT=30 within 20000 devenv logs -f
	says tick
	[ "$status" != 0 ] || fail "ended as if all was well"
	says "error: "
	no_proxy
	ok devenv logs -n 1
}

@test "C08, G06: an engine that dies while data is saved or restored is the cause; nothing is half" {
	project data <<-'END'
		name: faults-data
		volumes: { data: {} }
		services: { a: { image: "debian:bookworm-slim", command: sleep 300, stop_signal: KILL, volumes: ["data:/d"] } }
	END
	ok devenv up -d
	ok devenv exec a -- sh -c 'head -c 40000000 /dev/urandom >/d/much; echo one >/d/row'
	ok devenv snapshot whole
	ok devenv exec a -- sh -c 'echo two >/d/row'
	while IFS='|' read -r fault pattern words; do
		proxy "$fault" "$pattern"
		# shellcheck disable=SC2086
		LIMIT=60 run devenv $words
		[ "$status" = 4 ] || fail "status $status with $fault at $pattern"
		says "the engine at unix://" "sent a broken answer"
		no_proxy
		LIMIT=60 ok devenv up -d
		[ "$(devenv exec a -- cat /d/row)" = two ]
	done <<-'END'
		cut|GET .*/archive|snapshot half
		half|GET .*/archive|snapshot half
		cut|PUT .*/archive|restore whole -y --no-snapshot
		refuse|POST .*/volumes/create|restore whole -y --no-snapshot
	END
	[ "$(devenv snapshot ls --json | jq -r '.[].name')" = whole ]
	[ -z "$(find "$XDG_DATA_HOME/devenv/snapshots" -name '.draft-*')" ]
	ok devenv restore whole -y --no-snapshot
	[ "$(devenv exec a -- cat /d/row)" = one ]
	ok devenv down -v -y --no-snapshot
	[ -z "$(left)" ]
}

@test "F10: one interrupt ends what waits for an engine that hangs, with its status, and nothing is left" {
	project waits <<-'END'
		name: waits
		volumes: { data: {} }
		images: { rung: { from: "debian:bookworm-slim", env: { FAULTS: F10 } } }
		services: { a: { image: rung, command: sleep 300, stop_signal: KILL, volumes: ["data:/d"] } }
	END
	ok devenv up -d
	ok devenv snapshot whole
	while IFS='|' read -r pattern signal number words; do
		proxy hang "$pattern"
		# shellcheck disable=SC2086
		timeout -s KILL 60 "$DEVENV" $words >"$MACHINE/out" 2>&1 </dev/null 3>&- &
		eventually 20 grep -qE "$pattern" "$MACHINE/proxy.sock.log"
		kill -"$signal" "$(pgrep -P $! -x devenv)"
		status=0
		wait $! || status=$?
		[ "$status" = "$number" ] || fail "status $status of $words: $(cat "$MACHINE/out")"
		grep -q interrupted "$MACHINE/out"
		no_proxy
	done <<-END
		GET .*/archive|INT|130|snapshot half
		PUT .*/archive|TERM|143|restore whole -y --no-snapshot
		GET .*/images/get|INT|130|cache save $MACHINE/carried
	END
	[ -z "$(find "$MACHINE" -maxdepth 1 -name '*carried*')" ]
	[ "$(devenv snapshot ls --json | jq -r '.[].name')" = whole ]
	ok devenv up -d
	[ "$(docker volume ls -q --filter "label=devenv.workspace=$(workspace)" | wc -l)" = 1 ]
}

@test "C09: a taken port moves and names its holder; --strict-ports and one's own container" {
	port=$(python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])')
	helper python3 -c "
import socket, time
s = socket.socket(); s.bind(('127.0.0.1', $port)); s.listen(); print('ready', flush=True); time.sleep(600)"
	project ports <<-END
		name: ports
		services:
		  a: { image: "debian:bookworm-slim", command: sleep 300, ports: ["$port:80"], stop_signal: KILL }
	END
	LIMIT=20 run devenv up -d --strict-ports
	[ "$status" = 1 ] || [ "$status" = 3 ]
	says "$port" "python3" "devenv.yml:3"
	ok devenv up -d
	says "note: port $port of a is taken by pid" "python3" "using "
	moved=$(devenv ports --json | jq -r '.[0].published // .[0].address' | grep -oE '[0-9]+$')
	[ "$moved" != "$port" ]
	ids=$(containers)
	ok devenv up -d
	[ "$(containers)" = "$ids" ]
	# Of another project
	ok devenv generate
	enter other </dev/null
	cat >devenv.yml <<-END
		name: other
		services:
		  b: { image: "debian:bookworm-slim", command: sleep 300, ports: ["$moved:80"], stop_signal: KILL }
	END
	ok devenv up -d
	says "port $moved of b is taken by" "ports"
	ok devenv down
	enter ports </dev/null
	[ "$(containers)" = "$ids" ]
}

@test "C10: an image that cannot be had is named with its service, once, and soon" {
	project pull <<-'END'
		name: pull
		services:
		  good: { image: "debian:bookworm-slim", command: sleep 300, stop_signal: KILL }
		  bad: { image: "registry.invalid/nothing:1", command: x }
	END
	LIMIT=100 within 90000 devenv up -d
	[ "$status" = 1 ]
	says "registry.invalid" "error: " "devenv.yml:"
	ok devenv up -d good
	[ "$(state good)" = ready ]
}

@test "C11: dependencies that exit, are ill, restart or miss: up fails with the last lines and the place" {
	enter deps </dev/null
	while IFS='|' read -r fields want; do
		cat >devenv.yml <<-END
			name: deps
			services:
			  db: { image: "debian:bookworm-slim", stop_signal: KILL, $fields }
			  api: { image: "debian:bookworm-slim", command: sleep 300, depends_on: { db: { condition: service_healthy } } }
		END
		LIMIT=40 within 30000 devenv up -d
		[ "$status" = 1 ] || fail "status $status"
		says "devenv.yml:3:" "$want" "last words 40"
		says_not "last words 19"
		[ "$(state api)" != ready ]
		ok devenv down
	done <<-'END'
		command: "sh -c 'for i in $$(seq 40); do echo last words $$i; done; exit 3'", healthcheck: { test: "true" }|db ended with status 3
		command: "sh -c 'for i in $$(seq 40); do echo last words $$i; done; exit 1'", restart: always, healthcheck: { test: "true" }|restart
		command: "sh -c 'for i in $$(seq 40); do echo last words $$i; done; sleep 300'", healthcheck: { test: "exit 1", interval: 1s, retries: 2 }|unhealthy
	END
}

@test "C12: names that others own are refused with their owner, and nothing of theirs is touched" {
	strangers=$(docker run -d --name "devenv-faults-c12-$$" --label who=stranger debian:bookworm-slim sleep 300)
	project names <<-END
		name: names
		services:
		  a: { image: "debian:bookworm-slim", command: sleep 1, container_name: devenv-faults-c12-$$ }
	END
	for words in "up -d" "recreate" "up -d --force-recreate" down "down -v -y"; do
		# shellcheck disable=SC2086
		LIMIT=40 run devenv --trust $words
		case $words in
		down*) ;;
		*)
			[ "$status" = 1 ] || fail "status $status of $words"
			says "devenv-faults-c12-$$"
			;;
		esac
		[ "$(docker inspect -f '{{.State.Running}}' "$strangers")" = true ]
	done
	# Things that bear our project's name but not our label
	two_services
	id=$(workspace)
	docker network create "${id}_foreign" >/dev/null
	docker volume create "${id}_foreign" >/dev/null
	strangers="$strangers $(docker run -d --name "$id-x-1" --label com.docker.compose.project=elsewhere debian:bookworm-slim sleep 300)"
	ok devenv up -d
	ok devenv down -v -y
	docker network rm "${id}_foreign"
	docker volume rm "${id}_foreign"
	[ "$(docker inspect -f '{{.State.Running}}' "$id-x-1")" = true ]
}

@test "C13: a removed service and one-off containers go with the workspace, those of others stay" {
	two_services
	ok devenv up -d
	cp -r "$PROJECT" "$MACHINE/projects/twin"
	(cd "$MACHINE/projects/twin" && rm -rf .devenv && ok devenv up -d)
	sed -i '/^  b:/d' devenv.yml
	ok devenv status
	says b
	ok devenv up -d
	[ "$(containers | cut -d' ' -f1)" = a ] || says "b"
	docker run -d --label "devenv.workspace=$(workspace)" --label "devenv.root=$PROJECT" \
		--label com.docker.compose.oneoff=True --label "com.docker.compose.project=$(workspace)" \
		--label com.docker.compose.service=a debian:bookworm-slim sleep 300 >/dev/null
	ok devenv down
	[ -z "$(left)" ]
	cd "$MACHINE/projects/twin"
	PROJECT=$PWD
	[ "$(state a) $(state b)" = "ready ready" ]
}

# A docker that is the real one except for `docker compose`.
fake_compose() {
	mkdir -p "$MACHINE/bin"
	cat >"$MACHINE/bin/docker" <<-END
		#!/bin/sh
		[ "\$1" = compose ] || exec $(command -v docker) "\$@"
		printf '%s\n' "\$*" >>"$MACHINE/compose.argv"
		env | grep -E '^(COMPOSE_|DOCKER_DEFAULT)' >>"$MACHINE/compose.env"
		$1
	END
	chmod +x "$MACHINE/bin/docker"
}

@test "C14: a disk that is full during a build or a pull: whose words, what to do, no half image" {
	project full <<-'END'
		name: full
		images:
		  rung: { from: "debian:bookworm-slim", run: ["ls / >/dev/full"] }
		services:
		  a: { image: rung, command: sleep 300, stop_signal: KILL }
	END
	LIMIT=60 exits 1 devenv up -d
	says "building rung" "o space left on device" "devenv.yml:3" "help: a disk is full" "docker system df"
	[ -z "$(containers)" ]
	ok devenv plan # its tag names nothing
	says "build"
	enter full-pull </dev/null
	printf 'name: pull\nservices: { a: { image: "registry.invalid/x:1", command: x } }\n' >devenv.yml
	fake_compose 'echo " a Error failed to register layer: write /usr/x: no space left on device" >&2
		echo "failed to register layer: write /usr/x: no space left on device" >&2; exit 1'
	PATH=$MACHINE/bin:$PATH LIMIT=30 exits 1 devenv up -d
	says "registry.invalid/x:1 of a could not be pulled" "no space left on device" "help: a disk is full"
	says_not "is its name right"
}

@test "C15: Compose absent, old, talking garbage or killed is named, with what to do" {
	two_services
	while IFS='|' read -r script want; do
		fake_compose "$script"
		PATH=$MACHINE/bin:$PATH LIMIT=30 within 20000 devenv up -d
		[ "$status" = 1 ] || [ "$status" = 4 ] || fail "status $status of $script"
		says "error: " "$want"
		PATH=$MACHINE/bin:$PATH run devenv doctor
		[ "$status" = 1 ] || [[ $script == *137* ]] || fail "doctor is content with: $script"
	done <<-'END'
		echo "docker: 'compose' is not a docker command." >&2; exit 1|docker-compose-plugin
		echo "unknown flag: --env-file" >&2; exit 125|docker-compose-plugin
		head -c 3000 /dev/urandom; exit 1|create containers
		kill -KILL $$|create containers
	END
	mkdir -p "$MACHINE/empty"
	within 10000 env PATH="$MACHINE/empty" "$DEVENV" up -d
	[ "$status" = 1 ] || [ "$status" = 4 ]
	says "docker" "error: " "help: "
}

@test "C15: a Compose that hangs is ended with all it started by one interrupt" {
	two_services
	fake_compose "touch $MACHINE/hangs; touch $MACHINE/hangs.s; tail -f $MACHINE/hangs.s & tail -f $MACHINE/hangs.s"
	(exec env PATH="$MACHINE/bin:$PATH" timeout -s KILL 60 "$DEVENV" up -d) >"$MACHINE/out" 2>&1 3>&- &
	up=$!
	helpers="$helpers $up"
	eventually 20 test -e "$MACHINE/hangs"
	kill -INT "$(pgrep -P $up -x devenv)"
	begun=$SECONDS
	status=0
	wait $up || status=$?
	[ "$status" = 130 ] || fail "status $status: $(cat "$MACHINE/out")"
	[ $((SECONDS - begun)) -le 8 ]
	! pgrep -f "$MACHINE/hangs.s" || fail "what Compose started is still there"
}

@test "C15: no .env and no COMPOSE_ variable of the checkout or the shell changes what Compose does" {
	two_services
	printf 'services: { evil: { image: x, privileged: true } }\n' | tee evil.yml compose.yml docker-compose.yml \
		docker-compose.override.yml compose.override.yml >/dev/null
	printf 'COMPOSE_FILE=evil.yml\nCOMPOSE_PROJECT_NAME=evil\nCOMPOSE_PROFILES=evil\nCOMPOSE_ENV_FILES=x\nDOCKER_HOST=unix:///nonexistent\nCOMPOSE_PATH_SEPARATOR=,\n' >.env
	cp .env .devenv.env
	fake_compose "exec $(command -v docker) \"\$@\""
	COMPOSE_FILE=evil.yml COMPOSE_PROJECT_NAME=evil COMPOSE_IGNORE_ORPHANS=0 COMPOSE_REMOVE_ORPHANS=1 \
		DOCKER_DEFAULT_PLATFORM=linux/s390x PATH=$MACHINE/bin:$PATH ok devenv up -d
	[ "$(containers | cut -d' ' -f1 | xargs)" = "a b" ]
	[ ! -s "$MACHINE/compose.env" ] || fail "$(cat "$MACHINE/compose.env")"
	while read -r line; do
		for flag in "-f $PROJECT/.devenv/generated/compose.yml" "-p $(workspace)" "--env-file /dev/null"; do
			[[ " $line " == *" $flag "* || " $line " == *" ${flag/-f /--file }"* || " $line " == *" ${flag/-p /--project-name }"* ]] ||
				fail "without $flag: $line"
		done
	done <"$MACHINE/compose.argv"
	[ -s "$MACHINE/compose.argv" ]
	[ -z "$(docker ps -aq --filter label=com.docker.compose.project=evil)" ]
}
