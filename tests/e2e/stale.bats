#!/usr/bin/env bats
# Stale state, case by case: for each change `plan` names the reason and its place, one `up` brings
# all to what is configured, a second plan is empty, and nothing else was touched. Then secrets that
# data remembers, and rotations. The tests of this file follow one another on one workspace.

# shellcheck disable=SC2016,SC2030,SC2031 # words for other shells; each test is a subshell
load lib

setup_file() {
	new_machine "$BATS_FILE_TMPDIR"
	write_project
	git init -q .
	commit one
	devenv up -d
}

setup() {
	enter stale
}

teardown_file() {
	clean_machine
	docker images --format '{{.Repository}}:{{.Tag}}' | grep "^devenv/e2e-stale" |
		xargs -r docker rmi -f >/dev/null 2>&1 || true
	docker volume ls -q | grep '^devenv-deps-stale-deps-' | xargs -r docker volume rm >/dev/null 2>&1 || true
}

# Every kind of thing that may go stale, without a package to be fetched.
write_project() {
	project stale <<-'END'
		name: stale
		up: { watch: false }
		images:
		  e2e-stale-base: { from: debian:bookworm-slim, run: [echo base >/rung] }
		  e2e-stale: { from: e2e-stale-base, files: { tool: { target: /usr/local/bin/tool, mode: 0755 } } }
		services:
		  tooled: { image: e2e-stale, command: sleep infinity, stop_signal: KILL }
		  stale-deps:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    stop_signal: KILL
		    working_dir: /srv/app
		    develop:
		      source: app
		      dependencies: { lock: [app/lock], install: cp lock deps/which, into: deps }
		  edge:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    stop_signal: KILL
		    ports: { https: { target: 443, published: auto } }
		  keeper:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    stop_signal: KILL
		    volumes: ["data:/data"]
		  reader:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    stop_signal: KILL
		    secrets: [token]
		  door:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    stop_signal: KILL
		    ports: ["8000"]
		  gone: { image: debian:bookworm-slim, command: sleep infinity, stop_signal: KILL }
		  pasted: { extends: { file: common.yml, service: common }, stop_signal: KILL }
		routes: [{ host: one.localhost, path: /, to: "door:8000", via: edge }]
		volumes: { data: { kind: data } }
		secrets: { token: { generate: password } }
	END
	printf 'services: { common: { image: "debian:bookworm-slim", command: sleep infinity, environment: { A: b } } }\n' >common.yml
	mkdir -p app
	echo one >app/lock
	printf '#!/bin/sh\necho one\n' >tool
}

commit() {
	git add -A
	git -c user.name=t -c user.email=t@localhost commit -qm "$1"
}

line() { # TEXT: "devenv.yml:N" of the first line that has it
	echo "devenv.yml:$(grep -n -m1 -F "$1" devenv.yml | cut -d: -f1)"
}

# converges WHO...: one `up`, then nothing is left to do and only these containers are others.
converges() {
	local who before
	who=$(printf '%s\n' "$@")
	before=$(containers)
	ok devenv up -d
	empty_plan
	run diff <(grep -vwF -e "${who:--}" <<<"$before") <(containers | grep -vwF -e "${who:--}")
	[ "$status" = 0 ] || fail "others were touched"
	for name in "$@"; do
		! grep -qF "$name $(container "$name")" <<<"$before" || fail "$name is the old one"
	done
}

empty_plan() {
	ok devenv plan
	says "Nothing to do"
}

plans() { # TEXT...: what `plan` says
	ok devenv plan
	says "$@"
}

@test "an input of an image" {
	empty_plan
	printf '#!/bin/sh\necho two\n' >tool
	plans "build e2e-stale " "changed: files" "image rung e2e-stale changed: files" "$(line 'e2e-stale: {')"
	says_not "build e2e-stale-base"
	converges tooled
	[ "$(devenv exec tooled -- tool)" = two ]
}

@test "a base image" {
	sed -i 's/echo base/echo another base/' devenv.yml
	plans "build e2e-stale-base" "changed: run lines" "stands on e2e-stale-base, which changed" "$(line e2e-stale-base:)"
	converges tooled
	[ "$(devenv exec tooled -- cat /rung)" = "another base" ]
}

@test "an image that was built on another branch" {
	commit two
	git checkout -qb other
	printf '#!/bin/sh\necho other\n' >tool
	commit other
	plans "build e2e-stale " "image rung e2e-stale changed: files"
	converges tooled
	git checkout -q -
	plans "image rung e2e-stale changed: files" "$(line 'tooled:')"
	says_not "build e2e-stale"
	converges tooled
	[ "$(devenv exec tooled -- tool)" = two ]
}

@test "a lock file" {
	echo two >app/lock
	plans "create stale-deps" " lock files changed  (" "install stale-deps" "app/lock" "$(line 'dependencies:')"
	converges stale-deps
	[ "$(devenv exec stale-deps -- cat deps/which)" = two ]
	[ "$(cat app/lock)" = two ]
}

