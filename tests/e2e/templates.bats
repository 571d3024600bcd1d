#!/usr/bin/env bats
# Each service template comes up ready and speaks its protocol, from another container, by the URL
# that devenv gives; and dependencies live in volumes named by their lock files.

# shellcheck disable=SC2016,SC2030,SC2031 # words for other shells; each test is a subshell
load lib

setup() {
	new_machine "$BATS_TEST_TMPDIR"
}

teardown() {
	[ -z "${DEPS:-}" ] || drop_dependencies
	clean_machine
}

# A project of one template and a client that has Python and the URL.
templated() {
	project "$1" <<-END
		name: e2e-$1
		services:
		  it:
		    extends: { template: $1 }
		    $2
		  client:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    environment: { URL: "\${service.it.url}" }
		    depends_on: { it: { condition: service_healthy } }
	END
	LIMIT=400 ok devenv up -d
	[[ $(state it) =~ ^(ready|healthy)$ ]]
}

# ask SERVICE PORT TEXT: says TEXT to it over TCP from the client, by the service's name.
ask() {
	devenv exec client -- bash -c "exec 3<>/dev/tcp/$1/$2; printf '$3' >&3; timeout 3 cat <&3 || :"
}

@test "postgres" {
	templated postgres "environment: { POSTGRES_USER: me, POSTGRES_DB: mine }"
	ok devenv exec client -- printenv URL
	[[ $output == postgres*://*it:5432* ]] || fail
	port=$(address it 5432)
	PGPASSWORD=$(devenv secrets get it_password) ok psql -h 127.0.0.1 -p "${port#*:}" -U me -tAc 'SELECT 6 * 7' mine
	[ "$output" = 42 ]
	PGPASSWORD=wrong run psql -h 127.0.0.1 -p "${port#*:}" -U me -tAc 'SELECT 1' mine
	[ "$status" != 0 ]
	ok devenv attach --client it <<<'SELECT current_user;'
	says me
}

@test "mariadb" {
	templated mariadb "environment: { MARIADB_USER: me, MARIADB_DATABASE: mine }"
	ok devenv exec it -- sh -c 'mariadb --protocol=tcp -h 127.0.0.1 -u me -p"$(cat /run/secrets/it_password)" mine -e "SELECT 6 * 7"'
	says 42
	ok ask it 3306 ''
	says MariaDB
	ok devenv restart it
	ok devenv attach --client it <<<'SELECT 6 * 7;'
	says 42
}

# as USER SECRET: the server lets this one in over the network with the value of the secret.
as() {
	devenv secrets get "$2" | docker exec -i "$(container it)" bash -c \
		'MYSQL_PWD=$(cat) exec mariadb --no-defaults --protocol=tcp -h 127.0.0.1 -u "$0" -N -e "SELECT CURRENT_USER()"' "$1"
}

@test "mariadb: the user's password and root's are rotated, refused ones go back, a volume from before knows how, too" {
	templated mariadb "environment: { MARIADB_USER: me, MARIADB_DATABASE: mine }"
	old=$(devenv secrets get it_root_password)
	# As an earlier version made it: without the account that changes passwords.
	docker exec "$(container it)" mariadb --no-defaults -e "DROP USER mysql@localhost"
	ok devenv restart it
	for name in it_root_password it_password; do
		ok devenv secrets rotate $name
		says "$name has a new value"
		ok as root it_root_password
		ok as me it_password
	done
	[ "$(devenv secrets get it_root_password)" != "$old" ]
	run docker exec -e MYSQL_PWD="$old" "$(container it)" mariadb --no-defaults -u root -e 'SELECT 1'
	[ "$status" != 0 ] || fail "the old one is good, too"
	ok devenv plan
	says "Nothing to do"
	old=$(devenv secrets get it_root_password)
	cat >devenv.local.yml <<-'END'
		secrets: { it_root_password: { on_rotate: { service: it, run: devenv-mariadb-password root && exit 3 } } }
	END
	exits 1 devenv secrets rotate it_root_password
	says "the old value of it_root_password stays"
	[ "$(devenv secrets get it_root_password)" = "$old" ]
	ok as root it_root_password
}

@test "redis" {
	templated redis "environment: {}"
	ok ask it 6379 'SET key value\r\nGET key\r\nQUIT\r\n'
	says +OK value
	port=$(address it 6379)
	ok redis-cli -p "${port#*:}" GET key
	[ "$output" = value ]
	ok devenv recreate it
	ok redis-cli -p "${port#*:}" GET key
	[ "$output" = value ]
}

@test "redis with a password: rotation reaches the running server, and the restarted one" {
	enter redis
	cat >devenv.local.yml <<-'END'
		services: { it: { secrets: [pw], environment: { REDIS_PASSWORD_FILE: /run/secrets/pw } } }
		secrets: { pw: { generate: password, on_rotate: { service: it, run: devenv-redis-password } } }
	END
	templated redis "environment: {}"
	knows() {
		REDISCLI_AUTH=$1 redis-cli --no-auth-warning -p "$(address it 6379 | cut -d: -f2)" PING | grep -q PONG
	}
	local before id
	id=$(container it)
	for round in 1 2; do
		before=$(devenv secrets get pw)
		knows "$before" || fail "round $round: before"
		ok devenv secrets rotate pw
		knows "$(devenv secrets get pw)" || fail "round $round: after"
		! knows "$before" || fail "round $round: the old one is accepted"
	done
	[ "$(container it)" = "$id" ]
	ok devenv restart it
	knows "$(devenv secrets get pw)"
}

@test "rabbitmq" {
	templated rabbitmq "environment: {}"
	ok ask it 5672 'AMQP\0\0\x09\1'
	says AMQPLAIN
	port=$(address it 15672)
	ok curl -sS -m 20 --noproxy '*' --fail-with-body -u "app:$(devenv secrets get it_password)" "http://$port/api/whoami"
	says '"name":"app"'
}

@test "nginx" {
	project nginx <<-'END'
		name: e2e-nginx
		services:
		  it: { extends: { template: nginx } }
		  mail: { extends: { template: mail } }
		routes:
		  - { host: a.localhost, path: /, to: mail:http, via: it }
		  - { host: b.localhost, path: /deep/er, to: mail:http, via: it, strip: true }
	END
	LIMIT=400 ok devenv up -d
	port=$(address it 443) port=${port#*:}
	ok curl -sS -m 10 --noproxy '*' --fail-with-body --cacert "$CA" "https://a.localhost:$port/healthz"
	ok curl -sS -m 10 --noproxy '*' --fail-with-body --cacert "$CA" "https://b.localhost:$port/deep/er/healthz"
	run curl -sS -m 10 --noproxy '*' --cacert "$CA" -o /dev/null -w '%{http_code}' "https://b.localhost:$port/other"
	[ "$output" = 404 ]
	plain=$(address it 80)
	run curl -sS -m 10 --noproxy '*' -o /dev/null -w '%{http_code} %{redirect_url}' "http://a.localhost:${plain#*:}/x?y"
	[ "$output" = "307 https://a.localhost:$port/x?y" ] || fail
}

@test "mail" {
	templated mail "environment: {}"
	ok ask it 1025 'EHLO me\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\nSubject: hello\r\n\r\nbody\r\n.\r\nQUIT\r\n'
	says 250 354
	port=$(address it 8025)
	ok curl -sS -m 10 --noproxy '*' "http://$port/api/messages?to=d@e.f"
	says hello
}

drop_dependencies() {
	local volumes
	volumes=$(cat "$MACHINE/volumes" 2>/dev/null)
	clean_machine
	# shellcheck disable=SC2086 # a list of names
	[ -z "$volumes" ] || docker volume rm $volumes >/dev/null 2>&1 || true
}

note_volumes() {
	docker inspect -f '{{range .Mounts}}{{.Name}} {{end}}' "$(container app)" | tr ' ' '\n' |
		grep devenv- >>"$MACHINE/volumes"
}

# With an npm of the test's own making: what is counted is when it runs.
dependency_project() {
	project "$1" <<-'END'
		name: e2e-deps
		up: { watch: false }
		services:
		  app:
		    image: debian:bookworm-slim
		    working_dir: /srv/app
		    command: sh -c 'echo "app with $$(cat modules/version)"; exec sleep infinity'
		    healthcheck: { log: ^app with }
		    develop:
		      source: app
		      dependencies:
		        lock: [app/lock]
		        install: sleep 0.2; cat lock >modules/version; cat lock >>/root/.e2e-cache/installs
		        into: modules
		        cache: [~/.e2e-cache]
	END
	mkdir -p app
}

installs() {
	devenv exec app -- cat /root/.e2e-cache/installs | grep -c "^$1$"
}

@test "dependencies are installed once per lock file, and switching back is at once" {
	DEPS=1
	dependency_project deps
	one=one-$RANDOM$RANDOM two=two-$RANDOM$RANDOM
	echo "$one" >app/lock
	LIMIT=60 ok devenv up -d
	says "install app"
	note_volumes
	[ "$(installs "$one")" = 1 ]
	ok devenv up -d
	says_not "install app"
	echo "$two" >app/lock
	ok devenv plan
	says "lock files changed"
	ok devenv up -d
	note_volumes
	[ "$(installs "$two")" = 1 ]
	ok devenv logs -n 1 --no-log-prefix app
	[ "$output" = "app with $two" ]
	echo "$one" >app/lock
	ok devenv up -d
	[ "$(installs "$one")" = 1 ]
	ok devenv logs -n 1 --no-log-prefix app
	[ "$output" = "app with $one" ]
	ok devenv down -v -y
	ok devenv up -d
	[ "$(installs "$one")" = 1 ]
}

@test "an install that fails or was killed is done again" {
	DEPS=1
	dependency_project failing
	echo "bad-$RANDOM$RANDOM" >app/lock
	sed -i 's/install: sleep 0.2;/install: echo no such package >\&2; test -e good;/' devenv.yml
	LIMIT=60 exits 1 devenv up -d
	says "no such package" "devenv.yml:1"
	note_volumes || true
	touch app/good
	sed -i 's/test -e good;/test -e good \&\&/' devenv.yml
	ok devenv up -d
	note_volumes
	[ "$(installs "$(cat app/lock)")" = 1 ]
}

@test "two workspaces of the same lock file share its volume and the caches" {
	DEPS=1
	dependency_project first
	echo "shared-$RANDOM$RANDOM" >app/lock
	cp -r . "$MACHINE/projects/second"
	ok devenv up -d
	note_volumes
	enter second
	ok devenv up -d
	[ "$(installs "$(cat app/lock)")" = 1 ]
}
