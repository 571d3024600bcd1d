"""K. A volume of 1 GB kept and brought back, against tar and zstd -1 in a container on the same volume.

Nobody uses the volume meanwhile: the stop and the start of a database are its own time. Half of the
data cannot be compressed, half is text. Both sides make a container; ours verifies checksums, too,
and brings the archive to the disk before it says that it is there.
"""
import os
import subprocess

from measure import Failure, Row, ratio

SOCKET = os.environ.get("DOCKER_SOCK", "/var/run/docker.sock")

MIB = 1024
IMAGE = "devenv-bench/zstd:1"
SERVICES = """name: bench-data
volumes: {{ data: {{}} }}
services:
  box:
    image: debian:bookworm-slim
    stop_signal: SIGKILL
    volumes: ["data:/d"]
    command: [sh, -c, "{fill}; sleep infinity"]
    healthcheck: {{ test: "test -e /d/whole", interval: 1s, retries: 600 }}
"""
FILL = ("test -e /d/whole || {{ mkdir -p /d/t; for i in 1 2 3 4 5 6 7 8; do head -c {part}M /dev/urandom >/d/r$$i; "
        "yes line $$i of quite ordinary text that says nothing | head -c {part}M >/d/t/$$i; done; touch /d/whole; }}")


def libraries(program):
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return [word for line in said.splitlines() for word in line.split() if word.startswith("/")]


def make_image(bench):
    """Debian's slim image has no zstd: this machine's own, with what it stands on."""
    if bench.attempt("docker", "image", "inspect", IMAGE):
        return
    zstd = bench.do("sh", "-c", "command -v zstd").strip()
    box = bench.do("docker", "create", "debian:bookworm-slim", "true").strip()
    try:
        bench.do("docker", "cp", "-L", zstd, f"{box}:/usr/bin/zstd")
        for path in libraries(zstd):
            if "ld-linux" not in path and "libc.so" not in path and "libpthread" not in path:
                bench.do("docker", "cp", "-L", path, f"{box}:{os.path.realpath(path)}")
        bench.do("docker", "commit", box, IMAGE)
    finally:
        bench.attempt("docker", "rm", "-f", box)
    bench.do("docker", "run", "--rm", IMAGE, "zstd", "--version")


def inside(volumes, script):
    mounts = [word for name, at in volumes.items() for word in ("-v", f"{name}:{at}")]
    return ["docker", "run", "--rm", "--network", "none", *mounts, IMAGE, "bash", "-ec",
            f"set -o pipefail; {script}"]


def measure_both(bench, project, volume):
    ours = [bench.program, "-C", project]
    for name in ("bench-data-archive", "bench-data-copy"):
        bench.attempt("docker", "volume", "rm", name)

    def fresh():
        bench.attempt("docker", "volume", "rm", "bench-data-copy")
        bench.do("docker", "volume", "create", "bench-data-copy")
    archive, copy = {"bench-data-archive": "/a"}, {"bench-data-copy": "/v", "bench-data-archive": "/a"}
    save = inside({volume: "/v", **archive}, "tar -C /v -c . | zstd -1 -q -f -o /a/x.tar.zst; sync /a/x.tar.zst")
    export = ["sh", "-ec", f"box=$(docker create -v {volume}:/v {IMAGE} true); curl -sSf --unix-socket {SOCKET} "
              "http://localhost/containers/$box/archive?path=/v -o /dev/null; docker rm $box"]
    back = inside(copy, "zstd -dcq /a/x.tar.zst | tar -C /v -x")
    rows = [
        Row("devenv snapshot", [*ours, "snapshot", "kept"], "^kept$",
            before=lambda: bench.attempt(*ours, "snapshot", "rm", "kept")),
        Row("tar and zstd -1 in a container", save, ""),
        Row("the engine's export alone, kept nowhere", export, ""),
    ]
    samples = bench.paired(rows, 5, limit=600)
    bench.table(f"A volume of {MIB} MiB kept", samples, rows[1].name)
    bench.goal("keeping, of tar and zstd -1", ratio(samples, rows[0].name, rows[1].name), 1.2, "times")
    rows = [
        Row("devenv restore", [*ours, "restore", "kept", "-y", "--no-snapshot"], "Restored: data"),
        Row("zstd -d and tar in a container", back, "", before=fresh),
    ]
    samples = bench.paired(rows, 5, limit=600)
    bench.table(f"A volume of {MIB} MiB brought back", samples, rows[1].name)
    bench.goal("bringing back, of zstd -d and tar",
               ratio(samples, rows[0].name, rows[1].name), 1.2, "times")
    bench.say()


def run(bench):
    project = bench.make_folder("data")
    bench.write("data/devenv.yml", SERVICES.format(fill=FILL.format(part=MIB // 16)))
    ours = [bench.program, "-C", project]
    make_image(bench)
    try:
        bench.do(*ours, "up", "-d")
        bench.do(*ours, "stop")
        said = bench.do("docker", "volume", "ls", "-q", "--filter", f"label=devenv.root={project}")
        if len(said.split()) != 1:
            raise Failure(f"the volumes are {said!r}")
        measure_both(bench, project, said.strip())
    finally:
        bench.attempt(*ours, "down", "-v", "-y", "--no-snapshot")
        for name in ("bench-data-archive", "bench-data-copy"):
            bench.attempt("docker", "volume", "rm", name)
