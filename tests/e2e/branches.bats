#!/usr/bin/env bats
# Data per git branch: each branch has its own rows, a new one begins with those of the branch that
# it was made from, and a switch makes only the users of the volume anew. And a new volume begins
# with the dump that the configuration names, whole or not at all.

# shellcheck disable=SC2016,SC2030,SC2031 # words for other shells; each test is a subshell
load lib

setup() {
	new_machine "$BATS_TEST_TMPDIR"
	export GIT_CONFIG_GLOBAL=$MACHINE/gitconfig
	git config --global user.name t
	git config --global user.email t@localhost
	git config --global init.defaultBranch main
}

teardown() {
	clean_machine
}

repository() {
	project "$1"
	printf '.devenv/\n' >.gitignore
	git init -q .
	git add .
	git commit -qm one
}

sql() {
	devenv db shell db <<<"$1"
}

@test "each branch keeps its rows" {
	repository per <<-'END'
		name: e2e-per
		services:
		  db: { extends: { template: postgres } }
		  other: { image: "debian:bookworm-slim", command: sleep infinity }
		volumes: { db-data: { per: branch } }
	END
	LIMIT=400 ok devenv up -d
	ok sql "CREATE TABLE t (v text); INSERT INTO t VALUES ('of main')"
	other=$(container other)

	git checkout -qb feature/x
	ok devenv plan
	says "the branch is feature/x now" "begins with the data of branch main"
	ok devenv status
	says "db-data has the data of branch main" "the branch is feature/x now"
	ok devenv up -d
	ok sql "INSERT INTO t VALUES ('of x'); TABLE t"
	says "of main" "of x"

	git checkout -q main
	ok devenv up -d
	ok sql "INSERT INTO t VALUES ('late'); TABLE t"
	says "of main" late
	says_not "of x"

	git checkout -q feature/x
	ok devenv plan
	says "the branch is feature/x now"
	says_not copy
	ok devenv up -d
	ok sql "TABLE t"
	says "of main" "of x"
	says_not late
	[ "$(container other)" = "$other" ] # nothing else is touched
	ok devenv status --json
	[ "$(jq -r '.volumes[0].branch' <<<"$output")" = feature/x ]

	# No branch: what served last goes on, and that is said.
	git checkout -q --detach
	ok devenv up -d
	says "no branch is checked out" "keeps the data of branch feature/x"
	ok sql "TABLE t"
	says "of x"

	# A branch that is gone leaves data behind, which are named.
	git checkout -q main
	ok devenv up -d
	git branch -qD feature/x
	ok devenv clean --dry-run
	says "branch feature/x" "is gone"
	ok devenv down -v -y --no-snapshot
	[ -z "$(docker volume ls -q --filter "name=$(workspace)")" ]
}

@test "a copy that was killed half-way is made again" {
	repository half <<-'END'
		name: e2e-half
		services: { db: { extends: { template: redis } } }
		volumes: { db-data: { per: branch } }
	END
	LIMIT=400 ok devenv up -d
	ok devenv exec db -- redis-cli set who main
	git checkout -qb next
	# As a devenv leaves it that was killed: the map names the new volume, which is not all there.
	state=$XDG_STATE_HOME/devenv/$(workspace)
	ok devenv up -d
	copy=$(jq -r '.volumes[] | select(.branch == "next").engine' "$state/volumes.json")
	ok devenv down
	docker volume rm "$copy"
	docker volume create "$copy"
	main=$(jq -r '.volumes[] | select(.branch == "main").engine' "$state/volumes.json")
	mkdir -p "$state/initial"
	printf %s "$main" >"$state/initial/$copy"
	ok devenv plan
	says "begins with the data of branch main"
	ok devenv up -d
	ok devenv exec db -- redis-cli get who
	[ "$output" = main ]
	[ -z "$(ls "$state/initial")" ]
}

@test "a checkout alone switches nothing, and who watches is told" {
	mkdir -p "$MACHINE/projects/watched/app"
	repository watched <<-'END'
		name: e2e-watched
		services:
		  db: { extends: { template: redis } }
		  app:
		    image: debian:bookworm-slim
		    working_dir: /srv
		    command: sleep infinity
		    stop_grace_period: 0s
		    develop: { source: app, lint: "true", on_success: none }
		volumes: { db-data: { per: branch } }
	END
	LIMIT=400 ok devenv up -d
	db=$(container db)
	"$DEVENV" watch >"$MACHINE/watch.log" 2>&1 3>&- &
	eventually 60 grep -q "watch on" "$MACHINE/watch.log"
	git checkout -qb next
	told() {
		date +%N >app/file
		grep -q "the branch is next now, volume db-data keeps the data of branch main" "$MACHINE/watch.log"
	}
	eventually 60 told
	kill $!
	[ "$(container db)" = "$db" ]
	ok devenv ls
	says "data of branch main"
	# Neither does a restored snapshot go where nobody looks.
	exits 1 devenv reset -y --no-snapshot db-data
	says "the branch is next now" "devenv up -d db"
}

@test "a new volume begins with a dump, before those who need it start" {
	repository seeded <<-'END'
		name: e2e-seeded
		services:
		  db: { extends: { template: postgres } }
		  app:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    depends_on: { db: { condition: service_healthy } }
		volumes: { db-data: { initial: seed.sql.gz } }
	END
	printf "CREATE TABLE t (v text);\nINSERT INTO t VALUES ('seed');\nSELECT nonsense;\n" | gzip >seed.sql.gz
	LIMIT=400 exits 1 devenv up -d
	says "<stdin>:3:" nonsense "devenv.yml:8"
	[ "$(docker inspect -f '{{.State.Running}}' "$(container app)")" = false ]
	printf "CREATE TABLE t (v text);\nINSERT INTO t VALUES ('seed');\n" | gzip >seed.sql.gz
	ok devenv plan
	says "was not loaded to the end"
	ok devenv up -d
	[ "$(docker inspect -f '{{.State.Running}}' "$(container app)")" = true ]
	ok sql "INSERT INTO t VALUES ('mine'); TABLE t"
	says seed mine
	ok devenv recreate
	ok sql "TABLE t"
	says mine
}

@test "down -v keeps the data of every branch, however many there are" {
	repository many <<-'END'
		name: e2e-many
		services:
		  db: { image: "debian:bookworm-slim", command: sleep infinity, stop_signal: KILL, volumes: ["data:/d"] }
		volumes: { data: { per: branch } }
	END
	for branch in main feature/a b c d; do
		git checkout -qB "$branch"
		ok devenv up -d
		ok devenv exec db -- sh -c "echo $branch >/d/row"
	done
	ok devenv down -v -y
	ok devenv snapshot ls --json
	[ "$(jq -r '.[].branch' <<<"$output" | sort | xargs)" = "b c d feature/a main" ] || fail
	for branch in main feature/a; do
		git checkout -q "$branch"
		ok devenv up -d
		ok devenv restore --branch -y --no-snapshot
		[ "$(devenv exec db -- cat /d/row)" = "$branch" ]
	done
}
