"""B. `build` with nothing to build: 30 rungs, of which the engine has every one.

The same for another environment, where the commit is looked at and the sources of a module are
hashed, too. The floor is the request that both make, by curl.
"""
import json
import os

from measure import Row, wall_ms

SOCKET = os.environ.get("DOCKER_SOCK", "/var/run/docker.sock")
RUNGS = 30
GOAL_MS = 50


def project(tag):
    lines = [f"name: bench-build-{tag}", "images:",
             "  bench-0: { from: debian:bookworm-slim, user: { name: app, uid: 1000, gid: 1000 } }"]
    lines += [f"  bench-{i}: {{ from: bench-{(i - 1) // 3}, env: {{ RUNG: \"{tag} {i}\" }} }}"
              for i in range(1, RUNGS)]
    lines += ["services:"]
    lines += [f"  s{i}: {{ image: bench-{i}, command: sleep infinity }}" for i in range(RUNGS)]
    lines += ["  api:", "    image: bench-1", "    working_dir: /srv/api", "    command: sleep 1",
              "    develop: { source: api }", "    release: { artifacts: { api: /srv/api } }"]
    return "\n".join(lines) + "\n"


def clear(bench, tag):
    """The images of this run alone, whatever else they are called."""
    listed = json.loads(bench.do("curl", "-sS", "--unix-socket", SOCKET,
                                 "http://localhost/images/json"))
    bench.attempt("docker", "rmi", "-f", *(
        image["Id"] for image in listed
        if any(name.startswith(f"bench-build-{tag}-") for name in image["RepoTags"] or [])))


def run(bench):
    folder = bench.make_folder("build")
    bench.write(f"{folder}/devenv.yml", project(os.getpid()))
    bench.write(f"{folder}/devenv.prod.yml", "{}\n")
    bench.write(f"{folder}/api/main", "main\n")
    for words in (["init", "-q"], ["add", "-A"],
                  ["-c", "user.name=b", "-c", "user.email=b@b", "commit", "-qm", "one"]):
        bench.do("git", "-C", folder, *words)
    devenv = ["devenv", "-C", folder]
    try:
        bench.do(*devenv, "build")
        bench.do(*devenv, "--env", "prod", "build")
        rows = [Row("devenv build", [*devenv, "build"], "Nothing to build"),
                Row("devenv --env prod build", [*devenv, "--env", "prod", "build"],
                    "Nothing to build"),
                Row("curl", ["curl", "-sS", "--unix-socket", SOCKET,
                             "http://localhost/images/json"], "bench-29")]
        samples = bench.paired(rows, 25, warmup=2)
    finally:
        clear(bench, os.getpid())
    bench.table(f"{RUNGS} rungs, nothing to build", samples, rows[2].name)
    bench.goal("devenv build", wall_ms(samples, rows[0].name), GOAL_MS)
    bench.say()
