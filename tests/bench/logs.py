"""H. Logs of five containers, 100 MiB of lines in all, to a file; and from a line to who follows.

The engine's own time is its API by curl, five at once: with times, which merging needs and which cost
the engine more than the lines do, and without. devenv keeps what it has read in files of its own, so
a first reading and a later one are two rows. A line's way is from the moment that a container (or a
service on the host) writes until a reader of the pipe has it.
"""
import json
import os
import re
import shutil
import subprocess
import threading
import time

from measure import NOTHING, Failure, Row, median, milliseconds, number, ratio, wall_ms

SERVICES, MIB = 5, 100
LINE = "the quick brown fox jumps over the lazy dog and writes one log line of some length 0123456789"
TICKS, PAUSE = 40, 0.1

LOUD = """name: {name}
x-service: &service
  image: debian:bookworm-slim
  network_mode: none
  init: true
  stop_grace_period: 1s
  logging: {{ driver: json-file, options: {{ max-size: 200m, max-file: "1" }} }}
  command: [sh, -c, "yes '{line}' | head -c {size}; sleep infinity"]
services:
{services}"""

TICKING = """name: {name}
services:
  box:
    image: debian:bookworm-slim
    init: true
    stop_grace_period: 1s
    command: [perl, -MTime::HiRes, -e, {perl}]
  host: {{ run: host, command: [perl, -MTime::HiRes, -e, {perl}] }}
"""
PERL = "$$|=1; while (1) {{ printf qq(tick %.6f\\n), Time::HiRes::time(); Time::HiRes::sleep({pause}) }}"


def up(bench, name, text):
    project = bench.make_folder(name)
    bench.write(f"{name}/devenv.yml", text)
    bench.do(bench.program, "-C", project, "up", "-d", "--trust", "--no-watch")
    return project


def status(bench, project):
    said = bench.do(bench.program, "-C", project, "--json", "status")
    try:
        return json.loads(said)
    except ValueError as error:
        raise Failure(f"status said {said[:40]!r} ({error})") from error


def containers(bench, project):
    return [service["containers"][0]["id"] for service in status(bench, project)["services"]
            if service["containers"]]


def wait_for_lines(bench, ids, count):
    """Until the engine has the last line of each."""
    paths = bench.do("docker", "inspect", "-f", "{{.LogPath}}", *ids).split()
    end = time.monotonic() + 120
    while time.monotonic() < end:
        if all(int(subprocess.run(["wc", "-l", path], capture_output=True, text=True, check=True)
                   .stdout.split()[0]) >= count for path in paths):
            return
        time.sleep(1)
    raise Failure("the containers do not write their lines")


def whole(path, count):
    """The file has every line of every container."""
    def check():
        lines = int(subprocess.run(["wc", "-l", path], capture_output=True, text=True, check=True)
                    .stdout.split()[0])
        if lines < count:
            raise Failure(f"{lines} lines came, not {count}")
    return check


def curls(ids, folder, times):
    query = "stdout=1&stderr=1" + ("&timestamps=1" if times else "")
    each = (f"curl -s --unix-socket /var/run/docker.sock 'http://d/containers/{id}/logs?{query}'"
            f" >{folder}/curl{i} &" for i, id in enumerate(ids))
    return ["sh", "-c", " ".join(each) + " wait"]


def to_file(path, *argv):
    return ["sh", "-c", 'out=$1; shift; exec "$@" >"$out"', "sh", path, *argv]


