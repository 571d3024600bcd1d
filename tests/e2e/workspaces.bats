#!/usr/bin/env bats
# Two checkouts side by side, runs that were killed, a checkout that was cleaned: what belongs to
# one workspace stays its own, and the next `up` heals.

# shellcheck disable=SC2016,SC2030,SC2031 # words for other shells; each test is a subshell
load lib

setup() {
	new_machine "$BATS_TEST_TMPDIR"
}

teardown() {
	clean_machine
}

# A database, one that needs it, and an image of their own, in a git repository.
write_project() {
	project "$1" <<-'END'
		name: twin
		services:
		  db:
		    extends: { template: postgres }
		    environment: { POSTGRES_USER: twin, POSTGRES_DB: twin }
		  app:
		    image: debian:bookworm-slim
		    command: sh -c 'echo app ready; exec sleep infinity'
		    environment: { DATABASE_URL: "${service.db.url}" }
		    secrets: [db_password]
		    depends_on: { db: { condition: service_healthy } }
		    healthcheck: { log: ^app ready }
		    ports: { http: { target: 80, published: auto } }
		commands:
		  sql: { service: db, run: psql -U twin -tA twin -c }
	END
	git init -q .
	git add .
	git -c user.name=t -c user.email=t@localhost commit -qm one
}

# With the password, over TCP, from another container.
password_works() {
	devenv exec db -- sh -c \
		'PGPASSWORD=$(cat /run/secrets/db_password) psql -h db -U twin -tAc "SELECT 1" twin'
}

@test "two git worktrees are up at once and do not touch each other" {
	write_project one
	git worktree add -q ../two
	ok devenv up -d
	ok devenv sql "CREATE TABLE here (name text); INSERT INTO here VALUES ('one')"
	first=$(workspace)
	containers >"$BATS_TEST_TMPDIR/one"
	enter two
	ok devenv up -d
	[ "$(workspace)" != "$first" ]
	exits 1 devenv sql "SELECT name FROM here"
	two_db=$(address db 5432) two_password=$(devenv secrets get db_password)
	ok devenv ls
	says "$MACHINE/projects/one" "$MACHINE/projects/two"
	ok devenv down -v -y
	[ -z "$(left)" ]
	enter one
	containers | diff "$BATS_TEST_TMPDIR/one" -
	ok devenv sql "SELECT name FROM here"
	[ "$output" = one ]
	[ "$(address db 5432)" != "$two_db" ]
	[ "$(devenv secrets get db_password)" != "$two_password" ]
}

@test "up that is killed at any moment converges at the next" {
	write_project killed
	for after in 0.01 0.05 0.1 0.2 0.4 0.7 1 1.5 2.2; do
		timeout -s KILL "$after" "$DEVENV" up -d >/dev/null 2>&1 || true
	done
	LIMIT=60 ok devenv up -d
	[ "$(state app)" = ready ]
	ok password_works
	[ "$output" = 1 ]
	[ "$(containers | wc -l)" = 2 ]
	run find .devenv "$XDG_STATE_HOME" "$XDG_DATA_HOME" -name '*.tmp*' -o -name '*.new'
	[ -z "$output" ] || fail
	before=$(containers)
	ok devenv up -d
	[ "$(containers)" = "$before" ]
}

@test "up that is killed between its steps converges, whatever it left" {
	write_project steps
	ok devenv up -d
	for left in create start remove; do
		ok devenv down
		ok devenv generate
		case $left in
		create) docker compose -p "$(workspace)" -f .devenv/generated/compose.yml create >/dev/null 2>&1 ;;
		start) docker compose -p "$(workspace)" -f .devenv/generated/compose.yml up -d db >/dev/null 2>&1 ;;
		remove)
			docker compose -p "$(workspace)" -f .devenv/generated/compose.yml create >/dev/null 2>&1
			docker rm -f "$(container app)" >/dev/null
			;;
		esac
		LIMIT=60 ok devenv up -d
		[ "$(state app)" = ready ]
	done
}

@test "after git clean -fdx the database still accepts its password" {
	write_project cleaned
	ok devenv up -d
	ok devenv sql "CREATE TABLE kept (n int)"
	password=$(devenv secrets get db_password)
	port=$(address db 5432)
	git clean -qfdx
	[ ! -e .devenv ]
	ok devenv up -d
	ok password_works
	[ "$output" = 1 ]
	[ "$(devenv secrets get db_password)" = "$password" ]
	[ "$(address db 5432)" = "$port" ]
	ok devenv down
	git clean -qfdx
	ok devenv up -d
	ok password_works
	ok devenv sql "SELECT count(*) FROM kept"
	[ "$output" = 0 ]
}

