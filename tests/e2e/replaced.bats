#!/usr/bin/env bats
# Services that are replaced while they serve: what runs beside them is not taken for them, and
# requests find one that answers.

# shellcheck disable=SC2016,SC2030,SC2031 # words for other shells; each test is a subshell
load lib

setup() {
	new_machine "$BATS_TEST_TMPDIR"
}

teardown() {
	clean_machine
}

@test "what compiles or runs beside a service takes neither its address nor its names" {
	project beside <<-'END'
		name: beside
		services:
		  api:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    stop_signal: KILL
		    hostname: api-host
		    working_dir: /srv
		    environment: { V: "1" }
		    networks: { default: { ipv4_address: 10.213.77.5, aliases: [www] } }
		    develop: { source: src, compile: "echo >>log; for n in api api-host www; do getent ahostsv4 $$n >>log; done; hostname -i >>log" }
		networks: { default: { ipam: { config: [{ subnet: 10.213.77.0/24 }] } } }
	END
	mkdir src
	ok devenv up -d --no-watch
	sed -i 's/V: "1"/V: "2"/' devenv.yml
	rm src/log
	ok devenv up -d --no-watch
	grep -q '^10.213.77.5 ' src/log || fail "the name is not the one's that serves: $(cat src/log)"
	own=$(tail -1 src/log)
	[ "$own" != 10.213.77.5 ] && ! grep -q "^$own .*[a-z]" src/log || fail "it has a name: $(cat src/log)"
	ok devenv run api -- hostname -i
	says_not 10.213.77.5
}
