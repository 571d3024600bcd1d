"""B. Up: cold, with nothing to do, status, down; 5 and 25 services of a ready-made image.

Compose runs a copy of the file that devenv generated (another project name, no labels of devenv), so
that the engine has the same containers to make. The floor is one request to the engine by curl.
"""
import json
import os
import urllib.parse

from measure import Failure, Row, ratio, wall_ms

IMAGE = "debian:bookworm-slim"
SOCKET = os.environ.get("DOCKER_SOCK", "/var/run/docker.sock")


class Pair:
    """The same services twice: one workspace of devenv, one project of Compose."""

    def __init__(self, bench, count):
        self.bench, self.count = bench, count
        tag = f"{os.getpid()}-{count}"
        self.folder = bench.make_folder(f"up{count}")
        bench.write(f"{self.folder}/devenv.yml", f"name: bench-{tag}\nservices:\n" + "".join(
            f"  s{i}: {{ image: {IMAGE}, command: sleep infinity }}\n" for i in range(count)))
        bench.do("devenv", "generate", cwd=self.folder)
        generated = os.path.join(self.folder, ".devenv", "generated", "compose.yml")
        tree = json.loads(bench.do("docker", "compose", "-f", generated, "config", "--format",
                                   "json"))
        self.ours = tree["name"]
        self.theirs = tree["name"] = f"peer-{tag}"
        for part in ("services", "networks", "volumes"):
            for item in (tree.get(part) or {}).values():
                item.pop("labels", None)
                item.pop("name", None)
                item.pop("container_name", None)
        file = bench.write(f"peer{count}/compose.json", json.dumps(tree))
        self.compose = ["docker", "compose", "-p", self.theirs, "-f", file]
        self.devenv = ["devenv", "-C", self.folder]

    def containers(self, project):
        out = self.bench.do("docker", "ps", "--no-trunc", "--format", "{{.ID}} {{.State}}",
                            "--filter", f"label=com.docker.compose.project={project}")
        return sorted(out.splitlines())

    def need(self, project, count):
        """All of them run, or none is left."""
        found = self.containers(project)
        running = sum(line.endswith(" running") for line in found)
        if (running, len(found)) != (count, count):
            raise Failure(f"{project}: {running} of {len(found)} containers run, wanted {count}")

    def clear(self):
        self.bench.do(*self.devenv, "down", "-t", "0")
        self.bench.do(*self.compose, "down", "-t", "0")
        self.need(self.ours, 0)
        self.need(self.theirs, 0)

    def start(self):
        self.bench.do(*self.devenv, "up", "-d")
        self.bench.do(*self.compose, "up", "-d")
        self.need(self.ours, self.count)
        self.need(self.theirs, self.count)


def cold(pair):
    count = pair.count
    rows = [
        Row("devenv up -d", [*pair.devenv, "up", "-d"], rf"\bs{count - 1}\b", pair.clear,
            lambda: pair.need(pair.ours, count)),
        Row("docker compose up -d", [*pair.compose, "up", "-d"], "Started", pair.clear,
            lambda: pair.need(pair.theirs, count)),
        Row("docker compose up -d --wait", [*pair.compose, "up", "-d", "--wait"], "Healthy",
            pair.clear, lambda: pair.need(pair.theirs, count)),
    ]
    samples = pair.bench.paired(rows, 5 if count < 20 else 3, warmup=1 if count < 20 else 0)
    pair.bench.table(f"Cold, {count} services: until all run", samples, "docker compose up -d")
    times = {row.name: ratio(samples, row.name, "docker compose up -d") for row in rows}
    pair.bench.goal(f"cold, {count} services, times `docker compose up -d`", times["devenv up -d"],
                    1.1, "times")
    pair.bench.goal(f"cold, {count} services, times `up -d --wait`",
                    times["devenv up -d"] / times["docker compose up -d --wait"], 1, "times")
    pair.bench.say()


def unchanged(pair, project):
    before = pair.containers(project)

    def check():
        if pair.containers(project) != before:
            raise Failure(f"{project}: a run with nothing to do changed its containers")
    return check


def nothing_to_do(pair):
    pair.start()
    bench, count = pair.bench, pair.count
    label = json.dumps({"label": [f"com.docker.compose.project={pair.ours}"]})
    url = f"http://d/containers/json?all=1&filters={urllib.parse.quote(label)}"
    floor = "floor: one request by curl"
    rows = [
        Row(floor, ["curl", "-sf", "--unix-socket", SOCKET, url],
            '"State":"running"', times=count),
        Row("devenv up -d", [*pair.devenv, "up", "-d"], rf"\bs{count - 1}\b",
            after=unchanged(pair, pair.ours)),
        Row("devenv status", [*pair.devenv, "status"], rf"\bs{count - 1}\b"),
        Row("docker compose up -d", [*pair.compose, "up", "-d"], "Running",
            after=unchanged(pair, pair.theirs)),
        Row("docker compose ps", [*pair.compose, "ps"], rf"\bs{count - 1}\b"),
    ]
    samples = bench.paired(rows, 15)
    bench.table(f"Nothing to do, {count} services", samples, floor)
    for name in ("devenv up -d", "devenv status"):
        bench.goal(f"{name}, nothing to do, {count} services, times one request by curl",
                   ratio(samples, name, floor), 1.5, "times")
        bench.goal(f"{name}, nothing to do, {count} services, share of `docker compose up -d`",
                   ratio(samples, name, "docker compose up -d") * 100, 20, "%")
    bench.say()
    return wall_ms(samples, "devenv up -d")


def down(pair):
    rows = [
        Row("devenv down", [*pair.devenv, "down"], "", pair.start,
            lambda: pair.need(pair.ours, 0)),
        Row("docker compose down", [*pair.compose, "down"], "Removed", pair.start,
            lambda: pair.need(pair.theirs, 0)),
    ]
    samples = pair.bench.paired(rows, 3, warmup=0)
    pair.bench.table(f"Down, {pair.count} services", samples, "docker compose down")


def remove(pair):
    """Whatever a failure left of ours, by the two project labels alone."""
    for project in (pair.ours, pair.theirs):
        for kind, listing in (("container", ["ps", "-aq"]), ("network", ["network", "ls", "-q"]),
                              ("volume", ["volume", "ls", "-q"])):
            left = pair.bench.attempt("docker", *listing, "--filter",
                                 f"label=com.docker.compose.project={project}").split()
            if left:
                force = ["-f"] if kind == "container" else []
                pair.bench.attempt("docker", kind, "rm", *force, *left)


def run(bench):
    for count in (5, 25):
        pair = Pair(bench, count)
        try:
            cold(pair)
            nothing_to_do(pair)
            down(pair)
        finally:
            remove(pair)
