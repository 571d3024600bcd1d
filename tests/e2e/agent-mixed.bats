# Host services beside containers, and what the agent does by itself. Guards: each reaches the other
# by ${service.X.host|port}; order holds across both; the configuration is applied live, a bad one
# leaves what runs; an agent comes only where there is something to watch or to supervise.
#
# shellcheck shell=bash disable=SC2154,SC2030,SC2031

load lib.bash

setup() {
	new_machine "$BATS_TEST_TMPDIR/machine"
}

teardown() {
	clean_machine
}

agents() {
	pgrep -f "^devenv -C $PROJECT .*__agent$" || true
}

@test "a host service reaches a container and a container reaches it" {
	project mixed <<-'END'
		services:
		  web:
		    run: host
		    command: [python3, -m, http.server, --bind, 127.0.0.1, "${service.web.port}"]
		    ports: { http: { target: 8000, published: auto } }
		    healthcheck: { http: /, port: http }
		  box:
		    image: debian:bookworm-slim
		    command: [bash, -c, "exec 3<>/dev/tcp/$$HOST/$$PORT && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3 && exec sleep 1000"]
		    environment: { HOST: "${service.web.host}", PORT: "${service.web.port}" }
		    depends_on: { web: { condition: service_healthy } }
		    ports: { x: { target: 9000, published: auto } }
		    stop_grace_period: 1s
		  after:
		    run: host
		    command: 'echo "box at $$BOX"; exec sleep 1000'
		    environment: { BOX: "${service.box.host}:${service.box.port}" }
		    depends_on: [box]
	END
	touch "found-by-the-box"
	ok devenv up -d --trust
	heard() { devenv logs box | grep -q found-by-the-box; }
	eventually 20 heard
	ok devenv logs after
	says "box at $(address box 9000)"
	ok devenv stop box
	[ "$(state web)" = ready ]
	ok devenv up -d
	[ "$(state box)" = ready ]
	ok devenv down
	[ -z "$(containers)" ]
	[ -z "$(agents)" ]
}

@test "containers alone, nothing to watch: no agent" {
	project plain <<-'END'
		services:
		  box: { image: debian:bookworm-slim, command: sleep 1000, stop_grace_period: 1s }
	END
	ok devenv up -d
	[ -z "$(agents)" ]
	[ -z "$(find "$XDG_STATE_HOME" -name agent.lock)" ]
	ok devenv down
}

module_project() {
	enter "$1"
	mkdir -p app
	echo good >app/main.txt
	cat >devenv.yml <<-'END'
		services:
		  app:
		    run: host
		    command: 'echo "serving $$(cat app/main.txt)"; exec sleep 1000'
		    working_dir: .
		    develop:
		      source: app
		      compile: grep -q good app/main.txt
		      on_success: restart
	END
}

log_has() {
	devenv logs app | grep -q "$1"
}

@test "a saved file is compiled and restarts what runs; a failure leaves the last good one" {
	export DOCKER_HOST=unix:///nonexistent/docker.sock
	module_project saved
	ok devenv up -d --trust
	eventually 10 log_has "serving good"
	echo "good second" >app/main.txt
	eventually 30 log_has "serving good second"
	pid=$(devenv status --json | jq '.services[0].containers[0].pid')
	echo "bad" >app/main.txt
	failed() { devenv status --json | jq -e '.agent.modules | tostring | test("failed")' >/dev/null; }
	eventually 30 failed
	[ "$(devenv status --json | jq '.services[0].containers[0].pid')" = "$pid" ]
	ok devenv status
	says "watch on" compile
	ok devenv down
	[ -z "$(agents)" ]
}

@test "a changed configuration is applied live; one that cannot be read leaves what runs" {
	export DOCKER_HOST=unix:///nonexistent/docker.sock
	module_project live
	ok devenv up -d --trust
	pid() { devenv status --json | jq '.services[0].containers[0].pid'; }
	first=$(pid)
	cp devenv.yml whole.yml
	echo "services: [" >devenv.yml
	refused() { grep -q "a value is missing" "$XDG_STATE_HOME"/devenv/*/agent.log; }
	eventually 30 refused
	cp whole.yml devenv.yml
	[ "$(pid)" = "$first" ]
	# What needs consent is said, not done.
	sed 's/echo "serving/echo "now serving/' whole.yml >devenv.yml
	asked() { grep -q "run .devenv up. to look at it" "$XDG_STATE_HOME"/devenv/*/agent.log; }
	eventually 30 asked
	[ "$(pid)" = "$first" ]
	ok devenv up -d --trust
	[ "$(pid)" != "$first" ]
	eventually 10 log_has "now serving good"
	ok devenv down
}

@test "--no-watch watches nothing; a later up switches it on again" {
	export DOCKER_HOST=unix:///nonexistent/docker.sock
	module_project switched
	ok devenv up -d --trust --no-watch
	ok devenv status
	says "watch off"
	ok devenv up -d
	ok devenv status
	says "watch on"
	ok devenv up -d --lint --test
	ok devenv status
	says "lint on, test on"
	ok devenv down
}
