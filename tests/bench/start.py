"""G. Start-up: what the cheapest call of each program costs."""
from measure import NOTHING, Row, wall_ms


def run(bench):
    folder = bench.make_folder("start")
    bench.write(f"{folder}/devenv.yml", "name: start\nservices:\n" + "".join(
        f"  s{i}: {{ image: debian:bookworm-slim, command: sleep infinity }}\n" for i in range(5)))
    rows = [
        Row("true", ["true"], NOTHING, cwd=folder),
        Row("devenv --version", ["devenv", "--version"], r"\Adevenv \d", cwd=folder),
        Row("devenv help", ["devenv", "help"], r"status", cwd=folder),
        Row("complete a command", ["devenv", "__complete", "st"], r"^status", cwd=folder),
        Row("complete a service", ["devenv", "__complete", "logs", "s"], r"^s3",
            cwd=folder),
        Row("curl --version", ["curl", "--version"], r"\Acurl "),
        Row("openssl version", ["openssl", "version"], r"\AOpenSSL "),
        Row("docker compose version", ["docker", "compose", "version"], r"version"),
    ]
    samples = bench.paired(rows, 25, warmup=2)
    bench.table("Start-up", samples, "true")
    bench.goal("devenv --version", wall_ms(samples, "devenv --version"), 3)
    for name in ("complete a command", "complete a service"):
        bench.goal(name, wall_ms(samples, name), 5)
    bench.say()
