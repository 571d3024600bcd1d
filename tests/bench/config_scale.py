"""A. Configuration that grows: a base file and an overlay of 10, 100 and 1 000 services.

devenv and Compose read the very same two files (every service is a plain Compose service), and
Compose also reads the file that devenv generated from them. The floor only scans the two files.
"""
import math
import os
import re

from measure import NOTHING, Failure, Row, compile_c, ratio, rss, wall_ms

SERVICE = """\
  s{i}:
    image: registry.example/app/s{i}:1.{i}
    command: ["run", "--port", "{port}"]
    environment:
      NAME: s{i}
      LEVEL: ${{LEVEL:-info}}
      DB_URL: postgres://u:p@db{i}:5432/app
    ports:
      - "{host}:{port}"
    expose: ["9090"]
    volumes:
      - ./src{i}:/app:ro
      - data{i}:/var/lib/data
{needs}    healthcheck:
      test: ["CMD", "wget", "-qO-", "http://localhost:{port}/health"]
      interval: 5s
      timeout: 2s
      retries: 3
    labels:
      com.example.tier: "t{tier}"
    networks: [front, back]
"""
NEEDS = """\
    depends_on:
      s{before}:
        condition: service_started
"""
OVERLAY = """\
  s{i}:
    environment:
      LEVEL: debug
      EXTRA: "{i}"
    volumes:
      - ./dev{i}:/dev-src
    restart: unless-stopped
"""
# Wall limit of config -q in ms; how many times faster than Compose both are on the generated file.
GOALS = {10: (4, 0), 100: (8, 30), 1000: (40, 40)}


def base_file(count):
    services = "".join(
        SERVICE.format(i=i, port=8000 + i, host=10000 + i, tier=i % 7,
                       needs=NEEDS.format(before=i - 1) if i % 10 else "")
        for i in range(count))
    volumes = "".join(f"  data{i}: {{}}\n" for i in range(count))
    return (f"name: scale\nservices:\n{services}volumes:\n{volumes}"
            "networks:\n  front: {}\n  back: {}\n")


def overlay_file(count):
    return "services:\n" + "".join(OVERLAY.format(i=i) for i in range(count))


def check_generated(bench, folder, generated, count):
    """Both files arrived in every service of what was generated."""
    names = bench.do("docker", "compose", "-f", generated, "config", "--services").split()
    if len(set(names)) != count:
        raise Failure(f"{generated} has {len(set(names))} services, wanted {count}")
    with open(os.path.join(folder, generated), encoding="utf-8") as file:
        text = file.read()
    for needle in (f"EXTRA: ['\"]?{count - 1}['\"]?\n", "LEVEL: ['\"]?debug"):
        if len(re.findall(needle, text)) < 1:
            raise Failure(f"{generated} lacks {needle!r}")


def measure_size(bench, floor, count, runs):
    folder = bench.make_folder(f"scale{count}")
    base = bench.write(f"{folder}/devenv.yml", base_file(count))
    over = bench.write(f"{folder}/devenv.dev.yml", overlay_file(count))
    generated = os.path.join(folder, ".devenv", "generated", "compose.yml")
    bench.do("devenv", "generate", cwd=folder)
    check_generated(bench, folder, generated, count)
    kib = (os.path.getsize(base) + os.path.getsize(over)) / 1024
    compose = ["docker", "compose"]
    rows = [
        Row("devenv config -q", ["devenv", "config", "-q"], NOTHING, cwd=folder),
        Row("devenv generate", ["devenv", "generate", "-q"], NOTHING, cwd=folder),
        Row("docker compose config -q, the same two files",
            [*compose, "-f", base, "-f", over, "config", "-q"], NOTHING, cwd=folder),
        Row("docker compose config -q, the generated file",
            [*compose, "-f", generated, "config", "-q"], NOTHING, cwd=folder),
        Row("floor: libyaml scans the two files", [floor, base, over], r"^\d+ events$", cwd=folder),
    ]
    samples = bench.paired(rows, runs)
    bench.table(f"{count} services, {kib:.0f} KiB in two files", samples, rows[0].name)
    limit, times = GOALS[count]
    for row in rows[:2]:
        if row is rows[0]:
            bench.goal(f"{row.name}, {count} services", wall_ms(samples, row.name), limit)
        if times:
            bench.goal(f"{row.name}, {count} services, share of Compose's time on the generated file",
                       ratio(samples, row.name, rows[3].name) * 100, 100 / times, "%")
        if count >= 100:
            bench.goal(f"{row.name}, {count} services, share of Compose's memory",
                       rss(samples, row.name) / rss(samples, rows[3].name) * 100, 25, "%")
    bench.say()
    return samples


def run(bench):
    floor = compile_c("floor_yaml.c", os.path.join(bench.folder, "floor_yaml"), "-lyaml")
    seen = {count: measure_size(bench, floor, count, runs)
            for count, runs in ((10, 11), (100, 9), (1000, 5))}
    for name in seen[10]:
        small, middle, large = (wall_ms(seen[count], name) for count in (10, 100, 1000))
        bench.say(f"- growth of {name}: n^{math.log10(middle / small):.2f} from 10 to 100, "
                  f"n^{math.log10(large / middle):.2f} from 100 to 1000")
    bench.say()
