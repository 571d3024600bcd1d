#!/usr/bin/env bats
# The main job, on the example: from `devenv init shop` to orders that end as rows, jobs and mails,
# asked by curl and by a real browser; a second `up` that changes nothing; and nothing left behind.
# The tests of this file follow one another on one workspace. Networks that come and go beside it make
# Chromium give up what it is loading (ERR_NETWORK_CHANGED), so it runs by itself:
# alone

# shellcheck disable=SC2016,SC2030,SC2031 # words for other shells; each test is a subshell
load lib

setup_file() {
	new_machine "$BATS_FILE_TMPDIR"
	devenv init shop "$MACHINE/projects/shop"
	enter shop
	trust_host_certificates
}

setup() {
	enter shop
}

teardown_file() {
	clean_machine
}

# api PATH [ARG...]: what the shop's API answers behind nginx, with TLS checked by curl.
api() {
	local path=$1
	shift
	curl -sS --fail-with-body -m 20 --noproxy '*' --cacert "$CA" "$(url edge https://shop)api/$path" "$@"
}

place() {
	api orders -H 'content-type: application/json' -d "{\"product\":\"$1\",\"quantity\":2,\"email\":\"$2\"}"
}

# An order's state as the API tells it.
order_is() {
	[ "$(api "orders/$1" | jq -r .state)" = "$2" ]
}

mailed_to() {
	curl -sS -m 10 --noproxy '*' --cacert "$CA" "$(url edge https://mail)api/messages?to=$1" |
		jq -e 'length > 0'
}

# browser URL: the page's final DOM, from a Chromium that knows no authority but devenv's.
browser() {
	local profile=$BATS_TEST_TMPDIR/profile nss=$HOME/.pki/nssdb
	rm -rf "$profile" "$nss"
	mkdir -p "$nss"
	certutil -d "sql:$nss" -N --empty-password
	[ "${2:-}" = untrusting ] || certutil -d "sql:$nss" -A -t C,, -n devenv -i "$CA"
	# Networks that other tests make and drop make a browser load again: so does this one.
	for _ in 1 2 3 4 5; do
		chromium_dom "$profile" "$1" >"$BATS_TEST_TMPDIR/dom"
		grep -q ERR_NETWORK_CHANGED "$BATS_TEST_TMPDIR/dom" || break
	done
	sed 's/src="data:[^"]*"//g' "$BATS_TEST_TMPDIR/dom"
}

chromium_dom() {
	timeout -s KILL 60 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
		--disable-background-networking --disable-component-update --disable-sync \
		--disable-dev-shm-usage --user-data-dir="$1" --virtual-time-budget=10000 \
		--dump-dom "$2" 2>"$BATS_TEST_TMPDIR/chromium.err"
}