@test "git sees nothing of what devenv writes" {
	write_project unseen
	ok devenv generate
	ok git status --porcelain
	[ -z "$output" ]
}

@test "a keyring that is lost while its data is there stops up before it starts anything" {
	write_project lost
	ok devenv up -d
	ok devenv down
	rm "$XDG_STATE_HOME/devenv/$(workspace)"/keyring*
	exits 1 devenv up -d
	says "keyring" "down -v"
	[ -z "$(containers)" ]
	ok devenv down -v -y
	ok devenv up -d
	ok password_works
}

@test "a rotated password is followed by the database" {
	write_project rotated
	ok devenv up -d
	before=$(devenv secrets get db_password)
	ok devenv secrets rotate db_password
	[ "$(devenv secrets get db_password)" != "$before" ]
	ok devenv up -d
	ok password_works
	[ "$output" = 1 ]
}

@test "a rotation that is killed anywhere leaves a password that works after the next up" {
	write_project turned
	ok devenv up -d
	for after in 0.02 0.05 0.08 0.12 0.2 0.3; do
		timeout -s KILL "$after" "$DEVENV" secrets rotate db_password >/dev/null 2>&1 || true
	done
	ok devenv up -d
	ok password_works
	[ "$output" = 1 ]
}

@test "a rotation that the database does not follow is taken back" {
	write_project refused
	ok devenv up -d
	before=$(devenv secrets get db_password)
	cat >devenv.local.yml <<-'END'
		secrets: { db_password: { on_rotate: { service: db, run: "echo cannot >&2; exit 3" } } }
	END
	exits 1 devenv secrets rotate db_password
	says "on_rotate of db_password ended with status 3 in db" cannot "stays"
	[ "$(devenv secrets get db_password)" = "$before" ]
	ok password_works
	ok devenv stop
	exits 1 devenv secrets rotate db_password
	says "db is started" "stays"
	[ "$(devenv secrets get db_password)" = "$before" ]
	ok devenv up -d
	ok password_works
}

@test "ports stay with their workspace when another is up, and after a reboot of both" {
	write_project stay
	ok devenv up -d
	port=$(address app 80)
	ok devenv down
	[ "$(devenv up -d >/dev/null 2>&1 && address app 80)" = "$port" ]
}

@test "a moved checkout is another workspace; clean would take the old one's containers" {
	write_project before
	ok devenv up -d
	old=$(workspace)
	cd ..
	mv before after
	enter after
	[ "$(workspace)" != "$old" ]
	# No `clean -y`: it would take the images of other tests away as well.
	ok devenv clean --dry-run
	says "$old-app-1: its folder is gone" "${old}_default" "kept: volume ${old}_db-data"
	[ -n "$(left "$old")" ]
}

# Without an engine, so that nothing of other tests is taken away.
@test "ls counts host services, agents and tmux sessions; clean ends those of a folder that is gone" {
	local -x DOCKER_HOST=unix:///nonexistent
	project host <<-'END'
		name: host
		services:
		  one: { run: host, command: [sleep, "100000"] }
		  two: { run: host, command: [sleep, "100000"] }
	END
	ok devenv --trust up -d
	ok devenv tmux -d
	id=$(workspace)
	mapfile -t pids < <(devenv status --json | jq '.agent.pid, .services[].containers[].pid')
	[ "${#pids[@]}" = 3 ]
	ok devenv ls
	says "2 running, agent, 1 tmux session, engine unreachable"
	ok devenv ls --json
	jq -e --argjson a "${pids[0]}" '.[0] | .running == 2 and .containers == 0 and .processes == 2
		and .agent == $a and .sessions == ["host"] and (.gone | not)' <<<"$output"
	ok devenv -y clean # its folder is there: it stays
	kill -0 "${pids[@]}"
	cd ..
	mv host moved
	ok devenv clean --dry-run
	says "agent (pid ${pids[0]}) and 2 processes" "tmux session host"
	kill -0 "${pids[@]}"
	ok devenv -y clean
	for pid in "${pids[@]}"; do
		[ -z "$(tr -d '\0' 2>/dev/null <"/proc/$pid/cmdline")" ] || fail "$pid is still there"
	done
	ok devenv ls
	[[ $output =~ $id\ +folder\ gone,\ engine\ unreachable ]]
}
