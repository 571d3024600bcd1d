#!/usr/bin/env bats
# What happens in a workspace, told as it happens; and logs narrowed to a level, a request, a run.
#
# shellcheck disable=SC2154

load lib

setup() {
	new_machine "$BATS_TEST_TMPDIR/machine"
}

teardown() {
	[ -z "${RELAY:-}" ] || kill -9 "$RELAY" 2>/dev/null || true
	unset DOCKER_HOST
	[ -z "${FOLLOWER:-}" ] || kill -9 "$FOLLOWER" 2>/dev/null || true
	clean_machine
}

# follow FILE ARG...: `devenv events` beside the test; FOLLOWER is its process.
follow() {
	local file=$1
	shift
	"$DEVENV" --json events "$@" >"$file" 2>"$file.err" 3>&- &
	FOLLOWER=$!
}

# told FILE CONDITION: some object of it fulfils a condition of jq.
told() {
	jq -e -s "any(.[]; $2)" "$1" >/dev/null 2>&1
}

mixed() {
	project mixed <<-'END'
		name: mixed
		services:
		  box: { image: "debian:bookworm-slim", command: sleep infinity, init: true, stop_grace_period: 1s }
		  host:
		    run: host
		    command: sleep 1000
		    develop: { source: src, compile: "true", on_success: restart, watch: [{ path: . }] }
	END
	mkdir src
}

@test "containers, host services, stages, plans and the agent are told, before there are any" {
	mixed
	follow all
	eventually 20 test -e all.err
	ok devenv up -d --trust
	eventually 30 told all '.kind == "agent" and .state == "started"'
	eventually 30 told all '.kind == "plan" and .command == "up" and .state == "done" and .duration_ms > 0'
	eventually 30 told all '.kind == "step" and .step == "start box" and .state == "done" and .service == "box"'
	eventually 30 told all '.kind == "unit" and .service == "box" and .state == "running" and .where == "container"'
	eventually 30 told all '.kind == "unit" and .service == "host" and .state == "running" and .where == "host" and .pid > 0'
	eventually 30 told all '.kind == "unit" and .service == "box" and .state == "ready"'
	echo x >src/x.c
	eventually 30 told all '.kind == "stage" and .service == "host" and .stage == "compile"
		and .state == "passed" and .cause == "src/x.c" and .status == 0'
	docker kill "$(devenv status --json | jq -r '.services[0].containers[0].id')"
	eventually 30 told all '.kind == "unit" and .service == "box" and .state == "exited" and .status == 137'
	ok devenv down
	eventually 30 told all '.kind == "unit" and .service == "box" and .state == "absent"'
	eventually 30 told all '.kind == "unit" and .service == "host" and .state == "absent"'
	eventually 30 told all '.kind == "agent" and .state == "ended"'
	# another agent is told of by the same stream
	ok devenv up -d --trust
	eventually 30 jq -e -s 'map(select(.kind == "agent" and .state == "started")) | length == 2' all
	jq -e -s 'all(.[]; .version == 1 and (.time | test("^[0-9-]+T[0-9:]+\\.[0-9]{3}Z$"))
		and (.kind | IN("unit", "stage", "plan", "step", "agent", "engine", "config", "note")))' all
	# states are those of `status`
	[ "$(devenv status --json | jq -r '.services[].state' | sort -u)" = ready ] || fail
	[ ! -s all.err ] || fail "$(cat all.err)"
}

@test "the past is shown in order of time, and services can be chosen" {
	mixed
	ok devenv up -d --trust box
	ok devenv down
	ok devenv --json events --since 10m --until 0s
	jq -s -e '[.[].time] == ([.[].time] | sort)' <<<"$output"
	jq -s -e 'map(select(.kind == "unit") | .state) ==
		["created", "running", "ready", "exited", "absent"]' <<<"$output"
	jq -s -e 'map(select(.kind == "plan") | "\(.command) \(.state)") ==
		["up started", "up done", "down started", "down done"]' <<<"$output"
	ok devenv events --since 10m --until 0s host
	says_not box
	ok devenv events --until 1h
	[ -z "$output" ] || fail
}

