#!/usr/bin/env bats
# devenv dash in a real terminal: what is shown, what the keys do, how it leaves.
# shellcheck disable=SC2154 # status and output come from `run`
load lib
load terminal

setup_file() {
	new_machine "$BATS_FILE_TMPDIR"
}

setup() {
	new_machine "$BATS_FILE_TMPDIR"
}

teardown() {
	close_terminal
	[ -z "${proxy:-}" ] || kill -KILL "$proxy" 2>/dev/null || true
	[ -z "${PROJECT:-}" ] || devenv down -v -y >/dev/null 2>&1 || true
}

teardown_file() {
	new_machine "$BATS_FILE_TMPDIR"
	clean_machine
}

# shop NAME: two containers that talk, one that is not up.
shop() {
	project "$1" <<-'END'
		name: dashing
		services:
		  web: { image: "debian:bookworm-slim", command: [sh, -c, "i=0; while :; do i=$$((i+1)); echo web line $$i; sleep 0.2; done"], depends_on: [db], stop_grace_period: 0s }
		  db: { image: "debian:bookworm-slim", command: [sh, -c, "echo db speaks; exec sleep infinity"], stop_grace_period: 0s }
		  idle: { image: "debian:bookworm-slim", command: sleep infinity, stop_grace_period: 0s }
	END
	ok devenv up -d web
}

# processes NAME: host services, one of them a module with a flood beside it.
processes() {
	project "$1" <<-'END'
		name: dashing
		services:
		  api:
		    run: host
		    command: [sh, -c, "echo api speaks; exec sleep 1000"]
		    develop: { source: ./src, compile: "echo compiling; test ! -e bad" }
		  flood: { run: host, command: [sh, -c, "while :; do seq 1 100000; done"] }
	END
	mkdir -p src
	ok devenv --trust up -d --watch
}

# dash SERVICE: it, in a terminal, with that one selected.
dash() {
	terminal 120 30
	type_line "$DEVENV dash $1; echo left with \$?"
	sees "CPU   MEMORY"
}

now_shows() {
	visible | grep -qE -- "$1"
}

# now PATTERN: is seen at last; gone PATTERN: not any more.
now() {
	eventually 30 now_shows "$1"
}

hides() {
	! visible | grep -qE -- "$1"
}

gone() {
	eventually 30 hides "$1"
}

leave() {
	press q
	sees "left with 0"
}

@test "without a terminal there is one error, and what prints the same is named" {
	shop plainly
	run --separate-stderr devenv dash
	[ "$status" = 2 ] || fail "status $status"
	[ -z "$output" ] || fail "something was printed"
	[[ $stderr == *"needs a terminal"*"devenv status"* ]] || fail "what to do is not said"
	terminal
	type_line "TERM=dumb $DEVENV dash; echo left with \$?"
	sees "cannot draw on a terminal of type"
	sees "left with 2"
}

@test "units with their states, the log of the selected one, the graph" {
	shop units
	dash web
	now '^> web +(ready|running) '
	now '^  db +(ready|running) +[0-9]+ s +[0-9.]+% +[0-9.]+ [KM]iB'
	now '^  idle +absent'
	now '\[1 Logs\].* web '
	now '^web line [0-9]+'
	press k
	now '^> db '
	now '^db speaks'
	hides '^web line'
	press 3
	now '^(└─|`-) db|^web'
	ok devenv up -d idle
	now '^  idle +(ready|running)'
	leave
	[ "$(state web)" = ready ] || fail "leaving stopped something"
}

@test "search, filter, pause" {
	shop reading
	dash web
	now '^web line 1[0-9]$'
	type_line '/line 3$'
	now 'search: line 3\$'
	now '^web line 3$'
	now 'paused'
	press Escape Escape
	gone 'paused'
	type_line 'f5$'
	now 'filter: 5\$'
	now '^web line 15$'
	hides '^web line 14$'
	press Escape
	now '^web line [0-9]*4$'
	press Space
	now 'paused \+[1-9]'
	before=$(visible | grep '^web line')
	eventually 20 now_shows 'paused \+([5-9]|[0-9]{2})'
	[ "$(visible | grep '^web line')" = "$before" ] || fail "it went on"
	press Space
	gone 'paused'
	leave
}

started() {
	docker inspect -f '{{.State.StartedAt}}' "$(container "$1")"
}

restarted() {
	[ "$(started web)" != "$1" ]
}

is_exited() {
	[ "$(state "$1")" = exited ]
}

@test "restart by a key, stop by the palette after a question, a shell on the whole terminal" {
	shop acting
	dash web
	now '^> web +(ready|running) '
	before=$(started web)
	press r
	now '\[4 Output\]'
	now 'devenv restart web: done'
	eventually 20 restarted "$before"
	press :
	now 'Commands'
	on_screen send-keys -l "sto db"
	now '> stop db'
	press Enter
	now '^ stop db\? y/n'
	press n
	now 'left as it is'
	[ "$(state db)" = ready ] || fail "it was stopped all the same"
	press k s y
	now '^> db +exited'
	is_exited db || fail "db is $(state db)"
	press j e
	now 'devenv shell web'
	# shellcheck disable=SC2016 # for that shell
	type_line 'echo inside $((40+2)); exit 7'
	now '^> web'
	now 'devenv shell web: exit status 7'
	leave
}

