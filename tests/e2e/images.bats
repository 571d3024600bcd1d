#!/usr/bin/env bats
# The hierarchy of images: what is built again and what is not, what goes into a rung, who owns what
# its user writes, and what is said when a build fails or hangs.

# shellcheck disable=SC2016,SC2030,SC2031 # words for other shells; each test is a subshell
load lib

setup() {
	new_machine "$BATS_TEST_TMPDIR"
}

teardown() {
	clean_machine
	docker images --format '{{.Repository}}:{{.Tag}}' | grep "^devenv/rungs-" |
		xargs -r docker rmi -f >/dev/null 2>&1 || true
	[ -z "${OWN:-}" ] || rm -rf "$OWN"
}

# tag SERVICE: the image that its container runs.
tag() {
	docker inspect -f '{{.Config.Image}}' "$(container "$1")"
}

@test "a changed package of the middle rung rebuilds it and what stands on it, as plan says" {
	project hierarchy <<-'END'
		name: hierarchy
		images:
		  rungs-base: { from: debian:bookworm-slim, run: [echo base >/rung] }
		  rungs-middle: { from: rungs-base, packages: [hello] }
		  rungs-top: { from: rungs-middle, run: [echo top >>/rung] }
		  rungs-side: { from: rungs-base, run: [echo side >>/rung] }
		services:
		  middle: { image: rungs-middle, command: sleep infinity }
		  top: { image: rungs-top, command: sleep infinity }
		  side: { image: rungs-side, command: sleep infinity }
	END
	LIMIT=300 ok devenv up -d
	ok devenv exec top -- sh -c 'cat /rung; hello'
	says base top "Hello, world"
	middle=$(tag middle) top=$(tag top) side=$(tag side) side_id=$(container side)
	sed -i 's/\[hello\]/[hello, tree]/' devenv.yml
	ok devenv plan
	[ "$(grep -oE '^build rungs-[a-z]+' <<<"$output" | sort | tr '\n' ' ')" = "build rungs-middle build rungs-top " ]
	says "packages" "(devenv.yml:4)" "image rung rungs-middle changed: packages"
	says_not "start side"
	LIMIT=300 ok devenv up -d
	says "build rungs-middle" "build rungs-top"
	says_not "build rungs-base" "build rungs-side"
	[ "$(tag middle)" != "$middle" ]
	[ "$(tag top)" != "$top" ]
	[ "$(tag side)" = "$side" ]
	[ "$(container side)" = "$side_id" ]
	ok devenv exec top -- tree --version
	# Back to what was: the engine still has it, so nothing is built.
	sed -i 's/\[hello, tree\]/[hello]/' devenv.yml
	ok devenv up -d
	says_not "build rungs-"
	[ "$(tag top)" = "$top" ]
}

@test "independent rungs are built side by side" {
	project parallel <<-'END'
		name: parallel
		images:
		  rungs-left: { from: debian:bookworm-slim, run: [sleep 3] }
		  rungs-right: { from: debian:bookworm-slim, run: [sleep 3; true] }
		services:
		  left: { image: rungs-left, command: sleep infinity }
		  right: { image: rungs-right, command: sleep infinity }
	END
	ok devenv --progress json build
	first=$(grep -nE '"state":"(started|done)","step":"build rungs' <<<"$output" | head -2)
	[ "$(grep -c '"state":"started"' <<<"$first")" = 2 ] || fail
	ok devenv build
	says "Nothing to build"
}

@test "a rung has its files, lines, variables, locale, time zone and user" {
	project parts <<-'END'
		name: parts
		images:
		  rungs-parts:
		    from: debian:bookworm-slim
		    user: { name: app, uid: 1234, gid: 1234 }
		    locale: de_DE.UTF-8
		    timezone: Europe/Berlin
		    files:
		      tool.sh: { target: /usr/local/bin/tool, mode: 0755 }
		      "data file": { target: /srv/, owner: app }
		    run: ['echo "from $$0 $$HOME" >/made', "id -un >>/made"]
		    env: { ODD: 'a "quoted" $$value \ here' }
		services:
		  one: { image: rungs-parts, command: sleep infinity }
	END
	printf '#!/bin/sh\necho "tool as $(id -u)"\n' >tool.sh
	echo content >"data file"
	LIMIT=300 ok devenv up -d
	ok devenv exec one -- tool
	[ "$output" = "tool as $(id -u)" ]
	ok devenv exec one -- cat "/srv/data file" /made
	says content root
	ok devenv exec one -- stat -c %u "/srv/data file"
	[ "$output" = "$(id -u)" ]
	ok devenv exec one -- printenv ODD
	[ "$output" = 'a "quoted" $value \ here' ]
	ok devenv exec one -- sh -c 'locale -a; date +%Z; date -d 2026-01-01 +%A'
	says de_DE.utf8 CE Donnerstag
	echo changed >>tool.sh
	ok devenv plan
	says "build rungs-parts" "files"
}

