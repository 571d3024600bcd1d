#!/usr/bin/env bats
# Production images: what is in them and what is not, that two builds are the same, their way into a
# file and to a registry, and the compose file that others run.
# The tests of this file follow one another on one workspace.

# shellcheck disable=SC2016,SC2030,SC2031 # words for other shells; each test is a subshell
load lib

VERSION=v1.2

setup_file() {
	new_machine "$BATS_FILE_TMPDIR"
	export NAME=e2e-release-$$
	enter shop
	git init -q .
	git config user.email t@t
	git config user.name t
	make_project
	git add -A
	git commit -qm one
	git tag "$VERSION"
	git remote add origin https://me:canary-git-password@host.example/shop.git
}

setup() {
	enter shop
	IMAGE=$NAME-api:$VERSION
}

teardown_file() {
	(enter shop && MAIL_KEY=x devenv --env prod down -v -y) >/dev/null 2>&1 || true
	docker compose -p "$NAME" -f "$MACHINE/out/compose.yaml" down -v >/dev/null 2>&1 || true
	docker images --format '{{.ID}} {{.Repository}}' | grep -E " (.*/)?($NAME-|devenv/e2e-rel-)" |
		cut -d ' ' -f 1 | sort -u | xargs -r docker rmi -f >/dev/null 2>&1 || true
	clean_machine
}

# A module whose build needs a compiler that its image must not have; canaries wherever a secret is.
make_project() {
	mkdir -p api/tests
	echo '.env' >api/.gitignore
	printf 'devenv.local.yml\n.devenv/\n' >.gitignore
	echo canary-environment >api/.env
	echo 'secrets: { mail_key: { value: canary-local-value } }' >devenv.local.yml
	echo '# canary-source' >api/main.sh
	echo '# canary-test' >api/tests/test.sh
	echo '{ "left": 1 }' >api/lock
	cat >devenv.prod.yml <<-'END'
		services: { api: { environment: { LEVEL: info }, ports: { http: { published: 18117 } } } }
	END
	cat >devenv.yml <<-END
		name: $NAME
		images:
		  e2e-rel-run: { from: debian:bookworm-slim, user: { name: app, uid: 1000, gid: 1000 } }
		  e2e-rel-tools: { from: e2e-rel-run, run: ["echo canary-compiler >/usr/local/bin/cc"] }
		secrets: { token: { generate: hex }, mail_key: { environment: MAIL_KEY } }
		services:
		  api:
		    image: e2e-rel-tools
		    working_dir: /srv/api
		    command: sh -c 'cat bin/greeting /run/secrets/token; exec sleep infinity'
		    environment: { LEVEL: debug }
		    secrets: [token]
		    ports: { http: { target: 8000 } }
		    healthcheck: { test: [CMD, test, -e, bin/greeting] }
		    develop:
		      source: api
		      dependencies: { lock: [api/lock], install: "mkdir deps && cp lock deps/installed", into: deps }
		    release:
		      build: "date +%s%N >when; mkdir -p dist; echo hello >dist/greeting; cp /usr/local/bin/cc dist/../"
		      artifacts: { api/dist: /srv/api/bin, api/lock: /usr/local/share/api.lock }
		      from: e2e-rel-run
		  job: { kind: job, image: e2e-rel-run, command: "true" }
	END
}

layers() {
	docker inspect -f '{{json .RootFS.Layers}}' "$1"
}

label() {
	docker inspect -f "{{index .Config.Labels \"$1\"}}" "$IMAGE"
}

