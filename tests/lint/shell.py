#!/usr/bin/env python3
"""Shell scripts, templates' and tests' too, pass shellcheck."""
import re
import subprocess

import lib

PLANTS = {
    "tests/plant.sh": "#!/bin/sh\nrm $1\n",
    "tests/e2e/plant.bats": "#!/usr/bin/env bats\n@test x {\n\trm $1\n}\n",
    "templates/plant": "#!/bin/sh\nif [ $1 = a ]; then exit; fi\n",
}

SHEBANG = re.compile(r"#! ?(/usr)?/bin/(env )?(sh|bash|dash)\b")


def is_shell(path):
    if path.startswith(("tests/golden/", "tests/fuzz/corpus/")):
        return False
    if path.endswith((".sh", ".bats", ".bash")):
        return True
    if "." in path.split("/")[-1][1:]:
        return False
    with open(path, "rb") as file:
        return bool(SHEBANG.match(file.read(40).decode(errors="replace")))


def main():
    files = [path for path in lib.all_files() if is_shell(path)]
    if not files:
        return
    done = subprocess.run(["xargs", "-0", "-P2", "-n4", "shellcheck", "-x", "-P", "SCRIPTDIR",
                           "-f", "gcc"], input="\0".join(files), capture_output=True, text=True)
    for path, line, message in re.findall(r"^([^:\n]+):(\d+):\d+: (.*)$", done.stdout, re.M):
        lib.report(path, line, message)
    if done.returncode and not lib.findings:
        lib.report("shellcheck", 0, done.stdout + done.stderr)
    lib.finish()


if __name__ == "__main__":
    main()
