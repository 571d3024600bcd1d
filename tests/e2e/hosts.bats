# Host services as units of a plan. Guards: each copy is judged by itself and has its own ports; what
# changed is started anew, what did not is left alone; a service moves between container and host;
# secrets reach a process and nobody else; dependencies are installed once per lock file; --host asks
# for consent of its own.
#
# shellcheck shell=bash disable=SC2154,SC2030,SC2031

load lib.bash

setup() {
	new_machine "$BATS_TEST_TMPDIR/machine"
}

teardown() {
	clean_machine
}

# units SERVICE: "NUMBER PID" of each of its processes.
units() {
	devenv status --json | jq -r --arg s "$1" \
		'.services[] | select(.service == $s).containers[] | "\(.number) \(.pid)"' | sort
}

# variable SERVICE NAME: in the environment of its first copy.
variable() {
	tr '\0' '\n' <"/proc/$(units "$1" | sed -n 's/^1 //p')/environ" | sed -n "s/^$2=//p"
}

@test "copies have ports of their own, and only what changed is started anew" {
	project copies <<-'END'
		name: copies
		services:
		  web:
		    run: host
		    command: python3 -m http.server $$PORT --bind 127.0.0.1
		    scale: 3
		    ports: { http: { target: 8000, published: auto } }
		    healthcheck: { http: /, port: http }
		  other: { run: host, command: sleep 1000 }
	END
	ok devenv up -d --trust
	[ "$(units web | wc -l)" = 3 ]
	local before other
	other=$(units other)
	for port in $(devenv status --json | jq '.services[0].containers[].ports[].published'); do
		curl -sf --max-time 5 -o listing "http://127.0.0.1:$port/"
		echo "$port" >>ports
	done
	[ "$(sort -u ports | wc -l)" = 3 ]
	before=$(units web)
	kill -9 "$(units web | sed -n 's/^2 //p')"
	eventually 10 sh -c "'$DEVENV' status --json | jq -e '.services[0].containers[1].state == \"exited\"'"
	ok devenv up -d
	says "web" ready
	[ "$(units web | sed -n '1p;3p')" = "$(sed -n '1p;3p' <<<"$before")" ]
	[ "$(units web | sed -n 2p)" != "$(sed -n 2p <<<"$before")" ]
	sed -i 's/scale: 3/scale: 1/' devenv.yml
	ok devenv plan
	says "stop host:web.2" "stop host:web.3" "web has 1 copy now"
	says_not "start web"
	ok devenv up -d --trust
	[ "$(units web)" = "$(sed -n 1p <<<"$before")" ]
	sed -i 's/scale: 1/environment: { A: b }/' devenv.yml
	ok devenv plan
	says "start web" "environment changed"
	ok devenv up -d --trust
	[ "$(units web)" != "$(sed -n 1p <<<"$before")" ]
	[ "$(units other)" = "$other" ]
	[ "$(variable web A)" = b ]
	ok devenv up -d
	says_not "start web"
}

@test "a service moves from its container to the host and back" {
	project moves <<-'END'
		name: moves
		services:
		  web:
		    image: debian:bookworm-slim
		    command: sleep 1000
		    init: false
		    stop_signal: KILL
	END
	ok devenv up -d
	[ -n "$(container web)" ]
	cp devenv.yml container.yml
	sed -i 's/image:.*/run: host/' devenv.yml
	ok devenv plan
	says "web runs on the host now" "process absent"
	ok devenv up -d --trust
	[ -z "$(container web)" ]
	[ "$(state web)" = ready ]
	[ "$(variable web DEVENV_SERVICE)" = web ]
	local pid
	pid=$(units web | cut -d' ' -f2)
	cp container.yml devenv.yml
	ok devenv up -d
	[ -n "$(container web)" ]
	[ ! -e "/proc/$pid" ]
}

