#!/usr/bin/env bats
# shell and exec: the right place, user and shell; terminal, signals and status pass through.
# shellcheck disable=SC2016,SC2154 # words for other shells; status and output come from `run`
load lib

setup_file() {
	new_machine "$BATS_FILE_TMPDIR"
	project shells <<-'END'
		name: shells
		services:
		  other: { image: "debian:bookworm-slim", command: sleep infinity, stop_grace_period: 0s }
		  api:
		    image: "debian:bookworm-slim"
		    command: sleep infinity
		    stop_grace_period: 0s
		    user: "4321:4321"
		    environment: { COLOUR: green }
		    working_dir: /srv/api
		    develop: { source: api }
		  inner:
		    image: "debian:bookworm-slim"
		    command: sleep infinity
		    stop_grace_period: 0s
		    working_dir: /srv/inner
		    develop: { source: api/inner }
		  page: { run: host, command: sleep 1000, working_dir: page, environment: { COLOUR: blue } }
	END
	mkdir -p api/inner/deep page elsewhere
	chmod 777 api
	ok devenv --trust up -d --no-watch
}

setup() {
	new_machine "$BATS_FILE_TMPDIR"
	enter shells
}

teardown_file() {
	new_machine "$BATS_FILE_TMPDIR"
	clean_machine
}

# on_screen ARG...: devenv on a terminal that is played by standard input (terminal.py).
on_screen() {
	python3 "$BATS_TEST_DIRNAME/terminal.py" "$DEVENV" "$@"
}

@test "a shell opens in the module around the folder that you stand in, the nearest of several" {
	shell_says() {
		[ "$(echo 'pwd' | devenv "$@" shell)" = "$want" ] || fail "not $want"
	}
	want=/srv/api
	shell_says
	cd api
	shell_says
	cd inner/deep
	want=/srv/inner
	shell_says
	cd "$PROJECT/elsewhere"
	want=/srv/api
	shell_says
	want=/srv/inner
	shell_says -C ../api/inner
}

@test "the service's user, directory and environment; root when asked" {
	ok devenv exec api -- sh -c 'id -u; pwd; echo $COLOUR'
	[ "$output" = $'4321\n/srv/api\ngreen' ]
	[ "$(echo 'id -u' | devenv shell --root api)" = 0 ]
	ok devenv exec -e COLOUR=red -w /tmp api -- sh -c 'pwd; echo $COLOUR'
	[ "$output" = $'/tmp\nred' ]
}

@test "bash where there is one, else sh" {
	[ "$(echo 'echo ${BASH_VERSION:+bash}' | devenv shell other)" = bash ]
	ok devenv exec other -- mv /bin/bash /bin/bash.away
	run devenv shell other <<<'echo ${BASH_VERSION:-no bash}'
	ok_status=$status ok_output=$output
	ok devenv exec other -- mv /bin/bash.away /bin/bash
	[ "$ok_status $ok_output" = "0 no bash" ] || fail "$ok_status $ok_output"
}

# What is stopped below is a bash: dash starts its children by vfork, and a ^Z that comes between the
# fork and the exec stops the child while the parent waits for it in the kernel, where nothing stops.
# The interrupt is trapped since it may come just when no sleep is there to die of it.

@test "size of the window, job control and status pass through" {
	exits 5 on_screen shell other <<-'END'
		type PS1=$(echo at-)work:\r
		until at-work:
		type stty size\r
		until 33 91
		until at-work:
		size 20 60
		type bash -c 'trap "echo back$((1))" CONT; trap "exit 130" INT; echo go$((1)); while :; do sleep 0.2; done'\r
		until go1
		type \x1a
		until Stopped
		until at-work:
		type fg\r
		until back1
		type \x03
		until at-work:
		type stty size\r
		until 20 60
		type exit 5\r
	END
}

@test "a shell on the host: the service's directory and environment, and the terminal's job control" {
	exits 6 on_screen shell page <<-'END'
		type PS1=$(echo at-)work:; echo "$COLOUR in ${PWD##*/}"; stty size\r
		until blue in page
		until 33 91
		until at-work:
		type bash -c 'trap "echo back$((1))" CONT; trap "exit 130" INT; echo go$((1)); while :; do sleep 0.2; done'\r
		until go1
		type \x1a
		until topped
		until at-work:
		type fg\r
		until back1
		type \x03
		until at-work:
		type exit 6\r
	END
	ok devenv exec page -- sh -c 'exit 0'
	exits 3 devenv exec page -- sh -c 'exit 3'
}

@test "a signal for devenv ends what it runs for" {
	"$DEVENV" exec other -- sleep 1234 3>&- &
	local pid=$!
	eventually 30 devenv exec other -- grep -qs 1234 /proc/[0-9]*/cmdline
	kill -TERM "$pid"
	status=0 && wait "$pid" || status=$?
	[ "$status" = 143 ] || fail "status $status"
}

@test "an image without a shell is pointed to debug" {
	project bare <<-'END'
		name: bare
		services: { web: { image: "debian:bookworm-slim", command: sleep infinity, stop_grace_period: 0s } }
	END
	ok devenv up -d
	ok devenv exec web -- rm /bin/sh
	exits 126 devenv shell web
	says "devenv debug web"
	ok devenv down -v -y
}
