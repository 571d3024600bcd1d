#!/usr/bin/env bats
# Data that is kept, brought back and begun anew. Guards FAULTS G05 to G07 and the promise of
# DESIGN 13: nothing is lost without a snapshot, and the old or the new serves, never neither.

# shellcheck disable=SC2016,SC2030,SC2031 # words for other shells; each test is a subshell
load lib
load rows

setup() {
	new_machine "$BATS_TEST_TMPDIR"
}

teardown() {
	clean_machine
}

# A service that keeps what it is told, and is unhealthy when it finds the file bad.
plain() {
	project "$1" <<-END
		name: e2e-$1
		volumes: { data: $2 }
		services:
		  db:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    stop_signal: SIGKILL
		    volumes: ["data:/d"]
		    healthcheck: { test: "test ! -e /d/bad", interval: 1s, retries: 1 }
		  other: { image: "debian:bookworm-slim", command: sleep infinity, stop_signal: SIGKILL }
	END
	ok devenv up -d
}

store() {
	echo "$XDG_DATA_HOME/devenv/snapshots/e2e-$1"
}

# What a killed command has asked the engine for may come true after the next one has looked.
serves_one_of_both() {
	devenv up -d >/dev/null 2>&1 && [[ $(row) =~ ^(one|two)$ ]]
}

volumes() {
	docker volume ls -q --filter "label=devenv.workspace=$(workspace)"
}

query() {
	devenv exec db -- psql -U me -d mine -v ON_ERROR_STOP=1 -tAc "$1"
}

@test "G07: PostgreSQL: a dropped table comes back; nobody else is stopped" {
	project data-pg <<-'END'
		name: e2e-data-pg
		services:
		  db: { extends: { template: postgres }, environment: { POSTGRES_USER: me, POSTGRES_DB: mine } }
		  other: { image: "debian:bookworm-slim", command: sleep infinity }
	END
	LIMIT=400 ok devenv up -d
	ok query 'CREATE TABLE t AS SELECT generate_series(1, 1000) AS n'
	before=$(container other)
	started=$(docker inspect -f '{{.State.StartedAt}}' "$before")
	ok devenv snapshot good
	says good
	ok devenv snapshot show good --json
	[ "$(jq -r '.volumes[0] | "\(.server) \(.server_version) \(.template)"' <<<"$output")" = "postgres 15 postgres" ] || fail
	ok query 'DROP TABLE t'
	ok devenv restore good -y
	says 'Saved before the loss: snapshot auto-restore-'
	ok query 'SELECT count(*) FROM t'
	[ "$output" = 1000 ]
	[ "$(docker inspect -f '{{.State.StartedAt}}' "$before")" = "$started" ]
	[ "$(volumes | wc -l)" = 1 ]
	ok devenv plan
	says 'Nothing to do'
	# Another server's data, and a newer one's, are refused before anything is touched.
	meta=$(store data-pg)/good/snapshot.json
	sed -i 's/"server_version": "15"/"server_version": "17"/' "$meta"
	exits 1 devenv restore good -y
	says 'data of a newer postgres 17; postgres 15 serves here now'
	sed -i 's/"server": "postgres"/"server": "mariadb"/' "$meta"
	exits 1 devenv restore good -y
	says 'data of another server: mariadb 17'
	sed -i 's/"project": "e2e-data-pg"/"project": "elsewhere"/' "$meta"
	exits 1 devenv restore good -y
	says 'is of project elsewhere'
	ok devenv restore good -y --force --no-snapshot
	ok query 'SELECT count(*) FROM t'
	[ "$output" = 1000 ]
}

@test "G05: a damaged archive is refused, and nothing is touched" {
	plain data-damaged '{}'
	say one
	ok devenv snapshot kept
	file=$(store data-damaged)/kept/data.tar.zst
	[ "$(stat -c %a "$file" "$(dirname "$file")" | tr '\n' ' ')" = '600 700 ' ]
	say two
	id=$(container db)
	cp "$file" "$MACHINE/whole"
	head -c -7 "$MACHINE/whole" >"$file"
	exits 1 devenv restore kept -y
	says 'data.tar.zst of snapshot kept is damaged'
	{ head -c 20 "$MACHINE/whole" && printf x && tail -c +22 "$MACHINE/whole"; } >"$file"
	exits 1 devenv restore kept -y
	says 'is damaged'
	[ "$(row)" = two ]
	[ "$(container db)" = "$id" ]
	cp "$MACHINE/whole" "$file"
	exits 5 devenv restore kept
	ok devenv restore kept -y
	[ "$(row)" = one ]
}

