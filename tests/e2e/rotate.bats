#!/usr/bin/env bats
# Secrets that others follow: those who read one are brought along or left alone, as they say; who
# refuses brings all back; killed anywhere, old or new works; and data that knows another secret is
# refused before its server starts (FAULTS D05, D06), with ways out that work.

# shellcheck disable=SC2016,SC2030,SC2031 # words for other shells; each test is a subshell
load lib

setup() {
	new_machine "$BATS_TEST_TMPDIR"
}

teardown() {
	clean_machine
}

# A server that remembers its password in its data, as databases do: initialised with the secret,
# told by on_rotate. Three who have the password: by a file, in the environment, reading it anew.
write_project() {
	project "$1" <<-'END'
		name: rotate
		services:
		  server:
		    image: debian:bookworm-slim
		    command: sh -c 'test -e /data/password || cp /run/secrets/pw /data/password; echo up; exec sleep infinity'
		    stop_signal: KILL
		    secrets: [pw]
		    volumes: ["data:/data"]
		    healthcheck: { log: ^up }
		  file: &client
		    image: debian:bookworm-slim
		    command: sh -c 'cp /run/secrets/pw /tmp/mine; test ! -e /srv/refuse || cmp -s /srv/refuse /tmp/mine && echo up; exec sleep infinity'
		    stop_signal: KILL
		    secrets: [pw]
		    volumes: ["./srv:/srv"]
		    depends_on: { server: { condition: service_healthy } }
		    healthcheck: { log: ^up, deadline: 3s }
		  env:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    stop_signal: KILL
		    environment: { PW: "${secret.pw}" }
		    depends_on: { file: { condition: service_healthy } }
		  anew:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    stop_signal: KILL
		    secrets: [pw]
		    depends_on: { server: { on_restart: ignore } }
		  told:
		    image: debian:bookworm-slim
		    command: bash -c 'trap "cp /run/secrets/pw /tmp/told" HUP; while :; do sleep 0.1; done'
		    stop_signal: KILL
		    init: false
		    secrets: [pw]
		    depends_on: { server: { on_restart: reload } }
		  other: { image: debian:bookworm-slim, command: sleep infinity, stop_signal: KILL }
		  job: { kind: job, image: debian:bookworm-slim, command: "true", secrets: [pw] }
		volumes: { data: { kind: data } }
		secrets:
		  pw: { generate: password, on_rotate: { service: server, run: test ! -e /data/refuse && cp /run/secrets/pw /data/password } }
	END
	mkdir -p srv
	LIMIT=120 ok devenv up -d
}

# inside SERVICE COMMAND...
inside() {
	docker exec "$(container "$1")" "${@:2}"
}

# Everybody has the value that the keyring has.
agree() {
	local value
	value=$(devenv secrets get pw)
	[ "$(inside server cat /data/password)" = "$value" ] || fail "the server has another"
	[ "$(inside file cat /tmp/mine)" = "$value" ] || fail "file has another"
	[ "$(inside env printenv PW)" = "$value" ] || fail "env has another"
	[ "$(inside anew cat /run/secrets/pw)" = "$value" ] || fail "anew has another"
}

nothing_to_do() {
	ok devenv plan
	says "Nothing to do"
}

@test "all who have a secret follow, each in its way, in order; the others are not touched" {
	write_project follow
	agree
	before=$(containers) old=$(devenv secrets get pw)
	ok devenv secrets rotate pw
	says "pw has a new value; all who run have it"
	[ "$(devenv secrets get pw)" != "$old" ]
	says_not "$old" "$(devenv secrets get pw)"
	[[ $output == *"file"*"ready"*"env"*"ready"* ]] || fail "order"
	agree
	eventually 10 inside told cmp -s /tmp/told /run/secrets/pw
	diff <(grep -vE '^(file|env) ' <<<"$before") <(containers | grep -vE '^(file|env) ')
	nothing_to_do
	# A value of one's own goes the same way while the server runs.
	printf 'a value of my own' >"$MACHINE/value"
	ok devenv secrets set pw <"$MACHINE/value"
	[ "$(devenv secrets get pw)" = "a value of my own" ]
	agree
	nothing_to_do
	# What is down stays down, and has it when it is started.
	ok devenv stop file env
	ok devenv secrets rotate pw
	[ "$(state file)" = exited ]
	ok devenv up -d
	agree
	# Another recipe is another value: `up` tells the server.
	sed -i 's/pw: { generate: password,/pw: { generate: password, length: 40,/' devenv.yml
	ok devenv up -d
	[ "$(devenv secrets get pw | wc -c)" -ge 40 ]
	agree
	nothing_to_do
}

