#!/usr/bin/env bats
# Who is told how a `devenv ci` came out: a webhook and the Git hosts' commit status, against a
# server that takes them, or fails in every way. No run fails for a report, and no token is shown.

# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell; status, output come from `run`
load lib

setup_file() {
	new_machine "$BATS_FILE_TMPDIR"
	python3 "$BATS_TEST_DIRNAME/hooks.py" "$MACHINE/port" "$MACHINE/seen" &
	echo "$!" >"$MACHINE/server"
	eventually 30 test -s "$MACHINE/port"
	enter told
	git init -q . && git config user.email a@example.org && git config user.name a
	echo x >x && git add x && git commit -qm one
}

setup() {
	enter told
	: >"$MACHINE/seen"
	BASE=http://127.0.0.1:$(cat "$MACHINE/port")
	COMMIT=$(git rev-parse HEAD)
	export GITHUB_TOKEN=canary-github-token GITLAB_TOKEN=canary-gitlab-token SIGNING=canary-signing-key
}

teardown_file() {
	kill "$(cat "$MACHINE/server")" 2>/dev/null
	clean_machine
}

# configured: the report section from standard input; the whole is nothing but a job on the host.
configured() {
	cat >devenv.yml <<-END
		name: told
		services: {}
		secrets: { signing: { environment: SIGNING } }
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
	[ "$(wc -l <"$MACHINE/seen")" = 4 ]
	: >"$MACHINE/seen"
	configured "{ github: a/b, url: '$BASE/deny' }"
	ok devenv ci --trust
	says "warning: a report could not be sent: 127.0.0.1" "status 403"
	[ "$(wc -l <"$MACHINE/seen")" = 2 ]
}

@test "servers that fail, hang or talk nonsense are a warning, in bounded time" {
	local kind
	for kind in fail cut garbage; do
		configured "{ webhook: '$BASE/$kind/hidden' }"
		LIMIT=100 ok devenv ci --trust
		says "warning: a report could not be sent: 127.0.0.1" "Passed in"
		says_not hidden
	done
	configured "{ webhook: 'http://127.0.0.1:1/hidden' }"
	ok devenv ci --trust
	says "no connection"
	unset GITHUB_TOKEN
	configured "{ github: a/b, url: '$BASE/ok' }"
	ok devenv ci --trust
	says "there is no token in GITHUB_TOKEN"
}

@test "nothing is sent without consent" {
	configured "{ webhook: '$BASE/ok/other' }"
	exits 5 devenv ci
	[ ! -s "$MACHINE/seen" ]
}
