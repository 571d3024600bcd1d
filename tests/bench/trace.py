"""F. A trace of a route of five stages, against the plain request by curl.

Name, TCP, TLS, proxy and service; the goal allows three times the plain request and 50 ms.
"""
import os
import re

from measure import Failure, Row, median

PROJECT = """name: bench-trace
services:
  edge: { extends: { template: nginx } }
  mail: { extends: { template: mail } }
routes:
  - { host: bench.localhost, path: /, to: mail:http, via: edge }
"""
PATH = "/healthz"
SLACK_MS = 50


def run(bench):
    folder = bench.make_folder("trace")
    bench.write(f"{folder}/devenv.yml", PROJECT)
    devenv = ["devenv", "-C", folder]
    bench.do(*devenv, "up", "-d")
    try:
        url = re.search(r"https://bench\.localhost\S*", bench.do(*devenv, "open", "--print"))
        if not url:
            raise Failure("the route has no URL")
        authority = os.path.join(bench.home, ".local/share/devenv/ca/ca.crt")
        curl = ["curl", "-sS", "--fail-with-body", "--noproxy", "*", "--cacert", authority,
                url.group().rstrip("/") + PATH]
        rows = [Row("devenv trace", [*devenv, "trace", PATH], "no stage is to blame"),
                Row("curl", curl, "")]
        samples = bench.paired(rows, 25, warmup=2)
    finally:
        bench.attempt(*devenv, "down", "-v", "-y")
    bench.table("A route of five stages", samples, rows[1].name)
    over = median((a.wall - 3 * b.wall) * 1000
                  for a, b in zip(samples[rows[0].name], samples[rows[1].name]))
    bench.goal("devenv trace, over three times curl", over, SLACK_MS)
    bench.say()
