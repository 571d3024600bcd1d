#!/bin/bash
# From a bare machine to the running example: what is missing is installed, devenv is built, the shop
# is made from its scaffold in DEMO_DIR (build/demo/shop) and brought up, and its URLs are asked.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
setup=tests/setup
dir=${DEMO_DIR:-build/demo/shop}
begun=${DEMO_BEGUN:-$(date +%s)}

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
	[ "$status" = 0 ] || stop "$status" "the engine: the reason and what to do are above"
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
	code=$(curl -sS -o build/demo/answer -w '%{http_code}' -m 20 --noproxy '*' --cacert "$ca" \
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

mkdir -p build/demo
stage "What building and the demo need"
"$setup/tools.sh" build demo || stop $? "the tools"
stage "Building devenv"
"${MAKE:-make}" --no-print-directory -s -j"${JOBS:-2}" all || stop 1 "the build"
build/devenv --version
stage "Docker Engine"
engine
stage "Compose v2"
"$setup/compose.sh" || stop $? "Compose"
docker version --format 'engine {{.Server.Version}}' && docker compose version
stage "Base image debian:bookworm-slim"
"$setup/debian-image.sh" || stop $? "the base image"
stage "The example: devenv init shop $dir"
[ -e "$dir/devenv.yml" ] || build/devenv init shop "$dir" || stop 1 "devenv init"
stage "devenv up -d"
build/devenv -C "$dir" up -d | tee build/demo/up.txt || stop 1 "devenv up"
stage "Asking its URLs"
ca=$(authority)
[ -n "$ca" ] || stop 1 "the certificates: no local authority was made"
ask_all || stop 1 "a URL that does not answer"
stage "Done"
echo "look around:  build/devenv -C $dir status | logs -f | shell"
echo "take it down: build/devenv -C $dir down -v"