def reading(bench):
    size = (MIB << 20) // SERVICES
    lines = size // (len(LINE) + 1)
    project = up(bench, "loud", LOUD.format(
        name="benchlogs", line=LINE, size=size,
        services="".join(f"  s{i}: *service\n" for i in range(SERVICES))))
    try:
        ids = containers(bench, project)
        wait_for_lines(bench, ids, lines)
        workspace = status(bench, project)["workspace"]
        out = os.path.join(bench.folder, "lines")
        check = whole(out, lines * SERVICES)
        kept = os.path.join(project, ".devenv", "logs")
        logs = to_file(out, bench.program, "-C", project, "logs")
        rows = [
            Row("devenv logs, first", logs, NOTHING, after=check,
                before=lambda: shutil.rmtree(kept, ignore_errors=True)),
            Row("devenv logs, again", logs, NOTHING, after=check),
            Row("engine API, with times", curls(ids, bench.folder, True), NOTHING),
            Row("engine API", curls(ids, bench.folder, False), NOTHING),
            Row("Compose logs", to_file(out, "docker", "compose", "-p", workspace, "logs",
                                        "--no-color"), NOTHING, after=check),
        ]
        samples = bench.paired(rows, 5)
        bench.table(f"{MIB} MiB of lines of {SERVICES} containers", samples,
                    "engine API, with times")
        cpu = {name: median(s.cpu for s in list_) for name, list_ in samples.items()}
        bench.goal("first reading, of the engine's own time for the same",
                   ratio(samples, "devenv logs, first", "engine API, with times"), 1.1, "times")
        bench.goal("client CPU of a first reading, of Compose's",
                   cpu["devenv logs, first"] / cpu["Compose logs"], 0.2, "times")
        bench.goal("from devenv's own files", wall_ms(samples, "devenv logs, again"), 300)
        bench.goal("memory of a first reading",
                   median(s.rss for s in samples["devenv logs, first"]), 10, "MiB")
        bench.say()
    finally:
        bench.attempt(bench.program, "-C", project, "down", "-v", "-y")


def ways(bench, argv):
    """Milliseconds from the writing of a line to its reading, of TICKS lines."""
    found = []
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                             stdin=subprocess.DEVNULL, env=bench.env)
    killer = threading.Timer(60, child.kill)
    killer.start()
    try:
        for line in iter(child.stdout.readline, b""):
            now = time.time()
            tick = re.search(rb"tick ([0-9.]+)", line)
            if tick and now - float(tick.group(1)) < 2:  # older ones are history
                found.append((now - float(tick.group(1))) * 1000)
            if len(found) == TICKS:
                return found
    finally:
        killer.cancel()
        child.kill()
        child.wait()
        child.stdout.close()
    raise Failure(f"{' '.join(argv)} told {len(found)} lines of {TICKS}")


def following(bench):
    perl = json.dumps(PERL.format(pause=PAUSE))
    project = up(bench, "ticking", TICKING.format(name="benchfollow", perl=perl))
    try:
        box = containers(bench, project)[0]
        workspace = status(bench, project)["workspace"]
        devenv = [bench.program, "-C", project, "logs", "-f", "-n", "0"]
        rows = {
            "devenv logs -f, container": [*devenv, "box"],
            "devenv logs -f, host service": [*devenv, "host"],
            "engine API": ["curl", "-sN", "--unix-socket", "/var/run/docker.sock",
                           f"http://d/containers/{box}/logs?stdout=1&follow=1&tail=0"],
            "Compose logs -f": ["docker", "compose", "-p", workspace, "logs", "-f", "-n", "0",
                                "box"],
        }
        seen = {name: [] for name in rows}
        for _ in range(min(bench.runs, 3) if bench.runs else 3):
            for name, argv in rows.items():
                seen[name] += sorted(ways(bench, argv))
        bench.say("### From a line to its reader")
        bench.say()
        bench.say("| | median | 99 of 100 | longest |")
        bench.say("|---|---|---|---|")
        for name, list_ in seen.items():
            list_.sort()
            bench.say(f"| {name} | {milliseconds(median(list_) / 1000)} | "
                      f"{number(list_[len(list_) * 99 // 100 - 1])} ms | {number(list_[-1])} ms |")
        bench.say()
        for name in list(rows)[:2]:
            bench.goal(name, median(seen[name]), 50)
        bench.say()
    finally:
        bench.attempt(bench.program, "-C", project, "down", "-v", "-y")


def run(bench):
    reading(bench)
    following(bench)
