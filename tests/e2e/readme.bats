#!/usr/bin/env bats
# The tour of the README is true: its commands, run in order in one shell on the real engine, all
# succeed, and what they print has the shape that is shown.

load lib

setup_file() {
	new_machine "$BATS_FILE_TMPDIR"
	enter tour
	trust_host_certificates
}

teardown_file() {
	clean_machine
}

# The commands of the tour, one a line, each followed by a check of its status. The package that the
# tour adds has a name of its own: who followed the tour to its end has that image already.
script() {
	sed -n '/^<!-- tour/,/^<!-- end of tour/s/^\$ //p' "$REPOSITORY/README.md" |
		sed "s/python3-yaml/&-$$/" | while IFS= read -r line; do
		printf 'echo == %q\n%s || exit 1\n' "$line" "$line"
	done
}

@test "the commands of the README's tour work" {
	enter tour
	mkdir -p "$HOME/.local/share" "$MACHINE/bin"
	unset XDG_DATA_HOME
	ln -s "$DEVENV" "$MACHINE/bin/devenv"
	script >"$MACHINE/tour.sh"
	[ "$(grep -c '^echo == ' "$MACHINE/tour.sh")" -ge 15 ]
	run env PATH="$MACHINE/bin:$PATH" timeout -s KILL 600 bash "$MACHINE/tour.sh"
	[ "$status" = 0 ] || fail "the tour stopped"
	[[ $output == *'shop: '*' files written'* ]]
	[[ $output == *'https://shop.localhost:'* ]]
	[[ $output == *'"sku":"tea-assam","state":"placed"'* ]]
	[[ $output == *'trace  # devenv.local.yml:3, over devenv.yml:85'* ]]
	[[ $output == *'create api'*'environment changed  (devenv.local.yml:2)'* ]]
	[[ $output == *'worker  | '*'INFO  confirmed order=1'* ]]
	[[ $output == *'build python'*'changed: packages'* ]]
	[[ $output == *'Python 3'* ]]
	[[ $output == *'absent'* ]]
}