@test "it ends by a signal with its status, and quietly when nobody reads" {
	mixed
	exits 130 timeout -s KILL 60 timeout --preserve-status -s INT 2 "$DEVENV" events
	exits 143 timeout -s KILL 60 timeout --preserve-status -s TERM 2 "$DEVENV" events
	run sh -c "{ timeout -s KILL 60 '$DEVENV' events --since 1m; echo \"status \$?\" >&2; } | true"
	[ "$output" = "status 0" ] || fail
}

@test "an engine that goes is lost, and back when it answers again" {
	mixed
	DOCKER_HOST=unix://$MACHINE/engine.sock
	export DOCKER_HOST
	relay() {
		python3 - "$MACHINE/engine.sock" <<-'END' >/dev/null 2>&1 3>&- &
			import os, socket, sys, threading
			path = sys.argv[1]
			if os.path.exists(path):
			    os.unlink(path)
			server = socket.socket(socket.AF_UNIX)
			server.bind(path)
			server.listen(50)
			def pump(a, b):
			    while data := a.recv(65536):
			        b.sendall(data)
			    b.shutdown(socket.SHUT_WR)
			while True:
			    one = server.accept()[0]
			    two = socket.socket(socket.AF_UNIX)
			    two.connect("/var/run/docker.sock")
			    for pair in ((one, two), (two, one)):
			        threading.Thread(target=pump, args=pair, daemon=True).start()
		END
		RELAY=$!
	}
	relay
	eventually 20 test -S "$MACHINE/engine.sock"
	ok devenv up -d --trust box
	follow all --since 1m
	eventually 30 told all '.kind == "unit" and .state == "running"'
	kill -9 "$RELAY"
	eventually 30 told all '.kind == "engine" and .state == "lost"'
	relay
	eventually 30 told all '.kind == "engine" and .state == "back"'
	ok devenv restart box
	eventually 30 told all '.kind == "unit" and .state == "exited"'
	ok devenv down
	kill -9 "$RELAY"
}

@test "logs are narrowed to a level and a request across services, while they are followed, too" {
	project narrow <<-'END'
		name: narrow
		x-service: &service { image: "debian:bookworm-slim", init: true, stop_grace_period: 1s }
		services:
		  front:
		    <<: *service
		    command: [sh, -c, 'echo "request_id=id-1 status=200"; echo "request_id=id-12 status=200"; exec sleep infinity']
		  back:
		    <<: *service
		    command: [sh, -c, 'echo "{\"level\":\"error\",\"msg\":\"no luck\",\"request_id\":\"id-1\"}"; exec sleep infinity']
	END
	ok devenv up -d
	ok devenv logs --request id-1
	says "front | request_id=id-1 status=200" "back  | ERROR no luck request_id=id-1"
	says_not id-12
	ok devenv logs --level error
	[ "$output" = "back  | ERROR no luck request_id=id-1" ] || fail
	"$DEVENV" logs -f --tail 0 --request id-9 >followed 3>&- &
	FOLLOWER=$!
	sleep 0.5
	local front
	front=$(devenv status --json | jq -r '.services[] | select(.service == "front").containers[0].id')
	eventually 30 sh -c "docker exec $front sh -c 'echo id=id-8 id=id-9x; echo id=id-9 >/proc/1/fd/1'
		grep -q id-9 followed"
	grep -vq 'id-8' followed
}

@test "what run left behind is part of all there is" {
	project once <<-'END'
		name: once
		services:
		  job: { image: "debian:bookworm-slim", command: sleep infinity, init: true, stop_grace_period: 1s }
	END
	ok devenv up -d
	docker run -d --label devenv.workspace="$(devenv status --json | jq -r .workspace)" \
		--label com.docker.compose.service=job --label com.docker.compose.oneoff=True \
		--label devenv.hash=x debian:bookworm-slim echo from a run >id
	docker wait "$(cat id)"
	ok devenv logs
	says_not "from a run"
	ok devenv logs --all
	says "job run | from a run"
	docker rm "$(cat id)"
}
