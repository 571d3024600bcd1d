#!/usr/bin/env bats
# Two environments compared by what their images really contain: a difference planted in every kind
# is found, none is invented, what is allowed by name passes, nothing is left behind.

# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell; status and output come from `run`
load lib

setup() {
	new_machine "$BATS_TEST_TMPDIR"
}

teardown() {
	clean_machine
	docker images --format '{{.Repository}}:{{.Tag}}' | grep "^devenv/parity-" |
		xargs -r docker rmi -f >/dev/null 2>&1 || true
}

# carriers WORKSPACE: how many containers that are looked into are left.
carriers() {
	docker ps -aq --filter label=devenv.service=devenv-facts --filter "label=devenv.workspace=$1" | wc -l
}

# twins NAME: both environments build the same from one Dockerfile each.
twins() {
	project "$1" <<-'END'
		name: parity
		images:
		  parity-own: { dockerfile: dev.Dockerfile }
		services:
		  api:
		    image: parity-own
		    working_dir: /srv/api
		    environment: { LOG_LEVEL: debug }
	END
	cat >devenv.prod.yml <<-'END'
		images:
		  parity-own: { dockerfile: prod.Dockerfile }
		services:
		  api: { environment: { LOG_LEVEL: info } }
		parity: { allow: [services.api.environment.LOG_LEVEL, images.parity-own.dockerfile] }
	END
	cat >dev.Dockerfile <<-'END'
		FROM debian:bookworm-slim
		WORKDIR /srv/api
		RUN mkdir -p /srv/api/lib /var/lib/shop && echo one >/srv/api/lib/one && ln -s one /srv/api/lib/link
		ENV A=1 LANG=C.UTF-8
		EXPOSE 8000
		LABEL rung=own
		USER daemon
		ENTRYPOINT ["sleep"]
		CMD ["1d"]
	END
	cp dev.Dockerfile prod.Dockerfile
	printf '.devenv\n*.yml\n*.Dockerfile\n' >.dockerignore
}

@test "images that are not built are said, built on request, and the same twice" {
	twins built
	exits 1 devenv diff dev prod
	says "image parity-own is not built yet: \`devenv build --env prod\`" "2 images could not be" "0 not allowed"
	ok devenv diff dev prod --build
	says_not "not built"
	says "2 differences: 2 allowed, 0 expected, 0 not allowed"
	[ "$(carriers "$(workspace)")" = 0 ]
	# What was read once is not read again: without a way to make a container it is still known.
	[ "$(find "$XDG_CACHE_HOME/devenv/images" -name '*.json' | wc -l)" -ge 1 ]
	before=$(date +%s%N)
	ok devenv diff dev prod
	[ $((($(date +%s%N) - before) / 1000000)) -lt 2000 ]
}

