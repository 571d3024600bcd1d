#!/usr/bin/env bats
# Secrets and certificates (FAULTS D): a value is where it was asked for and nowhere else, byte for
# byte; it stays until it is rotated; stores that others could read are not used.

# shellcheck disable=SC2016,SC2030,SC2031,SC2119,SC2120 # each test is a subshell of its own
load lib

setup() {
	new_machine "$BATS_TEST_TMPDIR"
	FAULTS=$REPOSITORY/tests/faults
	cd "$MACHINE" || return 1 # never the repository itself
	helpers=
}

teardown() {
	# shellcheck disable=SC2086 # a list of ids
	[ -z "$helpers" ] || kill -KILL $helpers 2>/dev/null || true
	clean_machine
}

found() {
	python3 "$FAULTS/canary.py" "$MACHINE/value" "$@"
}

@test "D01: a secret is in no argv, output, log, configuration, plan, compose file, inspect or image" {
	project canary <<-'END'
		name: canary
		images:
		  rung: { from: debian:bookworm-slim, run: ["echo a rung of its own >/made"] }
		services:
		  reader:
		    image: rung
		    command: "sh -c 'echo up; cat /run/secrets/canary; sleep 300'"
		    stop_signal: KILL
		    secrets: [canary, made]
		    healthcheck: { test: "cat /run/secrets/canary; test -s /run/secrets/made" }
		  env: { image: rung, command: sleep 300, stop_signal: KILL, environment: { URL: "x://u:${secret.canary}@h" } }
		secrets:
		  canary: { environment: CANARY }
		  made: { generate: password }
		hooks: { post-up: [{ exec: "true", service: reader }] }
	END
	python3 -c 'import os; print("CaNaRy" + os.urandom(16).hex(), end="")' >"$MACHINE/value"
	ok devenv secrets set canary <"$MACHINE/value" || true
	sed -i 's/canary: { environment: CANARY }/canary: { generate: password }/' devenv.yml
	ok devenv secrets set canary <"$MACHINE/value"
	[ "$(devenv secrets get canary)" = "$(cat "$MACHINE/value")" ]
	python3 "$FAULTS/canary.py" "$MACHINE/value" --watch "$MACHINE/seen" >"$MACHINE/ready" 2>&1 3>&- &
	helpers=$!
	eventually 10 grep -q ready "$MACHINE/ready"
	mkdir "$MACHINE/out"
	n=0
	for words in "up -d" "--progress json up -d --force-recreate" config "--json config" "config --origin" plan "--json plan" \
		"up -d --dry-run" "generate --diff" graph status "--json status" logs "--json logs" "secrets ls" doctor ps \
		"exec reader true" "recreate reader" "help" ; do
		n=$((n + 1))
		# shellcheck disable=SC2086
		devenv $words >"$MACHINE/out/$n.stdout" 2>"$MACHINE/out/$n.stderr" </dev/null || fail "$words: $(cat "$MACHINE/out/$n.stderr")"
	done
	printf 'nope: 1\n' >devenv.local.yml
	devenv up -d >"$MACHINE/out/bad" 2>&1 || true
	rm devenv.local.yml
	ok found "$MACHINE"/out/*
	# Whoever was given it in the environment has it there; nobody else, and no docker or compose.
	sleep 1
	kill -KILL "$helpers"
	helpers=
	run cat "$MACHINE/seen"
	! grep -v '^environ of .*sleep 300' <<<"$output" | grep -q . || fail "seen"
	for id in $(containers | cut -d' ' -f2); do
		docker inspect "$id" >"$MACHINE/inspect.$(docker inspect -f '{{index .Config.Labels "devenv.service"}}' "$id")"
		docker history --no-trunc "$(docker inspect -f '{{.Image}}' "$id")" >>"$MACHINE/out/history"
	done
	ok found "$MACHINE/inspect.reader" "$MACHINE/out/history"
	run found "$MACHINE/inspect.env"
	[ "$status" = 1 ] # asked for; and so the search can find something
	ok found .devenv/generated/compose.yml .devenv/manifest.json
	while IFS= read -r file; do
		case $file in
		.devenv/generated/secrets/* | .devenv/generated/env/*) ;;
		.devenv/logs/*) ;; # what the container itself printed; `logs` hides it, above
		*) ok found "$file" ;;
		esac
	done < <(find .devenv -type f)
	while IFS= read -r file; do
		run found "$file"
		[ "$status" = 0 ] || [[ $file = */keyring.json ]] || fail "in $file"
		[ "$status" = 0 ] || [ "$(stat -c %a "$file")" = 600 ]
	done < <(find "$MACHINE/state" "$MACHINE/data" "$MACHINE/home" "$MACHINE/cache" -type f 2>/dev/null)
	[ "$(stat -c %a .devenv/generated/secrets) $(stat -c %a .devenv/generated/env)" = "700 700" ]
}

