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

# The rooms inside run/, each with those that it stands on; what lies in run/ itself carries plans
# out and may use them all.
RUN = {
    "io": {"io"},
    "files": {"io", "files"},
    "secrets": {"io", "files", "secrets"},
    "engine": {"io", "files", "secrets", "engine"},
    "logs": {"io", "files", "engine", "logs"},
    "host": {"io", "files", "logs", "host"},
    "control": {"io", "files", "host", "control"},
    "watch": {"io", "files", "watch"},
    "data": {"io", "files", "engine", "data"},
    "trace": {"io", "files", "secrets", "engine", "logs", "trace"},
}

# Third-party headers and the only files that may include them.
LIBRARIES = [
    (r"yaml\.h", {"src/doc/yaml.c"}),
    (r"jansson\.h", {"src/doc/json.c"}),
    (r"curl/.*", {"src/run/io/http_curl.c"}),
    (r"git2(\.h|/.*)", {"src/run/files/git.c"}),
    (r"archive(_entry)?\.h", {"include/run/files/libarchive.h"}),
    (r"(n?curses|panel|menu|form|term)\.h|ncursesw?/.*", {"src/view/screen.c"}),
    (r"openssl/.*",
     {"src/base/hash.c", "src/run/secrets/vault.c", "src/run/secrets/certificate.c", "src/run/secrets/keys.c"}),
    (r"uv\.h|uv/.*", {
        "src/run/control/control.c",
        "src/run/io/hooks.c",
        "src/run/io/loop.c",
        "src/run/io/poller.c",
        "src/run/host/reaper.c",
        "src/run/host/relay.c",
        "src/run/io/spawn.c",
        "src/run/watch/watch_linux.c",
        "src/run/watch/watch_poll.c",
        "src/run/watch/watcher.c",
    }),
    (r"dlfcn\.h", {"src/base/lib.c"}),
    (r"cmocka\.h", set()),
]

# Headers that belong to the module of another: its inside, for the files that make it up.
INSIDE = {
    "run/dangers": "run/trust",
    "run/engine/call": "run/engine/engine",
    "run/engine/exec": "run/engine/engine",
    "run/io/child": "run/io/spawn",
    "run/job": "run/perform",
    "run/logs/log_file": "run/logs/logs",
    "run/secrets/authority": "run/secrets/certificate",
    "run/secrets/keyring": "run/secrets/vault",
}

# The table of all commands names each of them, and each knows the shape of the table.
JOINTS = {"src/cmd/cmd.c"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)

PLANTS = {
    "src/doc/plant.c": '/*\n * a\n * b\n * c\n */\n#include "model/plan.h"\n',
    "src/run/plant.c": '/*\n * a\n * b\n * c\n */\n#include <yaml.h>\n',
    "include/base/plant.h": '#include "base/sample.h"\n#include "base/plant.h"\n',
    "include/run/plant.h": '#include <uv.h>\n',
    "src/main.c": '/*\n * a\n * b\n * c\n */\n#include "run/perform.h"\n',
    "src/run/io/plant.c": '/*\n * a\n * b\n * c\n */\n#include "run/engine/engine.h"\n',
    "src/run/logs/plant.c": '/*\n * a\n * b\n * c\n */\n#include "run/perform.h"\n',
}


def room_of(path):
    return path.split("/")[1]


def room_in_run(name):
    """"engine" of src/run/engine/http.c; "" of a file that lies in run/ itself, None of all others."""
    match = re.match(r"(?:(?:src|include)/)?run/(?:(\w+)/)?\w+\.[ch]$", name)
    return match and (match.group(1) or "")


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
    inner, inner_goal = room_in_run(path), room_in_run(name)
    if inner and inner_goal is not None and inner_goal not in RUN.get(inner, ()):
        lib.report(path, line, f"room run/{inner} may not include \"{name}\"")


def stem(path):
    return os.path.splitext(os.path.basename(path))[0]


def module_of(path):
    name = re.sub(r"^(src|include)/|\.[ch]$", "", path)
    return INSIDE.get(name, name)


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
            inside = module_of(name) == module_of(path) and stem(name) != stem(path)
            if not inside and (module_of(name) != module_of(path) or path.startswith("include/")):
                edges.setdefault(module_of(path), {})[module_of(name)] = (path, line)
    find_cycles(edges)
    lib.finish()


if __name__ == "__main__":
    main()
