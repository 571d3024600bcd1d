#!/usr/bin/env bats
# Where a `devenv ci` works: in the checkout, or in a copy of its last commit; with services on the
# host, which end with it however it ends. Needs no engine.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # words for other shells; each test is a subshell
load lib

setup() {
	new_machine "$BATS_TEST_TMPDIR"
	mkdir "$MACHINE/elsewhere" # as where the home directory is another disk's
	ln -s elsewhere "$MACHINE/linked"
	export XDG_STATE_HOME=$MACHINE/linked/state
	enter hosted
	mkdir sub
	cd sub || return
	cat >devenv.yml <<-'END'
		name: hosted
		services:
		  web:
		    run: host
		    command: exec python3 -m http.server --bind 127.0.0.1 $${PORT}
		    environment: { PORT: "${service.web.port}" }
		    ports: { http: { target: 8000, published: auto } }
		    healthcheck: { http: "/", port: http }
		    develop: { source: ., test: test ! -e broken }
		ci:
		  e2e: { service: web, run: "curl -fsS ${service.web.url}/said && sh e2e.sh" }
	END
	echo committed >said
	echo 'exit 0' >e2e.sh
	git init -q .. && git config user.email a@example.org && git config user.name a
	git add -A && git commit -qm one
}

teardown() {
	clean_machine
}

# Processes of runs of this test, by what stands in their environment.
alive() {
	grep -lazsF "$MACHINE" /proc/[0-9]*/environ | xargs -r grep -lazs '^DEVENV_WORKSPACE=hosted-ci-' | wc -l
}

nothing_remains() {
	[ "$(alive)" = 0 ] && [ -z "$(find "$XDG_STATE_HOME/devenv" -maxdepth 1 -name '*-ci-*')" ]
}

# The folder of the last report, as the last line of the output has it.
report() {
	sed -n 's/.*; report in //p' <<<"$output" | tail -1
}

@test "--commit tests the commit in a copy, from a folder below; the checkout and its index stay" {
	touch broken
	echo changed >said
	git add broken
	before=$(git status --porcelain && git rev-parse HEAD && find ../.git -type f | sort)
	exits 1 devenv ci --trust
	says "First cause: test of web" "files differ from commit"
	ok devenv ci --trust --commit
	says "Passed in" "commit $(git rev-parse HEAD | head -c 12);"
	grep -qx committed "$(report)/e2e.log"
	[ "$(git status --porcelain && git rev-parse HEAD && find ../.git -type f | sort)" = "$before" ]
	nothing_remains
	# All that is left is what the checkout itself has there.
	[ "$(find "$XDG_STATE_HOME/devenv" -maxdepth 1 -name 'hosted-*' | grep -vc -- -ci)" = 1 ]
}

@test "--commit without a commit is refused, and leaves nothing" {
	rm -rf ../.git
	exits 1 devenv ci --trust --commit
	says "--commit needs a commit"
	nothing_remains
}

@test "a host service that does not come up, and one whose end-to-end command fails" {
	echo 'echo "ERROR: not met"; exit 9' >e2e.sh
	exits 9 devenv ci --trust
	says "First cause: e2e of web, status 9" "ERROR: not met"
	nothing_remains
	exits 1 devenv ci --trust --set 'services.web.command=echo no luck; exit 7' --timeout up=20s
	says "First cause: up of web" "no luck"
	exits 1 devenv ci --trust --set 'services.web.command=sleep 1000' --timeout up=2s
	says "First cause: up of web" "did not end within 2.0 s"
	nothing_remains
}

# In the background, until its command is at work.
begin_run() {
	echo "touch $MACHINE/begun; sleep 1000" >e2e.sh
	git commit -qam slow
	"$DEVENV" ci --trust "$@" >"$MACHINE/said" 2>&1 3>&- &
	RUN=$!
	eventually 60 test -e "$MACHINE/begun"
	[ "$(alive)" -gt 0 ]
}

@test "an interrupt in the middle ends the services and removes the copy" {
	begin_run --commit
	kill -TERM "$RUN"
	local status=0
	wait "$RUN" || status=$?
	[ "$status" = 143 ]
	grep -q interrupted "$MACHINE/said"
	nothing_remains
}

@test "killed in the middle: its services end by themselves, the next run removes the rest" {
	begin_run --commit
	kill -KILL "$RUN"
	wait "$RUN" || true
	echo 'exit 0' >e2e.sh
	git commit -qam quick
	ok devenv ci --trust
	says "a run of ci that was killed left something"
	eventually 30 nothing_remains
}
