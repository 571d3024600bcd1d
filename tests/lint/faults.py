#!/usr/bin/env python3
"""Every fault in tests/FAULTS has a test that names it, and tests name no other: faults.py [--list].

A test names a fault by its number: the title of a bats test, the first line of a golden case's
about, the comment above a cmocka test that its program runs. --list prints which tests do.
"""
import re
import sys

import lib

PLANTS = {
    "tests/FAULTS": "A01 A fault that no test names.\n",
    "tests/e2e/plant.bats": '@test "A01: a test of a fault that is in no list" {\n}\n',
    "tests/unit/plant.c": "/* A01: likewise */\nstatic void f(void **state)\n{\n}\n"
                          "int main(void) { return cmocka_unit_test(f); }\n",
}
LIST = "tests/FAULTS"
NUMBER = re.compile(r"\b[A-H]\d\d\b")
CMOCKA = re.compile(r"/\*((?:[^*]|\*(?!/))*)\*/\nstatic void (\w+)\(void \*\*state\)")


def titles(path):
    """(line, what names faults) of each test in a file."""
    if path.endswith(".bats"):
        for number, line in enumerate(lib.read(path).split("\n"), 1):
            if line.startswith("@test "):
                yield number, line
    elif path.endswith("/about"):
        yield 1, lib.read(path).split("\n")[0]
    elif path.startswith("tests/unit/") and path.endswith(".c"):
        text = lib.read(path)
        for found in CMOCKA.finditer(text):
            if re.search(rf"[(\s]{found.group(2)}[,)]", text[found.end():]):
                yield lib.line_of(text, found.start()), found.group(1)


def listed():
    """Line of each fault's number in the list, and what it is."""
    faults = {}
    for number, line in enumerate(lib.read(LIST).split("\n"), 1):
        if not line or line.startswith("#"):
            continue
        if not re.match(r"[A-H]\d\d \S", line) or line[:3] in faults:
            lib.report(LIST, number, "is no new fault: a number and one line are meant")
        else:
            faults[line[:3]] = number, line[4:]
    return faults


def main():
    files = [path for path in lib.all_files() if path.startswith("tests/")]
    faults = listed() if LIST in files else {}
    tests = {fault: [] for fault in faults}
    for path in files:
        for line, text in titles(path):
            for fault in dict.fromkeys(NUMBER.findall(text)):
                if fault in tests:
                    tests[fault].append(f"{path}:{line}")
                else:
                    lib.report(path, line, f"names {fault}, which is not in {LIST}")
    for fault, (line, what) in faults.items():
        if not tests[fault]:
            lib.report(LIST, line, f"no test names {fault}: {what}")
        elif "--list" in sys.argv:
            print(fault, what, *tests[fault], sep="\n    " if len(tests[fault]) > 1 else "  ")
    lib.finish()


if __name__ == "__main__":
    main()
