#!/usr/bin/env bats
# devenv debug: a container of tools beside the running ones, those without a shell included.
# shellcheck disable=SC2016,SC2154 # words for other shells; status and output come from `run`
load lib

SCRATCH=devenv-e2e-debug-scratch:1

# One static program and nothing else: it answers on port 7777 and keeps a file of its own.
make_scratch() {
	local dir=$BATS_FILE_TMPDIR/scratch
	mkdir -p "$dir/root/data"
	cat >"$dir/server.c" <<-'END'
		#include <netinet/in.h>
		#include <signal.h>
		#include <stdlib.h>
		#include <string.h>
		#include <sys/socket.h>
		#include <unistd.h>
		int main(void)
		{
			static const char answer[] = "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhere\n";
			struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(7777) };
			int one = 1, s = socket(AF_INET, SOCK_STREAM, 0);
			char asked[1000];
			signal(SIGTERM, exit);
			setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
			if (bind(s, (void *)&at, sizeof(at)) || listen(s, 50))
				return 1;
			for (;;) {
				int c = accept(s, NULL, NULL);
				if (read(c, asked, sizeof(asked)) > 0 && write(c, answer, strlen(answer)) < 0)
					return 1;
				close(c);
			}
		}
	END
	gcc -static -O1 -o "$dir/root/server" "$dir/server.c"
	echo "nobody else has this" >"$dir/root/note.txt"
	tar -C "$dir/root" -c . | docker import -c 'ENTRYPOINT ["/server"]' - "$SCRATCH" >/dev/null
}

setup_file() {
	new_machine "$BATS_FILE_TMPDIR"
	make_scratch
	bare bare
	ok devenv up -d
	# Built on first use, whoever asks; later tests are not to wait for it.
	LIMIT=900 ok devenv debug web -- true
}

setup() {
	new_machine "$BATS_FILE_TMPDIR"
}

teardown_file() {
	new_machine "$BATS_FILE_TMPDIR"
	clean_machine
	docker rmi "$SCRATCH" >/dev/null 2>&1 || true
}

# bare NAME: two services from scratch, one of them confined as tightly as can be.
bare() {
	project "$1" <<-END
		name: $1
		services:
		  web: { image: "$SCRATCH", init: false, user: "4321:4321", cap_drop: [ALL], volumes: { state: /data } }
		  other: { image: "$SCRATCH", init: false }
		volumes: { state: { kind: data } }
	END
}

# tools: names of this project's tools containers.
tools() {
	docker ps -a --format '{{.Names}}' --filter "label=devenv.root=$PROJECT" | grep -e -debug- || true
}

# on_screen COMMAND...: on a terminal that is played by standard input (terminal.py).
on_screen() {
	python3 "$BATS_TEST_DIRNAME/terminal.py" "$DEVENV" "${@:2}"
}

none() { [ -z "$(tools)" ]; }

# sleeping: what was asked of each of them has begun.
sleeping() {
	local name
	for name in $(tools); do
		docker top "$name" | grep -q 'sleep 1000' || return 1
	done
}

count_is() { [ "$(tools | wc -l)" = "$1" ]; }

@test "processes, sockets, files and volumes of an image from scratch are seen" {
	enter bare
	ok devenv debug web -- sh -c 'id; ps -eo pid,uid,args; ss -ltn; cat /proc/1/root/note.txt; readlink /proc/1/exe;
		curl -s http://localhost:7777; grep -c " /data " /proc/self/mountinfo; grep CapEff /proc/self/status'
	says "uid=4321 gid=4321" "4321 /server" "0.0.0.0:7777" "nobody else has this" "here" "CapEff:	0000000000000000"
	[[ $output == *$'\n/server\n'* ]] || fail "its program is not to be seen"
	[[ $output == *$'\n1\n'* ]] || fail "its volume is not mounted"
	none
}

@test "a service that runs as root with the engine's usual capabilities is seen whole, too" {
	enter bare
	ok devenv debug other -- cat /proc/1/root/note.txt
	[ "$output" = "nobody else has this" ]
}

@test "without a service: the project's network, and no capability" {
	enter bare
	ok devenv debug -- sh -c 'wait-for web:7777 other:7777 && curl -s http://other:7777; dig +short web; grep CapEff /proc/self/status; ps -e | wc -l'
	says "web:7777 takes connections" here "CapEff:	0000000000000000"
	[[ $output =~ [0-9]+\.[0-9]+\.[0-9]+\.[0-9]+ ]] || fail "no address"
}

@test "status, input and words pass through" {
	enter bare
	exits 7 devenv debug web -- sh -c 'exit 7'
	run -127 devenv debug web -- no-such-tool
	says "no-such-tool: not found"
	[ "$(echo "piped  in" | devenv debug web -- cat)" = "piped  in" ]
	[ "$(devenv debug web -- printf '%s|' 'a b' '$HOME' --cap '')" = 'a b|$HOME|--cap||' ]
	run --separate-stderr devenv debug web -e A=1 -w /usr -- sh -c 'echo "$A $PWD"; echo problem >&2'
	[ "$output" = "1 /usr" ]
	[ "$stderr" = problem ]
	none
}

