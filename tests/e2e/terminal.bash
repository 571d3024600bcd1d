# A real terminal for tests: tmux with a shell in it. Sourced after lib.bash.
#
# shellcheck shell=bash disable=SC2154

SCREENS=0

# terminal [COLUMNS [ROWS]]: a shell in the current folder on a screen of that size. Each is a server
# of its own: one that ends is still there for a moment.
terminal() {
	SCREEN=devenv-$$-$BATS_TEST_NUMBER-$((SCREENS += 1))
	env -u TMUX tmux -L "$SCREEN" -f /dev/null new-session -d -x "${1:-100}" -y "${2:-30}" \
		-e "DEVENV=$DEVENV" -e LANG=C.UTF-8 "bash --norc --noprofile" 3>&-
	on_screen set-option -g status off
	type_line "PS1='ready\$ '; stty -g >$MACHINE/before; clear"
	eventually 20 test -s "$MACHINE/before"
}

on_screen() {
	env -u TMUX tmux -L "$SCREEN" "$@" 3>&-
}

close_terminal() {
	[ -z "${SCREEN:-}" ] || [ "${BATS_TEST_COMPLETED:-}" = 1 ] || screen || true
	[ -z "${SCREEN:-}" ] || on_screen kill-server 2>/dev/null || true
	SCREEN=
}

# press KEY...: as tmux names them: C-c, Enter, q.
press() {
	on_screen send-keys "$@"
}

type_line() {
	on_screen send-keys -l "$1"
	on_screen send-keys Enter
}

# All that was written, also what has scrolled away, as lines.
screen() {
	on_screen capture-pane -p -J -S - 2>/dev/null
}

# What is seen now.
visible() {
	on_screen capture-pane -p 2>/dev/null
}

shown() {
	screen | grep -qE -- "$1"
}

# sees PATTERN [SECONDS]: waits until it was written.
sees() {
	eventually "${2:-30}" shown "$1"
}

# The last line that is not empty.
bottom() {
	visible | grep -v '^ *$' | tail -1
}

bottom_is() {
	bottom | grep -qE -- "$1"
}

sees_bottom() {
	eventually "${2:-30}" bottom_is "$1"
}

# The settings of the terminal are those of before.
settings_are_back() {
	rm -f "$MACHINE/after"
	type_line "stty -g >$MACHINE/after"
	eventually 20 test -s "$MACHINE/after"
	diff "$MACHINE/before" "$MACHINE/after"
}

cursor_is_seen() {
	[ "$(on_screen display-message -p '#{cursor_flag}')" = 1 ]
}
