#!/bin/bash
# From a bare machine to the running example: what is missing is installed, devenv is built, the shop
# is made from its scaffold in DEMO_DIR (build/demo/shop) and brought up, and its URLs are asked. Where
# no container can run it is hello (build/demo/hello), on this machine itself.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
setup=tests/setup
dir=${DEMO_DIR:-}
begun=${DEMO_BEGUN:-$(date +%s)}
ca=''

stage() {
	printf '\n== %s (%d s)\n' "$*" $(($(date +%s) - begun))
}

stop() {
	local status=$1
	shift
	printf 'demo: stopped at %s\n' "$*" >&2
	exit "$status"
}

engine() {
	"$setup/engine.sh"
	local status=$?
	if [ "$status" = 4 ] && [ -z "${DEMO_JOINED:-}" ]; then
		export DEMO_JOINED=1 DEMO_BEGUN=$begun DEMO_DIR=$dir
		exec sg docker -c "$setup/demo.sh"
	fi
	return "$status"
}

# All that containers need; status 3 and the reason where this machine cannot have it.
containers() {
	stage "Docker Engine"
	engine || return
	stage "Compose v2"
	"$setup/compose.sh" || return
	docker version --format 'engine {{.Server.Version}}' && docker compose version || return
	stage "Base image debian:bookworm-slim"
	"$setup/debian-image.sh"
}

# The local authority that signed the certificates of the example.
authority() {
	local data=${XDG_DATA_HOME:-$HOME/.local/share}
	find "$data/devenv/ca" -maxdepth 1 -name '*.crt' -o -maxdepth 1 -name '*.pem' ! -name '*key*' |
		sort | head -n 1
}

# Asks one URL; *.localhost is this machine even where no resolver knows it.
ask() {
	local host port code
	host=${1#*://} host=${host%%/*} port=${host##*:} host=${host%%:*}
	[ "$port" = "$host" ] && case $1 in https:*) port=443 ;; *) port=80 ;; esac
	rm -f build/demo/answer
	code=$(curl -sS -o build/demo/answer -w '%{http_code}' -m 20 --noproxy '*' ${ca:+--cacert "$ca"} \
		--resolve "$host:$port:127.0.0.1" "$1")
	printf '%s  %s  %s\n' "$code" "$1" "$(head -c 90 build/demo/answer 2>/dev/null | tr -d '\000-\037')"
	case $code in [234]??) ;; *) return 1 ;; esac # the service itself answered, if only that it knows no such page
}

ask_all() {
	local url failed=0
	while read -r url; do
		ask "$url" || failed=1
		case $url in https://shop.localhost:*[0-9]/) ask "${url}api/orders" || failed=1 ;; esac
	done < <(grep -oE 'https?://[^ ]+' build/demo/up.txt | sort -u)
	return $failed
}

# scaffold NAME: the project, where an earlier demo did not make it; then dir is where it is.
scaffold() {
	dir=${dir:-build/demo/$1}
	stage "The example: devenv init $1 $dir"
	[ -e "$dir/devenv.yml" ] || build/devenv init "$1" "$dir" || stop 1 "devenv init"
}

shop() {
	scaffold shop
	stage "devenv up -d"
	build/devenv -C "$dir" up -d | tee build/demo/up.txt || stop 1 "devenv up"
	stage "Asking its URLs"
	ca=$(authority)
	[ -n "$ca" ] || stop 1 "the certificates: no local authority was made"
	ask_all || stop 1 "a URL that does not answer"
	stage "Done"
	echo "look around:  build/devenv -C $dir status | logs -f | shell"
	echo "take it down: build/devenv -C $dir down -v"
}

# The number of the build that answers, or nothing.
hello_build() {
	curl -sS -m 5 --noproxy '*' "${url%/}/build" 2>/dev/null |
		sed -n 's/.*"number": *\([0-9]*\).*/\1/p'
}

# Saves a change and waits until another build answers.
edit() {
	local page=$dir/web/page.c before now='' tries=300
	before=$(hello_build)
	sed 's/Hello from C/Hello again from C/' "$page" >"$page.new" && mv "$page.new" "$page"
	while [ "$tries" -gt 0 ]; do
		now=$(hello_build)
		[ -n "$now" ] && [ "$now" != "$before" ] && break
		tries=$((tries - 1))
		sleep 0.1
	done
	[ "$tries" -gt 0 ] || stop 1 "an edit of $page that is not served after half a minute"
	printf 'build %s answers, where build %s did\n' "$now" "$before"
}

# What runs without containers: the smallest example, as processes of this machine.
hello() {
	printf 'The reason is above. So here is hello, a web service in C, as a process of this machine.\n'
	scaffold hello
	stage "devenv --trust up -d --host (a host process needs consent; this is our own example)"
	build/devenv -C "$dir" --trust up -d --host | tee build/demo/up.txt || stop 1 "devenv up --host"
	stage "Asking its URL"
	url=$(grep -oE -m 1 'https?://[^ ]+' build/demo/up.txt) || stop 1 "the URL: devenv printed none"
	ask "$url" || stop 1 "a URL that does not answer"
	stage "An edit of web/page.c"
	edit
	stage "Done, without containers"
	echo "look around:  build/devenv -C $dir status | logs -f | watch"
	echo "take it down: build/devenv -C $dir down"
	cat <<-'END'
		Where a Docker Engine runs, the shop would add: a front end in Node, an API and a worker in Python,
		PostgreSQL, Redis, a mail catcher and nginx with TLS in containers; images built from Debian packages;
		secrets, certificates and routes; the same develop loop inside the containers.
	END
}

mkdir -p build/demo
stage "What building and the demo need"
"$setup/tools.sh" build demo || stop $? "the tools"
stage "Building devenv"
"${MAKE:-make}" --no-print-directory -s -j"${JOBS:-2}" all || stop 1 "the build"
build/devenv --version
containers
case $? in
0) shop ;;
3) hello ;;
*) stop 1 "what containers need: the reason and what to do are above" ;;
esac
