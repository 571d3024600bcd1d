#!/usr/bin/env python3
"""Manuals are mdoc that mandoc has nothing to say against."""
import re
import subprocess

import lib

PLANTS = {"man/plant.1": ".Dd January 1, 2024\n.Dt PLANT 1\n.Os\n.Sh NAME\n.Nm plant\n.Xx oops\n"}


def main():
    files = [path for path in lib.all_files() if re.fullmatch(r"man/[^/]+\.[1-8]", path)]
    if not files:
        return
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *files], capture_output=True, text=True)
    found = re.findall(r"^mandoc: ([^:\n]+):(\d+):\d+: (.*)$", done.stdout + done.stderr, re.M)
    for path, line, message in found:
        lib.report(path, line, message)
    if done.returncode and not found:
        lib.report("mandoc", 0, done.stdout + done.stderr)
    lib.finish()


if __name__ == "__main__":
    main()