@test "who refuses a new value brings all back to the old one" {
	write_project refuse
	old=$(devenv secrets get pw)
	inside server touch /data/refuse
	exits 1 devenv secrets rotate pw
	says "on_rotate of pw ended with status 1 in server" "the old value of pw stays"
	[ "$(devenv secrets get pw)" = "$old" ]
	agree
	nothing_to_do
	inside server rm /data/refuse
	printf %s "$old" >srv/refuse # from now on only this one is good enough for `file`
	exits 1 devenv secrets rotate pw
	says "file did not come up with the new value of pw" "the old value of pw stays"
	[ "$(devenv secrets get pw)" = "$old" ]
	agree
	nothing_to_do
	rm srv/refuse
	ok devenv secrets rotate pw
	agree
}

@test "D06: a rotation that is killed at each of its steps: the next up makes it whole" {
	project killed <<-'END'
		name: killed
		services:
		  server:
		    image: debian:bookworm-slim
		    command: sh -c 'test -e /data/password || cp /run/secrets/pw /data/password; exec sleep infinity'
		    stop_signal: KILL
		    secrets: [pw]
		    volumes: ["data:/data"]
		volumes: { data: { kind: data } }
		secrets:
		  pw: { generate: password, on_rotate: { service: server, run: cp /run/secrets/pw /data/password } }
	END
	ok devenv up -d
	eventually 10 inside server test -s /data/password
	# Whatever lasts is brought about by a rename: it dies at the first, the second, ... of them.
	for ((n = 1; n < 40; n++)); do
		old=$(devenv secrets get pw)
		run timeout -s KILL 60 strace -f -qq -o /dev/null -e trace=rename,renameat,renameat2 \
			-e inject=rename,renameat,renameat2:signal=KILL:when=$n "$DEVENV" secrets rotate pw
		[ "$status" != 0 ] || break
		# Until then the server has what it can be told of: the old value or the new one.
		grep -qxF "$(inside server cat /data/password)" <(known_values "$old") || fail "neither, after $n"
		ok devenv up -d
		[ "$(inside server cat /data/password)" = "$(devenv secrets get pw)" ] || fail "after $n"
		nothing_to_do
	done
	[ "$n" -ge 5 ] && [ "$n" -lt 40 ] || fail "$n renames"
	# And while the server is being told. Rotated once more, the one under way is ended first: a
	# third value would push the server's out of the keyring.
	sed -i 's|run: cp /run/secrets/pw /data/password|run: "cp /run/secrets/pw /data/password; touch /data/told; sleep 60"|' devenv.yml
	for next in "up -d" "secrets rotate pw"; do
		inside server rm -f /data/told
		"$DEVENV" secrets rotate pw >/dev/null 2>&1 3>&- &
		eventually 20 inside server test -e /data/told
		kill -KILL $!
		wait $! || true
		grep -qxF "$(inside server cat /data/password)" <(known_values "") || fail "not in the keyring"
		echo 'secrets: { pw: { on_rotate: { service: server, run: cp /run/secrets/pw /data/password } } }' >devenv.local.yml
		# shellcheck disable=SC2086 # words
		ok devenv $next
		says "pw has a new value that not all have yet; finishing it"
		rm devenv.local.yml
		[ "$(inside server cat /data/password)" = "$(devenv secrets get pw)" ]
	done
}

