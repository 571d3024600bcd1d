#!/usr/bin/env bats
# A base image whose name means another image than yesterday, as after `docker pull`: what stands on
# it is built and made anew, and nothing else is touched.

load lib

setup() {
	new_machine "$BATS_TEST_TMPDIR"
	docker tag debian:bookworm-slim e2e-moving:1
}

teardown() {
	[ -z "${PROJECT:-}" ] || (cd "$PROJECT" && devenv down -v -y) >/dev/null 2>&1 || true
	clean_machine
	docker images --format '{{.Repository}}:{{.Tag}}' | grep -E '^(devenv/)?e2e-moving' |
		xargs -r docker rmi -f >/dev/null 2>&1 || true
}

moves() { # TEXT: the name stands for another image now, that has it in /moved
	docker build -q -t e2e-moving:1 - >/dev/null 2>&1 <<-END
		FROM debian:bookworm-slim
		RUN echo $1 >/moved
	END
}

line() { # TEXT: "devenv.yml:N" of the first line that has it
	echo "devenv.yml:$(grep -n -m1 -F "$1" devenv.yml | cut -d: -f1)"
}

@test "a base image that moved: plan names it, up converges, nothing else is touched" {
	project moving <<-'END'
		name: moving
		images:
		  e2e-moving-low: { from: "e2e-moving:1", run: [": low"] }
		  e2e-moving-top: { from: e2e-moving-low, env: { A: b } }
		services:
		  api: { image: e2e-moving-top, command: sleep infinity, stop_signal: KILL }
		  plain: { image: "e2e-moving:1", command: sleep infinity, stop_signal: KILL }
		  aside: { image: "debian:bookworm-slim", command: sleep infinity, stop_signal: KILL }
	END
	ok devenv up -d
	ok devenv plan
	says "Nothing to do"
	aside=$(container aside)

	moves once
	ok devenv plan
	says "build e2e-moving-low" "build e2e-moving-top" "$(line low:)" "$(line api:)" \
		"api: base image e2e-moving:1 is another one now" \
		"plain: image e2e-moving:1 is another one now"
	says_not aside
	ok devenv build --dry-run e2e-moving-top
	says "base image e2e-moving:1 is another one now"
	ok devenv up -d
	[ "$(docker exec "$(container api)" cat /moved)" = once ]
	[ "$(docker exec "$(container plain)" cat /moved)" = once ]
	[ "$(container aside)" = "$aside" ]
	ok devenv plan
	says "Nothing to do"

	# Somebody else has built it meanwhile, here in another checkout: only containers are old.
	moves twice
	ok devenv build
	ok devenv plan
	says "api: base image e2e-moving:1 is another one now"
	says_not "build e2e"
	ok devenv up -d api
	[ "$(docker exec "$(container api)" cat /moved)" = twice ]

	# A name that is gone is no reason to do anything, and nothing is pulled to look.
	docker rmi -f e2e-moving:1 >/dev/null
	ok devenv plan
	says "Nothing to do"
	ok devenv build
	says "Nothing to build"
}