@test "a changed configuration is read anew, a broken one is said; records are shown as such" {
	project changing <<-'END'
		name: dashing
		services:
		  web: { image: "debian:bookworm-slim", command: [sh, -c, 'echo "{\"level\":\"warn\",\"msg\":\"so so\",\"at\":7}"; exec sleep infinity'], stop_grace_period: 0s }
	END
	ok devenv up -d web
	dash web
	now '^WARN +so so at=7'
	cp devenv.yml sound
	echo '  late: { image: "debian:bookworm-slim", command: sleep infinity }' >>devenv.yml
	now '^  late +absent'
	echo '  later: { imago: x }' >>devenv.yml
	now 'devenv.yml:[45].*imago'
	hides 'later +absent'
	cp sound devenv.yml
	gone '^  late '
	now '^> web +(ready|running)'
	leave
}

resize() {
	on_screen resize-window -x "$1" -y "$2"
}

@test "a terminal that is too small is told so, and a larger one is filled" {
	shop small
	dash web
	resize 30 8
	now 'too small: 40x10, not 30x8'
	resize 60 16
	now '^> web'
	hides 'too small'
	resize 150 40
	now 'CPU +MEMORY +PORTS'
	leave
}

@test "the terminal is given back: on q, on Ctrl-C, on a signal, on a crash" {
	shop back
	for how in q C-c TERM ABRT; do
		dash web
		now '^> web'
		case $how in
		q | C-c) press "$how" ;;
		*) kill -"$how" "$(pgrep -f -n "^$DEVENV dash")" ;;
		esac
		sees 'left with'
		case $how in
		q | C-c) sees 'left with 0' ;;
		TERM) sees 'left with 143' ;;
		ABRT) sees 'left with 134' ;;
		esac
		settings_are_back || fail "settings after $how"
		cursor_is_seen || fail "no cursor after $how"
		[ "$(on_screen display-message -p '#{alternate_on}')" = 0 ] || fail "screen after $how"
		[ "$(on_screen display-message -p '#{mouse_any_flag}')" = 0 ] || fail "mouse after $how"
		close_terminal >/dev/null
	done
}

coloured() {
	on_screen capture-pane -p -e | grep -q $'\e\[3[0-7]m'
}

@test "NO_COLOR, eight colours, 256" {
	shop colours
	dash web
	now '^> web'
	! coloured || fail "colours in spite of NO_COLOR"
	leave
	for term in screen screen-256color xterm-256color; do
		type_line "clear; NO_COLOR= TERM=$term $DEVENV dash web"
		now '^> web +(ready|running)'
		eventually 20 coloured
		press q
		now 'ready\$$'
	done
}

# click COLUMN ROW, from 1, as a terminal of type `screen` tells it: pressed, let go.
click() {
	local at
	at=$(printf '\\x%02x\\x%02x' $((32 + $1)) $((32 + $2)))
	on_screen send-keys -l "$(printf '\033[M %b\033[M#%b' "$at" "$at")"
}

@test "the mouse selects units and panes" {
	shop mousing
	dash web
	now '^> web'
	click 5 3
	now '^> db'
	click 30 "$(visible | grep -n '1 Logs' | cut -d: -f1)"
	now '\[3 Graph\]'
	leave
}

passed() {
	visible | grep -qE 'compile [0-9]'
}

@test "processes of the host, stages as they run, an agent that comes and goes" {
	processes hosting
	dash api
	now '^> api +(ready|running)'
	now '^api speaks'
	press 2
	touch src/bad
	now 'compile FAILED'
	now 'compiling'
	rm src/bad
	eventually 30 passed
	press 1
	ok devenv down -y
	now '^> api +absent'
	ok devenv --trust up -d --watch
	now '^> api +(ready|running)'
	leave
}

engine_answers() {
	[ -S "$MACHINE/engine.sock" ]
}

# between: a way to the engine that can be cut.
between() {
	rm -f "$MACHINE/engine.sock"
	python3 "$REPOSITORY/tests/faults/proxy.py" "$MACHINE/engine.sock" /var/run/docker.sock \
		>"$MACHINE/between" 2>&1 3>&- &
	proxy=$!
	eventually 20 engine_answers
}

@test "an engine that goes away is said, keys go on, and it is seen again when it is back" {
	shop losing
	between
	terminal 120 30
	type_line "DOCKER_HOST=unix://$MACHINE/engine.sock $DEVENV dash web; echo left with \$?"
	now '^> web +(ready|running)'
	kill -KILL "$proxy"
	now 'nobody listens|does not answer|no engine'
	press k
	now '^> db'
	between
	gone 'nobody listens|does not answer|no engine'
	docker stop -t 0 "$(container web)" >/dev/null
	now '^  web +exited'
	leave
}

# ticks PID: of processor time it took, hundredths of a second.
ticks() {
	awk '{ print $14 + $15 }' "/proc/$1/stat"
}

@test "a flood costs little, is said, and keys are answered" {
	processes flooding
	dash flood
	now '^> flood'
	now '^[0-9]{2,}$'
	now 'a sample'
	pid=$(pgrep -f -n "^$DEVENV dash")
	before=$(ticks "$pid")
	began=$SECONDS
	while [ $((SECONDS - began)) -lt 5 ]; do
		press k
		now '^> api'
		press j
		now '^> flood'
	done
	spent=$(($(ticks "$pid") - before))
	[ "$spent" -lt $((25 * (SECONDS - began))) ] || fail "$spent ticks in $((SECONDS - began)) s"
	peak=$(awk '/VmHWM/ { print $2 }' "/proc/$pid/status")
	[ "$peak" -lt 60000 ] || fail "$peak KiB"
	press Space
	now 'paused'
	leave
}
