#!/usr/bin/env bats
# What the manuals and the README say is true: every example of devenv.yml(5) is accepted (the first is
# a project, each of the others is laid over it), every command that is named exists, and completion
# knows them. No engine is asked.

# shellcheck disable=SC2016 # words in backquotes are the documents'
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
	local file count=0
	ok devenv config -q
	[ -z "$output" ] || fail "devenv.yml: a warning"
	for file in [0-9]*.yml; do
		count=$((count + 1))
		run devenv -f devenv.yml -f "$file" config -q
		[ "$status" = 0 ] && [ -z "$output" ] || fail "$(cat "$file")"
	done
	[ "$count" -ge 12 ]
}

@test "each service template has its page" {
	local template
	for template in "$REPOSITORY"/templates/services/*/; do
		ok devenv help "$(basename "$template")"
		says "extends: { template: $(basename "$template") }" "port"
		says_not "images:"
	done
}

# complete WORD...: what bash offers for the last of them.
complete_words() {
	bash -c 'PATH=$1:$PATH; shift; . <(devenv completion bash)
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_devenv; printf "%s\n" "${COMPREPLY[@]}"' bash "$MACHINE/bin" "$@"
}

@test "bash completes commands, options, services, verbs and the project's commands" {
	examples
	printf 'commands: { recent: { run: date } }\n' >>devenv.yml
	mkdir -p "$MACHINE/bin"
	ln -s "$DEVENV" "$MACHINE/bin/devenv"
	[ "$(complete_words devenv rest | tr '\n' ' ')" = "restart restore " ]
	[ "$(complete_words devenv rec | tr '\n' ' ')" = "recreate recent " ]
	[ "$(complete_words devenv logs -f '' | tr '\n' ' ')" = "db web " ]
	[ "$(complete_words devenv up --strict)" = "--strict-ports" ]
	[ "$(complete_words devenv secrets ro)" = rotate ]
	[ "$(complete_words devenv graph --format mer)" = mermaid ]
}

@test "the configuration of the README is valid" {
	sed -n '/^```yaml/,/^```/{/^```/!p}' "$REPOSITORY/README.md" >devenv.yml
	[ "$(wc -l <devenv.yml)" -ge 20 ]
	ok devenv config -q
	[ -z "$output" ] || fail "a warning"
}

@test "every command and option that a text names exists" {
	cd "$REPOSITORY"
	ok python3 tests/e2e/readme.py commands "$DEVENV" README.md man/*.[15] templates/projects/*/README.md
	[ "${output%% *}" -ge 100 ] || fail "too few were found"
	printf '`devenv up --no-such` and `devenv frobnicate`\n' >"$BATS_TEST_TMPDIR/bad.md"
	exits 1 python3 tests/e2e/readme.py commands "$DEVENV" "$BATS_TEST_TMPDIR/bad.md"
	says "up has no option --no-such" "there is no command frobnicate"
}
