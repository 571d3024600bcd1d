#!/usr/bin/env bats
# What one machine has installed and built, carried to another in one file: everything that was
# there comes back, only what is lacking is taken, and a file that is not whole changes nothing.

# shellcheck disable=SC2030,SC2031 # each test is a subshell
load lib

setup() {
	new_machine "$BATS_TEST_TMPDIR"
	FILE=$MACHINE/cache.devenv
	ENGINE=$(docker version -f '{{.Server.Os}}/{{.Server.Arch}}')
	export ENGINE
}

teardown() {
	clean_machine
	drop
}

# Of this test alone: its service and its rung are called so.
drop() {
	docker volume ls -q | grep -E '^devenv-(deps|cache)-carried' | xargs -r docker volume rm -f >/dev/null 2>&1 || true
	docker images --format '{{.Repository}}:{{.Tag}}' | grep '^devenv/carried-' | xargs -r docker rmi -f >/dev/null 2>&1 || true
}

shop() {
	project carried <<-'END'
		name: carried
		images: { carried-rung: { from: debian:bookworm-slim, run: [echo rung >/rung] } }
		caches: { carried: { target: /var/cache/carried } }
		services:
		  carried:
		    image: carried-rung
		    command: sleep infinity
		    working_dir: /srv/app
		    develop:
		      source: app
		      dependencies:
		        lock: [app/lock]
		        install: echo fetched >/var/cache/carried/fetched; mkdir -p lib/sub; cp lock lib/sub/one; ln -s one lib/sub/link; chmod 750 lib/sub
		        into: lib
	END
	mkdir -p app
	echo one >app/lock
}

volumes() {
	docker volume ls -q | grep -E '^devenv-(deps|cache)-carried' | sort
}

@test "what was built and installed is carried along, and only what is lacking is restored" {
	shop
	LIMIT=200 ok devenv up -d
	ok devenv exec carried -- sh -c 'ls -lR lib /var/cache/carried | grep -v ^total; cat lib/sub/one'
	before=$output
	ok devenv down
	had=$(volumes)
	[ "$(wc -l <<<"$had")" = 2 ]
	ok devenv cache save "$FILE"
	says "2 volumes" "1 image" "MiB"
	[ "$(tar tf "$FILE" | head -1)" = manifest.json ]
	ok devenv cache save "$MACHINE/again" --json
	[ "$(jq -c '[.file, .machine, .images, .volumes, .bytes > 1000]' <<<"$output")" = "[\"$MACHINE/again\",\"$ENGINE\",1,2,true]" ]
	ok devenv cache restore "$FILE"
	says "0 images and 0 volumes restored, 3 there already"
	# Another machine: neither image nor volumes.
	drop
	[ -z "$(volumes)" ]
	ENGINE=plan9/mips bundle other x cache devenv-cache-carried-x x
	exits 1 devenv cache restore "$MACHINE/other"
	says "the archive is for plan9/mips, the engine is $ENGINE"
	ok devenv cache restore "$FILE" --json
	[ "$(jq -c '[.images, .volumes, .there]' <<<"$output")" = "[1,2,0]" ]
	[ "$(volumes)" = "$had" ]
	LIMIT=200 ok devenv up -d
	says_not "build carried-rung"
	ok devenv exec carried -- sh -c 'ls -lR lib /var/cache/carried | grep -v ^total; cat lib/sub/one'
	[ "$output" = "$before" ]
	[ -z "$(find "$MACHINE" -name 'carry-*' -o -name '.*.devenv')" ]
}

# bundle NAME FILE KIND VOLUME DATA: a file like those of `cache save`, of one part.
bundle() {
	python3 - "$MACHINE/$1" "${@:2}" <<-'END'
		import hashlib, io, json, os, sys, tarfile
		path, file, kind, volume, what = sys.argv[1:]
		data = what.encode()
		if kind == "images":
		    inner = io.BytesIO()
		    with tarfile.open(fileobj=inner, mode="w") as tar:
		        text = json.dumps([{"RepoTags": [what]}]).encode()
		        info = tarfile.TarInfo("manifest.json")
		        info.size = len(text)
		        tar.addfile(info, io.BytesIO(text))
		    data = inner.getvalue()
		part = {"kind": kind, "file": file, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(),
		        "volume": volume, "entries": 1, "unpacked": 1, "images": ["devenv/x:1"]}
		text = json.dumps({"format": 1, "project": "x", "machine": os.environ["ENGINE"], "parts": [part]}).encode()
		with open(path, "wb") as out:
		    for name, content in (("manifest.json", text), (file, data)):
		        info = tarfile.TarInfo(name)
		        info.size = len(content)
		        out.write(info.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % 512))
		    out.write(bytes(1024))
	END
}

@test "a file that is truncated, altered, of another kind or longer than it was restores nothing" {
	shop
	bundle whole x cache devenv-cache-carried-x "$(seq 2000)"
	FILE=$MACHINE/whole bad=$MACHINE/bad
	exits 1 devenv cache restore "$FILE" # whole, but its part is no archive
	says_not "cannot be used"
	size=$(stat -c %s "$FILE")
	for cut in 0 100 512 700 $((size / 2)) $((size - 1024)) $((size - 1)); do
		head -c "$cut" "$FILE" >"$bad"
		exits 1 devenv cache restore "$bad"
		says "cannot be used" "nothing was restored"
	done
	for at in 10 600 1100 $((size / 2)) $((size - 3000)); do
		cp "$FILE" "$bad"
		python3 -c 'import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2])); byte = f.read(1)[0]; f.seek(-1, 1); f.write(bytes([byte ^ 1]))' "$bad" "$at"
		exits 1 devenv cache restore "$bad"
		says "cannot be used"
	done
	{ cat "$FILE"; echo more; } >"$bad"
	exits 1 devenv cache restore "$bad"
	says "behind its end"
	(cd "$MACHINE" && echo x >evil && tar cf bad evil)
	exits 1 devenv cache restore "$bad"
	says "does not begin with a manifest"
	exits 1 devenv cache restore "$MACHINE/absent"
	exits 2 devenv cache restore "$MACHINE"
	exits 2 devenv cache load "$FILE"
	[ -z "$(volumes)" ]
}

# Files that are whole, but made by somebody who means no good.
@test "an archive fills no other volume, moves no other image and leaves its directory by no name" {
	shop
	bundle up ../up cache devenv-cache-carried-x x
	bundle slash a/b cache devenv-cache-carried-x x
	bundle data x cache shop_data x
	bundle flag x cache devenv-cache-x/../y x
	bundle image x images "" debian:bookworm-slim
	before=$(docker image inspect -f '{{.Id}}' debian:bookworm-slim)
	for name in up slash data flag image; do
		exits 1 devenv cache restore "$MACHINE/$name"
	done
	says "it would change the image debian:bookworm-slim"
	[ -z "$(volumes)" ]
	[ "$(docker image inspect -f '{{.Id}}' debian:bookworm-slim)" = "$before" ]
	[ ! -e "$XDG_CACHE_HOME/devenv/up" ]
}
