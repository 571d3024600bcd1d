#!/usr/bin/env python3
"""Sizes: functions at most 100 lines, half of them at most 15, nine in ten at most 50; files 500."""
import re

import lib

FUNCTION, MEDIAN, NINETY, FILE = 100, 15, 50, 500

HEAD = "/*\n * a\n * b\n * c\n */\n"
PLANTS = {
    "src/doc/plant.c": HEAD + "int plant(void)\n{\n" + "\tplant();\n" * 99 + "}\n",
    "src/doc/long.c": HEAD + "int a;\n" * 496,
    "tests/unit/plant.c": "int x(void)\n{\n" + "\tx();\n" * 99 + "}\n",
    "src/run/plant.c": HEAD + "".join(
        f"int f{i}(void)\n{{\n" + "\tg();\n" * 20 + "}\n" for i in range(9)),
    "src/view/plant.c": HEAD + "".join(
        f"int f{i}(void)\n{{\n" + "\tg();\n" * (60 if i % 5 == 0 else 1) + "}\n" for i in range(9)),
}


def functions(text):
    """(line, name, length) of each function, from its first line to its closing brace."""
    lines = lib.code_only(text).split("\n")
    for number, line in enumerate(lines):
        if line.rstrip() != "{":
            continue
        first = number
        while first > 0 and lines[first - 1].strip() and lines[first - 1].rstrip()[-1] not in "};" \
                and not lines[first - 1].startswith("#"):
            first -= 1
        name = re.search(r"(\w+)\s*\(", " ".join(lines[first:number]))
        last = next((end for end in range(number, len(lines)) if lines[end].startswith("}")), number)
        yield first + 1, name.group(1) if name else "?", last - first + 1


def main():
    measured = []
    for path in lib.c_files("src", "include", "tests"):
        text = lib.read(path)
        length = text.count("\n")
        if length > FILE:
            lib.report(path, FILE + 1, f"{length} lines, at most {FILE}")
        for line, name, size in functions(text):
            if size > FUNCTION:
                lib.report(path, line, f"{name}: {size} lines, at most {FUNCTION}")
            if path.startswith("src/"):
                measured.append((size, path, line, name))
    measured.sort()
    for share, limit in ((0.5, MEDIAN), (0.9, NINETY)):
        if measured and measured[int((len(measured) - 1) * share)][0] > limit:
            size, path, line, name = measured[int((len(measured) - 1) * share)]
            lib.report(path, line, f"{name}: {size} lines stand at {share:.0%} of all functions, "
                       f"at most {limit} there")
    lib.finish()


if __name__ == "__main__":
    main()
