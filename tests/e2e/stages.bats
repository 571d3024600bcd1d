#!/usr/bin/env bats
# compile, lint and test of modules on the real engine: once by command, and as gates of a start.
# What failed is told with its place and its output; an interrupt leaves no process behind.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # words for other shells; each test is a subshell
load lib

# Two modules that share nothing, one that needs another, one on the host.
setup_file() {
	new_machine "$BATS_FILE_TMPDIR"
	project stg <<-'END'
		name: stg
		images: { base: { from: debian:bookworm-slim, user: { name: app } } }
		services:
		  api:
		    image: base
		    command: [sleep, "1000"]
		    init: true
		    working_dir: /srv
		    environment: { WHO: api }
		    develop: { source: api, compile: sh compile.sh, lint: sh lint.sh, test: sh test.sh }
		  web:
		    image: base
		    command: [sleep, "1000"]
		    init: true
		    working_dir: /srv
		    depends_on: [api]
		    develop: { source: web, test: sh test.sh, on_success: none }
	END
	mkdir api web
	printf 'echo compiled by $(id -u) in $(pwd) as $WHO\n' >api/compile.sh
	printf 'echo linted\n' >api/lint.sh
	printf 'echo tested >>../order; echo ok\n' >api/test.sh
	printf 'echo tested web\n' >web/test.sh
}

setup() {
	enter stg
}

teardown_file() {
	clean_machine
}

# Processes of a container whose command line matches.
inside() {
	docker top "$(container "$1")" -o pid,stat,args | grep -v ' Z' | grep -c -- "$2"
}

none_inside() {
	[ "$(inside "$1" "$2")" = 0 ]
}

some_inside() {
	[ "$(inside "$1" "$2")" != 0 ]
}

@test "what is down is compiled in a container of its own, which goes with it" {
	ok devenv compile --progress plain
	says "compiled by" "in /srv as api"
	[ -z "$(container api)" ]
	[ -z "$(docker ps -aq --filter "label=devenv.root=$PROJECT")" ]
}

@test "in its container when that is up, as its user, with its environment" {
	ok devenv up -d --no-watch
	ok devenv compile --progress plain
	says "compiled by $(id -u) in /srv as api"
	ok devenv exec api -- id -u
	says "$(id -u)"
}

@test "the exit status is the tool's own, its output is shown in full" {
	printf 'i=0; while [ $i -lt 200 ]; do echo line $i; i=$((i + 1)); done; exit 42\n' >api/lint.sh
	exits 42 devenv lint
	says "line 0" "line 199" "lint of api: sh lint.sh" "status 42"
	printf 'echo quiet; exit 0\n' >api/lint.sh
	ok devenv lint
	says_not "quiet"
	exits 2 devenv lint web
	says "web has no lint stage" "services.web.develop.lint"
}

@test "of several that fail the first one's status; the others run all the same" {
	printf 'exit 3\n' >api/test.sh
	printf 'echo web all the same; exit 4\n' >web/test.sh
	exits 3 devenv test
	says "web all the same"
	exits 4 devenv test web
	run -4 --separate-stderr devenv --json test web
	[ "$(jq -r '.[0].stages[0] | .state, .status' <<<"$output" | xargs)" = "failed 4" ]
	[ "$(jq -r '.[0].stages[0].output' <<<"$output")" = "web all the same" ]
	printf 'exit 0\n' | tee api/test.sh >web/test.sh
	ok devenv test
}

