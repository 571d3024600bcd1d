#!/usr/bin/env bats
# `up` in the foreground, on a real terminal: keys, the pinned line, every way out.

load lib
load terminal

setup() {
	new_machine "$BATS_TEST_TMPDIR"
}

teardown() {
	close_terminal
	[ -z "${PROJECT:-}" ] || (cd "$PROJECT" && devenv down -v -y) >/dev/null 2>&1 || true
	clean_machine
}

# A module on the host that beats three times a second.
heart() {
	project heart <<-'END'
		name: heart
		services:
		  heart:
		    run: host
		    command: [sh, -c, 'i=0; while :; do i=$$((i+1)); echo beat $$i.; sleep 0.3; done', MARK]
		    develop:
		      source: .
		      compile: "test ! -e broken || { echo 'src.c:3:1: error: broken'; exit 3; }"
		      lint: "true"
		      test: "true"
	END
	echo 'int x;' >src.c
	mark
}

# Processes are found by a word that only they have: their own view of their ids is another.
mark() {
	sed -i "s|MARK|mark=$PROJECT=|" devenv.yml
}

process() {
	pgrep -f -- "mark=$PROJECT=" | head -n 1
}

up() {
	type_line "\$DEVENV --trust up; echo status-\$?"
}

gone() {
	! kill -0 "$1" 2>/dev/null
}

# The agent of this workspace and what it supervises.
nothing_runs() {
	! pgrep -f -- "-C $PROJECT .*__agent" >/dev/null
}

@test "keys switch the stages and say the new state" {
	heart
	terminal
	up
	sees 'beat 2\.'
	sees_bottom 'heart .*watch on  lint off  test off'
	press l
	sees 'devenv » watch on  lint on  test off'
	press t
	sees_bottom 'watch on  lint on  test on'
	press w
	sees_bottom 'watch off  lint on  test on'
	press '?'
	sees 'restart a service'
	press q
	sees 'status-0'
	settings_are_back
	cursor_is_seen
	eventually 20 nothing_runs
}

@test "a failing stage shows its own output while the last good process goes on" {
	heart
	terminal
	up
	sees 'beat 1\.'
	old=$(process)
	touch broken
	sees 'heart +» compile FAILED \(status 3\)'
	sees '^src.c:3:1: error: broken'
	sees_bottom 'heart ✘'
	kill -0 "$old"
	rm broken
	sees '✔ compile .*broken'
	eventually 20 gone "$old"
	press q
	sees 'status-0'
}

@test "a filter shows what matches, an empty one everything, a wrong one is refused" {
	heart
	terminal
	up
	sees 'beat 1\.'
	press /
	on_screen send-keys -l '[0-9]*5\.'
	sees_bottom '^/\[0-9\]\*5'
	press Enter
	sees 'only lines that match'
	sees 'beat 15\.' 60
	press / Enter
	sees 'all lines'
	sees 'beat (16|17|18|19|20)\.'
	# Between 6 and 14 nothing matched while it was on.
	[ "$(screen | sed -n '/only lines/,/all lines/p' | grep -cE 'beat [0-9]*[0-46-9]\.')" = 0 ]
	press /
	on_screen send-keys -l '(('
	press Enter
	sees 'is not a regular expression'
	press q
	sees 'status-0'
}

@test "restart asks which where there are several" {
	project two <<-'END'
		name: two
		services:
		  left:
		    run: host
		    command: [sh, -c, 'echo left starts; exec sleep 1000']
		  right:
		    run: host
		    command: [sh, -c, 'echo right starts; exec sleep 1000']
	END
	terminal
	up
	sees '\| [0-9:.]+ right starts'
	press r
	sees_bottom 'restart which\? \(1 left  2 right\)'
	press 2 Enter
	sees 'right .*ready'
	press r
	on_screen send-keys -l 'middle'
	press Enter
	sees 'no service "middle"'
	press q
	sees 'status-0'
	[ "$(screen | grep -cE '\| [0-9:.]+ left starts')" = 1 ]
}

@test "a restart by key ends in what runs, and shows each line once" {
	project once <<-'END'
		name: once
		services:
		  once:
		    run: host
		    command: [sh, -c, 'trap "echo goes; exit 3" TERM; echo comes; while :; do sleep 0.1; done']
	END
	terminal
	up
	sees '\| [0-9:.]+ comes'
	for i in 2 3 4; do
		press r
		came() { [ "$(screen | grep -cE '\| [0-9:.]+ comes')" -ge "$i" ]; }
		again() { [ "$(screen | grep -c 'once .*running again')" -ge $((i - 1)) ]; }
		eventually 30 came
		eventually 30 again
	done
	sees 'once .*» stopped'
	shown "» exited" && fail "a stop that was asked for is told as an end"
	press q
	sees 'status-0'
	[ "$(screen | grep -cE '\| [0-9:.]+ comes')" = 4 ]
	[ "$(screen | grep -cE '\| [0-9:.]+ goes')" -ge 3 ]
	[ -z "$(screen | grep -E '\| [0-9:.]+ (comes|goes)' | sort | uniq -d)" ]
}

@test "detached it goes on; a second up joins it; watch leaves without stopping anything" {
	heart
	terminal
	up
	sees 'beat 1\.'
	pid=$(process)
	press d
	sees 'Detached'
	sees 'status-0'
	settings_are_back
	kill -0 "$pid"
	type_line clear
	up
	sees_bottom 'watch on'
	kill -0 "$pid"
	press d
	sees 'status-0'
	type_line "clear; \$DEVENV watch; echo left-\$?"
	sees 'Ctrl-C leaves'
	echo 'int y;' >>src.c
	sees 'heart +» ✔ compile .*src.c'
	press C-c
	sees 'left-0'
	[ "$(state heart)" = ready ]
	devenv down
	eventually 20 nothing_runs
}