@test "a lock file that changed while the stack was down" {
	ok devenv down
	echo three >app/lock
	plans "install stale-deps" "container absent"
	ok devenv up -d
	empty_plan
	[ "$(devenv exec stale-deps -- cat deps/which)" = three ]
}

@test "a generated file that was edited by hand" {
	for file in compose.yml secrets/reader/token; do
		before=$(sha256sum <".devenv/generated/$file")
		chmod u+w ".devenv/generated/$file"
		echo "edited: by hand" >>".devenv/generated/$file"
		plans "write" ".devenv/generated/$file is not as devenv wrote it"
		converges
		[ "$(sha256sum <".devenv/generated/$file")" = "$before" ]
	done
	rm .devenv/generated/compose.yml
	plans ".devenv/generated/compose.yml is not as devenv wrote it"
	converges
}

@test "a removed service" {
	sed -i '/^  gone:/d' devenv.yml
	plans "stop stale-" "the configuration has no service gone" "devenv.yml:7"
	converges gone || true
	[ -z "$(container gone)" ]
	empty_plan
}

@test "a renamed volume: the old data stays, and a copy of it is offered" {
	ok devenv exec keeper -- sh -c 'echo rows >/data/rows'
	old=$(workspace)_data
	sed -i 's/data:\/data/store:\/data/; s/^volumes: { data:/volumes: { store:/' devenv.yml
	plans "keeper: mounts changed" "$(line keeper:)" "no volume data any more, but its data is still there" "up --copy data:store"
	exits 2 devenv up -d --copy data
	exits 1 devenv up -d --copy nothing:store
	ok devenv up -d --copy data:store
	says "begins with a copy of the data of data, which stays as $old"
	[ "$(devenv exec keeper -- cat /data/rows)" = rows ]
	empty_plan
	ok devenv exec keeper -- sh -c 'echo more >>/data/rows'
	docker volume inspect "$old" >/dev/null
	exits 5 devenv up -d --copy data:store
	says "has data of its own"
	ok devenv up -d --copy data:store -y
	says "snapshot"
	[ "$(devenv exec keeper -- cat /data/rows)" = rows ]
	sed -i 's/store:\/data/shelf:\/data/; s/^volumes: { store:/volumes: { shelf:/' devenv.yml
	converges keeper # without: new and empty
	exits 1 devenv exec keeper -- cat /data/rows
}

@test "a changed secret" {
	ok devenv secrets set token <<<"another value"
	plans "reader: a secret changed" "$(line reader:)"
	converges reader
	[ "$(devenv exec reader -- cat /run/secrets/token)" = "another value" ]
	ok devenv secrets rotate token
	says "all who run have it"
	empty_plan
	[ "$(docker exec "$(container reader)" cat /run/secrets/token)" = "$(devenv secrets get token)" ]
	[ "$(devenv secrets get token)" != "another value" ]
}

@test "changed host names" {
	sed -i 's/one.localhost/two.localhost/' devenv.yml
	plans "edge: " "routes changed" "$(line edge:)"
	converges edge
	openssl x509 -in .devenv/generated/certs/site/*.crt -noout -ext subjectAltName | grep -q two.localhost
}

@test "a changed port" {
	sed -i 's/ports: \["8000"\]/ports: ["8000", "8001"]/' devenv.yml
	plans "door: ports changed" "$(line door:)"
	converges door
	sed -i 's/target: 443, published: auto/target: 443, published: '"$(free_port)"'/' devenv.yml
	plans "edge: ports changed" "$(line edge:)"
	converges edge
}

@test "a changed template: what a service extends" {
	sed -i 's/A: b/A: c/' common.yml
	plans "pasted: environment changed" "$(line pasted:)"
	converges pasted
	[ "$(devenv exec pasted -- printenv A)" = c ]
}

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

@test "containers of an older version of devenv: one that is known no more, one of another making" {
	docker run -d --name "$(workspace)-old-1" --label "devenv.workspace=$(workspace)" --label "devenv.root=$PROJECT" \
		--label devenv.version=0.1 --label "com.docker.compose.project=$(workspace)" \
		--label com.docker.compose.service=old --label com.docker.compose.container-number=1 \
		--label com.docker.compose.oneoff=False debian:bookworm-slim sleep infinity >/dev/null
	plans "the configuration has no service old"
	converges old || true
	[ -z "$(container old)" ]
	docker rm -f "$(container door)" >/dev/null
	docker run -d --name "$(workspace)-door-1" --label "devenv.workspace=$(workspace)" --label "devenv.root=$PROJECT" \
		--label devenv.version=0.1 --label devenv.hash=0123 --label "com.docker.compose.project=$(workspace)" \
		--label com.docker.compose.service=door --label com.docker.compose.container-number=1 \
		--label com.docker.compose.oneoff=False --label com.docker.compose.config-hash=0123 \
		debian:bookworm-slim sleep infinity >/dev/null
	plans "door: configuration changed" "$(line door:)"
	converges door
}
