#!/usr/bin/env bats
# devenv tmux: sessions of panes in a real tmux, their titles and their coming back.
# shellcheck disable=SC2154 # status and output come from `run`
load lib

setup_file() {
	new_machine "$BATS_FILE_TMPDIR"
}

setup() {
	new_machine "$BATS_FILE_TMPDIR"
	unset TMUX TMUX_PANE
}

teardown() {
	[ -z "${OUTER:-}" ] || tmux -S "$OUTER" kill-server 2>/dev/null || true
	[ -z "${PROJECT:-}" ] || devenv tmux --kill 2>/dev/null || true
}

teardown_file() {
	new_machine "$BATS_FILE_TMPDIR"
	clean_machine
}

# three NAME: a project of three services; the rest of its devenv.yml from standard input.
three() {
	project "$1" <<-END
		name: $1
		services:
		  web: { image: "debian:bookworm-slim", command: [sh, -c, "echo web is up; exec sleep infinity"], depends_on: [api], stop_grace_period: 0s }
		  api: { image: "debian:bookworm-slim", command: [sh, -c, "echo api is up; exec sleep infinity"], depends_on: [db], stop_grace_period: 0s }
		  db: { image: "debian:bookworm-slim", command: sleep infinity, client: [sh, -c, "echo client of db; exec cat"], stop_grace_period: 0s }
	END
	cat >>devenv.yml
}

# mux ARG...: tmux at the workspace's own server.
mux() {
	tmux -S "$MACHINE/state/devenv/$(workspace)/tmux.sock" "$@"
}

panes() {
	mux list-panes -a -F "${1:-#{window_name\} #{@devenv_title\}}"
}

# pane TITLE: its id.
pane() {
	mux list-panes -a -F '#{pane_id} #{@devenv_title}' | sed -n "s/^\(%[0-9]*\) $1\$/\1/p"
}

shows() {
	mux capture-pane -p -t "$(pane "$1")" | grep -q -- "$2"
}

# is TITLE WORD: the state that the pane's title says.
is() {
	[ "$(mux show-options -p -v -t "$(pane "$1")" @devenv_state)" = "$2" ]
}

alive() {
	[ "$(mux display-message -p -t "$(pane "$1")" '#{pane_dead}')" = 0 ]
}

dead() {
	[ "$(mux display-message -p -t "$(pane "$1")" '#{pane_dead}')" = 1 ]
}

# outer COMMAND...: in a pane of a tmux server that is not devenv's.
outer() {
	OUTER=$MACHINE/outer.sock
	tmux -S "$OUTER" -f /dev/null new-session -d -s outer -x 120 -y 40 -- "$@"
}

# marked TITLE: the window of that pane is marked in the status line.
marked() {
	[[ $(mux display-message -p -t "$(pane "$1")" '#{T:window-status-format}') == *"fg=red"* ]]
}

unmarked() {
	! marked "$1"
}

# attached SESSIONS: they, sorted, have a client each.
attached() {
	[ "$(mux list-clients -F '#{client_session}' 2>/dev/null | sort | xargs)" = "$1" ]
}

# watchers: pids of those that look after the project's sessions.
watchers() {
	pgrep -f -- "-C $PROJECT .*__session"
}

watched() {
	[ -n "$(watchers)" ]
}

watched_once() {
	[ "$(watchers | wc -l)" = 1 ]
}

unwatched() {
	[ -z "$(watchers)" ]
}

