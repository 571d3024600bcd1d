#!/usr/bin/env python3
"""Merging, held against Docker Compose.

    merge.py          asks `docker compose` about every pair in merge/ and compares with what is recorded
    merge.py --record writes the answers down (want.json); review the difference

Each folder of merge/ has base.yaml and over.yaml. want.json is what `docker compose config` makes of
them, its services in canonical form without defaults. Where devenv differs on purpose there is
ours.json too, and a file `why`. tests/unit/config_oracle.c compares devenv's own answer with these
files and needs no Docker.
"""
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, "merge")
FLAGS = ["--format", "json", "--no-normalize", "--no-path-resolution", "--no-consistency"]
# Values that Compose writes although nobody said them.
DEFAULTS = {("required", True), ("condition", "service_started"), ("mode", "ingress"), ("protocol", "tcp"),
            ("tty", False), ("privileged", False), ("create_host_path", False), ("working_dir", "")}


def ask(folder):
    """The answer of docker compose, or why there is none."""
    command = ["docker", "compose", "-p", "oracle", "--profile", "*"]
    for name in ("base.yaml", "over.yaml"):
        command += ["-f", name]
    env = {key: value for key, value in os.environ.items() if not key.startswith(("COMPOSE_", "NO_SUCH_"))}
    done = subprocess.run(command + ["config"] + FLAGS, cwd=folder, capture_output=True, text=True, env=env)
    if done.returncode:
        return None, done.stderr.strip().splitlines()[-1]
    return json.loads(done.stdout)["services"], None


def is_default(key, value):
    return value is None or value == {} or (not isinstance(value, (dict, list)) and (key, value) in DEFAULTS)


def plain(value):
    """Scalars as text (dollar signs single again), defaults and what is empty left out."""
    if isinstance(value, dict):
        pairs = {key: plain(item) for key, item in value.items() if not is_default(key, item)}
        return {key: item for key, item in pairs.items() if item != {}}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value).replace("$$", "$")


def canonical(service):
    """Compose's few remaining short forms as ours."""
    hosts = {}
    for line in service.pop("extra_hosts", None) or []:
        host, address = line.split("=", 1)
        hosts.setdefault(host, []).append(address)
    if hosts:
        service["extra_hosts"] = hosts
    for name, limit in (service.get("ulimits") or {}).items():
        if not isinstance(limit, dict):
            service["ulimits"][name] = {"soft": limit, "hard": limit}
    for secret in service.get("secrets") or []:
        if secret.get("target") == "/run/secrets/" + secret["source"]:
            del secret["target"]
    return service


def services(answer):
    out = {}
    for name, service in sorted(answer.items()):
        service = canonical(service)
        names = {key: sorted(value or {}) for key, value in service.items() if key in ("networks", "depends_on")}
        out[name] = plain(service)
        out[name].update({"names of " + key: value for key, value in names.items() if value})
    return out


def text(value):
    return json.dumps(value, indent=1, sort_keys=True) + "\n"


def check(name):
    folder = os.path.join(CASES, name)
    answer, problem = ask(folder)
    got = text(services(answer) if answer is not None else {"refused": problem})
    path = os.path.join(folder, "want.json")
    if "--record" in sys.argv:
        with open(path, "w", encoding="utf-8") as file:
            file.write(got)
        return None
    with open(path, encoding="utf-8") as file:
        if file.read() == got:
            return None
    return "%s: docker compose now says\n%s" % (name, got)


def main():
    names = sorted(os.listdir(CASES))
    with ThreadPoolExecutor(2) as pool:
        problems = [problem for problem in pool.map(check, names) if problem]
    for problem in problems:
        print(problem)
    print("%d passed, %d failed" % (len(names) - len(problems), len(problems)))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
