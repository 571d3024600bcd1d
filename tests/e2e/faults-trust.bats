#!/usr/bin/env bats
# Untrusted checkouts and hostile text (FAULTS H): nothing of a clone runs before consent, consent is
# the developer's own and ends with the first changed byte, and no text of others steers a terminal.

# shellcheck disable=SC2030,SC2031,SC2119,SC2120 # each test is a subshell of its own
load lib

setup() {
	new_machine "$BATS_TEST_TMPDIR"
	FAULTS=$REPOSITORY/tests/faults
	cd "$MACHINE" || return 1 # never the repository itself
}

teardown() {
	clean_machine
}

evil() {
	mark=$MACHINE/ran
	cat >devenv.yml <<-END
		name: evil
		services:
		  a: { image: "debian:bookworm-slim", command: sleep 300 }
		hooks:
		  pre-up: [{ exec-host: "./check" }]
		  post-up: [{ exec-host: "touch $mark-post" }]
		commands: { mine: { run: "touch $mark-command" } }
		secrets: { s: { command: "touch $mark-secret; echo x" } }
	END
	printf '#!/bin/sh\ntouch %s-pre\n' "$mark" >check
	chmod +x check
	# Programs that a checkout could put in the way.
	for name in docker git tmux sh check docker-compose; do
		printf '#!/bin/sh\ntouch %s-%s\n' "$mark" "$name" >"$PROJECT/$name.planted"
		chmod +x "$PROJECT/$name.planted"
	done
}

nothing_ran() {
	run ls "$MACHINE"
	says_not ran-
}

@test "H01: no command runs anything of an untrusted checkout, or talks to anybody but the engine" {
	enter evil </dev/null
	evil
	for name in docker git tmux; do
		mv "$name.planted" "$name"
	done
	for words in "up -d" up "up --dry-run" "generate" "generate --diff" build plan graph config "config -q" \
		"config --origin" status ps logs ports ls doctor "open --print" wait stop down restart recreate \
		"secrets ls" "secrets get s" "certs ls" "run a -- true" "exec a -- true" "shell a" mine clean help \
		"__complete secrets get x"; do
		# shellcheck disable=SC2086 # words of a command line
		PATH=:.:$PATH DOCKER_CLI_HINTS=x run timeout -s KILL 60 strace -f -qq -o "$MACHINE/trace" \
			-e trace=execve,connect "$DEVENV" $words </dev/null
		case $words in
		"up -d" | up | generate | build | recreate | "secrets get s" | "run a -- true" | mine)
			[ "$status" = 5 ] || fail "status $status, not 5, of: $words"
			says "not trusted yet" "host hook pre-up: ./check" "command of secret s: touch" "help: " ;;
		*) [ "$status" != 5 ] || [ "$words" = clean ] || fail "$words wanted consent" ;;
		esac
		run "$FAULTS/executed.py" "$MACHINE/trace" "$PROJECT"
		[ "$status" = 0 ] || fail "$words executed or called"
		nothing_ran
	done
}

@test "H01: with a yes everything runs, so that the test above can fail" {
	enter evil </dev/null
	evil
	ok devenv --trust up -d
	ls "$MACHINE"/ran-pre "$MACHINE"/ran-post "$MACHINE"/ran-secret
	ok devenv mine
	ls "$MACHINE"/ran-command
	ok devenv up -d
	ok devenv down
}

@test "H02: one changed byte asks again and says what has changed" {
	enter evil </dev/null
	evil
	printf 'ONE=1\n' >one.env
	cat >devenv.local.yml <<-END
		services: { a: { env_file: one.env, build: { context: ., dockerfile: my.Dockerfile } } }
	END
	printf 'FROM debian:bookworm-slim\n' >my.Dockerfile
	ok devenv --trust generate
	ok devenv generate
	for file in devenv.yml devenv.local.yml check one.env my.Dockerfile; do
		cp -p "$file" "$MACHINE/before"
		printf '#' >>"$file"
		exits 5 devenv generate
		says "$file has changed since you last agreed" "not trusted yet"
		cp -p "$MACHINE/before" "$file"
		ok devenv generate
	done
	sed -i 's/pre-up: .*/pre-up: [{ exec-host: ".\/check --all" }]/' devenv.yml
	exits 5 devenv generate
	says "host hook pre-up: ./check --all  (devenv.yml:5)  new since you last agreed"
	says_not "command of secret s: touch $mark-secret; echo x  (devenv.yml:8)  new"
	rm -f "$mark"-*
	exits 5 devenv up -d
	nothing_ran
}