@test "a planted difference of every kind is found, with its path, and can be allowed by name" {
	twins planted
	cat >>prod.Dockerfile <<-'END'
		USER root
		RUN printf '\nPackage: planted\nStatus: install ok installed\nVersion: 1.0\n' >>/var/lib/dpkg/status \
		 && sed -i 's/^\(Version: \)12.4/\19.9/' /var/lib/dpkg/status \
		 && sed -i 's/^games:x:5:60:/games:x:55:66:/' /etc/passwd \
		 && sed -i 's/^games:x:60:/games:x:66:/' /etc/group \
		 && sed -i 's/^VERSION_ID=.*/VERSION_ID="99"/' /usr/lib/os-release \
		 && echo 99.1 >/etc/debian_version \
		 && echo LANG=de_DE.UTF-8 >/etc/default/locale \
		 && ln -snf /usr/share/zoneinfo/Asia/Tokyo /etc/localtime \
		 && chmod 0700 /etc/skel && chown games /srv \
		 && echo two >/srv/api/lib/one && echo new >/srv/api/lib/two && ln -snf two /srv/api/lib/link
		ENV A=2 LANG=de_DE.UTF-8 TZ=Asia/Tokyo
		EXPOSE 9000
		LABEL rung=other
		VOLUME /var/lib/shop
		STOPSIGNAL SIGINT
		HEALTHCHECK CMD true
		WORKDIR /srv/api/lib
		USER games
		ENTRYPOINT ["env"]
		CMD ["true"]
	END
	exits 1 devenv diff dev prod --build
	exits 1 devenv diff dev prod --json
	printf '%s\n' "$output" >"$MACHINE/all.json"
	python3 - "$MACHINE/all.json" >"$MACHINE/paths" <<-'END'
		import json, sys
		for d in json.load(open(sys.argv[1]))["differences"]:
		    if d["verdict"] == "refused":
		        print(d["path"].removeprefix("services.api.image."))
	END
	for path in packages.planted users.games groups.games os.version os.debian locale.LANG \
		locale.system_LANG timezone.TZ timezone.localtime directories./etc/skel directories./srv \
		files./srv/api/lib/one files./srv/api/lib/two files./srv/api/lib/link environment.A \
		ports.9000/tcp labels.rung volumes./var/lib/shop stop_signal healthcheck working_dir \
		user entrypoint command; do
		grep -qxF "$path" "$MACHINE/paths" || fail "not found: $path" "$(cat "$MACHINE/paths")"
	done
	# Nothing but what was planted, and what follows from it.
	run grep -vE '^(packages|users|groups|os|locale|timezone|directories|files|environment|ports|labels|volumes)\.|^(stop_signal|healthcheck|working_dir|user|entrypoint|command)$' "$MACHINE/paths"
	[ -z "$output" ]
	[ "$(wc -l <"$MACHINE/paths")" -le 27 ] || fail "too many" "$(cat "$MACHINE/paths")"
	cat >>devenv.yml <<-'END'
		parity:
		  allow: [packages, users, groups.games, os.*, locale, timezone, directories./srv, directories./etc/*,
		    "files", images.parity-own.environment.A, ports.9000/tcp, labels.*, images.*.volumes, healthcheck, working_dir,
		    user, entrypoint, command, services.*.image.stop_signal]
	END
	ok devenv diff dev prod
	says "0 not allowed" "allowed by devenv.yml:11"
	says_not "matched nothing"
}

@test "an image without a shell is read, too, and an engine that lacks one is told so" {
	project scratch <<-'END'
		name: parity
		images:
		  parity-empty: { dockerfile: Dockerfile }
		services:
		  tool: { image: parity-empty }
		  other: { image: "parity-is-nowhere:1" }
	END
	printf 'FROM scratch\nCOPY devenv.yml /app/one\nWORKDIR /app\nENTRYPOINT ["/app/one"]\n' >Dockerfile
	cat >devenv.prod.yml <<-'END'
		images:
		  parity-empty: { dockerfile: prod.Dockerfile }
		services:
		  other: { image: "parity-is-nowhere:2" }
		parity: { allow: [images.parity-empty.dockerfile, services.other.image] }
	END
	printf 'FROM scratch\nCOPY devenv.yml /app/one\nCOPY devenv.prod.yml /app/two\nWORKDIR /app\nENTRYPOINT ["/app/one"]\n' >prod.Dockerfile
	ok devenv build tool
	ok devenv build tool --env prod
	exits 1 devenv diff dev prod
	says "image.files./app/two" "the engine does not have parity-is-nowhere:2: \`docker pull parity-is-nowhere:2\`" "1 not allowed"
}

@test "an interrupted look leaves no container behind" {
	twins interrupted
	ok devenv build
	ok devenv build --env prod
	printf 'RUN true\n' >>prod.Dockerfile
	ok devenv build --env prod
	workspace=$(workspace)
	for _ in 1 2 3; do
		rm -rf "$XDG_CACHE_HOME/devenv/images"
		"$DEVENV" diff dev prod >/dev/null 2>&1 &
		look=$!
		eventually 60 sees_carrier_or_end
		kill -TERM "$look" || true
		wait "$look" || true
		[ "$(carriers "$workspace")" = 0 ]
	done
}

sees_carrier_or_end() {
	[ "$(carriers "$workspace")" != 0 ] || ! kill -0 "$look"
}