@test "a release holds artifacts and dependencies, with owner and user, and what OCI wants said" {
	LIMIT=300 run --separate-stderr devenv --env prod build
	[ "$status" = 0 ] || fail
	[ "$(sort <<<"$output")" = "$(printf '%s\n' "$NAME-api:$VERSION" "$NAME-job:$VERSION")" ] || fail
	run docker run --rm --entrypoint sh "$IMAGE" -c 'id -u; cd /; find srv usr/local/share/api.lock \
		-printf "%p %u %m %T@\n" | sort; cat /srv/api/bin/greeting; echo "$LEVEL"; pwd; ls /usr/local/bin'
	time=$(git log -1 --format=%ct).0000000000 installed=315532800.0000000000
	[ "$output" = "$(printf '%s\n' 1000 "srv root 755 ${lines[1]##* }" "srv/api app 755 $time" \
		"srv/api/bin app 755 $time" "srv/api/bin/greeting app 644 $time" "srv/api/deps app 755 $installed" \
		"srv/api/deps/installed app 644 $installed" "usr/local/share/api.lock app 644 $time" hello info /)" ] || fail
	[ "$(docker inspect -f '{{.Config.User}} {{.Config.WorkingDir}} {{json .Config.Healthcheck.Test}}' "$IMAGE")" = \
		'app /srv/api ["CMD","test","-e","bin/greeting"]' ]
	[ "$(label org.opencontainers.image.revision)" = "$(git rev-parse HEAD)" ]
	[ "$(label org.opencontainers.image.source)" = https://host.example/shop.git ]
	[ "$(label org.opencontainers.image.version) $(label devenv.dirty)" = "$VERSION false" ]
	[ "$(label org.opencontainers.image.base.name)" = debian:bookworm-slim ]
}

@test "no layer holds a secret, a source or a compiler; the archive is whole" {
	ok devenv --env prod build --save "$MACHINE/one.tar"
	says "Nothing to build"
	run python3 "$BATS_TEST_DIRNAME/oci.py" "$MACHINE/one.tar" "$IMAGE" canary-
	[ "$status" = 0 ] || fail
	says "2 images" "followed"
	says_not canary-
}

@test "built again from nothing it has the same layers, and the same bytes as an archive" {
	before=$(layers "$IMAGE") id=$(docker inspect -f '{{.Id}}' "$IMAGE")
	LIMIT=300 ok devenv --env prod build --no-cache --save "$MACHINE/two.tar"
	[ "$(docker inspect -f '{{.Id}}' "$IMAGE")" != "$id" ]
	[ "$(layers "$IMAGE")" = "$before" ]
	cmp "$MACHINE/one.tar" "$MACHINE/two.tar"
	[ "$(find "$MACHINE" -maxdepth 1 -name '*.tar.*' | wc -l)" = 0 ]
}

@test "a registry gets the images under its own name" {
	python3 "$BATS_TEST_DIRNAME/push_registry.py" "$MACHINE/port" "$MACHINE/pushed" 3>&- &
	registry=$!
	eventually 20 test -s "$MACHINE/port"
	at=127.0.0.1:$(cat "$MACHINE/port")
	run --separate-stderr devenv --env prod build --tag v9 --push "$at/team" api
	kill "$registry"
	[ "$status" = 0 ] || fail
	[ "$output" = "$at/team/$NAME-api:v9" ]
	grep -qx "team/$NAME-api:v9" "$MACHINE/pushed"
	exits 1 devenv --env prod build --push 127.0.0.1:1/nobody api
	says "push $NAME-api:$VERSION"
}

@test "docker compose runs the generated file, with secrets that the operator gives" {
	ok devenv --env prod generate -o "$MACHINE/out"
	run ! grep -r "$MACHINE" "$MACHINE/out"
	mkdir "$MACHINE/out/secrets"
	echo sesame >"$MACHINE/out/secrets/token"
	(cd / && docker compose -p "$NAME" -f "$MACHINE/out/compose.yaml" up -d --wait --wait-timeout 60 api)
	run docker logs "$(docker ps -q --filter "label=com.docker.compose.project=$NAME")"
	[ "$output" = "$(printf 'hello\nsesame')" ] || fail
	echo mine >"$MACHINE/out/mine"
	ok devenv --env prod generate -o "$MACHINE/out" --no-mesh
	says "1 written"
	[ "$(cat "$MACHINE/out/mine")" = mine ]
	mkdir "$MACHINE/foreign"
	echo x >"$MACHINE/foreign/compose.yaml"
	exits 1 devenv --env prod generate -o "$MACHINE/foreign"
	says "was not written by devenv"
}

@test "up in another environment runs the release: no source, no dependencies of this machine" {
	export MAIL_KEY=x
	LIMIT=120 ok devenv --env prod up -d
	container=$(docker ps -q --filter "label=devenv.root=$PWD" --filter label=devenv.service=api)
	[ "$(docker inspect -f '{{.Image}}' "$container")" = "$(docker inspect -f '{{.Id}}' "$IMAGE")" ]
	run docker inspect -f '{{range .Mounts}}{{.Destination}} {{end}}' "$container"
	[ "$(xargs -n1 <<<"$output" | sort | xargs)" = "/etc/devenv/trust /run/secrets" ] || fail
	[ "$(docker exec "$container" ls)" = "$(printf 'bin\ndeps')" ]
	echo '# changed' >>api/main.sh
	run devenv --env prod plan
	says "build release api" "its release is another one; its sources changed"
	git checkout -q api
	ok devenv --env prod up -d
	[ "$(docker ps -q --filter "label=devenv.root=$PWD" --filter label=devenv.service=api)" = "$container" ]
	exits 1 devenv --env prod watch api
	says "nothing to watch"
	ok devenv --env prod down -v -y
}

below_last() {
	docker inspect -f '{{join .RootFS.Layers "\n"}}' "$NAME-api:$1" | tail -2
}

@test "a changed source installs nothing anew: the layer of the dependencies is the same" {
	install='services.api.develop.dependencies.install=mkdir deps && od -An -N9 -tx1 /dev/urandom >deps/made'
	LIMIT=120 ok devenv --env prod --set "$install" build --tag first api
	echo '# changed' >>api/main.sh
	GIT_COMMITTER_DATE=2031-01-01T00:00:00Z git commit -qam two
	LIMIT=120 ok devenv --env prod --set "$install" build --tag second api
	[ "$(below_last first | head -1)" = "$(below_last second | head -1)" ]
	[ "$(below_last first | tail -1)" != "$(below_last second | tail -1)" ]
	docker run --rm --entrypoint test "$NAME-api:second" -s deps/made
}

@test "an install that reads more than lock files and manifests has all sources" {
	install='services.api.develop.dependencies.install=test -s main.sh && mkdir deps && cp lock deps/all'
	LIMIT=120 ok devenv --env prod --set "$install" build --tag third api
	docker run --rm --entrypoint test "$NAME-api:third" -s deps/all
}
