#!/usr/bin/env python3
"""Each header compiles by itself; each .c of src/ opens with a comment of at most eight lines."""
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import lib

PLANTS = {
    "include/doc/plant.h": "#ifndef A\n#define A\nsize_t plant(void);\n#endif\n",
    "src/doc/plant.c": "int plant;\n",
    "src/doc/empty.c": "/* */\nint plant;\n",
}


def compile_header(path):
    done = subprocess.run(os.environ.get("CC", "cc").split() +
                          ["-std=c11", "-D_GNU_SOURCE", "-Iinclude", "-Wall", "-Wextra", "-Werror",
                           "-Wno-pragma-once-outside-header", "-Wno-unknown-warning-option",
                           "-fsyntax-only", "-x", "c", "-include", path, "/dev/null"],
                          capture_output=True, text=True)
    return path, done.returncode, done.stderr


def check_opening(path):
    opening = re.match(r"/\*(.*?)\*/", lib.read(path), re.S)
    if not opening:
        lib.report(path, 1, "opens without a comment that says what goes in and what comes out")
        return
    lines = [line for line in opening.group(1).split("\n") if line.strip(" \t*")]
    if not 1 <= len(lines) <= 8:
        lib.report(path, 1, f"opening comment of {len(lines)} lines, three to six are meant")


def main():
    files = lib.c_files("src", "include", "tests")
    with ThreadPoolExecutor(int(os.environ.get("JOBS") or 2)) as pool:
        for path, status, errors in pool.map(
                compile_header, [path for path in files if path.startswith("include/")]):
            if status:
                place = re.search(re.escape(path) + r":(\d+)", errors)
                lib.report(path, place.group(1) if place else 1,
                           "does not compile alone:\n" + errors)
    for path in files:
        if path.startswith("src/") and path.endswith(".c"):
            check_opening(path)
    lib.finish()


if __name__ == "__main__":
    main()
