#!/usr/bin/env python3
"""Interpolation, held against Docker Compose: each form of ${...} with the variable set, empty and unset.

    interpolation.py          asks `docker compose` and compares with interpolation.json
    interpolation.py --record writes the answers down; review the difference

tests/unit/config_oracle.c gives the same texts to devenv. `ours` stands beside `want` where devenv
differs on purpose, with the reason in `why`.
"""
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ANSWERS = os.path.join(HERE, "interpolation.json")

FORMS = [
    "$X", "${X}", "a${X}b", "$X$X", "${X}${Y}", "$Xb", "${X-d}", "${X:-d}", "${X+a}", "${X:+a}", "${X?m}", "${X:?m}",
    "${X:?}", "${X-}", "${X:-}", "${X:-${Y}}", "${X:-${Y:-z}}", "${X-${Y-z}}", "${Y:-${X:-d}}", "${X:-a:b}", "${X:-a-b}",
    "${X:-a?b}", "${X:-a b}", "${X:-http://h:80/?q=1}", "${X:-{}}", "${X:+${Y}}", "${X:-$$}", "${X:-$Y}", "$$", "$$X", "$${X}",
    "$$$X", "$$$$", "a$$b", "${X:-a}tail}", "${X:-\"q\"}", "${X:-'q'}", "plain", "100%", "}", "{X}", "$", "a$", "$1", "${}",
    "${X", "${1}", "${X!y}", "$-", "${X:-${Y:?m}}", "${X-${Y?m}}", "${X:+a:b}", "${UNSET_1:-${UNSET_2:-${UNSET_3:-deep}}}",
    "${X:-$${Y}}", "pre-${X:-mid}-post", "${x}", "${_X}",
]
STATES = {"set": "value", "empty": "", "unset": None, "special": "a$Y:${Y}"}


def ask(form, value):
    """{"text": ...} or {"error": true}"""
    env = {key: item for key, item in os.environ.items() if key in ("PATH", "HOME", "DOCKER_CONFIG")}
    env["Y"] = "why"
    if value is not None:
        env["X"] = value
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "c.yaml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"services": {"a": {"image": "i", "environment": {"V": form}}}}, file)
        done = subprocess.run(["docker", "compose", "-p", "oracle", "-f", path, "config", "--format", "json"],
                              capture_output=True, text=True, env=env, cwd=folder)
    if done.returncode:
        return {"error": True}
    text = json.loads(done.stdout)["services"]["a"]["environment"]["V"]
    out = {"text": text.replace("$$", "$")}
    if "variable is not set" in done.stderr:
        out["blank"] = True  # Compose took an empty text and warned
    return out


def main():
    recorded = []
    if os.path.exists(ANSWERS):
        with open(ANSWERS, encoding="utf-8") as file:
            recorded = json.load(file)
    wanted = {(row["form"], row["state"]): row for row in recorded}
    rows, failed = [], 0
    for form in FORMS:
        for state, value in STATES.items():
            row = dict(wanted.get((form, state), {"form": form, "state": state}))
            got = ask(form, value)
            if row.get("want") != got:
                failed += 1
                print("%s, %s: docker compose now says %s" % (form, state, got))
            row["want"] = got
            rows.append(row)
    if "--record" in sys.argv:
        with open(ANSWERS, "w", encoding="utf-8") as file:
            file.write("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
        failed = 0
    print("%d passed, %d failed" % (len(rows) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
