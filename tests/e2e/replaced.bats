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

# A server in front of two copies: it says which one it is, after a while, and ends in the middle of
# what it says. Asked as a proxy asks, at each address of its name until one has answered.
write_copies() {
	project "$1" <<-END
		name: $1
		services:
		  api:
		    image: debian:bookworm-slim
		    command: perl /srv/server
		    init: true
		    environment: { V: "1" }
		    volumes: ["./srv:/srv"]
		    deploy: { $2 }
		    healthcheck: { log: ^up }
		  client:
		    image: debian:bookworm-slim
		    command: sh -c 'while :; do perl /srv/ask >>/srv/answers; done'
		    stop_signal: KILL
		    volumes: ["./srv:/srv"]
	END
	mkdir -p srv
	cat >srv/server <<-'END'
		use Socket; $| = 1; sleep 1; $SIG{TERM} = sub { exit };
		exit 1 if -e "/srv/refuse$ENV{V}";
		socket(S, PF_INET, SOCK_STREAM, 0); setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1);
		bind(S, sockaddr_in(8000, INADDR_ANY)) or die; listen(S, 50); print "up\n";
		while (accept(C, S)) { select(undef, undef, undef, 0.02); print {*C} "v$ENV{V}\n"; close C }
	END
	cat >srv/ask <<-'END'
		use Socket; (undef, undef, undef, undef, @a) = gethostbyname("api");
		for (@a) {
		    socket(C, PF_INET, SOCK_STREAM, 0); $SIG{ALRM} = sub { close C }; alarm 9;
		    $answer = connect(C, sockaddr_in(8000, $_)) ? <C> : ""; alarm 0;
		    print($answer), exit if $answer =~ /^v\d\n/;
		}
		print "none\n"; select(undef, undef, undef, 0.05);
	END
	LIMIT=120 ok devenv up -d
	eventually 10 grep -q ^v1 srv/answers
}

all_answered() {
	eventually 20 grep -q "^$1" srv/answers
	! grep -q none srv/answers || fail "$(sort srv/answers | uniq -c)"
}

copies() {
	docker ps -aq --filter "label=devenv.workspace=$(workspace)" --filter label=com.docker.compose.service=api | wc -l
}

@test "copies are replaced one after the other: somebody always answers" {
	write_copies rolled 'replicas: 2'
	: >srv/answers
	sed -i 's/V: "1"/V: "2"/' devenv.yml
	ok devenv up -d
	all_answered v2
	[ "$(copies)" = 2 ]
	nothing_to_do
	# The same with all that is there, asked for; and a copy is found by its place, not by its name.
	ok devenv recreate api
	ok devenv exec --index 2 api -- printenv V
	[ "$output" = 2 ]
	all_answered v2
	# One that does not become ready is the only one that was touched.
	touch srv/refuse3
	sed -i 's/V: "2"/V: "3"/' devenv.yml
	exits 1 devenv up -d
	says "api ended with status 1"
	all_answered v2
	# Killed in the middle: the next one ends it.
	rm srv/refuse3
	timeout -s KILL 2 "$DEVENV" up -d >/dev/null 2>&1 || true
	ok devenv up -d
	all_answered v3
	[ "$(copies)" = 2 ]
	nothing_to_do
}

@test "start-first: the one copy goes when the new one is ready" {
	write_copies first 'update_config: { order: start-first }'
	: >srv/answers
	sed -i 's/V: "1"/V: "2"/' devenv.yml
	ok devenv up -d
	all_answered v2
	[ "$(copies)" = 1 ]
	nothing_to_do
	touch srv/refuse3
	sed -i 's/V: "2"/V: "3"/' devenv.yml
	exits 1 devenv up -d
	all_answered v2
	[ "$(state api)" = running ] || [ "$(state api)" = ready ] || fail "$(state api)"
	sed -i 's/V: "3"/V: "2"/' devenv.yml
	ok devenv up -d
	[ "$(copies)" = 1 ]
	nothing_to_do
}

nothing_to_do() {
	ok devenv plan
	says "Nothing to do"
}