@test "D02: a secret gets into no layer: arguments, variables and lines of a build are refused" {
	project build </dev/null
	mkdir ctx
	printf 'FROM debian:bookworm-slim\nARG T\nRUN true\n' >ctx/Dockerfile
	while IFS= read -r image; do
		printf 'name: build\nimages: { r: { %s } }\nservices: { a: { image: r, command: x } }\nsecrets: { t: { generate: password } }\n' "$image" >devenv.yml
		exits 3 devenv generate
		says "a secret" "devenv.yml:2:"
	done <<-'END'
		from: debian:bookworm-slim, args: { T: "${secret.t}" }
		from: debian:bookworm-slim, env: { T: "${secret.t}" }
		from: debian:bookworm-slim, run: ["echo ${secret.t}"]
	END
	printf 'name: build\nservices: { a: { build: { context: ctx, args: { T: "${secret.t}" } } } }\nsecrets: { t: { generate: password } }\n' >devenv.yml
	exits 3 devenv generate
	says "a secret would be visible"
	# As the build's own kind of secret it may be mounted: a file of its own, nowhere else.
	sed -i 's/args: { T: "${secret.t}" }/secrets: [t]/' devenv.yml
	ok devenv generate
	[ "$(cat .devenv/generated/build-secrets/t)" = "$(devenv secrets get t)" ]
	[ "$(grep -rlF "$(devenv secrets get t)" .devenv)" = .devenv/generated/build-secrets/t ]
}

@test "D03: every byte arrives, as a file and, where it is text, in the environment" {
	project bytes <<-'END'
		name: bytes
		services:
		  a:
		    image: debian:bookworm-slim
		    command: "sh -c 'env -0 >/tmp/env; exec sleep 300'"
		    stop_signal: KILL
		    secrets: [s]
		    environment: { T: "${secret.s}" }
		secrets: { s: { generate: password } }
	END
	try() { # text|binary
		ok devenv secrets set s <"$MACHINE/value"
		run devenv up -d
		if [ "$status" != 0 ] && [ "$1" = binary ]; then
			says "error: " "s"
			sed -i '/environment:/d' devenv.yml
			ok devenv up -d
		else
			[ "$status" = 0 ] || fail "up: $status"
		fi
		docker exec "$(container a)" cat /run/secrets/s | cmp - "$MACHINE/value"
		devenv secrets get s | cmp - "$MACHINE/value"
		[ "$1" = binary ] || docker exec "$(container a)" cat /tmp/env | python3 -c '
import sys
want = open(sys.argv[1], "rb").read()
have = [e[2:] for e in sys.stdin.buffer.read().split(b"\0") if e.startswith(b"T=")]
sys.exit(have != [want] and "%r, not %r" % (have[0][:80], want[:80]))' "$MACHINE/value"
	}
	# shellcheck disable=SC2016,SC1003
	for value in 'ab$HOME$c ${X} $$' "quo'te\"s\`" ' lead and trail ' 'x # y' '#x' 'a\nb\\' 'key=value' '!x %s {{y}}' "ü€𝄞"; do
		printf '%s' "$value" >"$MACHINE/value"
		try text
	done
	printf 'two\nlines' >"$MACHINE/value"
	run devenv secrets set s <"$MACHINE/value"
	run devenv up -d
	if [ "$status" = 0 ]; then try text; else says "error: "; fi
	sed -i '/environment:/d' devenv.yml
	printf 'two\nlines and a tab\t.\r\n\nend' >"$MACHINE/value"
	try binary
	head -c 65536 /dev/zero | tr '\0' x >"$MACHINE/value"
	try binary
	printf '\377\376\000\001\033bin' >"$MACHINE/value"
	try binary
	head -c 65537 /dev/zero >"$MACHINE/value"
	exits 2 devenv secrets set s <"$MACHINE/value"
	says "at most 64 KiB"
}

secrets_project() {
	project kept <<-'END'
		name: kept
		services:
		  a: { image: "debian:bookworm-slim", command: sleep 300, stop_signal: KILL, secrets: [p, h, u, k], volumes: ["data:/d"] }
		volumes: { data: { kind: data } }
		secrets: { p: { generate: password }, h: { generate: hex }, u: { generate: uuid }, k: { generate: ed25519 } }
	END
}

values() {
	for name in p h u k; do
		devenv secrets get $name | sha256sum
	done
}