@test "the terminal's size, an interrupt and the status pass through" {
	enter bare
	exits 5 on_screen devenv debug web <<-'END'
		until debug web /
		type stty size; sh -c "echo rea''dy; exec sleep 1000"\r
		until 33 91
		until ready
		size 20 60
		type \x03
		until debug web /
		type stty size\r
		until 20 60
		until debug web /
		type exit 5\r
	END
	none
}

@test "several at once; each goes with its command, even when devenv is killed" {
	bare many
	ok devenv up -d
	"$DEVENV" debug web -- sleep 1000 3>&- &
	local first=$!
	"$DEVENV" debug web -- sleep 1000 3>&- &
	local second=$!
	"$DEVENV" debug -- sleep 1000 3>&- &
	local third=$!
	eventually 60 count_is 3
	eventually 60 devenv debug web -- sh -c '[ "$(pgrep -c sleep)" = 2 ]'
	[ "$(devenv status --json | jq -r '[.services[].service] | sort | join(" ")')" = "other web" ]
	kill -KILL "$first"
	eventually 60 count_is 2
	eventually 60 devenv debug web -- sh -c '[ "$(pgrep -c sleep)" = 1 ]'
	kill -TERM "$second"
	status=0 && wait "$second" || status=$?
	[ "$status" = 143 ] || fail "status $status"
	kill -KILL "$third"
	eventually 60 none
	ok devenv down -v -y
}

@test "down takes tools containers along, and ends what runs in them" {
	bare gone
	ok devenv up -d
	"$DEVENV" debug web -- sleep 1000 3>&- &
	local joined=$!
	"$DEVENV" debug -- sleep 1000 3>&- &
	local beside=$!
	eventually 60 count_is 2
	eventually 60 sleeping
	ok devenv down -v -y
	status=0 && wait "$joined" || status=$?
	[ "$status" = 137 ] || fail "status $status"
	status=0 && wait "$beside" || status=$?
	[ "$status" = 137 ] || fail "status $status"
	[ -z "$(left)" ] || fail "left: $(left)"
}

