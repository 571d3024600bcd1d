#!/usr/bin/env python3
"""C is formatted as .clang-format says."""
import re
import shutil
import subprocess

import lib

PLANTS = {"src/doc/plant.c": "int plant( void ) { return 0; }\n"}


def main():
    program = shutil.which("clang-format-14") or "clang-format"
    files = lib.c_files("src", "include", "tests")
    if not files:
        return
    done = subprocess.run(["xargs", "-0", "-P2", "-n20", program, "--style=file", "--dry-run",
                           "-Werror"], input="\0".join(files), capture_output=True, text=True)
    places = {}
    for path, line in re.findall(r"^([^:\s]+):(\d+):\d+: ", done.stderr, re.M):
        places.setdefault(path, []).append(int(line))
    for path, lines in sorted(places.items()):
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        lib.report(path, min(lines), f"not formatted{more}: {program} -i {path}")
    if done.returncode and not places:
        lib.report(program, 0, done.stderr)
    lib.finish()


if __name__ == "__main__":
    main()
