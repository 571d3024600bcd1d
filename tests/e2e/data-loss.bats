#!/usr/bin/env bats
# No data go without a copy, whoever forgets, waits, or is killed. Guards DESIGN 13 and FAULTS G06:
# what nothing names is not removed, what is stopped for a restore is said and started again.

# shellcheck disable=SC2016,SC2030,SC2031 # words for other shells; each test is a subshell
load lib
load rows

setup() {
	new_machine "$BATS_TEST_TMPDIR"
}

teardown() {
	clean_machine
}

# A service that keeps what it is told.
plain() {
	project "$1" <<-END
		name: e2e-$1
		volumes: { data: {} }
		services:
		  db:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    stop_signal: SIGKILL
		    volumes: ["data:/d"]
	END
	ok devenv up -d
}

state_of_workspace() {
	echo "$XDG_STATE_HOME/devenv/$(workspace)"
}

@test "data whose place was forgotten stay, are named, and come back" {
	plain forgotten
	say kept
	ok devenv snapshot one
	ok devenv restore one -y --no-snapshot
	ok devenv status
	says 'volume data was put in the place of another: '
	volume=$(devenv status --json | jq -r '.volumes[0].engine_volume')
	ok devenv down
	rm "$(state_of_workspace)/volumes.json"
	ok devenv up -d
	says "nothing remembers any more what volume data.${volume##*.} is" \
		"devenv up --copy data.${volume##*.}:data"
	ok devenv snapshot two
	ok docker volume inspect "$volume"
	ok devenv up -d --copy "data.${volume##*.}:data" -y
	[ "$(row)" = kept ]
	# All of it goes with -v, and all of it is kept.
	exits 5 devenv down -v
	says 'This removes the data of data'
	ok devenv down -v -y
	[ "$(snapshots | grep -c '^auto-down-')" -ge 2 ] || fail "$(snapshots)"
}

@test "data that the configuration does not know are kept, too, when all goes" {
	plain unknown
	say kept
	sed -i 's/data: {}/other: {}/; s/data:/other:/2; s/"data:/"other:/' devenv.yml
	exits 5 devenv down -v
	says 'This removes the data of data'
	ok devenv down -v -y
	says 'snapshot auto-down-'
	sed -i 's/other/data/g' devenv.yml
	ok devenv up -d
	ok devenv restore --latest -y
	[ "$(row)" = kept ]
}

@test "who waits for his turn sees what was switched meanwhile" {
	plain turn
	say old
	ok devenv snapshot old
	ok devenv restore old -y --no-snapshot
	say new
	ok devenv snapshot new
	ok devenv restore old -y --no-snapshot
	dir=$(state_of_workspace)
	ok devenv stop
	cp "$dir/volumes.json" "$MACHINE/before.json"
	ok devenv restore new -y --no-snapshot
	cp "$dir/volumes.json" "$MACHINE/after.json"
	cp "$MACHINE/before.json" "$dir/volumes.json"
	exec 9>>"$dir/lock"
	flock 9
	devenv snapshot taken >/dev/null 9>&- &
	sleep 1.5 # it has read all that it reads without its turn
	cp "$MACHINE/after.json" "$dir/volumes.json"
	exec 9>&-
	wait $! || fail "no snapshot"
	ok devenv restore taken -y --no-snapshot
	ok devenv up -d
	[ "$(row)" = new ]
}

halts() {
	[ "$(docker inspect -f '{{.State.Running}}' "$1")" = false ]
}

# Killed as soon as the service has stopped for it.
kill_halted() {
	id=$(container db)
	"$DEVENV" "$@" </dev/null >/dev/null 2>&1 3>&- &
	eventually 60 halts "$id"
	kill -KILL $! || fail "it was over already"
	wait $! || true
}

@test "a restore that is killed leaves a word, and the next command ends it" {
	plain halted
	ok devenv exec db -- sh -c 'head -c 100000000 /dev/urandom >/d/much; echo one >/d/row'
	ok devenv snapshot one
	kill_halted restore one -y
	ok devenv status
	says 'db is stopped for `devenv restore`' 'devenv up -d db'
	[ "$(devenv status --json | jq -c .halted)" = '{"by":"restore","services":["db"]}' ]
	ok devenv snapshot two
	[ "$(docker inspect -f '{{.State.Running}}' "$(container db)")" = true ]
	[ "$(row)" = one ]
	kill_halted snapshot three
	ok devenv up -d
	ok devenv status
	says_not 'is stopped for'
	[ "$(devenv status --json | jq -c .halted)" = null ]
	kill_halted snapshot three
	ok devenv stop # it is to stay so
	ok devenv status
	says_not 'is stopped for'
}

