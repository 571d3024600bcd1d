"""B. `build` with nothing to build: 30 rungs, of which the engine has every one.

The same for another environment, where the commit is looked at and the sources of a module are
hashed, too; and with a devenv.lock of 3 000 packages. The floor are the questions for 30 images, by
curl on one connection.
"""
import os
import re

from measure import Failure, Row, median, wall_ms

SOCKET = os.environ.get("DOCKER_SOCK", "/var/run/docker.sock")
RUNGS = 30
PACKAGES = 100  # per rung in devenv.lock: noted, so that they change no tag
GOAL_MS = 50
LOCK_GOAL_MS = 5


def project(tag):
    name = f"bench-{tag}"
    lines = [f"name: bench-build-{tag}", "images:",
             f"  {name}-0: {{ from: debian:bookworm-slim, user: {{ name: app, uid: 1000, gid: 1000 }} }}"]
    lines += [f"  {name}-{i}: {{ from: {name}-{(i - 1) // 3}, env: {{ RUNG: \"{i}\" }} }}"
              for i in range(1, RUNGS)]
    lines += ["services:"]
    lines += [f"  s{i}: {{ image: {name}-{i}, command: sleep infinity }}" for i in range(RUNGS)]
    lines += ["  api:", f"    image: {name}-1", "    working_dir: /srv/api", "    command: sleep 1",
              "    develop: { source: api }", "    release: { artifacts: { api: /srv/api } }"]
    return "\n".join(lines) + "\n"


def checkout(bench, name):
    folder = bench.make_folder(name)
    bench.write(f"{folder}/devenv.yml", project(os.getpid()))
    bench.write(f"{folder}/devenv.prod.yml", "{}\n")
    bench.write(f"{folder}/api/main", "main\n")
    for words in (["init", "-q"], ["add", "-A"],
                  ["-c", "user.name=b", "-c", "user.email=b@b", "commit", "-qm", "one"]):
        bench.do("git", "-C", folder, *words)
    return ["devenv", "-C", folder]


def lock(bench, devenv):
    """As devenv wrote it, and with as many packages as rungs really have."""
    bench.do(*devenv, "lock")
    path = f"{devenv[-1]}/devenv.lock"
    if not os.path.exists(path):
        raise Failure(f"{devenv[0]} lock wrote no devenv.lock")
    noted = "".join(f"      package-{i:03}: 1.{i}-1+deb12u1\n" for i in range(PACKAGES))
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"(?m)^(    inputs: .*\n)", r"\1    others:\n" + noted, file.read())
    bench.write(path, text)


def images(bench, tag):
    listed = bench.do("docker", "images", "--format", "{{.Repository}}:{{.Tag}}").split()
    return [name for name in listed
            if name.startswith((f"devenv/bench-{tag}-", f"bench-build-{tag}-"))]


def measured(bench):
    devenv, locked = checkout(bench, "build"), checkout(bench, "locked")
    lock(bench, locked)
    for words in (devenv, locked, [*devenv, "--env", "prod"]):
        bench.do(*words, "build")
    urls = [f"http://localhost/images/{name}/json" for name in images(bench, os.getpid())
            if name.startswith("devenv/bench-")]
    rows = [Row("devenv build", [*devenv, "build"], "Nothing to build"),
            Row("the same, locked", [*locked, "build"], "Nothing to build"),
            Row("devenv --env prod build", [*devenv, "--env", "prod", "build"],
                "Nothing to build"),
            Row("curl", ["curl", "-sS", "--unix-socket", SOCKET, *urls[:RUNGS]], "bench-")]
    return rows, bench.paired(rows, 25, warmup=2)


def run(bench):
    try:
        rows, samples = measured(bench)
    finally:
        bench.attempt("docker", "rmi", "-f", *images(bench, os.getpid()))
    bench.table(f"{RUNGS} rungs, nothing to build", samples, rows[3].name)
    bench.goal("devenv build", wall_ms(samples, rows[0].name), GOAL_MS)
    added = [locked.cpu - plain.cpu
             for plain, locked in zip(samples[rows[0].name], samples[rows[1].name])]
    bench.goal("processor time that devenv.lock adds", median(added) * 1000, LOCK_GOAL_MS)
    bench.say()
