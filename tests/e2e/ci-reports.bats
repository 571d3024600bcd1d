#!/usr/bin/env bats
# Who is told how a `devenv ci` came out: a webhook and the Git hosts' commit status, against a
# server that takes them, or fails in every way. No run fails for a report, and no token is shown.

# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell; status, output come from `run`
load lib

setup_file() {
	new_machine "$BATS_FILE_TMPDIR"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=127.0.0.1 \
		-keyout "$MACHINE/key" -out "$MACHINE/certificate" 2>/dev/null
	hooks port
	hooks tls-port "$MACHINE/certificate" "$MACHINE/key"
	enter told
	git init -q . && git config user.email a@example.org && git config user.name a
	echo x >x && git add x && git commit -qm one
}

# hooks PORTFILE [CERTIFICATE KEY]: a server in the background.
hooks() {
	python3 "$BATS_TEST_DIRNAME/hooks.py" "$MACHINE/$1" "$MACHINE/seen" "${@:2}" &
	echo "$!" >>"$MACHINE/servers"
	eventually 30 test -s "$MACHINE/$1"
}

setup() {
	enter told
	: >"$MACHINE/seen"
	BASE=http://127.0.0.1:$(cat "$MACHINE/port")
	COMMIT=$(git rev-parse HEAD)
	export GITHUB_TOKEN=canary-github-token GITLAB_TOKEN=canary-gitlab-token SIGNING=canary-signing-key WORD=canary-word
}

teardown_file() {
	xargs kill <"$MACHINE/servers"
	clean_machine
}

# configured: the report section from standard input; the whole is nothing but a job on the host.
configured() {
	cat >devenv.yml <<-END
		name: told
		services: {}
		secrets: { signing: { environment: SIGNING }, word: { environment: WORD } }
		ci:
		  e2e: "${E2E:-exit 0}"
		  report: $1
	END
}

# field N JQ: of the N-th request from 1.
field() {
	sed -n "$1p" "$MACHINE/seen" | jq -r "$2"
}

@test "a webhook hears the start and the end, signed" {
	configured "{ webhook: '$BASE/ok/T0/hidden', sign: signing }"
	ok devenv ci --trust
	says_not canary hidden
	[ "$(field 1 '.body | fromjson.state')" = running ]
	[ "$(field 2 '.body | fromjson | "\(.state) \(.status) \(.commit)"')" = "passed 0 $COMMIT" ]
	local body want
	body=$(field 2 .body)
	want=$(printf %s "$body" | openssl dgst -sha256 -hmac "$SIGNING" | sed 's/.*= //')
	[ "$(field 2 '.headers["X-Devenv-Signature"]')" = "sha256=$want" ]
}

@test "GitHub and GitLab get a commit status; the failure's cause is its description" {
	E2E='exit 4' configured "{ github: a/b, url: '$BASE/ok', name: check }"
	exits 4 devenv ci --trust
	says_not canary
	[ "$(field 1 .path)" = "/ok/repos/a/b/statuses/$COMMIT" ]
	[ "$(field 1 '.headers.Authorization')" = "Bearer canary-github-token" ]
	[ "$(field 1 '.body | fromjson | "\(.state) \(.context)"')" = "pending check" ]
	[[ $(field 2 '.body | fromjson | "\(.state) \(.description)"') == "failure e2e of host failed after "* ]]
	: >"$MACHINE/seen"
	configured "{ gitlab: g/p, url: '$BASE/ok/api/v4/' }"
	ok devenv ci --trust
	[ "$(field 1 .path)" = "/ok/api/v4/projects/g%2Fp/statuses/$COMMIT" ]
	[ "$(field 1 '.headers["PRIVATE-TOKEN"]')" = canary-gitlab-token ]
	[ "$(field 2 '.body | fromjson | "\(.state) \(.name)"')" = "success devenv" ]
}