@test "an interrupted snapshot starts what it stopped" {
	plain interrupted
	ok devenv exec db -- sh -c 'head -c 100000000 /dev/urandom >/d/much'
	id=$(container db)
	"$DEVENV" snapshot cut </dev/null >/dev/null 2>&1 3>&- &
	eventually 60 halts "$id"
	kill -INT $!
	wait $! || true
	[ "$(docker inspect -f '{{.State.Running}}' "$id")" = true ]
	[ -z "$(docker ps -aq --filter "label=devenv.carrier=$(workspace)")" ]
}

@test "a load keeps what it replaces" {
	project load <<-'END'
		name: e2e-load
		services: { db: { extends: { template: redis } } }
	END
	LIMIT=400 ok devenv up -d
	ok devenv exec db -- redis-cli set who old
	ok devenv db dump -o "$MACHINE/dump"
	ok devenv exec db -- redis-cli set who new
	exits 1 devenv db load "$MACHINE/none"
	ok devenv db load "$MACHINE/dump"
	says 'Saved before the loss: snapshot auto-load-'
	ok devenv exec db -- redis-cli get who
	[ "$output" = old ]
	ok devenv restore --latest -y
	ok devenv exec db -- redis-cli get who
	[ "$output" = new ]
	ok devenv db load --no-snapshot "$MACHINE/dump"
	[ "$(snapshots | grep -c '^auto-load-')" = 1 ]
}

# Initialised with a secret that the server is told of: all that `up` and `restore` go by.
guarded() {
	enter "$1"
	cat >devenv.yml <<-END
		name: e2e-guarded
		volumes: { data: {} }
		secrets: { key: { environment: KEY, on_rotate: { service: db, run: "true" } } }
		services:
		  db:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    stop_signal: SIGKILL
		    secrets: [key]
		    volumes: ["data:/d"]
	END
	sed -i "s/{ environment: KEY,/{ $2,/" devenv.yml
}

@test "data that know another secret are told before a server starts on them, here and elsewhere" {
	guarded guarded 'generate: password'
	ok devenv up -d
	say before
	ok devenv snapshot old
	ok devenv snapshot rm old
	ok devenv snapshot old
	old=$(devenv secrets get key)
	kept=$XDG_DATA_HOME/devenv/snapshots/e2e-guarded/old
	! grep -rF "$old" "$kept" || fail "the secret is in the snapshot"
	ok devenv secrets rotate key
	say after
	id=$(container db)
	exits 1 devenv restore old -y
	says 'know another value of the secret key than the keyring has' 'devenv secrets rotate key' \
		'nothing was touched'
	[ "$(container db)" = "$id" ]
	[ "$(row)" = after ]
	ok devenv restore old -y --force --no-snapshot
	[ "$(row)" = before ]
	exits 1 devenv up -d
	says 'was initialised with another value of the secret key'
	ok devenv secrets rotate key
	ok devenv up -d
	# Of the same value no word is said.
	ok devenv snapshot now
	ok devenv restore now -y --no-snapshot
	cp -r "$kept" "$MACHINE/old"

	# Another machine with another keyring, then with the value of that time.
	export XDG_STATE_HOME=$MACHINE/2/state XDG_DATA_HOME=$MACHINE/2/data
	guarded elsewhere 'generate: password'
	ok devenv up -d
	exits 1 devenv restore "$MACHINE/old" -y
	says 'know another value of the secret key'
	ok devenv secrets set key <<<"$old"
	ok devenv up -d
	ok devenv restore "$MACHINE/old" -y --no-snapshot
	[ "$(row)" = before ]
	# A team's snapshot that everybody begins with.
	export XDG_STATE_HOME=$MACHINE/3/state XDG_DATA_HOME=$MACHINE/3/data
	guarded third 'generate: password'
	cp -r "$MACHINE/old" begin
	sed -i 's/data: {}/data: { initial: begin }/' devenv.yml
	exits 1 devenv up -d
	says 'was initialised with another value of the secret key'
}
