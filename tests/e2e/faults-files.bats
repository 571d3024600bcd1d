#!/usr/bin/env bats
# Files and concurrency (FAULTS B): whatever is read-only, full, linked, killed or done at the same
# time, every file is old or new and whole, the next run succeeds, and modes are exact.

# shellcheck disable=SC2030,SC2031,SC2119,SC2120 # each test is a subshell of its own
load lib

setup() {
	new_machine "$BATS_TEST_TMPDIR"
	FAULTS=$REPOSITORY/tests/faults
	cd "$MACHINE" || return 1 # never the repository itself
}

teardown() {
	cd /
	[ ! -d "$MACHINE/small" ] || umount "$MACHINE/small" 2>/dev/null || true
	chmod -R u+rwX "$MACHINE" 2>/dev/null || true
	clean_machine
	[ -z "${OPEN:-}" ] || rm -rf "$OPEN"
}

small_project() {
	project "${1:-small}" <<-'END'
		name: small
		services:
		  a: { image: "debian:bookworm-slim", command: sleep 300, environment: { T: "${secret.s}" }, secrets: [s] }
		  b: { image: "debian:bookworm-slim", command: sleep 300, stop_grace_period: 1s }
		secrets: { s: { generate: password } }
	END
}

# What there is below the project and the state: names, modes, times, content.
picture() {
	find "$PROJECT" "$MACHINE/state" "$MACHINE/data" -printf '%p %m %T@ %C@ %i\n' 2>/dev/null | grep -v '/lock ' | sort
}

# Runs as somebody who is not root, for whom modes count.
as_user() {
	setpriv --reuid 12345 --regid 12345 --clear-groups env "$@"
}

@test "B01: a read-only checkout, .devenv or home is named with its reason; reading goes on" {
	[ "$(id -u)" = 0 ] || skip "modes are tested as somebody who is not root"
	OPEN=$(mktemp -d /tmp/devenv-b01.XXXXXX) # bats's own folder is closed to others
	new_machine "$OPEN"
	chmod 755 "$OPEN"
	small_project
	chown -R 12345:12345 "$OPEN"
	as_user "$DEVENV" generate
	chown -R 0:0 .devenv
	sed -i 's/sleep 300/sleep 301/' devenv.yml
	exits 1 as_user "$DEVENV" generate
	says "$PROJECT/.devenv" "Permission denied"
	rm -rf .devenv
	chmod 555 .
	exits 1 as_user "$DEVENV" generate
	says "$PROJECT/.devenv" "Permission denied"
	for words in config "config -q" graph plan status; do
		# shellcheck disable=SC2086
		ok as_user DOCKER_HOST="$DOCKER_HOST" "$DEVENV" $words || [[ $words = status && $status = 4 ]]
	done
	chmod 755 .
	chmod -R a-w "$MACHINE/state"
	exits 1 as_user "$DEVENV" generate
	says "$MACHINE/state" "Permission denied"
	ok as_user "$DEVENV" config -q
	exits 1 as_user -u HOME -u XDG_STATE_HOME -u XDG_DATA_HOME "$DEVENV" generate
	says "neither HOME nor XDG_STATE_HOME is an absolute path" "help: set HOME"
	ok as_user -u HOME -u XDG_STATE_HOME -u XDG_DATA_HOME "$DEVENV" config -q
}

@test "B02: a full disk leaves the old set and no temporary file, and says so" {
	[ "$(id -u)" = 0 ] || skip "mounts a file system"
	mkdir "$MACHINE/small"
	mount -t tmpfs -o size=512k,mode=755 none "$MACHINE/small"
	PROJECT=$MACHINE/small/p
	mkdir "$PROJECT"
	cd "$PROJECT"
	one() {
		printf 'name: full\nservices:\n'
		for i in $(seq "$2"); do
			printf '  s%s: { image: x, command: %s, environment: { T: "%s" } }\n' "$i" "$1" "${secret:-y}"
		done
	}
	one old 5 >devenv.yml
	ok devenv generate
	cp -a .devenv "$MACHINE/old"
	one new 120 >devenv.yml
	# what is left must not do for the staged set
	dd if=/dev/zero of="$MACHINE/small/filler" bs=1k count=$(($(df --output=avail -k . | tail -1) - 40)) 2>/dev/null
	exits 1 devenv generate
	says "No space left on device" ".devenv"
	diff -r "$MACHINE/old" .devenv
	rm "$MACHINE/small/filler"
	ok devenv generate
	grep -q "command: new" .devenv/generated/compose.yml
	# The state's disk is full: nothing is half made there either.
	rm -rf .devenv
	one new 5 >devenv.yml
	echo 'secrets: { s: { generate: password } }' >>devenv.yml
	dd if=/dev/zero of="$MACHINE/small/filler" bs=1k 2>/dev/null || true
	mkdir "$MACHINE/small/state" 2>/dev/null || true
	XDG_STATE_HOME=$MACHINE/small/state exits 1 devenv generate
	says "No space left on device"
	[ -z "$(find "$MACHINE/small/state" -type f -name '*.tmp')" ]
}

