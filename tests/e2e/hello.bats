#!/usr/bin/env bats
# The smallest example, on a machine without an engine: `devenv init hello`, `up --host`, and the
# develop loop on it: a save is served, a lint that fails is told and served all the same, what does not
# compile or fails its test is not served and the last good build answers meanwhile.
# The tests of this file follow one another on one workspace.

# shellcheck disable=SC2030,SC2031 # each test is a subshell
load lib

setup_file() {
	new_machine "$BATS_FILE_TMPDIR"
	export DOCKER_HOST=unix:///nonexistent/docker.sock
	devenv init hello "$MACHINE/projects/hello"
}

setup() {
	enter hello
}

teardown_file() {
	enter hello
	devenv down -y || true
	cd / || return
	# What devenv ought to have ended, by the HOME of this machine of ours alone.
	# shellcheck disable=SC2046 # a list of ids
	kill -KILL $(survivors) 2>/dev/null || true
}

# Processes whose environment has this machine's HOME, besides those of the tests themselves.
survivors() {
	local file pid
	for file in /proc/[0-9]*/environ; do
		pid=${file//[^0-9]/}
		[ "$(tr '\0' '\n' 2>/dev/null <"$file" | grep -cx "DEVENV_SERVICE=web\|DEVENV_AGENT=.*")" = 0 ] && continue
		tr '\0' '\n' <"$file" 2>/dev/null | grep -qxF "HOME=$MACHINE/home" && echo "$pid"
	done
}

page() {
	local base
	base=$(url web)
	curl -sS -m 5 --noproxy '*' "${base%/}/$1"
}

number() {
	page build | jq .number
}

answers_build_after() {
	local now
	now=$(number 2>/dev/null) && [ "${now:-0}" -gt "$1" ]
}

# save FROM TO: replaces a text in page.c as an editor does, by a new file that takes its place.
save() {
	sed "s|$1|$2|" web/page.c >web/page.c.new
	mv web/page.c.new web/page.c
}

# stage NAME: its state, as whoever begins to watch is told.
stage() {
	local line
	read -r line < <(exec timeout -s KILL 10 "$DEVENV" watch --json)
	jq -r --arg n "$1" '.modules[] | select(.service == "web").stages[] | select(.stage == $n).state' <<<"$line"
}

stage_is() {
	[ "$(stage "$1")" = "$2" ]
}

@test "its own build, lint and tests pass with gcc and with clang" {
	cp -r web "$BATS_TEST_TMPDIR/web"
	cd "$BATS_TEST_TMPDIR/web"
	for compiler in gcc clang; do
		make -s CC=$compiler
		make -s CC=$compiler lint
		make -s CC=$compiler test
	done
	[ "$(cat build/number)" = 2 ] # the second compiler built anew
}

@test "without an engine up says so and offers --host" {
	exits 4 devenv up -d
	says "devenv up --host"
}

@test "a host service needs consent" {
	exits 5 devenv up -d --host </dev/null
	says "--trust"
}

@test "up --host serves the page from this machine" {
	ok devenv --trust up -d --host
	[[ $(state web) =~ ^(ready|running)$ ]] || fail "web is $(state web)"
	page '' | grep -F '<dd>host</dd>'
	page healthz | grep -x ok
}

@test "a save is compiled, checked, tested and served" {
	before=$(number)
	save 'Hello from C' 'Hello anew'
	eventually 30 answers_build_after "$before"
	page '' | grep -F '<h1>Hello anew</h1>'
	stage_is compile passed
	stage_is lint passed
	stage_is test passed
}

@test "what does not compile is not served" {
	before=$(number)
	save '"Hello anew"' '"Hello anew'
	eventually 30 stage_is compile failed
	[ "$(number)" = "$before" ]
	page '' | grep -F '<h1>Hello anew</h1>'
	save '"Hello anew;' '"Hello anew";'
	eventually 30 answers_build_after "$before"
}

@test "what fails its test is not served" {
	before=$(number)
	save '"ok.n"' '"well.n"'
	eventually 30 stage_is test failed
	[ "$(number)" = "$before" ]
	page healthz | grep -x ok
	stage_is compile passed
	save '"well.n"' '"ok\\n"'
	eventually 30 answers_build_after "$before"
}

@test "what the lint with gate: warn finds is told and served" {
	before=$(number)
	save '^static size_t get(' 'static int unused_one;\n&'
	eventually 30 answers_build_after "$before"
	eventually 30 stage_is lint warned
	save '^static int unused_one;$' ''
	eventually 30 stage_is lint passed
}

@test "one-shot stages pass the tool's status on" {
	ok devenv test
	ok devenv lint web
	save 'Hello anew' 'Hello %u'
	run devenv lint
	[ "$status" != 0 ]
	save 'Hello %u' 'Hello anew'
}

@test "devenv.local.yml switches a stage while it runs" {
	printf 'services: { web: { develop: { lint: { command: "false", gate: on } } } }\n' >devenv.local.yml
	before=$(number)
	save 'Hello anew' 'Hello local'
	eventually 30 stage_is lint failed
	[ "$(number)" = "$before" ]
	rm devenv.local.yml
	eventually 30 answers_build_after "$before"
}

@test "down leaves no process, no agent and no socket" {
	ok devenv down
	run survivors
	[ -z "$output" ] || fail
	run find "$XDG_STATE_HOME" -name '*.sock'
	[ -z "$output" ] || fail
	exits 4 devenv status # without --host it is a container again
}

@test "make demo runs hello where no engine can, edits it, and says what the shop adds" {
	enter demo
	cd "$REPOSITORY"
	MAKE=true DEMO_DIR=$PROJECT LIMIT=300 run timeout -s KILL 300 tests/setup/demo.sh
	devenv -C "$PROJECT" down -y
	[ "$status" = 0 ] || fail
	says "DOCKER_HOST=unix:///nonexistent/docker.sock does not answer" "200  http" \
		"answers, where build" "the shop would add"
}