@test "what does not become ready is switched back" {
	plain data-back '{}'
	say old
	ok devenv exec db -- touch /d/bad
	run devenv snapshot bad
	ok devenv exec db -- rm /d/bad
	eventually 30 devenv wait db
	say new
	exits 1 devenv restore bad -y
	says 'It did not become ready with the new data: back to the old.'
	[ "$(row)" = new ]
	[ "$(volumes | wc -l)" = 1 ]
	[[ $(state db) =~ ^(ready|healthy)$ ]]
}

@test "G06: killed in the middle: the old or the new, nothing half, and the next command tidies" {
	plain data-killed '{}'
	ok devenv exec db -- sh -c 'head -c 60000000 /dev/urandom >/d/much; echo one >/d/row'
	store=$(store data-killed)
	for after in 0.3 0.9; do
		timeout -s KILL "$after" "$DEVENV" snapshot half </dev/null >/dev/null 2>&1 || true
		if [ -e "$store/half" ]; then
			ok devenv snapshot show half
			ok devenv snapshot rm half
		fi
	done
	ok devenv snapshot whole
	[ "$(find "$store" -name '.draft-*' | wc -l)" = 0 ]
	[ -z "$(docker ps -aq --filter "label=devenv.carrier=$(workspace)")" ]
	ok devenv up -d
	say two
	for after in 0.4 1.2 2; do
		timeout -s KILL "$after" "$DEVENV" restore whole -y --no-snapshot </dev/null >/dev/null 2>&1 || true
		eventually 20 serves_one_of_both
		ok devenv exec db -- sh -c 'test $(stat -c %s /d/much) = 60000000'
	done
	ok devenv restore whole -y --no-snapshot
	[ "$(row)" = one ]
	[ "$(volumes | wc -l)" = 1 ] || fail "$(volumes)"
	[ -z "$(docker ps -aq --filter "label=devenv.carrier=$(workspace)")" ]
}

@test "nothing is lost without a snapshot: reset, up --fresh, data: recreate, down -v" {
	plain data-loss '{}'
	ok devenv reset data -y # never initialised: nothing to keep
	[ -z "$(snapshots)" ]
	say one
	ok devenv reset data -y
	says 'Saved before the loss: snapshot auto-reset-'
	run row
	[ "$status" != 0 ]
	say two
	ok devenv up -d --fresh db -y
	says 'snapshot auto-fresh-'
	say three
	exits 5 devenv --set up.data=recreate up -d
	[ "$(row)" = three ]
	ok devenv --set up.data=recreate up -d -y
	run row
	[ "$status" != 0 ]
	say four
	ok devenv down -v -y
	says 'snapshot auto-down-'
	[ -z "$(volumes)" ]
	[ "$(snapshots | grep -c '^auto-')" = 3 ] # the last three are kept
	ok devenv up -d
	ok devenv restore --latest -y
	[ "$(row)" = four ]
	ok devenv down -v -y --no-snapshot
	[ "$(snapshots | grep -c '^auto-')" = 3 ]
}

@test "the job that prepared a database runs again on the data that take its place" {
	project data-job <<-'END'
		name: e2e-data-job
		volumes: { data: {} }
		services:
		  db: { image: "debian:bookworm-slim", command: sleep infinity, stop_signal: SIGKILL, volumes: ["data:/d"] }
		  schema: { kind: job, image: "debian:bookworm-slim", command: "true", depends_on: [db] }
		  never: { kind: job, image: "debian:bookworm-slim", command: "true", depends_on: [db], profiles: [x] }
	END
	ok devenv up -d
	before=$(docker inspect -f '{{.State.FinishedAt}}' "$(container schema)")
	ok devenv reset data -y
	[ "$(docker inspect -f '{{.State.FinishedAt}}' "$(container schema)")" != "$before" ]
	[ -z "$(container never)" ]
}

@test "a new volume begins with an archive, or with a snapshot of the project" {
	mkdir -p "$MACHINE/projects/data-initial/seed"
	cd "$MACHINE/projects/data-initial"
	echo seeded >seed/row
	tar -C seed -cJf seed.tar.xz .
	plain data-initial '{ initial: seed.tar.xz }'
	[ "$(row)" = seeded ]
	say changed
	ok devenv up -d
	[ "$(row)" = changed ]
	ok devenv snapshot shared
	cp -r "$(store data-initial)/shared" shared
	sed -i 's/seed.tar.xz/shared/' devenv.yml
	ok devenv down -v -y --no-snapshot
	ok devenv up -d
	[ "$(row)" = changed ]
	# A hostile one leaves no volume that counts as begun.
	ln -s /etc seed/out
	tar -cf evil.tar -C seed ./out ./row --transform 's,^[.]/row$,./out/row,'
	sed -i 's/initial: shared/initial: evil.tar/' devenv.yml
	ok devenv down -v -y --no-snapshot
	exits 1 devenv up -d
	says 'lies behind a symbolic link' 'devenv.yml:2'
	[ -z "$(volumes)" ]
}
