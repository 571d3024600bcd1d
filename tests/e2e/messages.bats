#!/usr/bin/env bats
# What is said when something is wrong: a typo, a cycle, a port that is taken, no engine, an engine
# that hangs. Each names its cause and the remedy, with the right status, in time, and starts nothing.

# shellcheck disable=SC2016,SC2030,SC2031 # words for other shells; each test is a subshell
load lib

setup() {
	new_machine "$BATS_TEST_TMPDIR"
}

teardown() {
	[ ! -e "$BATS_TEST_TMPDIR/pid" ] || kill -KILL "$(cat "$BATS_TEST_TMPDIR/pid")" 2>/dev/null || true
	clean_machine
}

# within SECONDS STATUS COMMAND...
within() {
	local limit=$1 begun
	shift
	begun=$(date +%s%N)
	exits "$@"
	took=$((($(date +%s%N) - begun) / 1000000))
	[ "$took" -le $((limit * 1000)) ] || fail "it took $took ms"
}

small_project() {
	project "$1" <<-END
		name: $1
		services:
		  web:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    ports: [ "$2:80" ]
	END
}

# listen SCRIPT: a Python process in the background; it prints its line when it is ready.
listen() {
	python3 -c "$1" >"$BATS_TEST_TMPDIR/listening" &
	echo $! >"$BATS_TEST_TMPDIR/pid"
	eventually 10 test -s "$BATS_TEST_TMPDIR/listening"
}

@test "what fingers know from Compose works" {
	project fingers <<-'END'
		name: fingers
		services:
		  web: { image: debian:bookworm-slim, command: sleep infinity, ports: { http: { target: 80, published: auto } } }
		  cache: { image: debian:bookworm-slim, command: sleep infinity }
	END
	ok devenv up --wait --remove-orphans
	ok devenv exec -it web echo hello
	says hello
	ok devenv run --rm -it cache echo hello
	says hello
	ok devenv ps -a web
	says web ready
	says_not cache
	ok devenv ps web --json
	[ "$(jq -r '.services[].service' <<<"$output")" = web ]
	ok devenv port web 80
	[ "$output" = "$(address web 80)" ]
	exits 1 devenv port web 81
	says "web publishes no port 81" "devenv ports web"
	BROWSER=false exits 1 devenv open web
	says "false could not open http://127.0.0.1" "devenv open --print"
	exits 1 devenv restore never
	says "there is no snapshot never" "devenv snapshot ls"
	ok devenv down --remove-orphans
}

@test "a typo is named with its line and the nearest word" {
	project typo <<-'END'
		name: typo
		services:
		  web:
		    image: debian:bookworm-slim
		    comand: sleep infinity
		    depends_on: [dv]
		  db: { image: debian:bookworm-slim }
	END
	within 1 3 devenv up -d
	says "devenv.yml:5:5: error:" "comand" "did you mean" "command"
	says "^~~~~~"
	[ ! -e .devenv/generated ]
	within 1 3 devenv config --json
	jq -e '.[0].line == 5 or .diagnostics[0].line == 5' <<<"$output"
}

@test "an unknown service is named with the nearest one" {
	project unknown <<-'END'
		name: unknown
		services:
		  web: { image: debian:bookworm-slim, depends_on: [databse] }
		  database: { image: debian:bookworm-slim }
	END
	within 1 3 devenv up -d
	says "devenv.yml:3:" "databse" "database"
}

@test "a cycle is shown as a path" {
	project cycle <<-'END'
		name: cycle
		services:
		  a: { image: debian:bookworm-slim, depends_on: [b] }
		  b: { image: debian:bookworm-slim, depends_on: [c] }
		  c: { image: debian:bookworm-slim, depends_on: [a] }
	END
	within 1 3 devenv up -d
	says "devenv.yml:" "a -> b -> c -> a"
	[ -z "$(containers)" ]
}

@test "a port that is taken is moved and its holder named; --strict-ports fails" {
	listen 'import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); print(s.getsockname()[1], flush=True); time.sleep(120)'
	port=$(cat "$BATS_TEST_TMPDIR/listening")
	small_project taken "$port"
	within 10 1 devenv up -d --strict-ports
	says "$port" "python3" "pid $(cat "$BATS_TEST_TMPDIR/pid")" "devenv.yml:6"
	[ -z "$(containers)" ]
	ok devenv up -d
	says "port $port of web is taken by" "python3"
	[ "$(address web 80)" != "127.0.0.1:$port" ]
	moved=$(address web 80)
	ok devenv up -d
	[ "$(address web 80)" = "$moved" ]
	[ "$(devenv status --json | jq -r '.services[0].state')" = ready ]
}

@test "a port that another project holds names the container" {
	small_project first auto
	sed -i 's/.*ports.*/    ports: { http: { target: 80, published: auto } }/' devenv.yml
	ok devenv up -d
	port=$(address web 80)
	small_project second "${port#*:}"
	within 10 1 devenv up -d --strict-ports
	says "${port#*:}" "first"
}

