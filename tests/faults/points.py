#!/usr/bin/env python3
"""Kills `devenv generate`, or fails it, at its system calls (FAULTS B02, B03, B04).

points.py DEVENV kill|fail [AT MOST N POINTS]. Two journeys: from nothing, and from one generated set
to the next. The points are taken from one clean trace (name and ordinal of each call from the first
one that writes on); above N, every n-th. After each: every file is old or new and whole, keys are
never lost, the next run succeeds without help and ends where a clean run ends, with nothing left
over. The last line is `N passed, N failed`.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

DEVENV = os.path.abspath(sys.argv[1])
FAULT = sys.argv[2]
LIMIT = int(sys.argv[3]) if len(sys.argv) > 3 else 1 << 30
OLD = """name: points
services:
  a: { image: "debian:bookworm-slim", command: one, environment: { T: "${secret.one}" }, secrets: [one] }
  gone: { image: "debian:bookworm-slim", command: x, environment: { T: "${secret.two}" } }
  edge: { extends: { template: nginx } }
  web: { image: "debian:bookworm-slim", command: x, ports: { http: { target: 80, published: auto } } }
routes: [{ host: points.localhost, path: /, to: "web:http", via: edge }]
secrets: { one: { generate: password }, two: { generate: hex }, key: { generate: ed25519 } }
"""
NEW = OLD.replace("command: one", "command: two").replace("path: /", "path: /new").replace(
    '  gone: { image: "debian:bookworm-slim", command: x, environment: { T: "${secret.two}" } }\n',
    '  fresh: { image: "debian:bookworm-slim", command: y, secrets: [two] }\n')
WRITES = {"write", "pwrite64", "fsync", "fdatasync", "fchmod", "chmod", "mkdir", "mkdirat", "openat", "close",
          "rename", "renameat", "renameat2", "unlink", "unlinkat", "ftruncate", "flock", "link", "linkat"}


class Machine:
    def __init__(self, top):
        self.top = top
        self.project = os.path.join(top, "now", "shop")
        self.env = dict(os.environ, HOME=os.path.join(top, "now", "home"), LC_ALL="C.UTF-8",
                        DOCKER_HOST="unix:///nonexistent/docker.sock")
        for name in [n for n in self.env if n.startswith("XDG_")]:
            del self.env[name]

    def set_up(self, text, kept=None):
        shutil.rmtree(os.path.join(self.top, "now"), ignore_errors=True)
        if kept:
            subprocess.run(["cp", "-a", kept, os.path.join(self.top, "now")], check=True)
        else:
            os.makedirs(self.project)
            os.makedirs(self.env["HOME"])
        with open(os.path.join(self.project, "devenv.yml"), "w", encoding="utf-8") as f:
            f.write(text)

    def keep(self, name):
        subprocess.run(["cp", "-a", os.path.join(self.top, "now"), os.path.join(self.top, name)], check=True)
        return os.path.join(self.top, name)

    def run(self, *strace):
        argv = (["strace", "-f", "-qq", "-o", os.path.join(self.top, "trace"), *strace] if strace else []) + [
            DEVENV, "generate"]
        return subprocess.run(["timeout", "-s", "KILL", "30", *argv], cwd=self.project, env=self.env,
                              stdin=subprocess.DEVNULL, capture_output=True)

    def points(self):
        """(name, ordinal) of every call from the first that writes to the end."""
        self.run("-s0", "-y")
        counts, found, on = {}, [], False
        with open(os.path.join(self.top, "trace"), encoding="utf-8", errors="replace") as f:
            lines = f.read().splitlines()
        pids = {line.split()[0] for line in lines}
        assert len(pids) == 1, "generate has threads or children: ordinals would not hold"
        for line in lines:
            call = re.match(r"\d+ +([a-z_0-9]+)\(([^,)]*)", line)
            if not call:
                continue
            ours = not re.match(r"\d", call.group(2)) or self.top in call.group(2)
            name = call.group(1)
            counts[name] = counts.get(name, 0) + 1
            on = on or name in ("mkdir", "mkdirat") or "O_CREAT" in line
            if on and ours and name not in ("exit_group", "munmap", "mmap", "brk", "mprotect"):
                found.append((name, counts[name]))
        return found


def files(top):
    """Path below the top -> (mode, content); links and directories have no content."""
    found = {}
    for folder, dirs, names in os.walk(top):
        for name in dirs + names:
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            content = None
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as f:
                    content = f.read()
            found[os.path.relpath(path, top)] = (mode, content)
    return found


# The cache is named by what is in it and may be dropped at any time.
FOREIGN = re.compile(r"(^|/)(devenv\.yml|manifest\.json|[^/]*lock)$|^home/\.cache(/|$)")
RANDOM = re.compile(r"(^|/)(keyring\.json|ca/.*|certs?/.*|leaf.*|.*\.(key|crt|pem)|ports.*|consent|env/.*|"
                    r"secrets/.*|trust/.*|compose\.yml)$")


def torn(machine, old, new):
    """What is neither as it was nor as it will be; parses what is made at random."""
    now = files(os.path.join(machine.top, "now"))
    leaf = [path for path in now if path.endswith("leaf.pem")]
    renewed = FAULT == "fail" and old and leaf and now[leaf[0]] not in (old.get(leaf[0]), new.get(leaf[0]))
    for path, (_, content) in now.items():
        if content is None or path.endswith(".tmp") or "/staging/" in path or path.endswith(".gitignore.new"):
            continue
        if path.endswith(".json") or path.endswith("/ports"):
            try:
                json.loads(content)
            except ValueError:
                return f"torn: {path}"
        if "-----BEGIN" in content.decode(errors="replace") and not re.search(rb"-----END [A-Z ]+-----\n?$", content):
            return f"torn: {path}"
        if FOREIGN.search(path) or (RANDOM.search(path) and old is None):
            continue
        choices = [side[path][1] for side in (old, new) if side and path in side]
        if renewed and re.search(r"leaf\.pem|/certs/|compose\.yml$", path):
            continue  # a leaf that cannot be read is made anew, and its users with it
        if content not in choices and not (RANDOM.search(path) and path not in (old or {})):
            return f"neither old nor new: {path}"
    for path in old or {}:
        if path in new and path not in now:
            return f"gone: {path}"
    return None


def healed(machine, new, said):
    """Whether the next run, without help, ends where a clean one ends."""
    done = machine.run()
    if done.returncode:
        return f"the next run failed: {done.stderr.decode(errors='replace')[-300:]}"
    now = files(os.path.join(machine.top, "now"))
    for path in sorted(set(now) | set(new)):
        if FOREIGN.search(path):
            continue
        if path not in now or path not in new:
            return f"{'missing' if path not in now else 'left over'} after the next run: {path}"
        if now[path][0] != new[path][0]:
            return f"mode {now[path][0]:o}, not {new[path][0]:o}: {path}"
        if not RANDOM.search(path) and now[path][1] != new[path][1]:
            return f"content after the next run: {path}"
    for one in ("keyring.json",):
        if said and any(p.endswith(one) and p in said and now[p][1] != said[p][1] for p in now):
            return "kept values changed"
    return None


def kept_of(found):
    return {path: value for path, value in found.items() if path.endswith("keyring.json")}


def journey(machine, name, text, start, counts):
    machine.set_up(text, start)
    old = files(start) if start else None
    points = machine.points()
    new = files(os.path.join(machine.top, "now"))
    if FAULT == "fail":
        points = [p for p in points if p[0] in WRITES]
    step = max(1, -(-len(points) // LIMIT))
    print(f"{name}: {len(points)} points, every {step}. is taken")
    for number, (call, ordinal) in enumerate(points):
        if number % step:
            continue
        for fault in ["signal=KILL"] if FAULT == "kill" else ["error=ENOSPC", "error=EIO"][number // step % 2:][:1]:
            machine.set_up(text, start)
            done = machine.run("-e", f"inject={call}:{fault}:when={ordinal}")
            error = done.stderr.decode(errors="replace")
            why = torn(machine, old, new)
            if not why and FAULT == "fail" and done.returncode not in (0, 1, 3, 4):
                why = f"status {done.returncode}: {error[-200:]}"
            if not why and FAULT == "fail" and done.returncode and "error: " not in error:
                why = f"no message: {error[-200:]}"
            if not why and FAULT == "fail" and call not in ("unlink", "unlinkat", "close"):
                left = [p for p in files(os.path.join(machine.top, "now")) if p.endswith(".tmp")]
                why = f"left over: {left}" if left else None
            said = kept_of(files(os.path.join(machine.top, "now")))
            why = why or healed(machine, new, said if start else None)
            counts[bool(why)] += 1
            if why:
                print(f"{name}, {call} number {ordinal}, {fault}: {why}")


def main():
    counts = [0, 0]
    top = tempfile.mkdtemp(prefix="devenv-points.")
    os.umask(0o022)
    try:
        machine = Machine(top)
        journey(machine, "from nothing", OLD, None, counts)
        machine.set_up(OLD)
        first = machine.run()
        assert first.returncode == 0, first.stderr
        journey(machine, "from old to new", NEW, machine.keep("old"), counts)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    print(f"{counts[0]} passed, {counts[1]} failed")
    return 1 if counts[1] or not counts[0] else 0


if __name__ == "__main__":
    sys.exit(main())
