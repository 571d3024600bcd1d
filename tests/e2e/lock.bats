#!/usr/bin/env bats
# devenv.lock by a mirror of our own with one small package: what is locked is what is built, also
# when the mirror has something newer, and what it dropped is named.

load lib

setup() {
	new_machine "$BATS_TEST_TMPDIR"
	unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
	mirror
}

teardown() {
	[ -z "${SERVER:-}" ] || kill "$SERVER" 2>/dev/null || true
	[ -z "${PROJECT:-}" ] || (cd "$PROJECT" && devenv down -v -y) >/dev/null 2>&1 || true
	clean_machine
	docker images --format '{{.Repository}}:{{.Tag}}' | grep -E '^devenv/e2e-lock-' |
		xargs -r docker rmi -f >/dev/null 2>&1 || true
}

# A folder of packages behind HTTP, at the address that build containers know this machine by.
mirror() {
	local gateway
	MIRROR=$BATS_TEST_TMPDIR/mirror
	mkdir -p "$MIRROR"
	gateway=$(docker network inspect bridge --format '{{(index .IPAM.Config 0).Gateway}}')
	python3 - "$gateway" "$MIRROR" 3>&- >/dev/null 2>&1 <<-'END' &
		import functools, http.server, os, sys
		files = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[2])
		server = http.server.ThreadingHTTPServer((sys.argv[1], 0), files)
		with open(sys.argv[2] + ".port", "w") as f:
		    f.write(str(server.server_address[1]))
		server.serve_forever()
	END
	SERVER=$!
	eventually 20 test -s "$MIRROR.port"
	MIRROR_URL=http://$gateway:$(cat "$MIRROR.port")
}

# publish PACKAGE VERSION [DEPENDS]: in the place of any other version of it.
publish() {
	local top=$BATS_TEST_TMPDIR/package file
	rm -rf "$top" "$MIRROR/$1"_*
	mkdir -p "$top/DEBIAN"
	cat >"$top/DEBIAN/control" <<-END
		Package: $1
		Version: $2
		Architecture: all
		Maintainer: nobody <nobody@shop.test>
		Description: for a test
	END
	[ -z "${3:-}" ] || echo "Depends: $3" >>"$top/DEBIAN/control"
	dpkg-deb --build "$top" "$MIRROR/$1_$2_all.deb" >/dev/null
	: >"$MIRROR/Packages"
	for file in "$MIRROR"/*.deb; do
		{
			dpkg-deb -f "$file"
			echo "Filename: ./$(basename "$file")"
			echo "Size: $(stat -c %s "$file")"
			echo "SHA256: $(sha256sum "$file" | cut -d' ' -f1)"
			echo
		} >>"$MIRROR/Packages"
	done
}

# The rungs carry the mirror's address, which is new with each run.
shop() {
	project shop <<-END
		name: shop
		images:
		  e2e-lock-ground:
		    from: debian:bookworm-slim
		    run:
		      - "rm -rf /etc/apt/sources.list.d/*; echo 'deb [trusted=yes] $MIRROR_URL ./' >/etc/apt/sources.list"
		  e2e-lock-tool: { from: e2e-lock-ground, packages: [greeter] }
		services:
		  api: { image: e2e-lock-tool, command: sleep infinity, init: true }
	END
}

@test "what is locked is built again as it was, and what the mirror dropped is named" {
	publish libgreet 1.0
	publish greeter 1.0 "libgreet (>= 1.0)"
	shop
	ok devenv lock
	says "e2e-lock-tool" "2 packages" "has no digest"
	grep -qx '      libgreet: "\?1.0"\?' devenv.lock
	cp devenv.lock first.lock
	ok devenv lock
	says "up to date"
	cmp devenv.lock first.lock

	ok devenv plan
	says "build e2e-lock-tool"
	ok devenv up -d --frozen
	ok devenv lock --check
	ok docker exec "$(container api)" apt-mark showauto
	says libgreet
	says_not greeter

	# Somebody asks for more: nothing is built by a lock that does not say it.
	sed -i 's/packages: \[greeter\]/packages: [greeter, other]/' devenv.yml
	exits 3 devenv up -d --frozen
	says "devenv.yml:7:3: error: image e2e-lock-tool has changed since devenv.lock was written"
	exits 1 devenv lock --check
	says e2e-lock-tool stale
	sed -i 's/, other\]/]/' devenv.yml
	ok devenv plan --frozen
	says "Nothing to do"

	# A security update: the locked version is gone. It was built here before, so it must go, too.
	ok devenv down
	docker images --format '{{.Repository}}:{{.Tag}}' devenv/e2e-lock-tool | xargs docker rmi -f
	publish libgreet 1.1
	publish unrelated 5
	exits 1 devenv build --frozen --no-cache e2e-lock-tool
	says "libgreet is locked at 1.0, the mirror has 1.1" "devenv lock --update e2e-lock-tool"
	ok devenv up -d
	says "libgreet is locked at 1.0, the mirror has 1.1"
	[ "$(docker exec "$(container api)" dpkg-query -W -f '${Version}' libgreet)" = 1.1 ]
	exits 1 devenv lock --check
	says libgreet 1.0 1.1

	ok devenv lock --update e2e-lock-tool
	says libgreet 1.0 1.1
	says_not "greeter  1.0"
	diff first.lock devenv.lock | grep -q '^> *libgreet: "\?1.1"\?$'
	[ "$(diff first.lock devenv.lock | grep -c '^[<>]')" = 2 ]
	ok devenv up -d --frozen
	ok devenv lock --check
}

@test "a project without devenv.lock is built as before, and refused by --frozen" {
	project plain <<-'END'
		name: plain
		images: { e2e-lock-plain: { from: debian:bookworm-slim, run: [echo hi] } }
		services: { api: { image: e2e-lock-plain, command: sleep infinity } }
	END
	exits 3 devenv build --frozen
	says "there is no devenv.lock" "devenv lock"
	exits 1 devenv lock --check
	exits 2 devenv lock e2e-lock-plain
	exits 2 devenv lock --update e2e-lock-plane
	says "did you mean e2e-lock-plain?"
	[ ! -e devenv.lock ]
	ok devenv ci --trust build
	printf 'version: 1\n' >devenv.lock
	exits 3 devenv ci --trust build
	says "First cause: build"
	says "image e2e-lock-plain is not in devenv.lock"
	ok devenv ci --trust --no-frozen build
	printf 'version: 1\nrungs:\n<<<<<<< HEAD\n' >devenv.lock
	exits 3 devenv plan
	says "devenv.lock:3:1: error: a conflict of a merge"
}