@test "B02, F09: output that does not fit is told, a reader that has gone is not" {
	small_project output
	# shellcheck disable=SC2016 # the shell that redirects is the inner one
	for sink in '>/dev/full' '>&-'; do
		run bash -c 'timeout 20 "$DEVENV" config '"$sink"
		[ "$status" = 1 ] || fail "status $status"
		says "error: standard output did not take all" "help: "
	done
	# shellcheck disable=SC2016
	run bash -c 'set -o pipefail; timeout 20 "$DEVENV" config | :'
	[ "$status" = 0 ] || [ "$status" = 141 ] || fail "status $status"
	[ -z "$output" ] || fail "said"
}

@test "B02: each call that writes fails once" {
	ok timeout -s KILL 300 python3 "$FAULTS/points.py" "$DEVENV" fail "${POINTS:-100}"
	echo "$output"
	[[ ${lines[-1]} == *" passed, 0 failed" ]]
}

@test "B03, B04: killed at its system calls, generate leaves whole files and the next run heals" {
	ok timeout -s KILL 600 python3 "$FAULTS/points.py" "$DEVENV" kill "${POINTS:-150}"
	echo "$output"
	[[ ${lines[-1]} == *" passed, 0 failed" ]]
}

@test "B03: up killed at any time converges with the next up" {
	small_project killed
	for after in 0.02 0.05 0.1 0.2 0.35 0.5 0.8 1.2; do
		timeout -s KILL "$after" "$DEVENV" up -d >/dev/null 2>&1 || true
	done
	ok devenv up -d
	[ "$(state a) $(state b)" = "ready ready" ]
	ok devenv up -d
	[ "$(containers | wc -l)" = 2 ]
	timeout -s KILL 0.2 "$DEVENV" down >/dev/null 2>&1 || true
	ok devenv down -v -y
	[ -z "$(left)" ]
}

@test "B05: .devenv and what is in it may not be links" {
	small_project
	mkdir "$MACHINE/elsewhere"
	ln -s "$MACHINE/elsewhere" .devenv
	for words in generate "up -d"; do
		# shellcheck disable=SC2086
		run devenv $words
		[ "$status" = 1 ]
		says ".devenv" "link"
	done
	rm .devenv
	for name in generated staging; do
		rm -rf .devenv
		mkdir .devenv
		ln -s "$MACHINE/elsewhere" ".devenv/$name"
		exits 1 devenv generate
		says "$name" "link"
	done
	rm -rf .devenv
	mkdir -p .devenv/generated
	ln -s "$MACHINE/elsewhere" .devenv/generated/secrets
	run devenv generate
	[ -z "$(ls -A "$MACHINE/elsewhere")" ]
}

@test "B06: a file that became a link, a FIFO or a directory is replaced, not followed" {
	small_project
	ok devenv generate
	want=$(cat .devenv/generated/compose.yml)
	echo precious >"$MACHINE/precious"
	rm .devenv/generated/compose.yml
	ln -s "$MACHINE/precious" .devenv/generated/compose.yml
	LIMIT=10 ok devenv generate
	[ "$(cat "$MACHINE/precious") $(stat -c %F .devenv/generated/compose.yml)" = "precious regular file" ]
	rm .devenv/generated/compose.yml
	mkfifo .devenv/generated/compose.yml
	LIMIT=10 ok devenv generate
	[ "$(cat .devenv/generated/compose.yml)" = "$want" ]
	rm .devenv/generated/compose.yml
	mkdir .devenv/generated/compose.yml
	LIMIT=10 run devenv generate
	[ "$status" = 0 ] || says compose.yml
	rmdir .devenv/generated/compose.yml 2>/dev/null || true
	LIMIT=10 ok devenv generate
	[ "$(cat .devenv/generated/compose.yml)" = "$want" ]
	for name in devenv.yml devenv.local.yml; do
		[ ! -e $name ] || mv $name "$MACHINE/kept"
		mkfifo $name
		LIMIT=10 run devenv generate
		[ "$status" = 3 ]
		says "$name"
		rm $name
		[ ! -e "$MACHINE/kept" ] || mv "$MACHINE/kept" $name
	done
}