@test "D06: a rotation that is killed while copies are replaced: the next up ends it, with all" {
	project copies <<-'END'
		name: copies
		services:
		  server:
		    image: debian:bookworm-slim
		    command: sh -c 'test -e /data/password || cp /run/secrets/pw /data/password; exec sleep infinity'
		    stop_signal: KILL
		    secrets: [pw]
		    volumes: ["data:/data"]
		  env: &reader
		    image: debian:bookworm-slim
		    command: sleep infinity
		    stop_signal: KILL
		    environment: { PW: "${secret.pw}" }
		    deploy: { replicas: 2 }
		    depends_on: { server: { condition: service_healthy } }
		  first: { <<: *reader, deploy: { update_config: { order: start-first } } }
		volumes: { data: { kind: data } }
		secrets:
		  pw: { generate: password, on_rotate: { service: server, run: sleep 0.1; cp /run/secrets/pw /data/password; sleep 0.1 } }
	END
	ok devenv up -d
	for after in 0.3 0.7 1.2 1.9 2.7; do
		timeout -s KILL $after "$DEVENV" secrets rotate pw >/dev/null 2>&1 || true
		LIMIT=60 ok devenv up -d
		pw=$(devenv secrets get pw)
		[ "$(inside server cat /data/password)" = "$pw" ] || fail "server, after $after s"
		for copy in "1 env" "2 env" "1 first"; do
			[ "$(devenv exec --index "${copy% *}" "${copy#* }" -- printenv PW)" = "$pw" ] || fail "$copy, after $after s"
		done
		[ "$(containers | wc -l)" = 4 ] || fail "after $after s: $(containers)"
		nothing_to_do
	done
}

# The values of pw in the keyring, and this one.
known_values() {
	echo "$1"
	python3 - "$XDG_STATE_HOME/devenv/$(workspace)/keyring.json" <<-'END'
		import base64, json, sys
		kept = json.load(open(sys.argv[1]))["secrets"]["pw"]
		for key in "value", "previous":
		    print(base64.b64decode(kept.get(key, "")).decode())
	END
}

@test "D05: data that knows another secret is refused before its server starts, and the ways out work" {
	write_project lost
	old=$(devenv secrets get pw) keyring=$XDG_STATE_HOME/devenv/$(workspace)/keyring.json
	cp "$keyring" "$MACHINE/backup"
	[ "$(docker volume inspect -f '{{index .Labels "devenv.secrets"}}' "$(workspace)_data" | cut -c1-3)" = "pw=" ]
	! docker volume inspect "$(workspace)_data" | grep -qF "$old" || fail "in the label"
	ok devenv down
	# Another value, set while nobody was there to be told.
	ok devenv secrets set pw <<<mislaid-value
	for kept in marks label; do # what is remembered; the label, when that is lost, too
		exits 1 devenv up -d
		says "was initialised with another value of the secret pw" "help: " "devenv secrets rotate pw" \
			"devenv secrets set pw" "$keyring" "devenv reset data"
		says_not mislaid-value "$old"
		[ -z "$(containers)" ]
		[ "$kept" = label ] || rm "$XDG_STATE_HOME/devenv/$(workspace)/marks.json"
	done
	ok devenv up -d other # whom it does not concern
	# 1: the old value again, in another keyring.
	rm "$keyring"
	ok devenv secrets set pw <<<"$old"
	ok devenv up -d
	agree
	# 2: the keyring from a backup.
	ok devenv down
	ok devenv secrets set pw <<<mislaid-value
	exits 1 devenv up -d
	cp "$MACHINE/backup" "$keyring"
	ok devenv up -d
	agree
	# 3: the server is told from inside of it; also when the keyring is gone.
	for lost in value keyring; do
		ok devenv down
		[ $lost = keyring ] && rm "$keyring" || ok devenv secrets set pw <<<mislaid-value
		exits 1 devenv up -d
		ok devenv secrets rotate pw
		says "server is started: it must run to be told"
		ok devenv up -d
		agree
		nothing_to_do
	done
	# 4: the data goes.
	ok devenv down
	ok devenv secrets set pw <<<mislaid-value
	exits 1 devenv up -d
	ok devenv down -v -y --no-snapshot
	ok devenv up -d
	agree
}