@test "H02: consent holds for one path and is not carried to a copy" {
	enter evil </dev/null
	evil
	ok devenv --trust generate
	cp -a "$PROJECT" "$MACHINE/projects/copy"
	cd "$MACHINE/projects/copy"
	exits 5 devenv generate
	says "not trusted yet"
}

@test "H03: no file or variable of the checkout's gives consent" {
	enter evil </dev/null
	evil
	mkdir -p .devenv/generated "$MACHINE/planted"
	ok devenv --trust generate
	consent=$(find "$XDG_STATE_HOME" -name consent)
	[ "$(stat -c '%a %U' "$consent")" = "600 $(id -un)" ]
	mv "$consent" "$MACHINE/planted/consent"
	for place in .devenv/consent .devenv/trusted .devenv/trust .devenv/generated/consent consent trusted; do
		cp "$MACHINE/planted/consent" "$place"
	done
	printf 'DEVENV_TRUST=1\nDEVENV_YES=1\nXDG_STATE_HOME=%s\nHOME=%s\n' "$MACHINE/planted" "$MACHINE/planted" >.env
	printf 'trust: true\n' >>devenv.yml
	run devenv -y generate
	[ "$status" = 3 ] || [ "$status" = 5 ]
	sed -i '/^trust:/d' devenv.yml
	DEVENV_TRUST=1 DEVENV_YES=1 CI=true exits 5 devenv -y generate
	says "not trusted yet"
	# Neither does a consent file that others could have written, or a link.
	ln -s "$MACHINE/planted/consent" "$consent"
	exits 5 devenv generate
	rm "$consent"
	cp "$MACHINE/planted/consent" "$consent"
	chmod 666 "$consent"
	exits 5 devenv generate
	chmod 600 "$consent"
	ok devenv generate
}

@test "H04: what is dangerous is listed by name, loudly, with its line" {
	project loud <<-'END'
		name: loud
		services:
		  a:
		    image: debian:bookworm-slim
		    privileged: true
		    pid: host
		    network_mode: host
		    ipc: host
		    cap_add: [SYS_ADMIN]
		    devices: ["/dev/kvm"]
		    security_opt: ["seccomp:unconfined"]
		    volumes: ["/:/host", "/var/run/docker.sock:/s", "/etc:/e:ro", "~/.ssh:/k"]
		  b: { image: "debian:bookworm-slim", ports: ["0.0.0.0:8080:80"], userns_mode: host, cgroup_parent: x }
		  c: { image: "debian:bookworm-slim", volumes: ["d:/d"], uts: host }
		volumes: { d: { driver_opts: { type: none, o: bind, device: /root } } }
	END
	exits 5 devenv up -d
	says "! privileged: true in a  (devenv.yml:5)" "! pid: host in a  (devenv.yml:6)" \
		"! network_mode: host in a  (devenv.yml:7)" "! ipc: host in a" "! cap_add: SYS_ADMIN in a" \
		"/dev/kvm" "seccomp:unconfined" "! mount of /, which holds the engine's socket, in a" \
		"! mount of /var/run/docker.sock, which holds the engine's socket, in a" "mount of /etc in a" \
		".ssh in a" "port 80 of b, open to the whole network" "mount of /root in volume d"
	[ -z "$(containers)" ]
}

@test "H05: paths that leave the checkout need consent, through links too" {
	enter escape </dev/null
	mkdir -p "$MACHINE/outside"
	echo 'FROM debian:bookworm-slim' >"$MACHINE/outside/Dockerfile"
	ln -s "$MACHINE/outside" linked
	ln -s "$MACHINE/outside/Dockerfile" my.Dockerfile
	while IFS='|' read -r line want; do
		printf 'name: escape\nservices:\n  a: { image: x, %s }\n' "$line" >devenv.yml
		exits 5 devenv generate
		says "$want" "(devenv.yml:3)" "not trusted yet"
		[ ! -e .devenv/generated/compose.yml ]
	done <<-'END'
		build: ../..|build context ../.. of a is outside
		build: linked|build context linked of a is outside
		build: { context: ., dockerfile: my.Dockerfile }|Dockerfile
		build: { context: ., dockerfile: ../../outside/Dockerfile }|Dockerfile
		env_file: /etc/shadow|env_file /etc/shadow of a is outside
		env_file: [ { path: ../../secret.env } ]|env_file ../../secret.env of a is outside
		volumes: ["./linked:/x"]|escape/linked in a
		volumes: ["../:/x"]|projects in a
		volumes: [{ type: bind, source: ./linked/deeper, target: /x }]|escape/linked/deeper in a
	END
}

