#!/usr/bin/env bats
# The develop loop with its agent on the real engine: a save in every editor's manner is one run;
# gates keep the last good process; inputs bring everything up anew; what feeds itself is suspended.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # words for other shells; each test is a subshell
load lib

# What serves says which text it was started with; each compile leaves a line outside of the watch.
setup_file() {
	new_machine "$BATS_FILE_TMPDIR"
	project dev <<-'END'
		name: dev
		up: { lint: on_change, test: on_change }
		images: { base: { from: debian:bookworm-slim, user: { name: app } } }
		services:
		  api:
		    image: base
		    command: [sh, -c, 'echo serving $(cat app.txt); exec sleep 1000']
		    init: true
		    working_dir: /srv
		    stop_grace_period: 1s
		    volumes: [./runs:/runs]
		    develop:
		      source: api
		      compile: sh compile.sh
		      lint: { command: sh lint.sh, gate: warn }
		      test: sh test.sh
		      watch: [{ path: ., ignore: [made/] }]
		      dependencies: { lock: [api/lock], install: 'date +%s.%N >made/deps', into: made }
		  other:
		    image: base
		    command: [sleep, "1000"]
		    init: true
		    stop_grace_period: 1s
	END
	mkdir api runs
	chmod 777 runs
	printf 'cat app.txt >>/runs/compiled\n' >api/compile.sh
	printf 'exit 0\n' | tee api/lint.sh >api/test.sh
	echo one >api/app.txt
	echo "1 $MACHINE" >api/lock
	printf '.devenv/\nruns/\n' >.gitignore
	git init -q -b main . && git add -A
	git -c user.name=t -c user.email=t@localhost commit -qm one
	devenv up -d
}

setup() {
	enter dev
}

# Dependencies are shared between workspaces, so that nothing else takes them away.
teardown_file() {
	clean_machine
	xargs -r docker volume rm -f <"$MACHINE/volumes" >/dev/null || true
}

# module FIELD: of api, as `status --json` has it.
module() {
	devenv status --json | jq -r ".agent.modules[] | select(.service == \"api\") | $1"
}

stage() {
	module ".stages[] | select(.stage == \"$1\").state"
}

runs() {
	module .runs
}

serves() {
	[ "$(docker logs "$(container api)" 2>/dev/null | tail -n 1)" = "serving $1" ]
}

idle() {
	[ "$(module '.running')" = false ]
}

# Exactly one further run after what is done, and it has ended.
one_run() {
	local before
	before=$(runs)
	"$@"
	eventually 20 ran_since "$before"
	eventually 20 idle
	sleep 0.3
	[ "$(runs)" = $((before + 1)) ] || fail "$(runs) runs, $before before"
}

ran_since() {
	[ "$(runs)" -gt "$1" ]
}

say_it() {
	printf '%s\n' "$1" >api/app.txt
}

by_sed() {
	sed -i "s/.*/$1/" api/app.txt
}

by_rename() { # as vim and most others: beside it, then over it
	printf '%s\n' "$1" >api/app.txt.new
	mv api/app.txt.new api/app.txt
}

by_backup() { # as emacs: the old one goes aside
	mv api/app.txt api/app.txt~
	printf '%s\n' "$1" >api/app.txt
	rm api/app.txt~
}

@test "a save is one run, in each manner of saving" {
	local how
	for how in say_it by_sed by_rename by_backup; do
		one_run "$how" "$how"
		eventually 10 serves "$how"
	done
	[ "$(module .cause)" = api/app.txt ]
	[ "$(stage compile)" = passed ]
	[ "$(stage on_success)" = passed ]
}

@test "vim's save is one run" {
	command -v vim >/dev/null || skip "no vim"
	one_run vim -u NONE -es -c 's/.*/vim/' -c wq api/app.txt
	eventually 10 serves vim
}

@test "a restart is no recreation" {
	local id
	id=$(container api)
	one_run say_it again
	eventually 10 serves again
	[ "$(container api)" = "$id" ]
	ok devenv up -d
	[ "$(container api)" = "$id" ]
}

@test "what does not compile keeps the old process serving; the next save heals" {
	one_run say_it good
	eventually 10 serves good
	one_run sh -c 'echo bad >api/app.txt; printf "echo app.c:1:1: bad; exit 2\n" >api/compile.sh'
	[ "$(stage compile)" = failed ]
	[ "$(stage test)" = skipped ]
	[ "$(module '.stages[] | select(.stage == "compile").status')" = 2 ]
	serves good
	one_run sh -c 'printf "exit 0\n" >api/compile.sh'
	eventually 10 serves bad
}

@test "a failing test is a gate, a lint that warns is none" {
	one_run sh -c 'echo kept >api/app.txt; printf "exit 0\n" >api/test.sh'
	eventually 10 serves kept
	one_run sh -c 'echo new >api/app.txt; printf "exit 3\n" >api/test.sh'
	[ "$(stage test)" = failed ]
	serves kept
	one_run sh -c 'printf "exit 0\n" >api/test.sh; printf "exit 1\n" >api/lint.sh'
	[ "$(stage lint)" = warned ]
	eventually 10 serves new
	one_run sh -c 'printf "exit 0\n" >api/lint.sh'
}