@test "what is not taken is sent again, what is refused is not" {
	configured "{ webhook: '$BASE/shaky/x' }"
	ok devenv ci --trust
	says_not warning
	[ "$(wc -l <"$MACHINE/seen")" = 5 ] # 500 thrice and 200, then 200
	: >"$MACHINE/seen"
	configured "{ github: a/b, url: '$BASE/deny' }"
	ok devenv ci --trust
	says "warning: a report could not be sent: 127.0.0.1" "status 403"
	[ "$(wc -l <"$MACHINE/seen")" = 2 ]
}

@test "servers that fail, hang or talk nonsense are a warning, in bounded time" {
	local kind runs=()
	for kind in fail cut garbage hang drip; do # each has 3 s and 15 s
		enter "told-$kind"
		configured "{ webhook: '$BASE/$kind/hidden' }"
		LIMIT=60 devenv ci --trust >said 2>&1 &
		runs+=("$!")
	done
	for kind in "${runs[@]}"; do
		wait "$kind"
	done
	[ "$(cat ../told-*/said | grep -c 'warning: a report could not be sent: 127.0.0.1')" = 10 ]
	[ "$(cat ../told-*/said | grep -c '^Passed in')" = 5 ]
	[ "$(cat ../told-*/said | grep -c hidden)" = 0 ]
	grep -q "answers with status 500" ../told-fail/said
	grep -q "no answer in time" ../told-hang/said
	grep -q "no HTTP answer" ../told-garbage/said
}

@test "what nobody may send to, and what is answered without end, costs no time" {
	configured "{ webhook: '$BASE/flood/hidden' }"
	ok devenv ci --trust
	says_not warning
	configured "{ webhook: 'https://127.0.0.1:$(cat "$MACHINE/tls-port")/ok/hidden' }"
	: >"$MACHINE/seen"
	ok devenv ci --trust
	says "warning: a report could not be sent: 127.0.0.1" "its certificate is not trusted here"
	[ ! -s "$MACHINE/seen" ]
	configured "{ webhook: 'http://127.0.0.1:1/hidden' }"
	ok devenv ci --trust
	says "no connection"
	unset GITHUB_TOKEN
	configured "{ github: a/b, url: '$BASE/ok' }"
	ok devenv ci --trust
	says "there is no token in GITHUB_TOKEN"
}

# Lines that no terminal, no XML and no UTF-8 can hold; the last one ends CDATA, and all tags.
hostile() {
	printf '\0\1\b\v\f\033[31mred\033[0m \033]0;title\a \r\xff\xfe\xc0\x80 \xed\xa0\x80 \xf4\x90\x80\x80\n'
	printf '\xef\xbf\xbe \xef\xbf\xbf \xe2\x80\xae \xc2\x85 cut \xe2\x82\n'
	printf ']]></failure></testcase> <!-- & %%x; &bad; &#0; <?xml "\n'
}

@test "whatever tools write, and whatever a secret is, JUnit and the webhook's JSON are well-formed" {
	hostile >bytes
	export SIGNING=name WORD=state
	E2E='cat bytes; exit 3' configured "{ webhook: '$BASE/ok', sign: signing }"
	exits 3 devenv ci --trust --report report
	run python3 "$BATS_TEST_DIRNAME/junit.py" report/junit.xml e2e host
	[ "$output" = failure ]
	grep -qF 'red \x1b]0;title\x07 \x0d\xff' report/junit.xml
	grep -qF '\ufffe \uffff \u202e \x85 cut \xe2\x82' report/junit.xml
	grep -qF ']]&gt;&lt;/failure&gt;&lt;/testcase&gt; &lt;!-- &amp; %x; &amp;bad; &amp;#0; &lt;?xml' report/junit.xml
	[ "$(field 2 '.body | fromjson | "\(.state) \(.cause.unit)"')" = "failed host" ]
}

@test "nothing is sent without consent" {
	configured "{ webhook: '$BASE/ok/other' }"
	exits 5 devenv ci
	[ ! -s "$MACHINE/seen" ]
}