@test "no engine: nobody is there" {
	small_project noengine 0
	sed -i '/ports/d' devenv.yml
	DOCKER_HOST=unix://$BATS_TEST_TMPDIR/none.sock within 1 4 devenv up -d
	says "$BATS_TEST_TMPDIR/none.sock" "DOCKER_HOST"
	DOCKER_HOST=unix://$BATS_TEST_TMPDIR/none.sock within 1 4 devenv status
	touch "$BATS_TEST_TMPDIR/file.sock"
	DOCKER_HOST=unix://$BATS_TEST_TMPDIR/file.sock within 1 4 devenv up -d
	says "not a socket"
	python3 -c "import socket; socket.socket(socket.AF_UNIX).bind('$BATS_TEST_TMPDIR/stale.sock')"
	DOCKER_HOST=unix://$BATS_TEST_TMPDIR/stale.sock within 1 4 devenv up -d
	says "nobody listens"
}

@test "no engine: what needs none still works" {
	small_project reading 0
	sed -i '/ports/d' devenv.yml
	export DOCKER_HOST=unix://$BATS_TEST_TMPDIR/none.sock
	ok devenv config -q
	ok devenv generate
	ok devenv plan
	says "first start"
	ok devenv graph
	within 5 4 devenv logs -f || within 5 0 devenv logs
	run devenv doctor
	says "$BATS_TEST_TMPDIR/none.sock"
}

@test "a hung engine: the command ends within five seconds and says who does not answer" {
	small_project hung 0
	sed -i '/ports/d' devenv.yml
	listen "import socket, time
s = socket.socket(socket.AF_UNIX); s.bind('$BATS_TEST_TMPDIR/hung.sock'); s.listen(50); print('on', flush=True); time.sleep(120)"
	export DOCKER_HOST=unix://$BATS_TEST_TMPDIR/hung.sock
	for command in "up -d" "down" status ports "exec web -- true" doctor; do
		# shellcheck disable=SC2086 # a command and its arguments
		LIMIT=20 run devenv $command
		echo "$command: $status: $output"
		[ "$status" != 0 ]
		says "$BATS_TEST_TMPDIR/hung.sock" "not answer"
	done
	within 6 4 devenv up -d
}

@test "an image that cannot be had is an error of its service, without a retry storm" {
	project noimage <<-'END'
		name: noimage
		services:
		  web: { image: "localhost:1/none:1" }
	END
	within 30 1 devenv up -d
	says "localhost:1" "devenv.yml:3"
}

@test "two at once take turns: the second says who holds the workspace" {
	project busy <<-'END'
		name: busy
		services:
		  web:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    healthcheck: { test: "test -e /tmp/go", interval: 60s, start_period: 60s }
	END
	"$DEVENV" up -d >/dev/null 2>&1 &
	echo $! >"$BATS_TEST_TMPDIR/pid"
	eventually 20 sh -c "docker ps -q --filter label=devenv.root=$PROJECT | grep -q ."
	within 7 6 devenv up -d
	says "$(cat "$BATS_TEST_TMPDIR/pid")"
	ok devenv status
}

@test "a configuration that cannot be read does not keep what runs from being taken down" {
	project broken <<-'END'
		services: { a: { image: "debian:bookworm-slim", command: sleep infinity } }
	END
	ok devenv up -d
	echo 'servces: {}' >>devenv.yml
	run devenv down
	[ "$status" = 0 ]
	[[ $output == *'unknown key "servces"'*'going by what runs'* ]]
	[ -z "$(docker ps -aq --filter "label=devenv.root=$PROJECT")" ]
}

@test "a beginner's mistakes are told with what to do next" {
	export DOCKER_HOST=unix:///nonexistent
	enter nothing
	exits 3 devenv up
	says "there is no devenv.yml in $PROJECT" "devenv init hello" "devenv init --from"
	project begun <<-'END'
		name: begun
		services: { one: { run: host, command: [sleep, "1000"] } }
	END
	exits 2 devenv -C devenv.yml status
	says "devenv.yml is not a directory"
	ok devenv logs
	says "Nothing has run here yet" "devenv up"
	exits 1 devenv wait one
	says "one is not up" "devenv up -d one"
	exits 1 devenv wait
	says "nothing is up" "devenv up -d"
	exits 1 devenv open one
	says "one has no URL" "ports:"
	exits 2 devenv secrets get nope
	says "no secret \"nope\"" "secrets:"
	exits 1 devenv config zzz
	says "has no zzz" "devenv config"
	touch .devenv
	exits 1 devenv --trust generate
	says ".devenv is not a directory" "rm $PROJECT/.devenv"
}

@test "files that a run as root left behind are named with the way to get them back" {
	[ "$(id -u)" = 0 ] || skip "only root can leave files of root's"
	open=$(mktemp -d /tmp/devenv-open.XXXXXX) # bats' own folders are root's alone
	new_machine "$open"
	project mine <<-'END'
		name: mine
		services: { one: { run: host, command: [sleep, "1000"] } }
	END
	mkdir .devenv "$MACHINE/nobody"
	chown 65534:65534 . devenv.yml "$MACHINE/nobody"
	cp "$DEVENV" "$MACHINE/devenv"
	chmod 755 "$MACHINE" "$MACHINE/devenv"
	run env -i PATH="$PATH" HOME="$MACHINE/nobody" timeout -s KILL 60 setpriv --reuid=65534 \
		--regid=65534 --clear-groups "$MACHINE/devenv" --trust generate
	rm -rf "$open"
	[ "$status" = 1 ] || fail "status $status"
	says "$PROJECT/.devenv" "Permission denied" "sudo chown -R"
}