# Three databases that are none: what clients would be told is what counts, no image is built.
@test "clients find the project's services, with passwords in files of their own user" {
	project clients <<-END
		name: clients
		services:
		  web: { image: "$SCRATCH", init: false, ports: { https: { target: 443, published: auto } } }
		  db: { image: "$SCRATCH", extends: { template: postgres }, user: "0", entrypoint: [/server], healthcheck: !reset null, environment: { POSTGRES_USER: "me:too" } }
		  queue: { image: "$SCRATCH", extends: { template: redis }, user: "0", entrypoint: [/server], healthcheck: !reset null, ports: { redis: { target: 7777 } } }
		  sql: { image: "$SCRATCH", extends: { template: mariadb }, user: "0", entrypoint: [/server], healthcheck: !reset null }
		  needy: { image: "$SCRATCH", init: false, user: "4321:4321", depends_on: [queue] }
		routes: [{ host: clients.localhost, path: /, to: "needy:7777", via: web }]
	END
	ok devenv up -d
	local password
	password=$(devenv secrets get db_password)
	ok devenv debug -- sh -c 'echo "$PGHOST $PGPORT $PGUSER $PGDATABASE"; cat "$PGPASSFILE"; stat -c %a "$PGPASSFILE"'
	[ "$output" = "db 5432 me:too me:too
db:5432:*:me\:too:$password
400" ] || fail
	ok devenv debug needy -- sh -c 'stat -c "%a %u" "$PGPASSFILE"; echo "$REDIS_URL"; mariadb --print-defaults; cat ~/.curlrc; cat "$SSL_CERT_FILE" | head -1'
	says "400 4321" "redis://queue:7777" "--host=sql --port=3306 --user=app --password=" "--database=app"
	says 'connect-to = "clients.localhost:443:web:443"' "BEGIN CERTIFICATE"
	run devenv debug needy -- sh -c 'cat /proc/*/cmdline | tr "\0" " "'
	says_not "$password"
	# Our server is no Redis: that it was asked is what counts.
	run devenv debug needy -- redis-cli ping
	says "Protocol error" # it was asked
	ok devenv down -v -y
}

@test "scripts of the project and of devenv are on the PATH" {
	bare scripts
	mkdir -p debug/parts
	printf '#!/bin/sh\n# mine: says so\n. "${0%%/*}/parts/words"\necho "$words of $DEVENV_SERVICE"\n' >debug/mine
	printf '#!/bin/sh\n# my own way\necho my own\n' >debug/http-load
	echo 'words="it is mine"' >debug/parts/words
	chmod +x debug/mine debug/http-load
	ok devenv up -d
	ok devenv debug --list
	says "mine  " "project  says so" "wait-for HOST:PORT" "project  my own way"
	ok devenv debug web -- sh -c 'mine; http-load'
	[ "$output" = $'it is mine of web\nmy own' ]
	ok devenv down -v -y
}

@test "devenv's own scripts do what they say" {
	enter bare
	ok devenv debug web -- http-load http://other:7777/ -n 20 -c 2
	says "status 200	20" "median" "a second"
	exits 1 devenv debug web -- wait-for other:1 -t 1
	says "nothing listens at other:1"
	ok devenv debug web -- sh -c 'A=1 B=2 sleep 1000 & one=$!; A=2 C=3 sleep 1000 & two=$!; sleep 0.2
		env-diff $one $two; echo --; env-diff -v $one $two; kill $one $two'
	says "differs	A" "only" "B" "differs	A=1 -> 2" "C=3"
	[[ ${output%--*} != *"A=1"* ]] || fail "values were shown"
	ok devenv debug web -- sh -c 'timeout 20 follow-connections >/tmp/seen & sleep 0.5
		sleep 3 | nc other 7777 & for i in $(seq 100); do grep -q "+ tcp.*:7777 ESTAB" /tmp/seen && break; sleep 0.1; done; cat /tmp/seen'
	says "+ tcp" ":7777 ESTAB"
	ok devenv debug -- sh -c 'cd /tmp && openssl req -x509 -newkey rsa:2048 -nodes -keyout k -out c -days 1 -subj /CN=shop.test \
			-addext subjectAltName=DNS:shop.test 2>/dev/null
		openssl s_server -quiet -accept 9443 -cert c -key k & wait-for localhost:9443
		cert-dump localhost:9443 shop.test; cert-dump localhost:9443 other.test; kill $!'
	says "DNS:shop.test" "self-signed certificate" "shop.test does match" "other.test does NOT match"
	exits 2 devenv debug web -- slow-queries
	says "usage: slow-queries"
}

@test "a capability is given when it is asked for; who is refused is told" {
	enter bare
	exits 1 devenv debug web -- tcpdump -c 1 -i lo
	says "devenv debug --cap NET_RAW"
	ok devenv debug web --cap NET_RAW -- sh -c '(sleep 1; curl -s http://localhost:7777) & timeout 30 tcpdump -c 1 -i lo port 7777'
	says "IP localhost" "1 packet captured"
	run devenv debug other -u 4000:4000 -- timeout 5 strace -p 1
	[ "$status" != 0 ]
	says "devenv debug --cap SYS_PTRACE"
	ok devenv debug web --cap SYS_PTRACE -- sh -c '(sleep 1; curl -s http://localhost:7777) & timeout 5 strace -o /tmp/trace -p 1; grep accept /tmp/trace'
	says "accept("
	exits 3 devenv debug web --cap SYS_PTRAC -- true
	says 'did you mean "SYS_PTRACE"?'
	none
}

@test "the engine's socket is not mounted, though the service has it" {
	project socket <<-END
		name: socket
		services:
		  holder: { image: "$SCRATCH", init: false, volumes: ["/var/run/docker.sock:/run/engine.sock", "./:/etc"] }
	END
	ok devenv --trust up -d
	ok devenv debug holder -- sh -c 'grep -c engine.sock /proc/self/mountinfo; ls /etc/passwd'
	says "/run/engine.sock is not mounted" "/etc is not mounted, the tools are there; it is /proc/1/root/etc" "/etc/passwd"
	[[ $output == *$'\n0\n'* ]] || fail "the socket is mounted"
	ok devenv down -v -y
}

@test "a service on the host is reached as others reach it" {
	project hosted <<-'END'
		name: hosted
		services:
		  page: { run: host, command: [python3, -m, http.server, "${service.page.port}", --bind, 127.0.0.1], ports: { http: { target: 8000, published: auto } } }
	END
	ok devenv --trust up -d
	ok devenv debug page -- getent hosts host.docker.internal
	says "page runs on this machine (pid" "host.docker.internal"
	ok devenv down -v -y
}

@test "who is not there is not joined" {
	bare absent
	exits 1 devenv debug web -- true
	says "web is not running" "devenv up -d web"
	exits 3 devenv debug -- true
	says "nothing of this project runs" "devenv up -d"
	exits 2 devenv debug wbe -- true
	says "did you mean web?"
}

@test "its image is a rung: built once, replaced by the project's word" {
	bare rung
	cat >>devenv.yml <<-'END'
		images:
		  base: { from: "debian:bookworm-slim", user: { name: app } }
		  e2e-toolbox: { from: base, run: ["echo '#!/bin/sh' >/usr/local/bin/own-tool; echo 'echo own tool' >>/usr/local/bin/own-tool; chmod +x /usr/local/bin/own-tool"] }
		debug: { image: e2e-toolbox }
	END
	ok devenv up -d
	ok devenv --dry-run debug web -- own-tool
	ok devenv debug web -- own-tool
	says "own tool"
	run --separate-stderr devenv debug -- own-tool
	[ "$output" = 'own tool' ]
	[ -z "$stderr" ] || fail "built again: $stderr"
	ok devenv down -v -y
}
