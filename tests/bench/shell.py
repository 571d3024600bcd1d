"""F. A shell, and a command, in a running container, against `docker exec` of the same.

The shell reads `exit` from a pipe and ends. devenv finds bash by itself; docker is told of it.
"""
from measure import Row, wall_ms

PROJECT = """name: bench-shell
services:
  box: { image: "debian:bookworm-slim", command: sleep infinity, stop_grace_period: 0s }
"""
GOAL_MS = 20


def run(bench):
    folder = bench.make_folder("shell")
    bench.write(f"{folder}/devenv.yml", PROJECT)
    devenv = ["devenv", "-C", folder]
    bench.do(*devenv, "up", "-d")
    try:
        box = bench.do("docker", "ps", "-q", "--filter", f"label=devenv.root={folder}").strip()
        rows = [Row("devenv shell", ["sh", "-c", f"echo exit | devenv -C {folder} shell -T box"], ""),
                Row("docker exec, bash", ["sh", "-c", f"echo exit | docker exec -i {box} bash"], ""),
                Row("devenv exec", [*devenv, "exec", "-T", "box", "echo", "here"], "here"),
                Row("docker exec", ["docker", "exec", box, "echo", "here"], "here")]
        samples = bench.paired(rows, 25, warmup=2)
    finally:
        bench.attempt(*devenv, "down", "-v", "-y")
    bench.table("A shell and a command in a container", samples, rows[1].name)
    for ours, theirs in (rows[0], rows[1]), (rows[2], rows[3]):
        bench.goal(f"{ours.name}, over {theirs.name}",
                   wall_ms(samples, ours.name) - wall_ms(samples, theirs.name), GOAL_MS)
    bench.say()