@test "B07: modes are exact under every umask" {
	for mask in 000 022 077 027; do
		rm -rf "$MACHINE/state" "$MACHINE/data" "$MACHINE/cache" "$MACHINE/projects/small"
		small_project
		chmod 644 devenv.yml
		chmod 755 . ..
		(umask $mask && ok devenv generate)
		(cd "$MACHINE" && find projects/small/.devenv state data -printf '%p %m\n' | sed "s/small-[0-9a-f]*/ID/" | grep -vE '^(state|data)(/devenv)? (755|750|700)$' | sort) \
			>"$MACHINE/modes-$mask"
		diff "$MACHINE/modes-000" "$MACHINE/modes-$mask"
	done
	cat "$MACHINE/modes-000"
	grep -qx 'projects/small/.devenv/generated/compose.yml 644' "$MACHINE/modes-000"
	grep -qx 'projects/small/.devenv/generated/secrets 700' "$MACHINE/modes-000"
	grep -qx 'projects/small/.devenv/generated/secrets/a/s 444' "$MACHINE/modes-000"
	grep -qx 'projects/small/.devenv/generated/env 700' "$MACHINE/modes-000"
	grep -qx 'state/devenv/ID/keyring.json 600' "$MACHINE/modes-000"
	grep -qx 'state/devenv/ID 700' "$MACHINE/modes-000"
	grep -qx 'data/devenv/ca/ca.key 600' "$MACHINE/modes-000"
	grep -qx 'data/devenv/ca 700' "$MACHINE/modes-000"
}

@test "B07: init writes what others cannot change, under every umask" {
	for mask in 000 022 077; do
		(umask $mask && ok devenv init shop "$MACHINE/projects/shop$mask")
		[ -z "$(find "$MACHINE/projects/shop$mask" -perm /022)" ]
		(cd "$MACHINE/projects/shop$mask" && ok devenv config -q)
	done
}

@test "B08: two up at once take turns, and both succeed" {
	small_project twice
	devenv up -d >"$MACHINE/one" 2>&1 &
	one=$!
	devenv up -d >"$MACHINE/two" 2>&1 &
	two=$!
	wait $one || fail "first: $(cat "$MACHINE/one")"
	wait $two || grep -q "another devenv is at work here (pid" "$MACHINE/two" || fail "second: $(cat "$MACHINE/two")"
	ok devenv up -d
	[ "$(containers | wc -l)" = 2 ]
	[ "$(state a) $(state b)" = "ready ready" ]
	devenv up -d >"$MACHINE/one" 2>&1 &
	one=$!
	run devenv down
	[ "$status" = 0 ] || [ "$status" = 6 ]
	wait $one || true
	ok devenv down
	[ -z "$(containers)" ]
}

@test "B08, B09: a busy workspace is told within seconds, with the pid, and readers do not wait" {
	small_project busy
	ok devenv generate
	lock=$(find "$MACHINE/state" -name lock)
	(
		flock 9
		echo $BASHPID >&9
		exec sleep 30
	) 9<>"$lock" &
	holder=$!
	eventually 5 grep -q . "$lock"
	begun=$SECONDS
	LIMIT=20 exits 6 devenv generate
	says "another devenv is at work here (pid" "help: "
	[ $((SECONDS - begun)) -le 7 ]
	for words in config status plan graph logs; do
		# shellcheck disable=SC2086
		LIMIT=4 ok devenv $words
	done
	# B09: the holder is killed with what it started: free at once, whatever pid the file names
	kill -KILL $holder
	wait $holder || true
	echo $$ >"$lock"
	LIMIT=3 ok devenv generate
}

@test "B08: fifty readers beside a writer see old or new, never a mixture" {
	small_project readers
	printf 'services: { a: { labels: { x: one, y: one } } }\n' >devenv.local.yml
	(
		for i in 1 2 3 4 5 6 7 8 9 10; do
			for word in two one; do
				printf 'services: { a: { labels: { x: %s, y: %s } } }\n' $word $word >new.yml
				mv new.yml devenv.local.yml
				devenv generate 2>/dev/null || echo "generate failed"
			done
		done
	) >"$MACHINE/writer" 2>&1 &
	for i in $(seq 50); do
		(devenv config services.a.labels | grep -oE 'one|two' | sort -u | wc -l >"$MACHINE/reader.$i") &
	done
	wait
	[ ! -s "$MACHINE/writer" ]
	[ "$(cat "$MACHINE"/reader.* | sort -u)" = 1 ]
	[ "$(find "$MACHINE" -name 'reader.*' | wc -l)" = 50 ]
}

