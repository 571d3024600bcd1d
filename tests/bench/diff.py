"""J. Two built environments compared: at the first look into their images, and later.

Two pairs of images on debian:bookworm-slim; the first look reads their packages, accounts, and
files through the engine, a later one knows them by their ids. The goal allows two seconds.
"""
import os
import shutil

from measure import Row, wall_ms

PROJECT = """name: bench-diff
images:
  bench-one: { dockerfile: one.Dockerfile }
  bench-two: { dockerfile: two.Dockerfile }
services:
  one: { image: bench-one, working_dir: /srv/one }
  two: { image: bench-two, working_dir: /srv/two }
parity: { allow: [services, images] }
"""
OVERLAY = """images:
  bench-one: { dockerfile: one-prod.Dockerfile }
  bench-two: { dockerfile: two-prod.Dockerfile }
"""
FILES = 500


def dockerfile(service, env):
    return ("FROM debian:bookworm-slim\n"
            f"RUN mkdir -p /srv/{service} && cd /srv/{service} && for i in $(seq {FILES}); do"
            f" echo {env} $i >$i; done\n"
            f"ENV WHERE={env}\n")


def run(bench):
    folder = bench.make_folder("diff")
    bench.write(f"{folder}/devenv.yml", PROJECT)
    bench.write(f"{folder}/devenv.prod.yml", OVERLAY)
    for service in ("one", "two"):
        bench.write(f"{folder}/{service}.Dockerfile", dockerfile(service, "dev"))
        bench.write(f"{folder}/{service}-prod.Dockerfile", dockerfile(service, "prod"))
    devenv = ["devenv", "-C", folder]
    cache = os.path.join(bench.home, ".cache/devenv/images")
    found = r"^[1-9]\d* differences: [1-9]\d* allowed, 0 expected, 0 not allowed$"
    try:
        bench.do(*devenv, "build")
        bench.do(*devenv, "--env", "prod", "build")
        rows = [
            Row("devenv diff, first look", [*devenv, "diff", "dev", "prod"], found,
                lambda: shutil.rmtree(cache, ignore_errors=True)),
            Row("devenv diff", [*devenv, "diff", "dev", "prod"], found),
            Row("devenv diff --config-only", [*devenv, "diff", "dev", "prod", "--config-only"],
                r"^4 differences|^2 differences"),
        ]
        samples = bench.paired(rows, 7, warmup=1)
    finally:
        for name in bench.attempt("docker", "images", "--format", "{{.Repository}}:{{.Tag}}",
                                  "--filter", "reference=devenv/bench-*").split():
            bench.attempt("docker", "rmi", name)
    bench.table("Two environments of two images each", samples, rows[1].name)
    bench.goal("diff of two built environments, first look", wall_ms(samples, rows[0].name), 2000)
    bench.goal("diff of two built environments, later", wall_ms(samples, rows[1].name), 200)
    bench.say()
