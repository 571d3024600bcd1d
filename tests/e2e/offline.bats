#!/usr/bin/env bats
# Work without a network: a registry that is locked by digest, fetched, and then away. Whoever asks
# at its address afterwards is counted.

load lib

setup() {
	new_machine "$BATS_TEST_TMPDIR"
}

teardown() {
	[ -z "${SERVER:-}" ] || kill "$SERVER" 2>/dev/null || true
	[ -z "${PROJECT:-}" ] || (cd "$PROJECT" && devenv down -v -y) >/dev/null 2>&1 || true
	clean_machine
	docker images --format '{{.Repository}}:{{.Tag}}' | grep -E '^devenv/e2e-offline' |
		xargs -r docker rmi -f >/dev/null 2>&1 || true
	[ -z "${REGISTRY:-}" ] || docker images -q "$REGISTRY/*/*" | sort -u |
		xargs -r docker rmi -f >/dev/null 2>&1 || true
}

# A registry whose images are another with each start.
registry() {
	rm -f "$MACHINE/port"
	python3 "$BATS_TEST_DIRNAME/registry.py" e2e-offline-seed:1 "$MACHINE/port" 1000000000 "${REGISTRY:+${REGISTRY#*:}}" 3>&- &
	SERVER=$!
	eventually 60 test -s "$MACHINE/port"
	REGISTRY=127.0.0.1:$(cat "$MACHINE/port")
}

# In its place: nobody answers, and who comes is counted.
tripwire() {
	kill "$SERVER"
	wait "$SERVER" 2>/dev/null || true
	: >"$MACHINE/asked"
	rm -f "$MACHINE/port"
	python3 - "${REGISTRY#*:}" "$MACHINE" 3>&- >/dev/null 2>&1 <<-'END' &
		import socket, sys
		server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
		open(sys.argv[2] + "/port", "w").write("1")
		while True:
		    server.accept()[0].close()
		    with open(sys.argv[2] + "/asked", "a") as f:
		        f.write("asked\n")
	END
	SERVER=$!
	eventually 20 test -s "$MACHINE/port"
}

# Small: a shell and what it is linked to.
seed() {
	local top=$BATS_TEST_TMPDIR/seed program
	mkdir -p "$top/bin"
	for program in sh sleep; do
		cp -L "$(command -v $program)" "$top/bin/$program"
		ldd "$top/bin/$program" | grep -o '/[^ ]*' | while read -r library; do
			mkdir -p "$top$(dirname "$library")"
			cp -L "$library" "$top$library"
		done
	done
	tar -C "$top" -c . | docker import - e2e-offline-seed:1 >/dev/null
}

# devenv ARG... without any network but the engine's socket.
devenv_alone() {
	timeout -s KILL 120 unshare -n -- "$DEVENV" "$@"
}

digest() {
	docker image inspect --format "{{index .RepoDigests 0}}" "$1" | cut -d@ -f2
}

@test "locked by digest, fetched, and up without anybody to ask" {
	seed
	registry
	project offline <<-END
		name: offline
		images: { e2e-offline: { from: "$REGISTRY/e2e/ground:1", run: [": built"] } }
		services:
		  api: { image: e2e-offline, command: /bin/sleep infinity, init: true }
		  cache: { image: "$REGISTRY/e2e/cache:1", command: /bin/sleep infinity, init: true }
	END
	ok devenv lock
	says "$REGISTRY/e2e/ground:1" "$REGISTRY/e2e/cache:1"
	says_not "no digest"
	ground=$REGISTRY/e2e/ground@$(digest "$REGISTRY/e2e/ground:1")
	grep -qF "${ground#*@}" devenv.lock

	ok devenv --frozen fetch --no-tools
	says "e2e-offline" "was there" "$ground"
	tripwire
	ok devenv fetch --no-tools
	says "was there"
	says_not fetched
	# Neither devenv nor Compose has a network at all, and the engine nobody to ask.
	ok devenv_alone --frozen up -d
	says_not "build e2e-offline" "pull "
	[ "$(state api)" = ready ]
	[ "$(state cache)" = ready ]
	grep -qF "FROM $ground" .devenv/generated/images/e2e-offline/Dockerfile
	[[ "$(docker inspect --format '{{.Config.Image}}' "$(container cache)")" == *@sha256:* ]]
	ok devenv down
	ok devenv_alone up -d
	ok devenv lock --check
	[ ! -s "$MACHINE/asked" ] || fail "a registry was asked"

	# What was not fetched is named, with its line, and what it would have been for is not begun.
	ok devenv down
	sed -i 's/: built/: changed/' devenv.yml
	docker rmi -f "$ground" >/dev/null
	exits 1 devenv_alone up -d
	says "devenv.yml:2:11: error: pull $REGISTRY/e2e/ground:1" "devenv fetch" "- build e2e-offline"
	[ "$(grep -c 'error: ' <<<"$output")" = 1 ]
	[ -z "$(containers)" ]
	sed -i 's/: changed/: built/' devenv.yml
	ok devenv_alone up -d

	# The registry is back with other images of the same names: they come when they are asked for.
	kill "$SERVER"
	wait "$SERVER" 2>/dev/null || true
	registry
	cp devenv.lock old.lock
	ok devenv lock
	cmp devenv.lock old.lock
	ok devenv lock --update "$REGISTRY/e2e/cache:1"
	says "$REGISTRY/e2e/cache:1" "sha256:"
	says_not "e2e/ground:1 "
	[ "$(diff old.lock devenv.lock | grep -c '^[<>]')" = 2 ]
	ok devenv plan
	says "image changed: devenv.lock"
	says_not "build e2e-offline"
}