@test "B10: worktrees and submodules are workspaces of their own; without git all works" {
	small_project nogit
	ok devenv generate
	names=$(workspace)
	enter repo </dev/null
	git init -q .
	cp ../nogit/devenv.yml .
	printf '.devenv\n' >.gitignore
	git add -A
	git -c user.name=x -c user.email=x@x commit -qm x
	git worktree add -q ../tree
	git init -q ../super
	git -C ../super -c protocol.file.allow=always submodule --quiet add "$PROJECT" sub
	for dir in . ../tree ../super/sub; do
		(cd "$dir" && ok devenv generate && ok devenv config -q)
		names="$names $(cd "$dir" && workspace)"
	done
	[ "$(tr ' ' '\n' <<<"$names" | sort -u | wc -l)" = 4 ]
	# A broken .git file, a repository of somebody else
	echo "gitdir: /nonexistent" >../tree/.git
	(cd ../tree && ok devenv generate)
	mkdir -p ../bare/.git
	cp devenv.yml ../bare
	(cd ../bare && ok devenv generate)
	# From a folder below, the same workspace
	mkdir -p deep/er
	[ "$(cd deep/er && workspace)" = "$(workspace)" ]
}

@test "B11: odd paths work up to the container; what cannot be mounted is refused" {
	# shellcheck disable=SC2016
	for name in 'with space' 'a:b,c' 'do$HOME$$llar' '-dash' "quo'te\"x" '#hash' 'ünïcode' 'a\b' '{{x}}' "$(printf 'l%.0s' {1..200})"; do
		MACHINE_DIR=$MACHINE/projects/$name
		mkdir -p -- "$MACHINE_DIR"
		cd -- "$MACHINE_DIR"
		printf 'name: odd\nservices: { a: { image: "debian:bookworm-slim", command: sleep 300, stop_signal: KILL, volumes: ["./src:/src"], secrets: [s] } }\nsecrets: { s: { generate: hex, length: 16 } }\n' >devenv.yml
		mkdir src
		echo "$name" >src/here
		ok devenv up -d
		id=$(docker ps -q --filter "label=devenv.workspace=$(workspace)")
		[ "$(docker exec "$id" cat /src/here)" = "$name" ] || fail "not mounted: $name"
		[ "$(docker exec "$id" cat /run/secrets/s)" = "$(devenv secrets get s)" ]
		ok devenv down
	done
	for name in $'new\nline' $'tab\tbed' $'bad\xff' $'esc\033[2J'; do
		mkdir -p "$MACHINE/projects/$name"
		cd "$MACHINE/projects/$name"
		printf 'name: odd\nservices: { a: { image: x } }\n' >devenv.yml
		for words in generate "up -d"; do
			# shellcheck disable=SC2086
			exits 3 devenv $words
			says "cannot be mounted" "help: move it"
		done
		ok devenv config -q
		[ ! -e .devenv ]
	done
}

@test "B12: names that would meet on disk or in the engine are refused, both named" {
	project meet <<-'END'
		name: meet
		services:
		  Api: { image: x }
		  api: { image: x }
	END
	exits 3 devenv config -q
	says "devenv.yml:3:" "Api"
	cat >devenv.yml <<-'END'
		name: meet
		services: { a: { image: x, container_name: same }, b: { image: x, container_name: same } }
	END
	run devenv config -q
	[ "$status" = 3 ]
	says "same"
}

@test "B13: a second run writes nothing and recreates nothing, from elsewhere, in another locale" {
	small_project idle
	ok devenv up -d
	before=$(picture)
	ids=$(containers)
	(
		cd /
		TZ=Asia/Tokyo LANG=tr_TR.UTF-8 LC_ALL=C ok strace -f -qq -o "$MACHINE/trace" \
			-e trace=openat,open,creat,rename,renameat,renameat2,mkdir,mkdirat,unlink,unlinkat,fchmod,ftruncate,execve \
			"$DEVENV" -C "$PROJECT" up -d
	)
	[ "$(grep -c execve "$MACHINE/trace")" = 1 ]
	run grep -E 'O_WRONLY|O_RDWR|O_CREAT|rename|mkdir|unlink|fchmod|ftruncate' "$MACHINE/trace"
	! grep -v '/lock"\|\.ports\.lock"\|ftruncate\|/dev/\|EEXIST' <<<"$output" | grep -q . || fail "it wrote"
	[ "$(containers)" = "$ids" ]
	LC_ALL=C ok devenv generate
	diff <(echo "$before" | grep -v ports.lock) <(picture | grep -v ports.lock)
}
