#!/usr/bin/env bats
# The tour of the README is true: its commands, run in order in one shell on the real engine, end as
# they should, and print every line that is shown, but for numbers that differ from run to run.

load lib

setup_file() {
	new_machine "$BATS_FILE_TMPDIR"
	enter tour
	trust_host_certificates
}

teardown_file() {
	clean_machine
}

# The package that the tour adds has a name of its own: who followed the tour to its end has that
# image already.
@test "the commands of the README's tour work, and print what it shows" {
	enter tour
	mkdir -p "$HOME/.local/share" "$MACHINE/bin"
	unset XDG_DATA_HOME
	ln -s "$DEVENV" "$MACHINE/bin/devenv"
	python3 "$BATS_TEST_DIRNAME/readme.py" script "$REPOSITORY/README.md" |
		sed "s/python3-yaml/&-$$/" >"$MACHINE/tour.sh"
	[ "$(grep -c '^echo @@[0-9]' "$MACHINE/tour.sh")" -ge 20 ]
	run env PATH="$MACHINE/bin:$PATH" timeout -s KILL 600 bash "$MACHINE/tour.sh"
	[ "$status" = 0 ] || fail "the tour stopped"
	printf '%s\n' "$output" >"$MACHINE/tour.out"
	ok python3 "$BATS_TEST_DIRNAME/readme.py" compare "$REPOSITORY/README.md" "$MACHINE/tour.out"
}