@test "H06: reading commands only read, whatever the checkout holds" {
	enter evil </dev/null
	evil
	mkdir -p nested
	find . -printf '%p %T@ %C@\n' | sort >"$MACHINE/before"
	for words in config "config -q" "config --origin" "config --explain services.a.image" "config schema" graph \
		"graph -F dot" "secrets ls" "__complete up x" help; do
		# shellcheck disable=SC2086
		run strace -f -qq -o "$MACHINE/trace" -e trace=execve,connect,socket,openat,mkdir,unlink,rename "$DEVENV" $words
		[ "$status" = 0 ]
		[ "$(grep -c execve "$MACHINE/trace")" = 1 ] || fail "$words executed: $(grep execve "$MACHINE/trace")"
		run grep -E 'connect|socket|O_WRONLY|O_RDWR|O_CREAT|mkdir|unlink|rename' "$MACHINE/trace"
		[ -z "$output" ] || fail "$words did more than read"
	done
	find . -printf '%p %T@ %C@\n' | sort | diff "$MACHINE/before" -
	[ ! -e .devenv ]
	[ -z "$(find "$MACHINE/state" "$MACHINE/data" -type f 2>/dev/null)" ]
}

@test "H07: configuration of another owner, or that everybody may write, is refused" {
	[ "$(id -u)" = 0 ] || skip "needs root to give files away"
	enter owned </dev/null
	printf 'name: owned\nservices: { a: { image: x, command: y } }\n' >devenv.yml
	ok devenv config -q
	chown 12345 devenv.yml
	for words in "config -q" generate "up -d" plan; do
		# shellcheck disable=SC2086
		exits 5 devenv $words
		says "devenv.yml belongs to uid 12345, not to you" "help: "
	done
	chown 0 devenv.yml
	chmod 666 devenv.yml
	exits 5 devenv config -q
	says "can be written by everybody (mode 0666)" "help: chmod o-w"
	chmod 644 devenv.yml
	printf '{}\n' >devenv.local.yml
	chmod 646 devenv.local.yml
	exits 5 devenv config -q
	says devenv.local.yml
	chmod 600 devenv.local.yml
	chmod 777 .
	exits 5 devenv config -q
	says "can be written by everybody (mode 0777)"
	chmod 755 .
	ok devenv config -q
	[ ! -e .devenv ]
}

@test "H07: root through sudo leaves nothing of root's in its caller's home" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	enter sudoed </dev/null
	printf 'name: sudoed\nservices: { a: { image: x, command: y } }\n' >devenv.yml
	chown -R 12345 "$MACHINE/home" "$PROJECT"
	unset XDG_STATE_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_CONFIG_HOME
	SUDO_UID=12345 exits 1 devenv generate
	says "refusing to write files of root" "belongs to uid 12345" "sudo -H"
	[ -z "$(find "$MACHINE/home" "$PROJECT" -user 0)" ]
}

@test "H08: sixty texts that steer terminals, through every path that prints" {
	LIMIT=300 ok timeout -s KILL 300 python3 "$FAULTS/terminal.py" "$DEVENV"
	echo "$output"
	[[ ${lines[-1]} =~ ^[0-9]{3}\ passed,\ 0\ failed$ ]]
}

@test "H08: sixty texts printed by a container, in logs, in a failure and in a health check" {
	enter prints </dev/null
	mkdir texts
	python3 - "$FAULTS/terminal.py" >texts/all <<-'END'
		import re, sys
		text = open(sys.argv[1]).read()
		space = {"re": re}
		exec(text[text.index("UNICODE = ["):text.index("assert len")], space)
		sys.stdout.buffer.write(b"\n".join(b"i%02d" % n + t for n, t in enumerate(space["RAW"])) + b"\n")
	END
	cat >devenv.yml <<-'END'
		name: prints
		services:
		  good: { image: "debian:bookworm-slim", command: "sh -c 'cat /t/all; cat /t/all >&2; exec sleep 300'", volumes: ["./texts:/t"] }
		  bad:
		    image: debian:bookworm-slim
		    command: "sh -c 'cat /t/all; exit 3'"
		    volumes: ["./texts:/t"]
		  ill:
		    image: debian:bookworm-slim
		    command: sleep 300
		    volumes: ["./texts:/t"]
		    healthcheck: { test: "cat /t/all; exit 1", interval: 1s, retries: 1 }
		  needs: { image: "debian:bookworm-slim", command: sleep 300, depends_on: { bad: { condition: service_healthy } } }
	END
	ok devenv up -d good
	for words in "up -d bad" "up -d needs" "--progress json up -d bad" "logs good" "logs -t" "--json logs" \
		"--ansi always logs bad" "logs --grep i3" "--ansi always up -d ill" status doctor; do
		# shellcheck disable=SC2086
		timeout -s KILL 60 "$DEVENV" $words >"$MACHINE/out" 2>&1 || true
		run python3 - "$MACHINE/out" <<-'END'
			import re, sys
			data = re.sub(rb"\033\[[0-9;]*m", b"", open(sys.argv[1], "rb").read()).decode()
			bad = [c for c in data if ord(c) < 32 and c not in "\n\t" or 127 <= ord(c) < 160 or c in "\u202e\u2028"]
			print(bad, len(set(re.findall(r"i\d\d", data))))
			sys.exit(bool(bad))
		END
		[ "$status" = 0 ] || fail "$words: $(head -c 2000 "$MACHINE/out" | cat -v)"
		case $words in
		logs* | "--json logs") [ "${output##* }" -ge 10 ] || fail "$words showed nothing" ;;
		esac
	done
}

