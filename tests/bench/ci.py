"""K. `devenv ci` of a small project: all stages of two modules, one of which serves a route of its own.

First: the rung does not exist, and what its build and the dependencies cost is stood for by waiting,
so that no mirror is timed. Again: nothing has changed. devenv's own share is what `ci --timings` says.
"""
import re
import secrets

from measure import Row, median

OWN = re.compile(r"^ *([\d.]+) ms  devenv's own share$", re.MULTILINE)
PROJECT = """name: bench-ci
images:
  base: {{ from: debian:bookworm-slim, run: ["sleep 40 # {mark}"] }}
services:
  api:
    image: base
    command: sleep infinity
    init: true
    working_dir: /srv
    develop: {{ source: api, compile: sh go.sh, lint: sh go.sh, test: sh go.sh }}
  web:
    image: base
    command: sleep infinity
    init: true
    working_dir: /srv
    depends_on: [api]
    develop: {{ source: web, compile: sh go.sh, lint: sh go.sh, test: sh go.sh }}
ci: {{ e2e: {{ service: web, run: sleep 1 }} }}
"""


def run(bench):
    folder = bench.make_folder("ci")
    mark = secrets.token_hex(8)
    bench.write("ci/devenv.yml", PROJECT.format(mark=mark))
    for module in ("api", "web"):
        bench.write(f"ci/{module}/go.sh", "sleep 1\n")
    argv = ["devenv", "-C", folder, "ci", "--timings"]
    try:
        first = bench.paired([Row("first", argv, "Passed in")], 1, 0, limit=600)["first"]
        again = bench.paired([Row("again", argv, "Passed in")], 5, 0, limit=600)["again"]
    finally:
        for image in bench.attempt("docker", "images", "-q", "devenv/base").split():
            if mark in bench.attempt("docker", "history", "--no-trunc", image):
                bench.attempt("docker", "rmi", "-f", image)
    bench.table("The whole run", {"first": first * len(again), "again": again}, "first")
    share = median(float(OWN.search(s.out).group(1)) / 10 / s.wall for s in again)
    bench.goal("devenv's own share of a run with warm caches", share, 3, "%")
    bench.goal("a run with nothing changed, of the first",
               median(s.wall for s in again) / first[0].wall, 1 / 3, "")
    bench.say()
