#!/usr/bin/env bats
# What ends right after its start. A busy engine notices an end late, and this is about the moment:
# alone

load lib

setup() {
	new_machine "$BATS_TEST_TMPDIR"
}

teardown() {
	clean_machine
}

@test "a program that is not there names the service that wanted it" {
	project inner <<-'END'
		name: inner
		services:
		  web:
		    image: debian:bookworm-slim
		    command: [no-such-program]
	END
	LIMIT=20 exits 1 devenv up -d
	says "web" "no-such-program" "devenv.yml:3"
}