# Writes into its mounted sources and its dependency volume, as the rung's user.
write_module() {
	cat >devenv.yml <<-'END'
		name: owner
		images:
		  rungs-owner: { from: debian:bookworm-slim, user: { name: app, uid: 1000, gid: 1000 } }
		services:
		  mod:
		    image: rungs-owner
		    working_dir: /srv/mod
		    command: sh -c 'touch written && mkdir -p made/deep && touch deps/also && echo mod ready && exec sleep infinity'
		    healthcheck: { log: ^mod ready }
		    develop:
		      source: mod
		      dependencies: { lock: [mod/lock], install: touch deps/installed, into: deps, cache: [~/.cache/tool] }
	END
	mkdir -p mod
	echo 1 >mod/lock
}

drop_dependencies() {
	local volumes
	volumes=$(docker inspect -f '{{range .Mounts}}{{.Name}} {{end}}' "$(container mod)" | tr ' ' '\n' | grep devenv-deps)
	devenv down -v -y
	# shellcheck disable=SC2086 # a list of names
	docker volume rm $volumes >/dev/null
}

@test "what a container writes into the sources belongs to root when root runs devenv" {
	[ "$(id -u)" = 0 ] || skip "not root"
	enter owner
	write_module
	LIMIT=200 ok devenv up -d
	[ "$(stat -c %u:%g mod/written mod/made/deep | sort -u)" = 0:0 ]
	ok devenv exec mod -- ls deps
	says installed also
	drop_dependencies
}

@test "what a container writes into the sources belongs to an ordinary user who runs devenv" {
	OWN=$(mktemp -d "${TMPDIR:-/tmp}/rungs-own.XXXXXX")
	chmod 755 "$OWN"
	new_machine "$OWN"
	enter owner
	write_module
	if [ "$(id -u)" = 0 ]; then
		chown -R 1000:1000 "$OWN"
		devenv() {
			timeout -s KILL "${LIMIT:-120}" setpriv --reuid=1000 --regid=1000 \
				--groups="$(stat -c %g /var/run/docker.sock)" -- "$DEVENV" "$@"
		}
	fi
	uid=$(stat -c %u mod)
	LIMIT=200 ok devenv up -d
	[ "$(stat -c %u mod/written mod/made/deep mod/deps .devenv .devenv/generated | sort -u)" = "$uid" ] || fail "$(ls -laR mod .devenv)"
	ok devenv exec mod -- sh -c 'id -u; ls deps; touch /home/app/.cache/tool/x'
	says "$uid" installed also
	[ -z "$(find "$OWN" ! -user "$uid")" ] || fail "$(find "$OWN" ! -user "$uid")"
	drop_dependencies
}

@test "one's own Dockerfile, with its context, ignore file, arguments and target" {
	project own <<-'END'
		name: own
		images:
		  rungs-own: { dockerfile: docker/own.Dockerfile, context: ., target: runtime, args: { WORD: given } }
		  rungs-upon: { from: rungs-own, run: [echo upon >>/said] }
		services:
		  one: { image: rungs-upon, command: sleep infinity }
	END
	mkdir -p docker keep drop
	cat >docker/own.Dockerfile <<-'END'
		FROM debian:bookworm-slim AS build
		ARG WORD=none
		COPY . /ctx
		RUN echo "$WORD" >/said
		FROM build AS runtime
		RUN echo runtime >>/said
		FROM build AS other
		RUN exit 1
	END
	touch keep/a drop/b secret.key
	printf 'drop\n*.key\n' >.dockerignore
	LIMIT=200 ok devenv up -d
	ok devenv exec one -- sh -c 'cat /said; find /ctx -type f'
	says given runtime upon /ctx/keep/a
	says_not drop/b secret.key
	touch drop/c
	ok devenv plan
	says_not build
	touch keep/c
	ok devenv plan
	says "build rungs-own" "build rungs-upon"
}

@test "certificates: host makes builds and containers trust what this host trusts" {
	project trusting <<-'END'
		name: trusting
		images:
		  rungs-trust: { from: debian:bookworm-slim, certificates: host }
		services:
		  one: { image: rungs-trust, command: sleep infinity }
	END
	LIMIT=200 ok devenv up -d
	count=$(grep -c BEGIN /etc/ssl/certs/ca-certificates.crt)
	ok devenv exec one -- sh -c 'grep -c BEGIN "$SSL_CERT_FILE"; grep -c BEGIN "$NODE_EXTRA_CA_CERTS"'
	for number in $output; do
		[ "$number" -ge "$count" ]
	done
}

@test "a build that fails shows its last lines and the place" {
	project failing <<-'END'
		name: failing
		images:
		  rungs-fails:
		    from: debian:bookworm-slim
		    run: ["echo first", "echo about to fail >&2; exit 3"]
		services:
		  one: { image: rungs-fails, command: sleep infinity }
	END
	LIMIT=60 exits 1 devenv up -d
	says "building rungs-fails" "about to fail" "devenv.yml:3"
	[ -z "$(containers)" ]
}

@test "a build step that hangs is ended by its timeout, with where it was" {
	project hanging <<-'END'
		name: hanging
		images:
		  rungs-hangs: { from: debian:bookworm-slim, run: [sleep 300], timeout: 4s }
		services:
		  one: { image: rungs-hangs, command: sleep infinity }
	END
	LIMIT=30 exits 1 devenv up -d
	says "did not end within 4 s" "sleep 300" "devenv.yml:3"
	eventually 15 sh -c '! docker ps --no-trunc --format "{{.Command}}" | grep -q "sleep 300"'
}
