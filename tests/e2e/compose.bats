#!/usr/bin/env bats
# Services pasted from compose files come up as they would under Compose, in the notations that real
# projects use; and a hostile .env of the repository changes nothing.

# shellcheck disable=SC2016,SC2030,SC2031 # words for other shells; each test is a subshell
load lib

setup() {
	new_machine "$BATS_TEST_TMPDIR"
}

teardown() {
	clean_machine
}

# sees NAME FORMAT: of that service's container.
sees() {
	docker inspect -f "$2" "$(container "$1")"
}

@test "ports: short, long, ranges, udp, with and without an address" {
	project ports <<-'END'
		name: ports
		services:
		  web:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    ports:
		      - "80"
		      - "127.0.0.1:47081:81"
		      - "47082-47083:82-83"
		      - "47084:84/udp"
		      - target: 85
		        published: "47085"
		        protocol: tcp
		        mode: host
		    expose: ["9000"]
	END
	ok devenv up -d
	ok devenv ports
	says 127.0.0.1:47081 127.0.0.1:47082 127.0.0.1:47083 127.0.0.1:47084 127.0.0.1:47085
	[ "$(docker port "$(container web)" | grep -vc '127.0.0.1')" = 0 ]
	[ -n "$(docker port "$(container web)" 80)" ]
	[ "$(docker port "$(container web)" 84/udp)" = 127.0.0.1:47084 ]
}

@test "volumes: named, bound, anonymous, long, read-only, tmpfs" {
	project volumes <<-'END'
		name: volumes
		services:
		  app:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    volumes:
		      - data:/data
		      - ./conf:/conf:ro
		      - ./cached:/cached:cached
		      - /anonymous
		      - { type: volume, source: data, target: /again, read_only: true }
		      - type: bind
		        source: ./conf
		        target: /long
		    tmpfs: /scratch
		volumes:
		  data:
	END
	mkdir conf cached
	echo configured >conf/file
	ok devenv up -d
	ok devenv exec app -- sh -c 'echo x >/data/f && cat /again/f /conf/file /long/file && ! touch /conf/y && ! touch /again/y && touch /scratch/z /anonymous/z /cached/z'
	says x configured
	[ -e cached/z ]
	ok devenv down
	ok devenv up -d
	ok devenv exec app -- cat /data/f
}

@test "environment and env_file: maps, lists, bare names, files with quotes" {
	project environment <<-'END'
		name: environment
		services:
		  map:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    environment: { NUMBER: 7, YES: "true", EMPTY: "", DOLLAR: "a$$b", FROM_HOST: }
		    env_file: one.env
		  list:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    environment:
		      - NUMBER=8
		      - FROM_HOST
		      - SPACED=two words
		      - DEFAULT=${NOT_SET_ANYWHERE:-fallback}
		    env_file:
		      - one.env
		      - path: absent.env
		        required: false
		      - two.env
	END
	cat >one.env <<-'END'
		# a comment
		NUMBER=1
		QUOTED="with spaces"
		SINGLE='$not expanded'
		export EXPORTED=yes
		BOTH=one
	END
	echo BOTH=two >two.env
	FROM_HOST=given ok devenv up -d
	ok devenv exec map -- env
	says NUMBER=7 YES=true EMPTY= 'DOLLAR=a$b' FROM_HOST=given "QUOTED=with spaces" 'SINGLE=$not expanded' EXPORTED=yes BOTH=one
	ok devenv exec list -- env
	says NUMBER=8 FROM_HOST=given "SPACED=two words" DEFAULT=fallback BOTH=two
}

@test "depends_on conditions, healthcheck notations, profiles, restart, labels, anchors" {
	project conditions <<-'END'
		version: "3.9"
		name: conditions
		x-common: &common
		  image: debian:bookworm-slim
		  restart: "no"
		  labels: { team: blue }
		services:
		  one: &one
		    <<: *common
		    command: sleep infinity
		    healthcheck:
		      test: ["CMD", "test", "-e", "/tmp"]
		      interval: 1s
		      timeout: 1s
		      retries: 3
		      start_period: 1s
		  two:
		    <<: *common
		    command: ["sleep", "infinity"]
		    healthcheck: { test: [CMD-SHELL, "test -e /tmp || exit 1"], interval: 1s }
		    depends_on: [one]
		  three:
		    <<: [*one, *common]
		    healthcheck: { test: "test -e /tmp", interval: 1s }
		    depends_on:
		      two: { condition: service_healthy }
		      setup: { condition: service_completed_successfully }
		      missing: { condition: service_started, required: false }
		  setup: { image: debian:bookworm-slim, command: "true" }
		  missing: { image: debian:bookworm-slim, command: sleep infinity, profiles: [never] }
		  quiet:
		    <<: *common
		    command: sleep infinity
		    healthcheck: { disable: true }
		    labels: [ "team=red", "other=x" ]
		    stop_grace_period: 1s
		    init: true
		    hostname: quietly
		    extra_hosts: [ "elsewhere:10.1.2.3", "host.docker.internal:host-gateway" ]
		    networks: { default: { aliases: [silent] } }
	END
	ok devenv up -d
	[ "$(state setup)" = "done" ]
	[[ $(state three) =~ ^(ready|healthy)$ ]]
	[ -z "$(container missing)" ] || [ "$(state missing)" = ready ]
	[ "$(sees one '{{index .Config.Labels "team"}}')" = blue ]
	[ "$(sees quiet '{{index .Config.Labels "team"}}')" = red ]
	ok devenv exec quiet -- sh -c 'hostname; grep elsewhere /etc/hosts'
	says quietly 10.1.2.3
	ok devenv exec one -- getent hosts silent
}