@test "without layouts: a window by the graph, clients opened, titles that follow the states" {
	three tmuxgraph </dev/null
	ok devenv tmux -d
	says "Session tmuxgraph is there"
	run panes
	[ "$output" = "web web logs
web api logs
web db client" ] || fail "other panes"
	eventually 20 is "db client" absent
	eventually 20 dead "db client"
	ok devenv up -d
	eventually 20 is "db client" ready
	eventually 20 shows "db client" "client of db"
	eventually 20 shows "api logs" "api is up"
	ok devenv down -y
	eventually 20 is "api logs" absent
	eventually 20 dead "db client"
}

@test "what ended with its service starts again with it; what the developer ended stays" {
	three tmuxagain <<-'END'
		layouts:
		  one: { windows: [{ name: api, panes: [{ shell: api }, { attach: db }, { logs: web }] }] }
	END
	ok devenv up -d
	ok devenv tmux -d
	eventually 20 alive "api shell"
	eventually 20 is "api shell" ready
	docker kill "$(container api)" >/dev/null
	eventually 20 dead "api shell"
	eventually 20 is "api shell" exited
	[ "$(mux show-options -p -v -t "$(pane "api shell")" @devenv_colour)" = red ]
	eventually 20 marked "api shell"
	ok devenv up -d
	eventually 20 alive "api shell"
	eventually 20 is "api shell" ready
	eventually 20 unmarked "api shell"
	# Restarted at once: the pane's end may be seen after the service is back.
	ok devenv restart db
	eventually 20 alive "db client"
	eventually 20 shows "db client" "client of db"
	# Ended by hand while its service runs: it stays until asked for. Keys that come before the shell
	# does are lost where its first start met a container that was not quite up.
	eventually 20 shows "api shell" '[$#] *$'
	mux send-keys -t "$(pane "api shell")" exit Enter
	eventually 20 dead "api shell"
	[ "$(mux display-message -p -t "$(pane "api shell")" '#{pane_dead_status}')" = 0 ]
	ok devenv restart web
	eventually 20 shows "web logs" "web is up"
	dead "api shell"
}

@test "a layout from tmuxinator's words: folders, sizes, focus, options, commands as argv" {
	three tmuxwords <<-'END'
		commands: { hello: { run: "echo hello from", service: api } }
		layouts:
		  dev:
		    root: src
		    options: { status-left: "of dev" }
		    startup_window: 1
		    windows:
		      - name: one
		        layout: main-vertical
		        options: { main-pane-width: 70% }
		        panes: [{ logs: api }, { shell: api, focus: true }, { run: "hello 'two  words'" }]
		      - name: "two #{host} #(touch hacked)"
		        pre: export WORD="it's"
		        synchronize: true
		        layout: even-horizontal
		        panes:
		          - "printf '[%s]\\n' \"$$WORD\" \"$$PWD\" '#{pane_id}'; exec sleep 1000"
		          - { command: [sleep, "1000"], title: "#(touch hacked) #{host}", size: 20% }
	END
	mkdir src
	exits 5 devenv tmux -d
	says "pane on this host" "status-left"
	ok devenv --trust tmux -d
	run panes '#{window_index} #{window_active} #{pane_active} #{pane_start_path}'
	[ "$output" = "0 0 0 $PROJECT/src
0 0 1 $PROJECT/src
0 0 0 $PROJECT/src
1 1 1 $PROJECT/src
1 1 0 $PROJECT/src" ] || fail "other panes"
	local width
	width=$(mux display-message -p -t "$(pane "api logs")" '#{pane_width}')
	[ "$width" -ge 138 ] && [ "$width" -le 140 ] || fail "main pane is $width wide"
	[ "$(mux show-options -v -t =tmuxwords-dev: status-left)" = "of dev" ]
	[ "$(mux show-options -w -v -t =tmuxwords-dev: synchronize-panes)" = on ]
	run mux list-windows -F '#{window_name}|'
	says "one|" "two #{host} #(touch hacked)|"
	run mux list-panes -s -t =tmuxwords-dev: -F '#{pane_title}|#{pane_width}|'
	says "#(touch hacked) #{host}|"
	[[ ${lines[4]} =~ \|(39|40)\|$ ]] || fail "the last pane has another width"
	local second
	second=$(mux list-panes -s -F '#{pane_id}' | sed -n 4p)
	eventually 20 eval 'mux capture-pane -p -t '"$second"' | grep -qF "[it'"'"'s]"'
	run mux capture-pane -p -t "$second"
	says "[$PROJECT/src]" "[#{pane_id}]"
	[ ! -e hacked ] && [ ! -e src/hacked ]
	ok devenv up -d
	eventually 20 shows "hello two  words" "hello from two  words"
}

@test "a second call attaches; inside it switches; another tmux around it does not matter" {
	three tmuxjoin <<-'END'
		layouts:
		  one: { windows: [{ name: a, panes: [{ logs: api }] }] }
		  two: { windows: [{ name: b, panes: [~] }] }
	END
	exits 2 devenv tmux
	says "no terminal"
	outer "$DEVENV" -C "$PROJECT" tmux
	eventually 20 attached tmuxjoin-one
	run mux list-sessions -F '#{session_name}'
	[ "$output" = tmuxjoin-one ]
	# From a pane of our own server.
	mux new-window -t =tmuxjoin-one: -- "$DEVENV" -C "$PROJECT" tmux two
	eventually 20 attached tmuxjoin-two
	# A second terminal joins what is there.
	tmux -S "$OUTER" new-window -- "$DEVENV" -C "$PROJECT" tmux one
	eventually 20 attached "tmuxjoin-one tmuxjoin-two"
	ok devenv tmux two --kill
	run mux list-sessions -F '#{session_name}'
	[ "$output" = tmuxjoin-one ]
	ok devenv tmux --kill
	exits 1 mux list-sessions
	ok devenv tmux --kill
	says "There is no session"
}

@test "a changed layout is told; one that tmux refuses leaves no half of a session" {
	three tmuxchange <<-'END'
		layouts: { one: { windows: [{ name: a, panes: [{ logs: api }] }] } }
	END
	ok devenv tmux -d
	ok devenv tmux -d
	says_not "has changed"
	sed -i 's/name: a,/name: b,/' devenv.yml
	ok devenv tmux -d
	says "the layout has changed"
	ok devenv tmux --kill
	sed -i 's/name: b,/name: b, options: { no-such-option: 1 },/' devenv.yml
	exits 1 devenv --trust tmux -d
	says "devenv.yml:" "no-such-option"
	exits 1 mux has-session -t =tmuxchange-one
}

@test "a state directory too long for a socket, spaces and quotes in the path" {
	XDG_STATE_HOME=$MACHINE/a-long-name-of-a-directory-of-state-that-is-longer-than-what-a-socket-s-address-can-hold-on-linux
	export XDG_STATE_HOME XDG_RUNTIME_DIR=$MACHINE/r
	mkdir -p "$XDG_RUNTIME_DIR"
	enter "it's a \"long\" \$HOME; #{host}"
	cat >devenv.yml <<-'END'
		name: tmuxlong
		services: { api: { image: "debian:bookworm-slim", command: sleep infinity } }
		layouts: { one: { windows: [{ panes: [{ logs: api }, ~] }] } }
	END
	ok devenv tmux -d
	local socket
	socket=$(find "$XDG_RUNTIME_DIR" /tmp/devenv-"$(id -u)" -name "tmuxlong-*.tmux" -newer devenv.yml | head -1)
	run tmux -S "$socket" list-panes -a -F '#{pane_current_path}|#{window_name}'
	[ "${lines[0]}" = "$PROJECT|api" ] || fail "other panes"
	[ "${#lines[@]}" = 2 ]
	ok devenv tmux --kill
	rm -f "$socket"
}

@test "the watcher ends with its server" {
	three tmuxend <<-'END'
		layouts: { one: { windows: [{ name: a, panes: [~] }] } }
	END
	ok devenv tmux -d
	eventually 20 watched
	ok devenv tmux auto -d
	eventually 30 watched_once
	ok devenv tmux --kill
	eventually 20 unwatched
}

@test "a host service: its pane shows its state and comes back with it" {
	project tmuxhost <<-'END'
		name: tmuxhost
		services:
		  docs: { run: host, command: [sh, -c, "echo docs are up; exec sleep 1000"] }
		layouts: { one: { windows: [{ panes: [{ logs: docs }] }] } }
	END
	ok devenv --trust up -d
	ok devenv tmux -d
	eventually 20 is "docs logs" ready
	eventually 20 shows "docs logs" "docs are up"
	ok devenv stop docs
	eventually 20 is "docs logs" exited
	eventually 20 dead "docs logs"
	ok devenv up -d
	eventually 20 alive "docs logs"
	eventually 20 is "docs logs" ready
	ok devenv down -y
}

@test "a pane on stages shows what a save leads to" {
	project tmuxstage <<-'END'
		name: tmuxstage
		services:
		  api: { image: "debian:bookworm-slim", command: sleep infinity, working_dir: /srv, stop_grace_period: 0s, develop: { source: src, compile: "echo compiled" } }
		layouts: { one: { windows: [{ panes: [{ stage: api }] }] } }
	END
	mkdir src
	ok devenv up -d
	ok devenv tmux -d
	eventually 20 shows "api stages" "compile not run"
	touch src/saved
	eventually 20 shows "api stages" "src/saved"
	ok devenv down -y
}

@test "doctor looks whether tmux is there, and new enough" {
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	run devenv doctor
	[[ $output =~ ok\ +tmux\ +tmux\ 3 ]] || fail "it does not see the one there is"
	printf '#!/bin/sh\necho tmux 2.9a\n' >"$BATS_TEST_TMPDIR/bin/tmux"
	chmod +x "$BATS_TEST_TMPDIR/bin/tmux"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH run devenv doctor
	[[ $output =~ warning\ +tmux\ +tmux\ 2.9a ]] || fail "an old one is good enough"
	says "tmux 3.0 or later"
}
