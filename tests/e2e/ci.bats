#!/usr/bin/env bats
# devenv ci on the real engine: green; a planted failure in each stage with its status, JUnit and
# cause; several runs beside a running `up`; killed and interrupted runs leave nothing.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # words for other shells; each test is a subshell
load lib

setup_file() {
	new_machine "$BATS_FILE_TMPDIR"
	project cis <<-'END'
		name: cis
		images: { base: { from: debian:bookworm-slim, user: { name: app } } }
		services:
		  api:
		    image: base
		    command: [sh, -c, 'echo serving; exec sleep 1000']
		    container_name: cis-api
		    init: true
		    stop_grace_period: 1s
		    working_dir: /srv
		    volumes: { rows: /rows }
		    develop: { source: api, compile: sh compile.sh, lint: { command: sh lint.sh, gate: warn }, test: sh test.sh }
		  web:
		    image: base
		    command: [sh, serve.sh]
		    init: true
		    working_dir: /srv
		    depends_on: [api]
		    ports: ["18764:80"]
		    healthcheck: { log: serving }
		    develop: { source: web, test: sh test.sh }
		volumes: { rows: {} }
		ci:
		  e2e: { service: api, run: sh e2e.sh }
	END
	mkdir api web
	green
}

setup() {
	enter cis
	green
}

teardown_file() {
	clean_machine
}

# All stages pass.
green() {
	echo 'echo compiled >built' >api/compile.sh
	echo 'echo linted' >api/lint.sh
	echo 'cat built' >api/test.sh
	echo 'echo rows >/rows/x; test "$(ls /rows)" = x' >api/e2e.sh
	echo 'echo tested web' >web/test.sh
	echo 'echo serving; exec sleep 1000' >web/serve.sh
}

# What runs of this project have left on the engine and in the registry.
remains() {
	docker ps -a --format '{{.Names}}' | grep '^cis-ci-'
	docker volume ls -q | grep '^cis-ci-'
	docker network ls --format '{{.Name}}' | grep '^cis-ci-'
	find "$XDG_STATE_HOME/devenv" -maxdepth 1 -name '*-ci-*'
}

nothing_remains() {
	[ -z "$(remains)" ]
}

# The folder of the report of the last run.
report() {
	local all=(.devenv/ci/*/)
	echo "${all[-1]}"
}

# case_of STAGE UNIT: what the JUnit case of it holds, once all of the report is as it should be.
case_of() {
	python3 "$BATS_TEST_DIRNAME/junit.py" "$(report)junit.xml" "$1" "$2"
}

@test "green: every stage passes, logs and JUnit are there, nothing remains" {
	ok devenv ci --trust
	says "build" "compile" "e2e" "Passed in"
	says_not "FAILED"
	nothing_remains
	grep -q "linted" "$(report)lint-api.log"
	grep -q "tested web" "$(report)test-web.log"
	[ "$(case_of test api)" = system-out ]
	[ "$(case_of up web)" = "" ]
	[ ! -e .devenv/generated ]
}

# plant FILE LINE: fails there; then the stage, its status and the unit to blame are told.
fails_in() {
	local status_wanted=$1 stage=$2 unit=$3 line=$4
	exits "$status_wanted" devenv ci --trust
	says "First cause: $stage of $unit" "$line" "$(report)" "Failed in"
	[[ $(case_of "$stage" "$unit") == *failure* || $(case_of "$stage" "$unit") == *error* ]]
	nothing_remains
}

@test "a failure in compile: its status, its line, its case; what comes after is not run" {
	echo 'echo hello; echo "main.c:3: error: no"; exit 7' >api/compile.sh
	fails_in 7 compile api "main.c:3: error: no"
	says "test     not run" "again  devenv --env ci compile api"
}

@test "a lint that may fail warns; a failing test is the cause" {
	echo 'echo untidy; exit 1' >api/lint.sh
	echo 'echo "1 test failed"; exit 3' >web/test.sh
	fails_in 3 test web "1 test failed"
	says "with warnings"
}

@test "a service that does not come up, an image that is not built, an end that is not met" {
	echo 'echo oh no; exit 5' >web/serve.sh
	fails_in 1 up web "oh no"
	green
	echo 'echo "ERROR: no orders"; exit 9' >api/e2e.sh
	fails_in 9 e2e api "ERROR: no orders"
	green
	exits 1 devenv ci --trust --set 'images.base.run=["echo broken; exit 4"]'
	says "First cause: build of base"
	nothing_remains
}

@test "--keep-going runs what can be run, --timeout ends what takes too long" {
	echo 'exit 2' >api/compile.sh
	exits 2 devenv ci --trust -k compile test
	says "compile  FAILED" "test     passed" "1 not run"
	echo 'sleep 100' >api/compile.sh
	exits 1 devenv ci --trust --timeout compile=2s compile
	says "did not end within 2.0 s"
	exits 2 devenv ci --timeout lint=soon
	exits 2 devenv ci linting
	nothing_remains
}

@test "--json: events, an object a line" {
	run --separate-stderr devenv ci --trust --json compile
	[ "$status" = 0 ]
	[ "$(jq -r 'select(.kind == "stage") | "\(.stage) \(.service) \(.state)"' <<<"$output")" = "compile api passed" ]
	[ "$(jq -r 'select(.kind == "plan").state' <<<"$output" | xargs)" = "started done" ]
}

@test "two at once beside a running up touch neither it nor each other" {
	ok devenv up -d --trust --no-watch
	local before after
	before=$(containers)
	devenv ci --trust >one 2>&1 &
	local one=$!
	devenv ci --trust >two 2>&1
	wait "$one"
	grep -q "Passed in" one
	grep -q "Passed in" two
	after=$(containers)
	[ "$before" = "$after" ]
	[ "$(address web 80)" = 127.0.0.1:18764 ]
	nothing_remains
	ok devenv down -v -y
}

# In the background, until it has brought something up.
begin_run() {
	echo 'sleep 1000' >api/e2e.sh
	rm -f killed
	"$DEVENV" ci --trust >killed 2>&1 &
	RUN=$!
	eventually 60 grep -q "^== e2e" killed
}

@test "an interrupt in the middle cleans up and is the status" {
	begin_run
	kill -TERM "$RUN"
	local status=0
	wait "$RUN" || status=$?
	[ "$status" = 143 ]
	nothing_remains
	grep -q "interrupted" killed
}

@test "what a killed run left, the next one removes; clean what was kept" {
	begin_run
	kill -KILL "$RUN"
	wait "$RUN" || true
	[ -n "$(remains)" ]
	green
	ok devenv ci --trust build
	says "a run of ci that was killed left something"
	eventually 30 nothing_remains
	ok devenv ci --trust --keep build
	[ -n "$(remains)" ]
	ok devenv ci --trust build
	[ -n "$(remains)" ]
	ok devenv clean --dry-run
	says "cis-ci-"
}
