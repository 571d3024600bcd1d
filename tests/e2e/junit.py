#!/usr/bin/env python3
"""Is a file JUnit XML as CI services read it? junit.py FILE [CLASS NAME]: fails with what is wrong;
with CLASS and NAME it prints what the test case of them holds. The table below says what the schema
of Jenkins' xUnit plugin (junit-10.xsd) says of the elements that devenv writes, and is stricter
about numbers and about sums, which have to be those of the cases."""
import re
import sys
import xml.etree.ElementTree as tree

COUNT, TIME, TEXT = r"\d+", r"\d+\.\d{3}", r"[^\n]*"
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
SUMS = {"tests": COUNT, "failures": COUNT, "errors": COUNT}
VERDICT = ({"type": TEXT}, {"message": TEXT}, {})
# element: required attributes, others, children and how often at most (None: no limit)
SCHEMA = {
    "testsuites": ({}, {"name": TEXT, "time": TIME, **SUMS}, {"testsuite": None}),
    "testsuite": ({"name": TEXT, **SUMS}, {"time": TIME, "skipped": COUNT, "timestamp": STAMP},
                  {"testcase": None}),
    "testcase": ({"name": TEXT}, {"time": TIME, "classname": TEXT},
                 {"skipped": 1, "error": 1, "failure": 1, "system-out": 1}),
    "failure": VERDICT,
    "error": VERDICT,
    "skipped": ({}, {"type": TEXT, "message": TEXT}, {}),
    "system-out": ({}, {}, {}),
}
MIXED = ("failure", "error", "skipped", "system-out")  # may hold text


def wrong(element, what):
    sys.exit(f"<{element.tag} {element.attrib}>: {what}")


def check(element):
    required, other, children = SCHEMA[element.tag]
    for name in required:
        if name not in element.attrib:
            wrong(element, f"no attribute {name}")
    for name, value in element.attrib.items():
        pattern = required.get(name) or other.get(name)
        if not pattern or not re.fullmatch(pattern, value):
            wrong(element, f"attribute {name} is none, or not like {pattern}")
    if element.tag not in MIXED and "".join([element.text or "", *[c.tail or "" for c in element]]).strip():
        wrong(element, "text between elements")
    for child in element:
        if child.tag not in children:
            wrong(element, f"holds <{child.tag}>")
        most = children[child.tag]
        if most and len(element.findall(child.tag)) > most:
            wrong(element, f"holds <{child.tag}> more than once")
        check(child)


def check_sums(element):
    held = {"tests": ".//testcase", "failures": ".//testcase/failure", "errors": ".//testcase/error",
            "skipped": ".//testcase/skipped"}
    for name, path in held.items():
        if name in element.attrib and int(element.get(name)) != len(element.findall(path)):
            wrong(element, f"{name} is not the number of cases")


def main():
    top = tree.parse(sys.argv[1]).getroot()
    if top.tag != "testsuites":
        wrong(top, "is not the root")
    check(top)
    for element in (top, *top):
        check_sums(element)
    for case in top.iter("testcase") if len(sys.argv) > 2 else ():
        if [case.get("classname"), case.get("name")] == sys.argv[2:]:
            print(*[child.tag for child in case])


if __name__ == "__main__":
    main()