@test "F10: Ctrl-C stops in order, says so, and gives the terminal back" {
	heart
	terminal
	up
	sees 'beat 1\.'
	pid=$(process)
	press C-c
	sees 'Stopping'
	sees 'stop heart +done'
	sees 'status-130'
	gone "$pid"
	settings_are_back
	cursor_is_seen
	eventually 20 nothing_runs
}

@test "F10: a second Ctrl-C kills what does not stop" {
	project stubborn <<-'END'
		name: stubborn
		services:
		  mule:
		    run: host
		    stop_grace_period: 5m
		    command: [sh, -c, 'trap "" TERM INT; echo up; while :; do sleep 1; done', MARK]
	END
	mark
	terminal
	up
	sees '\| [0-9:.]+ up$'
	pid=$(process)
	press C-c
	sees 'waiting for mule to stop'
	kill -0 "$pid"
	press C-c
	sees 'status-130'
	eventually 10 gone "$pid"
	settings_are_back
}

@test "F10: Ctrl-Z gives the terminal back, fg takes it again" {
	heart
	terminal
	up
	sees 'beat 1\.'
	press C-z
	sees 'Stopped'
	settings_are_back
	cursor_is_seen
	type_line "clear; fg"
	sees_bottom 'heart .*watch on'
	press l
	sees_bottom 'lint on'
	press q
	sees 'heart +done|Stopping'
	eventually 20 nothing_runs
	settings_are_back
}

@test "F10: the pinned line follows the size of the terminal" {
	heart
	terminal 100 20
	up
	sees 'beat 1\.'
	for columns in 30 12 60 100; do
		on_screen resize-window -x "$columns"
		sees_bottom '^heart'
		[ "$(bottom | wc -m)" -le "$columns" ]
		# It stands there once, whatever was folded meanwhile.
		sees "beat $(($(visible | grep -oE 'beat [0-9]+' | tail -1 | cut -c6-) + 3))\\."
		[ "$(visible | grep -cE '^heart (·|○|✔)')" = 1 ]
	done
	press q
	sees 'status-0'
}

@test "F09, F10: whatever ends it, the terminal is given back" {
	heart
	terminal
	for signal in TERM SEGV ABRT QUIT; do
		up
		sees_bottom 'watch on'
		pid=$(process)
		pkill "-$signal" -t "$(on_screen display-message -p '#{s|/dev/||:pane_tty}')" -x devenv
		sees 'status-[0-9]+'
		settings_are_back
		cursor_is_seen
		eventually 20 gone "$pid"
		eventually 20 nothing_runs
		type_line clear
		eventually 20 bottom_is '^ready\$'
	done
}

@test "F09: a terminal that is closed leaves nothing running" {
	heart
	terminal
	up
	sees 'beat 1\.'
	pid=$(process)
	close_terminal
	eventually 30 gone "$pid"
	eventually 30 nothing_runs
}

@test "an agent that is killed is noticed, and the terminal given back" {
	heart
	terminal
	up
	sees 'beat 1\.'
	pid=$(process)
	pkill -KILL -f -- "-C $PROJECT .*__agent"
	sees 'the agent has ended unexpectedly'
	eventually 20 gone "$pid"
	shown '^status-' || press C-c
	sees '^status-1'
	settings_are_back
	cursor_is_seen
}

@test "an agent that another command ends takes the foreground along" {
	heart
	terminal
	up
	sees 'beat 1\.'
	devenv down
	sees 'the agent has ended'
	sees '^status-0'
	settings_are_back
}

@test "F09: without a terminal the output is plain lines, and ends with its reader" {
	heart
	devenv -C "$PROJECT" --trust up >out 2>err </dev/null &
	eventually 30 grep -q 'beat 3' out
	touch broken
	eventually 30 grep -q 'compile FAILED' out
	run ! grep -q "$(printf '\033')" out
	run ! grep -q 'q quit' out
	kill -INT "$(pgrep -f -x -- "$DEVENV -C $PROJECT --trust up")"
	wait
	eventually 20 nothing_runs
	rm broken
	LIMIT=60 devenv --trust up 2>/dev/null </dev/null | head -n 3 >/dev/null
	eventually 20 nothing_runs
}

@test "a terminal that stands still loses lines, is told, and can still be left" {
	project flood <<-'END'
		name: flood
		services:
		  flood:
		    run: host
		    command: [sh, -c, 'while :; do seq 1 20000; sleep 0.05; done']
	END
	terminal
	up
	sees_bottom 'q quit|flood'
	press C-s
	sleep 3 # this long it is not read: that is what the test is about
	press C-q
	sees '[0-9]+ lines dropped' 60
	press C-c
	sees 'status-130' 60
	settings_are_back
}

@test "watch tells events as JSON" {
	heart
	ok devenv --trust up -d
	devenv --json watch >events 2>&1 3>&- &
	watcher=$!
	eventually 20 test -s events
	echo 'int z;' >>src.c
	eventually 30 grep -q '"state": "passed"' events
	kill -INT "$(pgrep -P "$watcher" || echo "$watcher")" || true
	jq -e -s '.[0] | .version == 1 and .event == "modules" and .modules[0].service == "heart"' events
	jq -e -s 'any(.[]; .event == "module" and .module.cause == "src.c")' events
	devenv down
}
