#!/usr/bin/env python3
"""Text: nothing left for later, no path of one machine, no trailing spaces, a final newline."""
import re

import lib

LATER = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
MACHINE = re.compile(r"/wo" r"rk/(main|wt|shared|BRIEF|\.)|/tmp/ba" r"sh_jobs")
# Data of tests is as it is: expected output may end in spaces or without a newline.
DATA = re.compile(r"tests/(golden/.*/(in|tree|stdout|stderr)\b|fuzz/corpus/)")
BINARY = re.compile(r"\.(png|ico|gz|zst|tar|pem|der|woff2?)$")

PLANTS = {
    "src/doc/plant.c": "int a; /* TO" "DO: b */\n",
    "templates/plant.yml": "path: /wo" "rk/main/x\n",
    "tests/plant.sh": "true \n",
    "README.md": "no newline",
    "man/plant.1": "windows\r\n",
}


def check(path, text):
    data = DATA.match(path)
    for number, line in enumerate(text.split("\n"), 1):
        if MACHINE.search(line):
            lib.report(path, number, "path of one machine")
        if data:
            continue
        if LATER.search(line):
            lib.report(path, number, "left for later: do it or open an issue")
        if line != line.rstrip():
            lib.report(path, number, "trailing spaces or carriage return")
    if not data and text and not text.endswith("\n"):
        lib.report(path, text.count("\n") + 1, "no newline at the end")


def main():
    for path in lib.all_files():
        if not BINARY.search(path):
            with open(path, "rb") as file:
                data = file.read()
            if b"\0" not in data:
                check(path, data.decode(errors="replace"))
    lib.finish()


if __name__ == "__main__":
    main()