@test "a report is JUnit XML, whatever the tool wrote" {
	printf 'printf "<&\\033[31mred\\033[0m\\001\\377]]>\\n"; exit 1\n' >api/test.sh
	exits 1 devenv test --report "$MACHINE/report.xml"
	python3 - "$MACHINE/report.xml" <<-'END'
		import sys
		import xml.etree.ElementTree as et
		root = et.parse(sys.argv[1]).getroot()
		assert root.tag == "testsuites" and root.get("tests") == "2", root.attrib
		assert [s.get("name") for s in root] == ["api", "web"]
		api, web = root
		for s in root:
		    assert set(s.attrib) == {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"}
		    assert [c.tag for c in s] == ["testcase"]
		case = api[0]
		assert case.get("classname") == "api" and case.get("name") == "test"
		assert api.get("failures") == "1" and web.get("failures") == "0"
		failure = case.find("failure")
		assert failure.get("message") == "ended with status 1"
		assert failure.text.strip() == "<&red\\x01\\xff]]>", failure.text
		assert float(case.get("time")) > 0
	END
	printf 'exit 0\n' >api/test.sh
}

@test "an interrupt ends what runs in the container, and says so" {
	printf 'trap "" TERM; sleep 987 & sleep 988\n' >api/test.sh
	timeout -s KILL 60 "$DEVENV" test api 2>"$MACHINE/said" &
	local pid=$!
	eventually 30 some_inside api "sleep 988"
	pkill -INT -P "$pid" || kill -INT "$pid"
	run wait "$pid"
	eventually 15 none_inside api "sleep 98[78]"
	eventually 30 grep -q interrupted "$MACHINE/said"
	printf 'exit 0\n' >api/test.sh
	ok devenv test api
}

@test "what a killed devenv left in the container is ended by the next run" {
	printf 'trap "" TERM; sleep 986 & sleep 986\n' >api/test.sh
	"$DEVENV" test api >/dev/null 2>&1 &
	local pid=$!
	eventually 30 some_inside api "sleep 986"
	kill -KILL "$pid"
	wait "$pid" || true
	some_inside api "sleep 986"
	printf 'exit 0\n' >api/test.sh
	ok devenv test api
	none_inside api "sleep 986"
}

@test "what a killed agent left in a container is ended by the next agent" {
	project stgleft <<-'END'
		name: stgleft
		images: { base: { from: debian:bookworm-slim, user: { name: app } } }
		services:
		  api:
		    image: base
		    command: [sleep, "1000"]
		    init: true
		    working_dir: /srv
		    develop: { source: api, compile: sh compile.sh, on_success: none }
	END
	mkdir -p api
	printf 'exit 0\n' >api/compile.sh
	ok devenv up -d --watch
	printf 'sleep 985 & sleep 985\n' >api/compile.sh
	eventually 30 some_inside api "sleep 985"
	kill -KILL "$(cat "$XDG_STATE_HOME"/devenv/*stgleft*/agent.lock)"
	some_inside api "sleep 985"
	printf 'exit 0\n' >api/compile.sh
	ok devenv up -d --watch
	eventually 20 none_inside api "sleep 985"
	ok devenv down
}

@test "two at once take turns" {
	printf '[ ! -e busy ] || exit 9; touch busy; sleep 1; rm busy\n' >api/test.sh
	devenv test api &
	local first=$!
	ok devenv test api
	wait "$first"
	printf 'exit 0\n' >api/test.sh
}

@test "a module that does not compile is not started; the one that served goes on" {
	local before
	before=$(container api)
	printf 'echo app.c:3:5: no such thing >&2; exit 2\n' >api/compile.sh
	sed -i 's/WHO: api/WHO: other/' devenv.yml
	exits 1 devenv up -d
	says "compile of api ended with status 2" "app.c:3:5: no such thing" "devenv.yml:10:"
	printf 'exit 0\n' >api/compile.sh
	ok devenv up -d
	[ "$(container api)" != "$before" ]
	[ "$(state api)" = ready ]
}

# Answers of the one that serves, as long as $MACHINE/asking is there.
ask() {
	while [ -e "$MACHINE/asking" ]; do
		curl -s -m 2 "http://$1/version" || echo none
		sleep 0.05
	done >"$MACHINE/answers"
}

@test "the last good one answers while what would replace it is compiled, and after it failed" {
	project stgserve <<-'END'
		name: stgserve
		images: { base: { from: debian:bookworm-slim, user: { name: app } } }
		services:
		  api:
		    image: base
		    command: [perl, serve.pl]
		    environment: { VERSION: one }
		    init: true
		    working_dir: /srv
		    ports: { http: { target: 8000, published: auto } }
		    develop: { source: api, compile: sh compile.sh }
		  front:
		    image: base
		    command: [sleep, "1000"]
		    environment: { FRONT: one }
		    init: true
		    depends_on: [api]
		  other:
		    image: base
		    command: [sleep, "1000"]
		    environment: { OTHER: one }
		    init: true
	END
	mkdir -p api
	printf 'exit 0\n' >api/compile.sh
	cat >api/serve.pl <<-'END'
		use IO::Socket::INET;
		my $s = IO::Socket::INET->new(LocalPort => 8000, Listen => 50, ReuseAddr => 1) or die;
		while (my $c = $s->accept) {
			sysread $c, my $request, 1000;
			print $c "HTTP/1.0 200 OK\r\n\r\n$ENV{VERSION}\n";
			close $c;
		}
	END
	ok devenv up -d --no-watch
	local api front other where asker
	api=$(container api) front=$(container front) other=$(container other)
	where=$(address api 8000)
	[ "$(curl -s "http://$where/version")" = one ]

	sed -i 's/: one }/: two }/' devenv.yml
	printf 'sleep 2; echo broken in $VERSION; exit 3\n' >api/compile.sh
	touch "$MACHINE/asking"
	ask "$where" &
	asker=$!
	exits 1 devenv up -d --no-watch
	rm "$MACHINE/asking"
	wait "$asker"
	says "compile of api ended with status 3" "broken in two" "as before go on serving: api, front"
	[ "$(sort -u "$MACHINE/answers")" = one ]
	[ "$(wc -l <"$MACHINE/answers")" -gt 10 ]
	[ "$(container api)" = "$api" ]
	[ "$(container front)" = "$front" ]
	[ "$(container other)" != "$other" ]
	[ "$(state api) $(state front) $(state other)" = "ready ready ready" ]
	[ -z "$(docker ps -aq --filter "label=devenv.root=$PROJECT" --filter label=com.docker.compose.oneoff=True)" ]

	printf 'exit 0\n' >api/compile.sh
	ok devenv up -d --no-watch
	[ "$(curl -s "http://$where/version")" = two ]
	[ "$(container front)" != "$front" ]
	ok devenv up -d --no-watch
	says_not "compile"
	devenv down
}

@test "up.test: before_start is a gate; a lint that warns is none" {
	printf 'up: { test: before_start, lint: before_start }\n' >devenv.local.yml
	printf 'echo untidy; exit 1\n' >api/lint.sh
	sed -i 's/lint: sh lint.sh/lint: { command: sh lint.sh, gate: warn }/' devenv.yml
	printf 'echo broken; exit 5\n' >api/test.sh
	devenv down
	exits 1 devenv up -d
	says "test of api ended with status 5" "broken"
	[ "$(state api)" != ready ]
	printf 'exit 0\n' >api/test.sh
	ok devenv up -d
	says "untidy"
	[ "$(state api)" = ready ]
	ok devenv up -d
	says_not "test api"
}

@test "a stage of a host service runs on the host, with its variables" {
	project stghost <<-'END'
		name: stghost
		services:
		  tool:
		    run: host
		    command: sleep 1000
		    environment: { WHO: host }
		    develop: { source: src, test: 'echo "$$WHO in $$(pwd)"; exit 6', on_success: none }
	END
	mkdir -p src
	exits 6 devenv --trust test
	says "host in $PROJECT/src"
}

@test "nothing is left behind" {
	local id
	id=$(workspace)
	devenv down -v -y
	[ -z "$(left "$id")" ]
}

@test "a module with a fixed address is compiled before its first start, in itself, and when it is down" {
	local net=10.$((RANDOM % 200 + 20)).$((RANDOM % 250))
	project stgfixed <<-END
		name: stgfixed
		networks: { front: { ipam: { config: [{ subnet: $net.0/24 }] } } }
		services:
		  api:
		    image: debian:bookworm-slim
		    command: [sleep, "1000"]
		    stop_signal: KILL
		    working_dir: /srv
		    environment: { WHO: one }
		    networks: { front: { ipv4_address: $net.5 } }
		    develop: { source: src, compile: 'echo compiled as \$\$WHO', on_success: none }
	END
	mkdir -p src
	ok devenv up -d --no-watch
	says "compile api"
	docker inspect "$(container api)" | grep -q "\"IPAddress\": \"$net.5\""
	ok devenv compile --progress plain
	says "compiled as one"
	devenv stop
	ok devenv compile --progress plain
	says "compiled as one"
	devenv down
}

@test "up.services: the URLs are those of what was started" {
	project stgurls <<-'END'
		name: stgurls
		up: { services: [here], watch: false }
		services:
		  here: { image: debian:bookworm-slim, command: sleep 1000, stop_signal: KILL, ports: { http: { target: 80, published: auto } } }
		  away: { image: debian:bookworm-slim, command: sleep 1000, stop_signal: KILL, ports: { http: { target: 80, published: auto } } }
	END
	ok devenv up -d
	[[ $output =~ http://127.0.0.1:[0-9]+\ +\(here\) ]] || fail "no URL"
	says_not "(away)"
	devenv down
}
