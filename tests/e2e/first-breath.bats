#!/usr/bin/env bats
# What ends right after its start. A busy engine notices an end late, and this is about the moment:
# alone

load lib

# What ran before keeps the engine busy for a while after it is gone.
at_rest() {
	local began
	began=$(date +%s%3N)
	docker run --rm debian:bookworm-slim true
	[ $(($(date +%s%3N) - began)) -lt 800 ]
}

setup() {
	new_machine "$BATS_TEST_TMPDIR"
	for _ in {1..20}; do at_rest && break; done
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
