#!/usr/bin/env bats
# Progress of builds, pulls and waits: rows on a real terminal, lines elsewhere, objects as JSON.

load lib
load terminal

setup() {
	new_machine "$BATS_TEST_TMPDIR"
}

teardown() {
	close_terminal
	[ -z "${REGISTRY:-}" ] || kill "$REGISTRY" 2>/dev/null || true
	[ -z "${PROJECT:-}" ] || (cd "$PROJECT" && devenv down -v -y) >/dev/null 2>&1 || true
	[ -z "${PULLED:-}" ] || docker rmi "$PULLED" >/dev/null 2>&1 || true
	clean_machine
	docker images -q devenv/e2e-slow | sort -u | xargs -r docker rmi -f >/dev/null 2>&1 || true
}

# An image that no engine has yet: its content is new with each run.
slow_build() {
	project build <<-END
		name: build
		images:
		  e2e-slow: { from: debian:bookworm-slim, run: ["sleep 2; : $RANDOM $$", sleep 2] }
		services:
		  slow:
		    image: e2e-slow
		    command: [sh, -c, "sleep 2; touch /ready; exec sleep infinity"]
		    init: true
		    healthcheck: { test: test -e /ready }
	END
}

up() {
	type_line "\$DEVENV up -d; echo status-\$?"
}

no_rows_are_left() {
	! screen | grep -qE '^(…|\.) '
}

@test "what runs has a row with a bar and a time, what has ended a line" {
	slow_build
	terminal 100 20
	up
	sees '^… build e2e-slow +running +[0-9]+ s  \[█+░+\] [0-9]/[0-9] RUN' 60
	sees '^… build e2e-slow .* [3-9]/[0-9] RUN'
	sees '^… slow +waiting +[0-9]+ s .*test -e /ready' 60
	sees '^status-0'
	shown '^✔ build e2e-slow +done +[0-9.]+ s'
	shown '^✔ slow +ready +[0-9.]+ s'
	no_rows_are_left
	cursor_is_seen
	settings_are_back
}

@test "rows fit a terminal that changes its size, without colour and beyond ASCII" {
	slow_build
	terminal 100 10
	type_line "export LC_ALL=C; \$DEVENV up -d; echo status-\$?"
	sees '^\. build e2e-slow +running +[0-9]+ s  \[#+-+\]' 60
	for columns in 40 20 70; do
		on_screen resize-window -x "$columns"
		sees_bottom '^\. (build e2e-slow|slow)'
	done
	sees '^status-0' 60
	cursor_is_seen
}

@test "an interrupt leaves neither rows nor a hidden cursor" {
	slow_build
	terminal
	up
	sees '^… build e2e-slow +running +[0-9]+ s' 60
	press C-c
	sees '^status-130'
	no_rows_are_left
	cursor_is_seen
	settings_are_back
}

@test "elsewhere there are plain lines: what begins, how far it is, how it ended" {
	slow_build
	devenv up -d 2>err
	run ! grep -q "$(printf '\033')" err
	grep -qE '^build e2e-slow +started +' err
	grep -qE '^build e2e-slow +[0-9]/[0-9] RUN' err
	grep -qE '^. build e2e-slow +done +[0-9.]+ s' err
	grep -qE '^. slow +ready +[0-9.]+ s' err
	[ "$(wc -l <err)" -le 15 ]
	devenv down
	devenv --progress quiet up -d 2>err
	[ ! -s err ]
}

@test "JSON has an object per event" {
	slow_build
	devenv --progress json up -d 2>err
	jq -e -s 'all(.[]; .version == 1 and (.state | IN("started", "progress", "output", "done",
		"failed", "skipped", "note")) and (.duration_ms | type) == "number"
		and (.time | test("^[0-9-]+T[0-9:]+\\.[0-9]{3}Z$")))' err
	jq -e -s 'any(.[]; .state == "progress" and .step == "build e2e-slow" and .kind == "step"
		and .action == "build" and .unit == "e2e-slow" and .fraction > 0 and .fraction < 1)' err
	jq -e -s 'any(.[]; .state == "done" and .action == "ready" and .service == "slow")' err
}

@test "a pull tells its layers and bytes" {
	port=$MACHINE/port
	python3 "$BATS_TEST_DIRNAME/registry.py" debian:bookworm-slim "$port" 8000000 3>&- &
	REGISTRY=$!
	eventually 60 test -s "$port"
	PULLED=127.0.0.1:$(cat "$port")/e2e/pulled:1
	project pull <<-END
		name: pull
		services:
		  db: { image: "$PULLED", command: sleep infinity, init: true }
	END
	terminal
	up
	sees 'create containers +running .*\[.*\] pulling db: [0-9]/3 layers, [0-9.]+/[0-9.]+ MB' 60
	sees '^status-0' 120
	shown '^✔ db +ready'
	no_rows_are_left
}

@test "a pull that fails names its image and says why, without the noise of its progress" {
	project refused <<-'END'
		name: refused
		services:
		  db: { image: "127.0.0.1:1/e2e/none:1", command: sleep infinity }
	END
	exits 1 devenv up -d
	says "the image 127.0.0.1:1/e2e/none:1 of db could not be pulled: " refused devenv.yml:3
	says "services.db.image"
	says_not Pulling
}
