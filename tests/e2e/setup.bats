#!/usr/bin/env bats
# The set-up of a machine: steps that find everything do nothing, and what is missing is named.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	bin=$BATS_TEST_TMPDIR/bin
	mkdir -p "$bin"
	for name in apt-get dpkg sudo dockerd mmdebstrap; do
		printf '#!/bin/sh\necho "%s $*" >>"%s/called"\nexit 1\n' "$name" "$BATS_TEST_TMPDIR" >"$bin/$name"
		chmod +x "$bin/$name"
	done
	PATH=$bin:$PATH
}

@test "a machine that has everything is left alone, silently" {
	for step in "tools.sh build test demo" engine.sh compose.sh debian-image.sh; do
		# shellcheck disable=SC2086 # a step and its arguments
		run tests/setup/$step
		echo "$step: $output"
		[ "$status" = 0 ]
		[ -z "$output" ]
	done
	[ ! -e "$BATS_TEST_TMPDIR/called" ]
}

@test "a missing tool is named with its reason before apt is asked" {
	cp -r tests/setup "$BATS_TEST_TMPDIR/setup"
	echo "build cmd:no-such-tool no-such-package makes this test pass" >>"$BATS_TEST_TMPDIR/setup/packages"
	run "$BATS_TEST_TMPDIR/setup/tools.sh" build
	echo "$output"
	[ "$status" = 3 ]
	[[ $output == *"no-such-package (makes this test pass)"* ]]
	[[ $(cat "$BATS_TEST_TMPDIR/called") == *apt-get* || $(cat "$BATS_TEST_TMPDIR/called") == *sudo* ]]
}

@test "a build without headers says which package has them" {
	CC="cc -nostdinc" run tests/setup/headers.sh
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"yaml.h (libyaml-dev"* ]]
	[[ $output == *"make setup"* ]]
}

@test "an engine that was asked for but is not there is not replaced" {
	DOCKER_HOST=unix:///nonexistent/docker.sock run tests/setup/engine.sh
	echo "$output"
	[ "$status" = 3 ]
	[[ $output == *"DOCKER_HOST=unix:///nonexistent/docker.sock does not answer"* ]]
	[ ! -e "$BATS_TEST_TMPDIR/called" ]
}
