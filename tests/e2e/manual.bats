#!/usr/bin/env bats
# Every example of devenv.yml(5) is accepted: the one with a name is a project, each of the others is
# laid over it. No engine is asked.

load lib

setup() {
	new_machine "$BATS_TEST_TMPDIR"
	export DOCKER_HOST=unix:///nonexistent MAIL_KEY=key
	enter notes
	mkdir -p web legacy docs
	touch legacy/Dockerfile licence.txt
}

# The literal blocks of the manual, one in a file: devenv.yml, then 2.yml, 3.yml ...
examples() {
	awk '/^\.Bd -literal/ { n++; out = n == 1 ? "devenv.yml" : n ".yml"; next }
	     /^\.Ed/ { out = ""; next }
	     out { gsub(/\\e/, "\\"); gsub(/\\-/, "-"); print >out }' "$REPOSITORY/man/devenv.yml.5"
}

@test "the examples of devenv.yml(5) are valid configuration" {
	examples
	local file
	ok devenv config -q
	[ -z "$output" ] || fail "devenv.yml: a warning"
	for file in [0-9]*.yml; do
		run devenv -f devenv.yml -f "$file" config -q
		[ "$status" = 0 ] && [ -z "$output" ] || fail "$(cat "$file")"
	done
	[ "$(ls [0-9]*.yml | wc -l)" -ge 12 ]
}

@test "each service template has its page" {
	local template
	for template in "$REPOSITORY"/templates/services/*/; do
		ok devenv help "$(basename "$template")"
		says "extends: { template: $(basename "$template") }" "port"
		says_not "images:"
	done
}
