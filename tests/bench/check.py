"""Tests of the benches themselves: the time of an error must never enter a table."""
import os
import shutil
import sys
import tempfile

import measure
from measure import NOTHING, Failure, Row

# argv of sh -c, what it must print, passes
CASES = {
    "right": ("echo a; echo b", r"^b$", True),
    "silent": ("true", NOTHING, True),
    "stderr counts": ("echo b >&2", r"^b$", True),
    "status": ("echo b; exit 3", r"^b$", False),
    "other output": ("echo c", r"^b$", False),
    "not silent": ("echo warning >&2", NOTHING, False),
    "killed": ("echo b; kill -KILL $$", r"^b$", False),
    "no such program": ("exec /nowhere/devenv", "", False),
    "hangs": ("echo b; sleep 1000", r"^b$", False),
}

# A stand-in for devenv that succeeds and does nothing: no bench may believe it.
IDLE = "#!/bin/sh\nexit 0\n"
# One that answers the first question of a bench and fails later.
BROKEN = "#!/bin/sh\n[ \"$1\" = --version ] && echo 'devenv 1' && exit 0\nexit 1\n"

passed, failures = 0, []


def note(name, right):
    global passed
    if right:
        passed += 1
    else:
        failures.append(name)


def raises(work):
    try:
        work()
    except Failure:
        return True
    return False


def check_time(bench):
    for name, (script, expect, passes) in CASES.items():
        limit = 1 if name == "hangs" else 20
        failed = raises(lambda: bench.time(["sh", "-c", script], expect, limit=limit))
        note(name, failed != passes)


def check_times(bench):
    argv = ["sh", "-c", "echo b; echo b"]
    note("often enough", not raises(lambda: bench.time(argv, "b", times=2)))
    note("not often enough", raises(lambda: bench.time(argv, "b", times=3)))


def check_paired(bench):
    order = []

    def row(name, after=None):
        return Row(name, ["sh", "-c", f"echo {name}"], name, before=lambda: order.append(name),
                   after=after)
    samples = bench.paired([row("a"), row("b")], 3, warmup=1)
    note("in turns", order == ["a", "b"] * 4)
    note("warm-up not counted", [len(list_) for list_ in samples.values()] == [3, 3])

    def undone():
        raise Failure("the work is not done")
    note("work not done", raises(lambda: bench.paired([row("a", undone)], 1)))


def check_numbers(bench):
    slow = bench.time(["sleep", "0.2"], NOTHING)
    note("wall", 0.2 <= slow.wall < 5 and slow.cpu < 0.1)
    busy = bench.time(["sh", "-c", "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done"], NOTHING)
    note("cpu", 0.01 < busy.cpu <= busy.wall + 0.05)
    big = bench.time([sys.executable, "-c", "x = b'x' * (64 << 20)"], NOTHING)
    small = bench.time(["true"], NOTHING)
    note("memory", big.rss > 64 and small.rss < 8)
    bench.goal("x", 2, 1)
    note("goal missed", bench.missed and "**not met**" in bench.lines[-1])
    bench.goal("x", 1, 1)
    note("goal met", len(bench.missed) == 1 and "- met" in bench.lines[-1])


def check_modules(folder, benches):
    """Every bench refuses a devenv that does nothing, and one that fails."""
    for kind, script in (("idle", IDLE), ("broken", BROKEN)):
        program = os.path.join(folder, kind, "devenv")
        os.makedirs(os.path.dirname(program))
        with open(program, "w", encoding="utf-8") as file:
            file.write(script)
        os.chmod(program, 0o755)
        for name, module in benches:
            work = tempfile.mkdtemp(dir=folder)
            bench = measure.Bench(program, work, 1, silent=True)
            note(f"{name} with {kind} devenv", raises(lambda: module.run(bench)))


def main(benches):
    os.environ["QUIET"] = "0"
    folder = tempfile.mkdtemp(prefix="devenv-bench.")
    try:
        bench = measure.Bench("/nowhere/devenv", folder, silent=True)
        for check in (check_time, check_times, check_paired, check_numbers):
            check(bench)
        check_modules(folder, benches)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for name in failures:
        print(f"bench: {name}")
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0
