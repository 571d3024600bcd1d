#!/usr/bin/env bats
# `devenv db`: the data of a database into a file and back. A dump is there whole or not at all, a
# load that fails says where and leaves the data as they were, the client's status comes through.

# shellcheck disable=SC2016,SC2030,SC2031 # words for other shells; each test is a subshell
load lib

setup_file() {
	new_machine "$BATS_FILE_TMPDIR"
	project db <<-'END'
		name: e2e-db
		services:
		  pg: { extends: { template: postgres }, environment: { POSTGRES_USER: me, POSTGRES_DB: mine } }
		  ma: { extends: { template: mariadb }, environment: { MARIADB_USER: me, MARIADB_DATABASE: mine } }
		  re: { extends: { template: redis } }
		  plain:
		    image: debian:bookworm-slim
		    command: sleep infinity
		    dump: [sh, -c, "cat /tmp/data || exit 7"]
		    load: { command: [sh, -c, "cat >/tmp/data"], begin: "<", end: ">" }
		  web: { image: "debian:bookworm-slim", command: sleep infinity }
	END
	LIMIT=500 devenv up -d >"$MACHINE/up" 2>&1 || {
		cat "$MACHINE/up"
		return 1
	}
}

teardown_file() {
	clean_machine
}

setup() {
	cd "$PROJECT" || return 1
}

sql() {
	devenv db shell "$1"
}

@test "postgres: a dump brings everything back, from any kind of file" {
	ok sql pg <<<"DROP TABLE IF EXISTS t CASCADE; CREATE TABLE t (id serial PRIMARY KEY, v text);
		INSERT INTO t (v) SELECT repeat('x', 100) || g FROM generate_series(1, 20000) g; CREATE VIEW w AS SELECT count(*) FROM t;"
	for file in plain.sql packed.sql.gz packed.sql.zst; do
		ok devenv db dump pg -o "$file"
		ok sql pg <<<'DROP TABLE t CASCADE;'
		ok devenv db load pg "$file"
		ok sql pg <<<'TABLE w;'
		says 20000
	done
	gzip -t packed.sql.gz
	[ "$(stat -c %s packed.sql.gz)" -lt "$(($(stat -c %s plain.sql) / 2))" ]
	devenv db dump pg | devenv db load pg
	[ -z "$(find . -maxdepth 1 -name '.*.sql*')" ] # no temporary file is left
}

@test "postgres: a failed load names the line and changes nothing" {
	ok sql pg <<<"DROP TABLE IF EXISTS t CASCADE; CREATE TABLE t (v text); INSERT INTO t VALUES ('kept');"
	printf 'DELETE FROM t;\n\nSELECT nonsense;\n' >bad.sql
	exits 3 devenv db load pg bad.sql
	says "<stdin>:3:" nonsense "loading bad.sql into pg" "devenv.yml:3"
	ok sql pg <<<'TABLE t;'
	says kept
	# Cut in the middle of a table: psql itself would call that a success.
	printf 'DELETE FROM t;\nCOPY t (v) FROM stdin;\nhalf\n' >cut.sql
	run devenv db load pg cut.sql
	[ "$status" != 0 ]
	printf 'DELETE FROM t;\n%0200000d' 0 | gzip | head -c 150 >cut.sql.gz
	exits 1 devenv db load pg cut.sql.gz
	says truncated
	ok sql pg <<<'TABLE t;'
	says kept
	says_not half
}

# locks N: so many advisory locks are held in the database.
locks() {
	[ "$(devenv db shell pg <<<"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';" | sed -n 3p | tr -d ' ')" = "$1" ]
}

@test "postgres: a load that is killed half-way changes nothing" {
	ok sql pg <<<"DROP TABLE IF EXISTS t CASCADE; CREATE TABLE t (v text); INSERT INTO t VALUES ('kept');"
	mkfifo slow
	"$DEVENV" db load pg <slow &
	local pid=$!
	exec 5>slow
	echo "UPDATE t SET v = 'lost'; SELECT pg_advisory_lock(7);" >&5
	# What is read ahead goes on with the next portion.
	more() { echo 'SELECT 1;' >&5 && locks 1; }
	eventually 30 more
	kill -KILL "$pid"
	exec 5>&-
	eventually 30 locks 0
	ok sql pg <<<'TABLE t;'
	says kept
}

@test "mariadb: dump, load, and where a load failed" {
	ok sql ma <<<"DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, v text); INSERT INTO t (v) VALUES ('it''s'), ('b');"
	ok devenv db dump ma -o ma.sql.zst
	ok sql ma <<<'DROP TABLE t;'
	ok devenv db load ma ma.sql.zst
	ok sql ma <<<'SELECT * FROM t;'
	says "it's"
	printf "INSERT INTO t (v) VALUES ('gone');\nSELECT nonsense;\n" >bad.sql
	exits 1 devenv db load ma bad.sql
	says "at line 2" nonsense
	printf "INSERT INTO t (v) VALUES ('gone" >bad.sql
	exits 1 devenv db load ma bad.sql
	ok sql ma <<<'SELECT * FROM t;'
	says_not gone
}

@test "redis: a dump replaces all keys of all databases, a broken one none" {
	ok devenv exec re -- redis-cli mset a 1 b 2
	ok devenv exec re -- redis-cli -n 3 set c 3
	ok devenv db dump re -o dump.rdb
	ok devenv exec re -- redis-cli flushall
	ok devenv exec re -- redis-cli set new 1
	head -c 60 dump.rdb >broken.rdb
	exits 1 devenv db load re broken.rdb
	says "Unexpected EOF"
	ok devenv exec re -- redis-cli get new
	says 1
	ok devenv db load re dump.rdb
	ok devenv exec re -- redis-cli exists a b new
	[ "$output" = 2 ]
	ok devenv exec re -- redis-cli -n 3 get c
	[ "$output" = 3 ]
	ok devenv exec re -- redis-cli set writable 1
	says OK
}

@test "any service may say how it is dumped and loaded" {
	printf 'as it is' | ok devenv db load plain
	ok devenv exec plain -- cat /tmp/data
	[ "$output" = "<as it is>" ]
	echo before >plain.out
	ok devenv db dump plain -o plain.out
	[ "$(cat plain.out)" = "<as it is>" ]
	ok devenv exec plain -- rm /tmp/data
	exits 7 devenv db dump plain -o plain.out
	says "dumping plain ended with status 7"
	[ "$(cat plain.out)" = "<as it is>" ] # what was there before stays
}

@test "which database is meant" {
	exits 2 devenv db dump
	says "which database" "pg|ma|re|plain"
	exits 2 devenv db load nothing.sql
	exits 1 devenv db dump web
	says "names no way to dump" services.web.dump
	exits 1 devenv db load pg absent.sql
	says absent.sql "No such file"
	exits 2 devenv db lod pg
	says "devenv db load"
}
