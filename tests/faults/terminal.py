#!/usr/bin/env python3
"""Sixty texts that steer terminals, through every path by which text of others is printed (H08).

terminal.py DEVENV [PATH]...  Only newline, tab and SGR colours may come out, and no character that
changes the direction or the end of a line. Each path must have shown what it was given, too. The
last line is `N passed, N failed`.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unicodedata

DEVENV = os.path.abspath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
ENGINE = os.path.join(HERE, "engine.py")

UNICODE = [
    "\033[2J", "\033[H", "\033[3J", "\033c", "\033]0;title\a", "\033]0;title\033\\", "\033]2;t\a",
    "\033]8;;http://evil.test\033\\link\033]8;;\033\\", "\033]52;c;cm0gLXJmIC8=\a", "\033]4;1;?\a",
    "\033]10;?\a", "\033]1337;File=inline=1:AAAA\a", "\033]777;notify;a;b\a", "\033P+q544e\033\\",
    "\033_Ga=T;AAAA\033\\", "\033^pm\033\\", "\033X sos\033\\", "\033[6n", "\033[c", "\033[>c",
    "\033[5i", "\033[?1049h", "\033[?25l", "\033[?2004h", "\033[?1000h", "\033[20h", "\033[1A",
    "\033[1000D", "\033[K", "\033[1;1H", "\033[s\033[u", "\0337\0338", "\033(0", "\033#8", "\033=",
    "\033[21t", "\033[8;1;1t", "\033[!p", "\033[31", "\033[31;", "\033", "\033[38;5;1;m\033[2J",
    "\r", "\b\b\b", "\a", "\v", "\f", "\x7f", "\x0e\x0f", "\x05", "\x9b2J", "\x9d0;t\x9c", "\x90q\x9c",
    "\x85", "‮gnp.exe", "‪‫‭‬", "⁦⁧⁨⁩", "‎‏", "\u2028\u2029", "\ufeff",
]
RAW = [text.encode() for text in UNICODE[:50]] + [
    b"\x9b2J", b"\x9d0;t\x9c", b"\x90q\x9c", b"\x85", b"\xc0\x9b", b"\xff\xfe", b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80", b"\xe2\x80\xae", b"\xc2\x9b2J"]
assert len(UNICODE) == 60 and len(RAW) == 60
SGR = re.compile(rb"\033\[[0-9;]*m")
STEERS = set("\u2028\u2029\ufeff\u200e\u200f") | {chr(c) for c in [*range(0x202a, 0x202f),
                                                                 *range(0x2066, 0x206a)]}


def unsafe(out):
    """What came out and should not have, or None."""
    text = SGR.sub(b"", out)
    try:
        text = text.decode()
    except UnicodeDecodeError as e:
        return f"bad UTF-8 at {e.start}: {text[max(0, e.start - 30):e.start + 10]!r}"
    for i, c in enumerate(text):
        if c not in "\n\t" and (unicodedata.category(c) == "Cc" or c in STEERS):
            return f"{c!r} in {text[max(0, i - 40):i + 10]!r}"
    return None


def marked(payloads):
    """Each payload between marks: i00<payload>j00."""
    return [f"i{n:02}".encode() + p + f"j{n:02}".encode() if isinstance(p, bytes)
            else f"i{n:02}{p}j{n:02}" for n, p in enumerate(payloads)]


class Path:
    """One print path: a project, commands, and how many payloads these must have shown."""

    def __init__(self, top, name):
        self.dir = os.path.join(top, name)
        self.env = dict(os.environ, HOME=os.path.join(top, "home"), LC_ALL="C.UTF-8", TERM="xterm",
                        XDG_STATE_HOME=os.path.join(top, "state"), XDG_DATA_HOME=os.path.join(top, "data"),
                        XDG_CACHE_HOME=os.path.join(top, "cache"), XDG_CONFIG_HOME=os.path.join(top, "xdg"))
        self.failures, self.seen, self.runs = [], set(), 0
        os.makedirs(self.dir)
        os.makedirs(self.env["HOME"], exist_ok=True)

    def write(self, node, name="devenv.yml"):
        with open(os.path.join(self.dir, name), "w", encoding="utf-8") as f:
            f.write(node if isinstance(node, str) else json.dumps(node))

    def run(self, *argv, where=None):
        self.runs += 1
        done = subprocess.run(["timeout", "-s", "KILL", "60", DEVENV, "--ansi", "always", *argv],
                              cwd=where or self.dir, env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        what = f"{argv!r} (status {done.returncode})"
        found = unsafe(done.stdout)
        if found:
            self.failures.append(f"{what}: {found}")
        if done.returncode < 0 or done.returncode > 128:
            self.failures.append(f"{what} died: {done.stdout[-300:]!r}")
        self.seen |= set(re.findall(rb"i(\d\d)", done.stdout))
        return done.stdout

    def shown(self, count):
        if len(self.seen) < count:
            self.failures.append(f"only {len(self.seen)} of {count} payloads were shown")


def service(**fields):
    return {"name": "h08", "services": {"a": {"image": "debian:bookworm-slim", "command": "true", **fields}}}


def values(p):
    texts = marked(UNICODE)
    p.write(service(environment={f"E{n:02}": t for n, t in enumerate(texts)}, labels={"x": "".join(texts)}))
    p.run("config")
    p.run("config", "--origin")
    p.run("config", "--explain", "services.a.environment")
    p.run("--json", "config")
    for n in range(0, 60, 7):
        p.run("config", f"services.a.environment.E{n:02}")
    p.run("generate", "--diff")
    p.run("plan")
    p.run("--json", "plan")
    p.shown(60)


def keys(p):
    """Unknown keys, values of a wrong type, source lines: diagnostics and their JSON."""
    texts = marked(UNICODE)
    p.write({"name": "h08", "services": {"a": {t: 1 for t in texts}}})
    p.run("config")
    p.run("--json", "config")
    p.write({"name": "h08", "services": {t: {"image": "x"} for t in texts}})
    p.run("config")
    p.write({"name": "h08", "services": {"a": {"image": "x", "ports": texts, "stop_grace_period": texts[0]}}})
    p.run("config")
    p.write({"name": "h08", "services": {"a": {"image": "x", "depends_on": texts}}})
    p.run("config")
    p.write({"name": "h08", "vars": {}, "services": {"a": {"image": "".join("${%s}" % t for t in texts)}}})
    p.run("config")
    p.write("name: h08\nservices:\n a: {image: x} # " + "".join(t.replace("\r", "") for t in texts) + "\n b: [\n")
    p.run("config")
    p.shown(60)


def names(p):
    """Keys of maps whose names are free: secrets, volumes, images, commands, routes, profiles."""
    texts = marked(UNICODE)
    for section, entry in (("secrets", {"generate": "hex"}), ("volumes", {}), ("images", {"from": "x"}),
                           ("commands", {"service": "a", "run": "x", "description": texts[7]}), ("layouts", {"windows": []}),
                           ("caches", {"target": "/x"}), ("networks", {}), ("configs", {"content": "x"})):
        p.write({**service(), section: {t: entry for t in texts}})
        p.run("config")
        p.run("config", "--images" if section == "images" else "--volumes")
        p.run("graph")
        p.run("secrets", "ls")
        p.run("help")
        p.run("__complete", "secrets", "get", "")
        p.run("plan")
    p.shown(60)


def graph(p):
    texts = marked(UNICODE)
    both = {"image": "x", "profiles": ["p"], "labels": texts}
    routes = [{"host": "h.localhost", "path": "/" + t, "to": "a:80", "via": "b"} for t in texts]
    p.write({"name": "h08", "routes": routes,
             "services": {"a": {**both, "depends_on": ["b"]}, "b": {**both, "ports": ["80"]}}})
    for f in ("ascii", "mermaid", "dot", "json"):
        p.run("graph", "-F", f)
    p.run("config")
    p.run("open", "--print", "a")
    p.run("plan")
    p.shown(60)


def words(p):
    """What was typed, and the environment."""
    p.write(service())
    for n, text in enumerate(marked(RAW)):
        if n % 3 == 0:
            p.run(text)
            p.run("status", text)
        elif n % 3 == 1:
            p.run("--env", text, "config")
            p.run(b"--" + text)
            p.run("config", text)
        else:
            p.run("--set", b"services.a." + text + b"=1", "config")
            p.run("-C", text, "config")
            p.run("-f", text, "config")
            p.env["DOCKER_HOST"] = os.fsdecode(b"unix:///" + text)
            p.run("status")
            del p.env["DOCKER_HOST"]
    p.shown(60)


def folders(p):
    """Paths: the checkout, files that are read, what includes are named."""
    for n, text in enumerate(marked(RAW)):
        folder = os.path.join(os.fsencode(p.dir), text.replace(b"/", b"_"))
        os.makedirs(folder)
        with open(os.path.join(folder, b"devenv.yml"), "w", encoding="utf-8") as f:
            f.write("name: h08\nservices: {a: {image: x, command: y}}\n")
        p.run("config", where=folder)
        p.run("generate", where=folder)
    p.run("ls")
    p.shown(60)


def consent(p):
    """What an untrusted checkout wants, listed before it is asked about."""
    texts = marked(UNICODE)
    node = service(privileged=True)
    node["hooks"] = {"pre-up": [{"exec-host": t} for t in texts]}
    node["commands"] = {f"c{n}": {"run": t} for n, t in enumerate(texts)}
    node["secrets"] = {f"s{n}": {"command": t} for n, t in enumerate(texts)}
    p.write(node)
    p.env["DOCKER_HOST"] = "unix:///nonexistent/docker.sock"
    p.run("up", "-d")
    p.run("generate")
    p.run("help")
    p.shown(60)


def sources(p):
    """A secret's command and what its failure prints; files that cannot be had."""
    for n, text in enumerate(marked(RAW)):
        with open(os.path.join(p.dir, "says"), "wb") as f:
            f.write(text + b"\n" + text)
        p.write({**service(), "secrets": {"s": {"command": f"cat says says >&2; echo i{n:02}; exit 1"}}})
        p.run("--trust", "secrets", "get", "s")
    p.write({**service(), "secrets": {f"s{n}": {"file": t} for n, t in enumerate(marked(UNICODE))}})
    p.run("--trust", "secrets", "get", "s7")
    p.shown(55)


