#!/usr/bin/env python3
"""The rooms of the design: which may include which, no cycles, each library behind one file."""
import os
import re

import lib

ROOMS = {
    "base": {"base"},
    "doc": {"base", "doc"},
    "config": {"base", "doc", "config"},
    "model": {"base", "doc", "model"},
    "planner": {"base", "doc", "model", "planner"},
    "run": {"base", "doc", "model", "run"},
    "view": {"base", "doc", "model", "view"},
    "cmd": {"base", "doc", "config", "model", "planner", "run", "view", "cmd"},
    "main.c": {"base", "cmd"},
}

# Third-party headers and the only files that may include them.
LIBRARIES = [
    (r"yaml\.h", {"src/doc/yaml.c"}),
    (r"jansson\.h", {"src/doc/json.c"}),
    (r"curl/.*", {"src/run/http_curl.c"}),
    (r"git2(\.h|/.*)", {"src/run/git.c"}),
    (r"archive(_entry)?\.h", {"include/run/libarchive.h"}),
    (r"(n?curses|panel|menu|form|term)\.h|ncursesw?/.*", {"src/view/screen.c"}),
    (r"openssl/.*",
     {"src/base/hash.c", "src/run/vault.c", "src/run/certificate.c", "src/run/keys.c"}),
    (r"uv\.h|uv/.*", {
        "src/run/control.c",
        "src/run/hooks.c",
        "src/run/loop.c",
        "src/run/poller.c",
        "src/run/reaper.c",
        "src/run/relay.c",
        "src/run/spawn.c",
        "src/run/watch_linux.c",
        "src/run/watch_poll.c",
        "src/run/watcher.c",
    }),
    (r"dlfcn\.h", {"src/base/lib.c"}),
    (r"cmocka\.h", set()),
]

# The table of all commands names each of them, and each knows the shape of the table.
JOINTS = {"src/cmd/cmd.c"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)

PLANTS = {
    "src/doc/plant.c": '/*\n * a\n * b\n * c\n */\n#include "model/plan.h"\n',
    "src/run/plant.c": '/*\n * a\n * b\n * c\n */\n#include <yaml.h>\n',
    "include/base/plant.h": '#include "base/sample.h"\n#include "base/plant.h"\n',
    "include/run/plant.h": '#include <uv.h>\n',
    "src/main.c": '/*\n * a\n * b\n * c\n */\n#include "run/run.h"\n',
}


def room_of(path):
    return path.split("/")[1]


def included(path):
    """(line, system, name) of each #include; a private header beside the file gets its full path."""
    text = lib.read(path)
    for match in INCLUDE.finditer(text):
        name, system = match.group(2), match.group(1) == "<"
        beside = os.path.join(os.path.dirname(path), name)
        if not system and "/" not in name and os.path.exists(beside):
            name = beside
        yield lib.line_of(text, match.start()), system, name


def check_library(path, line, name):
    for pattern, allowed in LIBRARIES:
        if re.fullmatch(pattern, name) and path not in allowed:
            where = ", ".join(sorted(allowed)) or "tests"
            lib.report(path, line, f"<{name}> belongs to {where} only")


def check_edge(path, line, name):
    goal = name.split("/")[1] if name.startswith("src/") else name.split("/")[0]
    room = room_of(path)
    if goal not in ROOMS.get(room, ()):
        lib.report(path, line, f"room {room} may not include \"{name}\"")


def module_of(path):
    return re.sub(r"^(src|include)/|\.[ch]$", "", path)


def find_cycles(edges):
    """Reports each include edge between modules that leads back to where it came from."""
    def reaches(start, goal):
        seen, todo = set(), [start]
        while todo:
            here = todo.pop()
            if here == goal:
                return True
            if here not in seen:
                seen.add(here)
                todo += edges.get(here, {})
        return False
    for module, goals in sorted(edges.items()):
        for goal, (path, line) in sorted(goals.items()):
            if reaches(goal, module):
                lib.report(path, line, f"cycle: {module} and {goal} include each other")


def main():
    edges = {}
    for path in lib.c_files("src", "include"):
        for line, system, name in included(path):
            check_library(path, line, name)
            if system:
                continue
            check_edge(path, line, name)
            if path in JOINTS:
                continue
            if module_of(name) != module_of(path) or path.startswith("include/"):
                edges.setdefault(module_of(path), {})[module_of(name)] = (path, line)
    find_cycles(edges)
    lib.finish()


if __name__ == "__main__":
    main()