@test "D04: values outlive runs, edits, lost generated files, git clean and another environment" {
	secrets_project
	ok devenv generate
	before=$(values)
	ok devenv generate
	[ "$(values)" = "$before" ]
	sed -i 's/sleep 300/sleep 301/' devenv.yml
	ok devenv generate
	[ "$(values)" = "$before" ]
	rm -rf .devenv
	ok devenv generate
	[ "$(values)" = "$before" ]
	[ "$(sha256sum <.devenv/generated/secrets/a/p)" = "$(head -1 <<<"$before")" ]
	sed -i 's/secrets: { p/secrets: { extra: { generate: hex }, p/' devenv.yml
	ok devenv generate
	[ "$(values)" = "$before" ]
	ok devenv secrets rotate p
	[ "$(values | head -1)" != "$(head -1 <<<"$before")" ]
	[ "$(values | tail -3)" = "$(tail -3 <<<"$before")" ]
}

@test "D05: a lost keyring with data still there stops before anything is started" {
	secrets_project
	ok devenv up -d
	ok devenv down
	rm "$(find "$MACHINE/state" -name keyring.json)"
	for words in "up -d" up; do
		# shellcheck disable=SC2086
		LIMIT=20 exits 1 devenv $words
		says "the keyring of this workspace is gone" "data volumes" "help: " "secrets set" "down -v"
		[ -z "$(containers)" ]
		[ -z "$(find "$MACHINE/state" -name keyring.json)" ]
	done
	ok devenv down -v -y
	ok devenv up -d
	[ "$(state a)" = ready ]
}

@test "D07: a keyring or a key that others could read, of another owner or a link is refused" {
	routed
	printf 'secrets: { p: { generate: password } }\n' >>devenv.yml
	ok devenv generate
	keyring=$(find "$MACHINE/state" -name keyring.json)
	for file in "$keyring" "$MACHINE/data/devenv/ca/ca.key"; do
		find "$MACHINE/state" -name leaf.pem -delete # so that the authority is needed
		for mode in 644 640 604; do
			chmod $mode "$file"
			run devenv generate
			[ "$status" = 1 ] || fail "used with mode $mode: $file"
			says "$file" "chmod 600"
			[ "$(stat -c %a "$file")" = $mode ]
		done
		chmod 600 "$file"
		mv "$file" "$MACHINE/moved"
		ln -s "$MACHINE/moved" "$file"
		exits 1 devenv generate
		says "$file" "not a plain file"
		rm "$file"
		mv "$MACHINE/moved" "$file"
		if [ "$(id -u)" = 0 ]; then
			chown 12345 "$file"
			exits 1 devenv generate
			says "$file" "belongs to uid 12345"
			chown 0 "$file"
		fi
		ok devenv generate
	done
}

@test "D08: without random bytes nothing is made" {
	secrets_project
	LIMIT=20 run strace -f -qq -o /dev/null -e inject=getrandom:error=ENOSYS "$DEVENV" generate
	if [ "$status" = 0 ]; then
		# libcrypto has sources of its own; then what was made is still no constant
		one=$(values)
		rm -rf "$MACHINE/state" "$MACHINE/data" .devenv
		strace -f -qq -o /dev/null -e inject=getrandom:error=ENOSYS "$DEVENV" generate
		[ "$(values)" != "$one" ]
	else
		says "random"
		[ ! -e .devenv/generated/secrets/a/p ]
	fi
}

routed() {
	project routed <<-'END'
		name: routed
		services:
		  edge: { extends: { template: nginx } }
		  web: { image: "debian:bookworm-slim", command: sleep 300, ports: ["80"] }
		routes: [{ host: shop.localhost, path: /, to: "web:80", via: edge }]
		certs: { hosts: ["*.shop.localhost"] }
	END
}

leaf() {
	find "$PROJECT/.devenv/generated" -name '*.crt' -path '*certs*' | head -1
}

names() {
	openssl x509 -in "$(leaf)" -noout -ext subjectAltName | tail -1 | tr -d ' ' | tr ',' '\n' | sort | xargs
}

@test "D09: an expired or ageing leaf is renewed, and a wrong clock makes no second authority" {
	routed
	ok devenv generate
	ca=$(sha256sum <"$CA")
	first=$(sha256sum <"$(leaf)")
	ok devenv generate
	[ "$(sha256sum <"$(leaf)")" = "$first" ]
	for days in 70 95 400; do
		ok faketime_run "$days" generate
		[ "$(sha256sum <"$CA")" = "$ca" ]
		[ "$(sha256sum <"$(leaf)")" != "$first" ] || [ "$days" = 95 ] || fail "kept for $days days"
		first=$(sha256sum <"$(leaf)")
		ok openssl x509 -in "$(leaf)" -noout -checkend $(((days + 28) * 86400))
	done
	# The clock is right again: what it was not yet valid by is made anew.
	ok devenv generate
	ok openssl verify -CAfile "$CA" "$(leaf)"
	[ "$(sha256sum <"$CA")" = "$ca" ]
}