@test "up -d brings every unit to ready and prints the URLs" {
	LIMIT=600 run --separate-stderr devenv up -d
	[ "$status" = 0 ] || fail
	for service in edge web api worker db queue mail; do
		[[ $(state "$service") =~ ^(ready|healthy)$ ]] || fail "$service is $(state "$service")"
	done
	[ "$(state migrate)" = "done" ]
	[[ $output =~ https://shop\.localhost:[0-9]+/ ]]
	[[ $output =~ https://mail\.localhost:[0-9]+/ ]]
}

@test "an order through nginx and TLS becomes a row, a job and a mail" {
	place "$(api products | jq -r '.[0].sku')" curl@example.org >"$BATS_TEST_TMPDIR/order"
	id=$(jq -r .id "$BATS_TEST_TMPDIR/order")
	ok devenv exec db -- psql -U shop -tAc "SELECT quantity FROM order_list WHERE id = $id" shop
	[ "$output" = 2 ]
	eventually 30 order_is "$id" confirmed
	eventually 30 mailed_to curl@example.org
}

@test "commands of the project take arguments and reach the database" {
	ok devenv psql -tAc "SELECT 'a b', count(*) > 0 FROM order_list"
	[ "$output" = "a b|t" ]
	ok devenv orders
	says curl@example.org || says product
}

@test "without the authority curl and Chromium refuse the site" {
	run curl -sS -m 10 --noproxy '*' "$(url edge https://shop)"
	[ "$status" = 60 ]
	run browser "$(url edge https://shop)" untrusting
	says_not "<h2>Catalogue</h2>"
}

@test "Chromium places an order on the page" {
	site=$(url edge https://shop)
	sku=$(api products | jq -r '.[1].sku')
	cat >"$BATS_TEST_TMPDIR/order.html" <<-END
		<form method="post" action="${site}orders">
		<input name="product" value="$sku"><input name="quantity" value="3">
		<input name="email" value="chromium@example.org"></form>
		<script>document.forms[0].submit()</script>
	END
	ok browser "file://$BATS_TEST_TMPDIR/order.html"
	says "Thank you: order" "chromium@example.org" "<h2>Catalogue</h2>"
	says_not "NET::ERR_CERT" "ssl-error"
	eventually 30 mailed_to chromium@example.org
	ok browser "$site"
	says 'class="state confirmed"'
	# Its id, as the mail has it, leads through everything that had a hand in it.
	id=$(devenv logs mail | sed -n 's/.*chromium@example.org.*request_id="\([^"]*\)".*/\1/p' | head -n 1)
	[ -n "$id" ]
	ok devenv --json logs --request "$id"
	jq -e -s '[.[] | select(.line | test("POST|queued|confirmed|caught")).service] | unique
		== ["api", "edge", "mail", "web", "worker"]' <<<"$output"
	jq -e -s '[.[].time_ns] == ([.[].time_ns] | sort)' <<<"$output"
}

@test "a second up changes nothing: two requests, no process, no file, no container" {
	containers >"$BATS_TEST_TMPDIR/before"
	find .devenv -printf '%p %T@ %i\n' | sort >"$BATS_TEST_TMPDIR/files"
	timeout -s KILL 60 strace -f -s 64 -e trace=execve,connect,sendto,sendmsg,write,writev -o "$BATS_TEST_TMPDIR/trace" "$DEVENV" up -d
	containers | diff "$BATS_TEST_TMPDIR/before" -
	find .devenv -printf '%p %T@ %i\n' | sort | diff "$BATS_TEST_TMPDIR/files" -
	cat "$BATS_TEST_TMPDIR/trace"
	# Its containers, and whether their base image is the one that they were built on.
	[ "$(grep -cE '"(GET|HEAD|POST|PUT|DELETE) /' "$BATS_TEST_TMPDIR/trace")" = 2 ]
	[ "$(grep -cE '"GET /v[0-9.]*/images/debian:bookworm-slim/json' "$BATS_TEST_TMPDIR/trace")" = 1 ]
	grep 'connect(' "$BATS_TEST_TMPDIR/trace" >"$BATS_TEST_TMPDIR/connects"
	run grep -v -e docker.sock -e agent.sock "$BATS_TEST_TMPDIR/connects"
	[ "$status" = 1 ]
	[ "$(grep -c agent.sock "$BATS_TEST_TMPDIR/connects")" = 1 ]
	[ "$(grep -cF '{\"do\"' "$BATS_TEST_TMPDIR/trace")" = 1 ]
	[ "$(grep -c 'execve(' "$BATS_TEST_TMPDIR/trace")" = 1 ] # its own
}

@test "no secret is in the compose file, in arguments or in output" {
	password=$(devenv secrets get db_password)
	[ ${#password} -ge 32 ]
	ok devenv config
	says_not "$password"
	ok grep -rlF "$password" .devenv/generated
	while read -r file; do
		[[ $file == .devenv/generated/secrets/* || $file == .devenv/generated/env/* ]]
	done <<<"$output"
	ok docker inspect "$(container api)" "$(container worker)" "$(container db)"
	says_not "$password"
	ok devenv logs
	says_not "$password"
}

@test "an order survives the death of the queue and the worker" {
	sku=$(api products | jq -r '.[0].sku')
	docker kill "$(container worker)" >/dev/null
	id=$(place "$sku" later@example.org | jq -r .id)
	order_is "$id" placed
	ok devenv up -d
	eventually 30 order_is "$id" confirmed
}

@test "a recreated API is found again by nginx" {
	before=$(container api)
	ok devenv recreate api
	[ "$(container api)" != "$before" ]
	api orders | jq -e 'length >= 3'
}

@test "a request can be followed through the logs by its id" {
	api orders -H 'X-Request-Id: follow-me-42' >/dev/null
	ok devenv logs --request follow-me-42
	says "edge    | " "request_id=follow-me-42" "api     | " "INFO  request"
	says_not worker
	ok devenv logs --request follow-me-4
	[ -z "$output" ] || fail
}

@test "down leaves the data volumes only" {
	id=$(workspace)
	ok devenv down
	run left "$id"
	[ "$output" = "$(printf '%s_db-data\n%s_queue-data' "$id" "$id")" ] || fail
	ok devenv logs -n 5 api
	[ -n "$output" ]
}

@test "up after down finds the orders again" {
	LIMIT=300 ok devenv up -d
	ok devenv psql -tAc "SELECT count(*) >= 3 FROM order_list"
	[ "$output" = t ]
}

@test "down -v without a terminal asks for -y, and with it leaves nothing" {
	id=$(workspace)
	exits 5 devenv down -v </dev/null
	[ "$(containers | wc -l)" = 8 ]
	ok devenv down -v -y
	run left "$id"
	[ -z "$output" ] || fail
}