@test "H09: names and values end up as what they are, in compose, env files and the container" {
	enter quotes </dev/null
	python3 - >devenv.yml <<-'END'
		import json
		hard = {"A": "a;b", "B": "#{pane}", "C": "'\"`", "D": "$HOME ${HOME} $$", "E": "a\\nb\\", "F": "x # y",
		        "G": " lead", "H": "tab\there", "I": "yes", "J": "0x1f", "K": "%s%n", "L": "{{.Names}}", "M": "!x", "N": "a\nb"}
		hard = {k: v.replace("$", "$$") for k, v in hard.items()}
		print(json.dumps({"name": "quotes", "services": {"a": {"image": "debian:bookworm-slim",
		      "command": ["sh", "-c", "env -0 >/tmp/env; exec sleep 300"], "environment": hard,
		      "labels": {"l": "".join(hard.values())}}}}))
	END
	ok devenv up -d
	run bash -c "docker exec $(container a) cat /tmp/env | tr '\0' '\1' | grep -z . | tr '\1\n' '\n~'"
	# shellcheck disable=SC2016,SC1003
	says "A=a;b" 'B=#{pane}' "C='\"\`" 'D=$HOME ${HOME} $$' 'E=a\nb\' 'F=x # y' 'G= lead' $'H=tab\there' 'I=yes' \
		'J=0x1f' 'K=%s%n' 'L={{.Names}}' 'M=!x' 'N=a~b'
	# shellcheck disable=SC2016
	for route in 'a;b' 'a b' 'a{b' 'a}b' 'a$b' 'a"b' 'a\\b' 'a\nb'; do
		printf '{"name":"q","services":{"w":{"image":"x","command":"y","ports":["80"]},"e":{"extends":{"template":"nginx"}}},"routes":[{"host":"h.localhost","path":"/%s","to":"w:80","via":"e"}]}' "$route" >devenv.yml
		exits 3 devenv generate
		says "devenv.yml:1:" "error"
	done
}

@test "H10: a trace strikes credentials out, keeps no more than 16 MiB of a body and 64 KiB of a header" {
	cat >"$MACHINE/serve.py" <<-'END'
		import http.server, os, sys
		class Handler(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        self.wfile.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: s=canary\r\nX-Auth-Token: canary\r\n")
		        for i in range(200000 if self.path == "/head" else 0):
		            self.wfile.write(b"X-%d: " % i + b"y" * 1000 + b"\r\n")
		        self.wfile.write(b"\r\n")
		        for _ in range(1024 if self.path == "/body" else 0):
		            self.wfile.write(b"x" * (1 << 20))
		server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
		server.serve_forever()
	END
	project traced <<-END
		name: traced
		services:
		  a:
		    run: host
		    command: [python3, $MACHINE/serve.py]
		    environment: { PORT: "\${service.a.port}" }
		    ports: { http: { target: 8000, published: auto } }
		    healthcheck: { http: "/x", port: http }
	END
	ok devenv --trust up -d
	url=http://$(devenv ports --json | jq -r '.[0].address')
	for words in "" --json "--har out.har"; do
		# shellcheck disable=SC2086
		ok devenv trace $words -H 'Cookie: a=canary' -H 'Authorization: Basic canary' "$url/x"
		says_not canary
	done
	run grep -c canary out.har
	[ "$output" = 0 ] || fail "a credential is in the archive"
	ok devenv trace "$url/body"
	says "16777216 bytes"
	says_not DIFFERS
	exits 1 devenv trace "$url/head"
	says "its header is longer than 64 KiB"
	ok devenv down
}