# So many days from now, without changing the machine's clock.
faketime_run() {
	local days=$1
	shift
	cc -shared -fPIC -O -o "$MACHINE/clock.so" -x c - -ldl <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <stdlib.h>
		#include <time.h>
		int clock_gettime(clockid_t id, struct timespec *t)
		{
			int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
			int rc = real(id, t);
			if (id == CLOCK_REALTIME)
				t->tv_sec += atol(getenv("CLOCK_DAYS")) * 86400;
			return rc;
		}
		time_t time(time_t *out)
		{
			struct timespec now;
			clock_gettime(CLOCK_REALTIME, &now);
			return out ? *out = now.tv_sec : now.tv_sec;
		}
	END
	CLOCK_DAYS=$days LD_PRELOAD=$MACHINE/clock.so devenv "$@"
}

@test "D10: the leaf covers exactly what is routed; an unchanged set keeps it" {
	routed
	ok devenv generate
	[ "$(names)" = "DNS:*.shop.localhost DNS:shop.localhost" ]
	first=$(sha256sum <"$(leaf)")
	sed -i 's/sleep 300/sleep 301/' devenv.yml
	ok devenv generate
	[ "$(sha256sum <"$(leaf)")" = "$first" ]
	sed -i 's/hosts: .*/hosts: ["*.shop.localhost", api.shop.test, localhost, "127.0.0.1", "::1"] }/' devenv.yml
	ok devenv generate
	[ "$(names)" = "DNS:*.shop.localhost DNS:api.shop.test DNS:localhost DNS:shop.localhost IPAddress:0:0:0:0:0:0:0:1 IPAddress:127.0.0.1" ] ||
		fail "$(names)"
	openssl verify -CAfile "$CA" "$(leaf)"
	sed -i 's/hosts: .*/hosts: [api.shop.test] }/' devenv.yml
	ok devenv generate
	[ "$(names)" = "DNS:api.shop.test DNS:shop.localhost" ] || fail "$(names)"
	for host in '*.*.localhost' 'a.*.localhost' 'exa mple.test' '-' 'a..test' "$(printf 'l%.0s' {1..70}).test"; do
		printf 'name: routed\nservices: { a: { image: x } }\ncerts: { hosts: ["%s"] }\n' "$host" >devenv.yml
		run devenv generate
		[ "$status" = 3 ] || [ "$status" = 1 ] || fail "status $status for $host"
		says "error: "
	done
}

@test "D11: the authority signs nothing outside of its names, and no other authority" {
	routed
	ok devenv generate
	key=$MACHINE/data/devenv/ca/ca.key
	openssl x509 -in "$CA" -noout -text >"$MACHINE/text"
	grep -A1 'Basic Constraints: critical' "$MACHINE/text" | grep -q 'CA:TRUE, pathlen:0'
	grep -q 'Name Constraints: critical' "$MACHINE/text"
	forge() { # NAME EXTENSIONS: signed by our own key, as a thief would
		openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$MACHINE/k" -subj "/CN=$1" -out "$MACHINE/csr" 2>/dev/null
		openssl x509 -req -in "$MACHINE/csr" -CA "$CA" -CAkey "$key" -set_serial 7 -days 5 \
			-extfile <(printf '%s\n' "$2") -out "$MACHINE/$1" 2>/dev/null
	}
	forge good "subjectAltName=DNS:other.shop.localhost"
	openssl verify -CAfile "$CA" "$MACHINE/good"
	for name in DNS:example.com DNS:localhost.example.com IP:8.8.8.8; do
		forge bad "subjectAltName=$name"
		run openssl verify -CAfile "$CA" "$MACHINE/bad"
		[ "$status" != 0 ] || fail "accepted: $name"
		says "permitted subtree violation"
	done
	forge sub "basicConstraints=critical,CA:TRUE"
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$MACHINE/k2" -subj /CN=leaf \
		-out "$MACHINE/csr" 2>/dev/null
	openssl x509 -req -in "$MACHINE/csr" -CA "$MACHINE/sub" -CAkey "$MACHINE/k" -set_serial 8 -days 5 \
		-extfile <(echo "subjectAltName=DNS:shop.localhost") -out "$MACHINE/leaf" 2>/dev/null
	run openssl verify -CAfile "$CA" -untrusted "$MACHINE/sub" "$MACHINE/leaf"
	[ "$status" != 0 ]
	says "path length"
	# The key of the authority goes nowhere
	[ -z "$(grep -rl "$(sed -n 2p "$key")" "$PROJECT" || true)" ]
}

@test "D12: after the first run git has nothing to add" {
	secrets_project
	git init -q .
	git add -A
	git -c user.name=x -c user.email=x@x commit -qm x
	ok devenv up -d
	[ -z "$(git status --porcelain --untracked-files=all)" ]
	git add -A --dry-run . | grep . && fail "something could be added"
	git clean -fdxq
	before=$(values)
	ok devenv up -d
	[ "$(values)" = "$before" ]
}