@test "build: a folder, a map with args and target, image beside it" {
	project build <<-'END'
		name: build
		services:
		  short:
		    build: ./app
		    command: sleep infinity
		  long:
		    image: e2e-long:dev
		    build:
		      context: app
		      dockerfile: other.Dockerfile
		      args: { WORD: given }
		      target: wanted
	END
	mkdir app
	printf 'FROM debian:bookworm-slim\nCOPY here /here\n' >app/Dockerfile
	printf 'FROM debian:bookworm-slim AS wanted\nARG WORD\nRUN echo "$WORD" >/word\nCMD ["sleep", "infinity"]\nFROM wanted\nRUN exit 1\n' >app/other.Dockerfile
	echo content >app/here
	LIMIT=120 ok devenv up -d
	ok devenv exec short -- cat /here
	[ "$output" = content ]
	ok devenv exec long -- cat /word
	[ "$output" = given ]
	before=$(containers)
	ok devenv up -d
	[ "$(containers)" = "$before" ]
	echo changed >app/here
	LIMIT=120 ok devenv up -d
	ok devenv exec short -- cat /here
	[ "$output" = changed ]
	ok devenv down
	docker rmi -f e2e-long:dev "$(basename "$PROJECT")" >/dev/null 2>&1 || true
}

@test "extends: from a service here and from another compose file" {
	project extending <<-'END'
		name: extending
		services:
		  parent:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    environment: { WHO: parent, KEPT: here }
		  child:
		    extends: parent
		    environment: { WHO: child }
		  cousin:
		    extends: { file: lib/common.yml, service: shared }
		    environment: { WHO: cousin }
	END
	mkdir -p lib/data
	echo deep >lib/data/file
	cat >lib/common.yml <<-'END'
		services:
		  shared:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    environment: { KEPT: there }
		    volumes: [ "./data:/data" ]
	END
	ok devenv up -d
	ok devenv exec child -- sh -c 'echo $WHO $KEPT'
	[ "$output" = "child here" ]
	ok devenv exec cousin -- sh -c 'echo $WHO $KEPT $(cat /data/file)'
	[ "$output" = "cousin there deep" ]
}

@test "networks, entrypoint, user, working_dir, ulimits, sysctls, cap_add, replicas are carried through" {
	project carried <<-'END'
		name: carried
		services:
		  app:
		    image: debian:bookworm-slim
		    entrypoint: ["/bin/sh", "-c"]
		    command: ["exec sleep infinity"]
		    user: "1234:5678"
		    working_dir: /srv
		    ulimits: { nofile: { soft: 1000, hard: 2000 }, nproc: 65535 }
		    sysctls: { net.core.somaxconn: 1024 }
		    shm_size: 32m
		    mem_limit: 200m
		    networks: [front, back]
		    logging: { driver: json-file, options: { max-size: 1m } }
		  many:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    deploy: { replicas: 2, resources: { limits: { memory: 100m } } }
		networks:
		  front:
		  back: { internal: true }
	END
	ok devenv up -d
	ok devenv exec app -- sh -c 'id -u; id -g; pwd; ulimit -n; cat /proc/sys/net/core/somaxconn'
	[ "$(tr '\n' ' ' <<<"$output")" = "1234 5678 /srv 1000 1024 " ]
	[ "$(sees app '{{len .NetworkSettings.Networks}} {{.HostConfig.Memory}}')" = "2 209715200" ]
	[ "$(docker ps -q --filter "label=devenv.root=$PROJECT" --filter label=com.docker.compose.service=many | wc -l)" = 2 ]
	ok devenv exec --index 2 many -- true
	before=$(containers)
	ok devenv up -d
	[ "$(containers)" = "$before" ]
	ok devenv down
	[ -z "$(left)" ] || fail "$(left)"
}

@test "a .env of the repository and COMPOSE_ variables are not obeyed" {
	project hostile <<-'END'
		name: hostile
		services:
		  app:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    environment: { SEEN: "${FROM_DOTENV:-not read}" }
	END
	cat >.env <<-'END'
		COMPOSE_FILE=evil.yml
		COMPOSE_PROJECT_NAME=evil
		COMPOSE_PROFILES=evil
		DOCKER_HOST=unix:///nonexistent
		FROM_DOTENV=read
	END
	cat >evil.yml <<-'END'
		services: { evil: { image: "debian:bookworm-slim", privileged: true, command: sleep infinity } }
	END
	cp evil.yml compose.override.yml
	cp evil.yml docker-compose.yml
	COMPOSE_FILE=evil.yml COMPOSE_PROJECT_NAME=evil COMPOSE_PROFILES=evil ok devenv up -d
	[ "$(containers | awk '{ print $1 }')" = app ]
	[ -z "$(docker ps -aq --filter label=com.docker.compose.project=evil)" ]
	ok devenv run app -- printenv SEEN
	says "not read"
	ok devenv down
}

@test "what a pasted service may not do without consent is asked for by name" {
	project dangerous <<-'END'
		name: dangerous
		services:
		  spy:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    privileged: true
		    volumes: [ "/var/run/docker.sock:/var/run/docker.sock", "/etc:/host-etc:ro" ]
		    network_mode: host
	END
	exits 5 devenv up -d -y </dev/null
	says privileged docker.sock /etc network "devenv.yml:6" "--trust"
	[ -z "$(containers)" ]
}
