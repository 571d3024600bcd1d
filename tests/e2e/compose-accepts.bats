#!/usr/bin/env bats
# Promises about every golden case at once: what is generated is taken by Docker Compose itself, and
# what --json prints is JSON. New cases are covered the moment they are there.

load lib

GOLDEN=$BATS_TEST_DIRNAME/../golden

# lay_out CASE: its files in a folder of its own, which becomes the current one; its variables set.
lay_out() {
	enter "$1"
	[ ! -d "$GOLDEN/$1/in" ] || cp -r "$GOLDEN/$1/in/." .
	if [ -f "$GOLDEN/$1/env" ]; then
		while IFS= read -r line; do
			export "${line//@DIR@/$PWD}"
		done <"$GOLDEN/$1/env"
	fi
	[ ! -f "$GOLDEN/$1/prepare" ] || sh -eu "$GOLDEN/$1/prepare"
}

compose_takes() {
	docker compose -f .devenv/generated/compose.yml --project-directory "$PWD" --env-file /dev/null \
		--profile '*' config -q
}

setup() {
	new_machine "$BATS_TEST_TMPDIR"
}

@test "Docker Compose accepts what is generated from every case that is right" {
	local taken=0 refused=()
	for path in "$GOLDEN"/{config,merge,compose,generate,plan,graph,trust}/*/; do
		name=${path#"$GOLDEN"/}
		name=${name%/}
		[ -f "$path/in/devenv.yml" ] || continue
		answer=$(
			lay_out "$name" && export DOCKER_HOST=unix:///nonexistent
			devenv config -q 2>/dev/null || exit 0
			devenv --trust -q generate >/dev/null 2>&1 || exit 0
			if compose_takes 2>&1; then echo taken; fi
		)
		[ "$answer" != taken ] || taken=$((taken + 1))
		[ -z "$answer" ] || [ "$answer" = taken ] || refused+=("$name: $answer")
	done
	echo "taken: $taken"
	printf '%s\n' "${refused[@]}"
	[ ${#refused[@]} = 0 ]
	[ "$taken" -ge 80 ]
}

@test "config --json prints JSON for every case, right or wrong" {
	local seen=0 bad=()
	for path in "$GOLDEN"/*/*/; do
		name=${path#"$GOLDEN"/}
		name=${name%/}
		[ -f "$path/in/devenv.yml" ] || continue
		(
			lay_out "$name"
			devenv --json config >json 2>/dev/null
			jq -e 'type == "object" or (type == "array" and all(.[]; .severity and .message))' json
		) >/dev/null 2>&1 || bad+=("$name")
		seen=$((seen + 1))
	done
	printf '%s\n' "${bad[@]}"
	[ ${#bad[@]} = 0 ]
	[ "$seen" -ge 150 ]
}

@test "the schema is JSON and names every section" {
	devenv config schema >"$MACHINE/schema.json"
	jq -e '."$defs"."devenv.yml".properties | has("services") and has("images") and has("secrets")' \
		"$MACHINE/schema.json"
}