@test "secrets reach the process by variable and file, and nobody else" {
	project secrets <<-'END'
		name: secrets
		secrets: { token: { generate: hex } }
		services:
		  web:
		    run: host
		    command: sleep 1000
		    env_file: web.env
		    secrets: [token]
		    environment:
		      TOKEN: "${secret.token}"
		      TOKEN_FILE: /run/secrets/token
		      OVER: configured
	END
	printf 'FROM_FILE=yes\nOVER=file\n' >web.env
	ok devenv up -d --trust
	local token
	token=$(devenv secrets get token)
	[ -n "$token" ]
	[ "$(variable web TOKEN)" = "$token" ]
	[ "$(cat "$(variable web TOKEN_FILE)")" = "$token" ]
	[ "$(variable web FROM_FILE)" = yes ]
	[ "$(variable web OVER)" = configured ]
	ok devenv plan --json
	says_not "$token"
	run grep -r "$token" "$XDG_STATE_HOME" --include=agent.log --include='*.json' -l
	says_not agent.log
	run sh -c "ps -eo args | grep -F '$token' | grep -v grep"
	[ -z "$output" ]
	local before
	before=$(units web)
	echo 'FROM_FILE=again' >web.env
	ok devenv up -d --trust
	[ "$(units web)" != "$before" ]
	[ "$(variable web FROM_FILE)" = again ]
}

@test "dependencies on the host are installed once per lock file" {
	project deps <<-'END'
		name: deps
		services:
		  app:
		    run: host
		    command: sleep 1000
		    develop:
		      source: app
		      dependencies: { lock: [app/lock], install: "cat lock >>installed", into: vendor }
	END
	mkdir app
	echo one >app/lock
	ok devenv up -d --no-watch --trust
	[ "$(cat app/installed)" = one ]
	ok devenv restart app
	ok devenv recreate app
	[ "$(cat app/installed)" = one ]
	echo two >app/lock
	ok devenv plan
	says "lock files changed"
	ok devenv up -d --no-watch --trust
	[ "$(cat app/installed)" = $'one\ntwo' ]
}

# saved TEXT: the lock file says so now, and `up` installs what is missing.
saved() {
	echo "$1" >app/lock
	run devenv up -d --no-watch --trust
}

@test "what git ignores comes back with its lock file, and when another install fails" {
	project kept <<-'END'
		name: kept
		services:
		  app:
		    run: host
		    command: sleep 1000
		    develop:
		      source: app
		      dependencies:
		        lock: [app/lock]
		        install: "cp lock vendor/tree; cat lock >>installed; ! grep -q broken lock"
		        into: vendor
	END
	mkdir app
	git init -q .
	echo vendor/ >.gitignore
	saved one
	[ "$status" = 0 ]
	saved two
	[ "$(cat app/vendor/tree)" = two ]
	saved one
	[ "$(cat app/vendor/tree)" = one ]
	saved broken
	[ "$status" = 1 ]
	[ "$(cat app/vendor/tree)" = one ]
	saved two
	[ "$status" = 0 ]
	[ "$(cat app/vendor/tree)" = two ]
	[ "$(xargs <app/installed)" = "one two broken" ]
	local text
	for text in a b c d e; do saved $text; done
	[ "$(find .devenv/dependencies -name tree | wc -l)" -le 3 ]
	ok devenv down
}

@test "a command of a host service that was never up has its dependencies" {
	project early <<-'END'
		name: early
		services:
		  app:
		    run: host
		    command: sleep 1000
		    develop:
		      source: app
		      dependencies: { lock: [app/lock], install: "echo got >vendor/tree", into: vendor }
		      test: cat vendor/tree
	END
	mkdir app
	echo one >app/lock
	ok devenv --trust run app -- cat vendor/tree
	says got
	rm -r app/vendor
	ok devenv --trust --progress plain test
	says got
	[ "$(state app)" = absent ]
}

@test "what only --host would run needs no consent until it is asked for" {
	export DOCKER_HOST=unix:///nonexistent/docker.sock
	project consent <<-'END'
		name: consent
		services:
		  db: { image: debian:bookworm-slim }
		  web: { image: debian:bookworm-slim, command: sleep 1000, host: { command: sleep 1000 } }
	END
	exits 4 devenv up -d
	says "devenv up --host"
	says_not "wants to reach outside"
	exits 5 devenv up -d --host
	says "with --host, host service web: sleep 1000"
	ok devenv up -d --host --trust
	says "left out, they have no host command: db"
	[ "$(state web)" = ready ]
	ok devenv up -d --host
	local pid
	pid=$(units web | cut -d' ' -f2)
	ok devenv down
	[ ! -e "/proc/$pid" ]
}
