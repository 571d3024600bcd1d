#!/usr/bin/env bats
# What `devenv init ci` writes for a CI service: by the documented keys of each, and nothing but
# `devenv ci` checks anything. Needs no engine.

# shellcheck disable=SC2030,SC2031 # each test is a subshell
load lib

setup() {
	new_machine "$BATS_TEST_TMPDIR"
	enter scaffolds
}

@test "GitHub Actions: keys, cache by lock files, the report also after a failure, no secret shown" {
	ok devenv init ci github
	python3 - <<-'END'
		import re, yaml
		top = yaml.safe_load(open(".github/workflows/devenv.yml"))
		assert set(top) == {"name", True, "permissions", "jobs"}, top.keys() # YAML 1.1 reads "on" so
		assert top["permissions"] == {"contents": "read", "statuses": "write"}
		(job,) = top["jobs"].values()
		assert set(job) == {"runs-on", "timeout-minutes", "steps"}
		steps = job["steps"]
		for step in steps:
		    assert set(step) <= {"id", "if", "name", "uses", "run", "with", "env", "continue-on-error"}, step
		    assert ("uses" in step) != ("run" in step), step
		    assert re.fullmatch(r"actions/[a-z-]+@v\d+", step.get("uses", "actions/x@v1")), step
		uses = {step["uses"].split("@")[0]: step for step in steps if "uses" in step}
		cache, upload = uses["actions/cache"], uses["actions/upload-artifact"]
		for word in ("runner.os", "runner.arch", "hashFiles(", "devenv.lock"):
		    assert word in cache["with"]["key"], word
		assert cache["with"]["key"].startswith(cache["with"]["restore-keys"])
		assert upload["if"] == "always()" and upload is steps[-1]
		ci = [step for step in steps if "devenv ci" in step.get("run", "")]
		assert [step["run"] for step in ci] == [f"devenv ci --trust --report {upload['with']['path']}"]
		assert "continue-on-error" not in ci[0] and "if" not in ci[0]
		for step in steps:
		    assert "steps." not in step.get("if", "") or f"steps.{cache['id']}." in step["if"]
		    assert "continue-on-error" not in step or "devenv cache" in step["run"], step
		    assert "${{" not in step.get("run", ""), step # what others may choose is no shell text
		    assert not re.search(r"secrets\.|echo|TOKEN", step.get("run", "")), step
	END
}

@test "GitLab: keys, cache by lock files, the report also after a failure, no secret shown" {
	ok devenv init ci gitlab
	python3 - <<-'END'
		import re, yaml
		top = yaml.safe_load(open(".gitlab-ci.yml"))
		(job,) = top.values()
		assert set(job) == {"stage", "timeout", "cache", "before_script", "script", "artifacts"}
		assert job["stage"] == "test" # one of those that are there by themselves
		key = job["cache"]["key"]
		assert set(key) == {"files", "prefix"} and 1 <= len(key["files"]) <= 2 and "/" not in key["prefix"]
		assert "devenv.lock" in key["files"]
		report = job["artifacts"]["paths"][0]
		assert job["artifacts"]["when"] == "always"
		assert job["artifacts"]["reports"] == {"junit": report + "/junit.xml"}
		lines = job["before_script"] + job["script"]
		assert all(isinstance(line, str) for line in lines)
		assert job["script"][0] == f"devenv ci --trust --report {report}"
		assert [line for line in lines if "devenv ci" in line] == job["script"][:1]
		for line in lines:
		    assert "cache" not in line or line.endswith("|| true"), line
		    assert not re.search(r"echo|TOKEN|set -x", line), line
	END
}

@test "a machine without devenv builds it from the named source, or says what it lacks" {
	ok devenv init ci gitlab
	python3 -c 'import yaml; print(yaml.safe_load(open(".gitlab-ci.yml"))["devenv"]["before_script"][0])' >gitlab
	ok devenv init ci github
	python3 -c 'import yaml
for step in yaml.safe_load(open(".github/workflows/devenv.yml"))["jobs"]["ci"]["steps"]:
    if "install" in step.get("name", ""): print(step["run"])' >github
	mkdir bin
	printf '#!/bin/sh\necho "git $*" >>%s/said\n' "$PWD" >bin/git
	printf '#!/bin/sh\necho "make $*" >>%s/said\n' "$PWD" >bin/make
	printf '#!/bin/sh\necho "sudo $*" >>%s/said\n' "$PWD" >bin/sudo
	chmod +x bin/*
	ln -s /bin/rm bin/rm
	local which
	for which in github gitlab; do
		rm -f said
		run env -i PATH="$PWD/bin" RUNNER_TEMP=/t CI_PROJECT_DIR=/t/x /bin/bash -e "$which"
		[ "$status" != 0 ]
		says "is the address of the repository of devenv"
		[ ! -e said ]
		run env -i PATH="$PWD/bin" RUNNER_TEMP=/t CI_PROJECT_DIR=/t/x DEVENV_SOURCE=https://example.org/d.git \
			/bin/bash -e "$which"
		[ "$status" = 0 ]
		[ "$(cut -d' ' -f1,2 said | xargs)" = "git clone make -C make -C sudo make" ]
		grep -q -- '-- https://example.org/d.git' said
		grep -q ' setup$' said
	done
}

@test "what is there is written over only after a yes" {
	echo mine >.gitlab-ci.yml
	exits 5 devenv init ci gitlab
	[ "$(cat .gitlab-ci.yml)" = mine ]
	ok devenv init ci gitlab --dry-run
	says "devenv ci --trust"
	exits 2 devenv init ci jenkins
}