@test "E06, E07: a change during a run: it is cancelled with all it left, and one more follows" {
	printf 'cat app.txt >>/runs/seen; grep -q slow app.txt || exit 0; trap "" TERM; setsid sleep 601 & sleep 600; sleep 600\n' >api/compile.sh
	echo slow >api/app.txt
	eventually 20 grep -q slow runs/seen
	echo quick >api/app.txt
	eventually 20 serves quick
	eventually 20 idle
	[ "$(docker top "$(container api)" | grep -c 'sleep 60[01]')" = 0 ]
	[ "$(tail -n 1 runs/seen)" = quick ]
}

# The volume of api's dependencies; when they were installed.
dependencies() {
	docker inspect -f '{{range .Mounts}}{{println .Name}}{{end}}' "$(container api)" |
		grep devenv-deps
}

installed() {
	docker exec "$(container api)" cat made/deps
}

depends_on() {
	[ "$(dependencies)" = "$1" ] && is_ready
}

depends_no_more_on() {
	[ "$(dependencies)" != "$1" ] && is_ready
}

is_ready() {
	[ "$(state api)" = ready ]
}

@test "a lock file that changed is installed once; a checkout back needs no install" {
	local first since
	git add -A
	git -c user.name=t -c user.email=t@localhost commit -qm two
	git checkout -q -b branch
	first=$(dependencies)
	since=$(installed)
	echo "2 $MACHINE" >api/lock
	eventually 60 depends_no_more_on "$first"
	dependencies >>"$MACHINE/volumes"
	[ "$(installed)" != "$since" ]
	git -c user.name=t -c user.email=t@localhost commit -qam three
	git checkout -q main
	eventually 60 depends_on "$first"
	[ "$(installed)" = "$since" ]
	dependencies >>"$MACHINE/volumes"
}

@test "a command in a container has its dependencies before the first up" {
	project early <<-'END'
		name: early
		images: { base: { from: debian:bookworm-slim, user: { name: app } } }
		services:
		  api:
		    image: base
		    command: [sleep, "1000"]
		    init: true
		    working_dir: /srv
		    develop:
		      source: api
		      dependencies: { lock: [api/lock], install: 'echo got $(cat lock) >made/deps', into: made }
	END
	mkdir api
	echo "early $MACHINE" >api/lock
	ok devenv run api -- cat made/deps
	says "got early $MACHINE"
	ok devenv up -d
	dependencies >>"$MACHINE/volumes"
	ok devenv --progress plain run api -- cat made/deps
	says "got early $MACHINE"
	says_not "install api"
	devenv down
}

@test "one that takes its time to be ready after a save is ready in status, too" {
	project slow <<-'END'
		name: slow
		images: { base: { from: debian:bookworm-slim, user: { name: app } } }
		services:
		  api:
		    image: base
		    command: [sh, -c, 'sleep 4; echo serving $(cat app.txt); exec sleep 1000']
		    init: true
		    working_dir: /srv
		    stop_grace_period: 1s
		    healthcheck: { log: serving }
		    develop: { source: api, test: "true" }
	END
	mkdir api
	echo one >api/app.txt
	ok devenv up -d
	[ "$(state api)" = ready ]
	sleep 5 # the engine tells uptimes in whole seconds: that readiness must not do for the next
	echo two >api/app.txt
	eventually 60 serves two
	eventually 30 is_ready
	ok devenv up -d
	says_not "ready api" "not seen ready"
	devenv down
}

@test "devenv.yml is applied live; an invalid one leaves all as it is" {
	local before
	before=$(container other)
	sed -i 's/command: \[sleep, "1000"\]/command: [sleep, "1001"]/' devenv.yml
	eventually 60 recreated_other "$before"
	before=$(containers)
	cp devenv.yml "$MACHINE/good.yml"
	echo 'nonsense: true' >>devenv.yml
	sleep 2
	[ "$(containers)" = "$before" ]
	say_it "while invalid"
	eventually 20 serves "while invalid"
	cp "$MACHINE/good.yml" devenv.yml
	sleep 1
	[ "$(containers)" = "$before" ]
}

recreated_other() {
	local now
	now=$(container other)
	[ -n "$now" ] && [ "$now" != "$1" ] && [ "$(state other)" = ready ]
}

@test "E08: a loop that feeds itself is named and suspended, until somebody else saves" {
	printf 'date +%%N >made-by-compile\n' >api/compile.sh
	eventually 60 suspended
	[[ $(module .why) == *api/made-by-compile* ]]
	local before
	before=$(runs)
	sleep 1
	[ "$(runs)" = "$before" ]
	printf 'exit 0\n' >api/compile.sh
	eventually 20 ran_since "$before"
	eventually 20 idle
	[ "$(module .suspended)" = false ]
}

suspended() {
	[ "$(module .suspended)" = true ]
}

@test "nothing is left behind" {
	local id
	id=$(workspace)
	devenv down -v -y
	[ -z "$(left "$id")" ]
}