def engine(p):
    """An engine whose every string steers: names, states, images, ports, versions, errors."""
    p.write(service())
    out = p.run("--json", "status").decode(errors="replace")
    workspace = json.loads(SGR.sub(b"", out.encode()))["workspace"] if out.startswith("{") else "h08"
    texts = os.path.join(p.dir, "texts")
    for mode in ("steer", "steer_error", "steer_header"):
        for part in range(0, 60, 15):
            with open(texts, "wb") as f:
                f.write(b"\0".join(marked(RAW if mode == "steer_header" else
                                          [u.encode() for u in UNICODE])[part:part + 15]))
            sock = os.path.join(p.dir, f"{mode}{part}.sock")
            fake = subprocess.Popen([sys.executable, ENGINE, mode, sock, texts, workspace],
                                    stdout=subprocess.PIPE)
            fake.stdout.readline()
            p.env["DOCKER_HOST"] = "unix://" + sock
            for argv in (["status"], ["--json", "status"], ["ports"], ["doctor"], ["ls"], ["plan"], ["logs"],
                         ["down"], ["clean", "-y"], ["wait"]):
                p.run(*argv)
            fake.kill()
            fake.wait()
    p.shown(60)


def programs(p):
    """What children print: docker, git and tmux that are none."""
    folder = os.path.join(p.dir, "bin")
    os.makedirs(folder)
    p.write(service())
    p.env["PATH"] = folder + ":" + p.env["PATH"]
    texts = os.path.join(p.dir, "texts")
    for name in ("docker", "git", "tmux"):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write(f"#!/bin/sh\ncat '{texts}'\ncat '{texts}' >&2\nexit ${{FAKE_STATUS:-0}}\n")
        os.chmod(os.path.join(folder, name), 0o755)
    for text in marked(RAW):
        with open(texts, "wb") as f:
            f.write(text + b"\n")
        p.run("doctor")
    with open(texts, "wb") as f:
        f.write(b"\n".join(marked(RAW)) + b"\n")
    p.env["FAKE_STATUS"] = "1"
    p.env["DOCKER_CONTEXT"] = "default"
    p.run("doctor")
    p.run("--progress", "plain", "up", "-d", "--no-hooks")
    p.run("--progress", "json", "up", "-d")
    p.run("down")
    p.shown(60)


PATHS = [values, keys, names, graph, words, folders, consent, sources, engine, programs]


def main():
    wanted = sys.argv[2:]
    passed = failed = 0
    top = tempfile.mkdtemp(prefix="devenv-terminal.")
    try:
        for path in PATHS:
            if wanted and path.__name__ not in wanted:
                continue
            p = Path(top, path.__name__)
            path(p)
            for failure in p.failures[:8]:
                print(f"{path.__name__}: {failure}")
            passed += p.runs - len(p.failures)
            failed += len(p.failures)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
