"""D. Supervising host processes: 100 of them started and stopped, what the supervisor weighs, one
child's 200 MiB of lines into its log, the first restart of a child that was killed.

Started: from the command to the last child's own note of the time. Stopped: from the command (for
devenv all of `devenv down`, for the others SIGTERM) to the last child gone. The floors are fork and
exec by hand, and the same lines through a pipe, by cat and by a program that only puts a prefix
before each.
"""
import glob
import os
import signal
import shutil
import subprocess
import time

import processes
from measure import Failure, compile_c, load, median, number

CHILDREN = 100
FLOOD_MIB = 200
LINE = "quick brown fox"


def marks(path):
    """When each note was made. Whose it is cannot be told: a PID namespace has numbers of its own."""
    try:
        with open(path, encoding="ascii") as file:
            return [int(line.split()[0]) for line in file if line.endswith("\n")]
    except FileNotFoundError:
        return []


class Peer:
    """A supervisor in the foreground; commands are argv words in one string."""

    def __init__(self, bench, work, commands):
        self.bench, self.work = bench, bench.make_folder(work)
        self.log = os.path.join(self.work, "all.log")
        argv = self.argv(commands)
        self.process = subprocess.Popen(
            argv, cwd=self.work, env={**bench.env, "HOME": self.work}, stdin=subprocess.DEVNULL,
            stdout=open(self.log, "ab"), stderr=subprocess.STDOUT, start_new_session=True)

    def argv(self, commands):
        raise NotImplementedError

    def own(self, children):
        return [pid for pid in processes.tree(self.process.pid) if pid not in children]

    def output(self):
        return [self.log]

    def end(self):
        self.process.send_signal(signal.SIGTERM)

    def clear(self):
        left = processes.tree(self.process.pid)
        processes.end(left)
        self.process.wait()
        processes.end([pid for pid in processes.of_home(self.work) if pid not in left])


class Supervisord(Peer):
    def argv(self, commands):
        path = self.bench.write(f"{self.work}/s.conf", (
            f"[supervisord]\nnodaemon=true\nlogfile={self.work}/s.log\npidfile={self.work}/s.pid\n"
            "minfds=1024\n") + "".join(
                f"[program:p{i}]\ncommand={command}\nautorestart=true\nstdout_logfile={self.log}\n"
                "stdout_logfile_maxbytes=0\nredirect_stderr=true\n"
                for i, command in enumerate(commands)))
        return ["supervisord", "-c", path]


class Foreman(Peer):
    def argv(self, commands):
        path = self.bench.write(f"{self.work}/Procfile", "".join(
            f"p{i}: {command}\n" for i, command in enumerate(commands)))
        return ["foreman", "start", "-f", path]


class Concurrently(Peer):
    def argv(self, commands):
        return ["concurrently", "--restart-tries", "9", "--restart-after", "0",
                *[f"exec {command}" for command in commands]]


class Ours:
    def __init__(self, bench, work, commands):
        self.bench, self.work = bench, bench.make_folder(work)
        services = "".join(f"  p{i}: {{ run: host, command: {command}, restart: always }}\n"
                           for i, command in enumerate(commands))
        bench.write(f"{self.work}/devenv.yml",
                    f"name: sup-{os.getpid()}\nup: {{ watch: false }}\nservices:\n{services}")
        self.devenv = ["devenv", "-C", self.work]
        bench.do(*self.devenv, "--trust", "up", "-d", expect=rf"\bp{len(commands) - 1}\b")

    def own(self, children):
        del children
        return processes.of_program(self.bench.program, self.bench.home)

    def output(self):
        return sorted(glob.glob(f"{self.work}/.devenv/logs/p0*"))

    def end(self):
        self.bench.do(*self.devenv, "down", "-y")

    def clear(self):
        self.bench.attempt(*self.devenv, "down", "-y")
        processes.end(self.own([]))


class Floor(Peer):
    """No supervisor: a shell that starts them all."""

    def argv(self, commands):
        path = self.bench.write(f"{self.work}/all.sh",
                                "".join(f"{command} &\n" for command in commands) +
                                "trap 'trap \"\" TERM; kill 0; exit' TERM\nwait\n")
        return ["sh", path]


NAMES = {"devenv": Ours, "supervisord": Supervisord, "foreman": Foreman,
         "concurrently": Concurrently}


def many(bench, child, kind, work):
    """(started, memory, processes of its own, stopped) of one round with 100 children; ms and MiB."""
    log = os.path.join(bench.folder, f"{work}.marks")
    begun = time.monotonic_ns()
    supervisor = kind(bench, work, [f"{child} mark {log}"] * CHILDREN)
    try:
        if not processes.until(lambda: len(marks(log)) >= CHILDREN, 60):
            raise Failure(f"{kind.__name__}: {len(marks(log))} of {CHILDREN} children started")
        started = (max(marks(log)) - begun) / 1e6
        time.sleep(1)
        children = processes.with_argument(log)
        own = supervisor.own(children)
        memory = processes.pss(own)
        begun = time.monotonic()
        supervisor.end()
        gone = processes.until(lambda: not any(map(processes.alive, children)), 20)
        stopped = (time.monotonic() - begun) * 1000 if gone else None
        if kind is Ours and (not own or not gone):
            raise Failure("devenv down left children running" if own else "devenv has no process")
        return started, memory, len(own), stopped
    finally:
        supervisor.clear()


def lines_in(paths):
    """How many of the flood's lines the files hold; none may be missing between the first and the
    last of them (what rotation drops is older than all that is there)."""
    numbers = set()
    for path in paths:
        done = subprocess.run(["grep", "-oE", r"[0-9]{8} the " + LINE, path], capture_output=True,
                              text=True, check=False)
        numbers.update(int(line[:8]) for line in done.stdout.splitlines())
    if not numbers or max(numbers) - min(numbers) + 1 != len(numbers):
        raise Failure(f"of {len(numbers)} lines in {', '.join(paths)} some between are missing")
    return len(numbers)


def has_end(path):
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.path.getsize(path) - 4096))
            return b"FLOOD-END" in file.read()
    except OSError:
        return False


def flood(bench, child, kind, work):
    """MiB/s from the child's first line to its last one in the log, lines, memory afterwards."""
    log = os.path.join(bench.folder, f"{work}.marks")
    idle = os.path.join(bench.folder, f"{work}.idle")
    supervisor = kind(bench, work, [f"{child} flood {FLOOD_MIB} {log}", f"{child} mark {idle}"])
    try:
        if not processes.until(lambda: any(map(has_end, supervisor.output())), 90):
            raise Failure(f"{kind.__name__}: the flood's last line is not in the log after 90 s")
        took = (time.monotonic_ns() - marks(log)[0]) / 1e9
        children = processes.with_argument(log) + processes.with_argument(idle)
        own = supervisor.own(children)
        count = lines_in(supervisor.output())
        return FLOOD_MIB / took, count, processes.pss(own), processes.cpu(own)
    finally:
        supervisor.clear()


def restart(bench, child, kind, work):
    """ms from SIGKILL of a child to its successor's first note."""
    log = os.path.join(bench.folder, f"{work}.marks")
    supervisor = kind(bench, work, [f"{child} mark {log}", f"{child} mark {log}.other"])
    try:
        processes.until(lambda: marks(log), 20)
        time.sleep(1.5)  # supervisord counts a start as good after a second
        victim = processes.with_argument(log)
        if len(victim) != 1:
            raise Failure(f"{kind.__name__}: {len(victim)} children where there should be one")
        begun = time.monotonic_ns()
        os.kill(victim[0], signal.SIGKILL)
        if not processes.until(lambda: len(marks(log)) > 1, 10):
            return None
        return (marks(log)[1] - begun) / 1e6
    finally:
        supervisor.clear()


def piped(bench, child, filter_):
    """The floor of the flood: MiB/s through a pipe and a program into a file."""
    log, target = os.path.join(bench.folder, "floor.marks"), os.path.join(bench.folder, "floor.out")
    with open(target, "wb") as file:
        writer = subprocess.Popen([child, "flood", str(FLOOD_MIB), log], stdout=subprocess.PIPE)
        reader = subprocess.Popen(filter_, stdin=writer.stdout, stdout=file)
    writer.stdout.close()
    processes.until(lambda: has_end(target), 60)
    took = (time.monotonic_ns() - marks(log)[0]) / 1e9
    processes.end([writer.pid])
    writer.wait()
    reader.wait()
    os.unlink(log)
    os.unlink(target)
    return FLOOD_MIB / took


def middle(values, unit):
    values = [value for value in values if value is not None]
    return f"{number(median(values))} {unit}" if values else "never"


def starts_and_stops(bench, child, kinds, rounds):
    rows = {name: [] for name in kinds}
    for turn in range(rounds):
        for name, kind in kinds.items():
            rows[name].append(many(bench, child, kind, f"many-{name.split()[0]}-{turn}"))
    bench.say(f"### {CHILDREN} processes")
    bench.say()
    bench.say(f"{rounds} rounds, load {load()}.")
    bench.say()
    bench.say("| | all started | memory (PSS) | processes | all gone |")
    bench.say("|---|---|---|---|---|")
    for name, row in rows.items():
        started, memory, own, gone = zip(*row)
        bench.say(f"| {name} | {middle(started, 'ms')} | {median(memory):.1f} MiB | "
                  f"{number(median(own))} | {middle(gone, 'ms')} |")
    bench.say()
    started, memory, _, gone = zip(*rows["devenv"])
    bench.goal(f"{CHILDREN} started", median(started), 60)
    bench.goal(f"the supervisor of {CHILDREN}", median(memory), 8, "MiB")
    bench.goal(f"{CHILDREN} stopped", median(gone), 100)
    bench.say()


def floods(bench, child, kinds, rounds):
    rows = {name: [] for name in kinds}
    floors = {"floor: cat": ["cat"], "floor: a prefix to each line": [child, "prefix"]}
    speeds = {name: [] for name in floors}
    for turn in range(rounds):
        for name, filter_ in floors.items():
            speeds[name].append(piped(bench, child, filter_))
        for name, kind in kinds.items():
            rows[name].append(flood(bench, child, kind, f"flood-{name.split()[0]}-{turn}"))
    bench.say(f"### {FLOOD_MIB} MiB of one child's lines into its log")
    bench.say()
    bench.say(f"{rounds} rounds, load {load()}.")
    bench.say()
    bench.say("| | MiB/s | lines in the log | memory afterwards | CPU |")
    bench.say("|---|---|---|---|---|")
    for name, speed in speeds.items():
        bench.say(f"| {name} | {number(median(speed))} | | | |")
    for name, row in rows.items():
        speed, count, memory, cpu = zip(*row)
        bench.say(f"| {name} | {number(median(speed))} | {int(median(count))} | "
                  f"{median(memory):.1f} MiB | {median(cpu):.2f} s |")
    bench.say()
    slowest = FLOOD_MIB / median(row[0] for row in rows["devenv"]) * 1000
    bench.goal(f"{FLOOD_MIB} MiB logged (400 MiB/s)", slowest, FLOOD_MIB / 400 * 1000)
    bench.say()


def restarts(bench, child, kinds, rounds):
    rows = {name: [] for name in kinds}
    for turn in range(rounds):
        for name, kind in kinds.items():
            rows[name].append(restart(bench, child, kind, f"kill-{name.split()[0]}-{turn}"))
    bench.say("### A child that was killed is back")
    bench.say()
    bench.say("| | first restart |")
    bench.say("|---|---|")
    for name, row in rows.items():
        bench.say(f"| {name} | {middle(row, 'ms')} |")
    bench.say()
    if None in rows["devenv"]:
        raise Failure("devenv did not restart a child that was killed")
    bench.goal("first restart of a killed child", median(rows["devenv"]), 5)
    bench.say()


def run(bench):
    child = compile_c("child.c", os.path.join(bench.folder, "child"))
    kinds = {name: kind for name, kind in NAMES.items()
             if name == "devenv" or shutil.which(name, path=bench.env["PATH"])}
    most = bench.runs or 5
    starts_and_stops(bench, child, {**kinds, "floor: sh": Floor}, min(most, 5))
    floods(bench, child, kinds, min(most, 3))
    restarts(bench, child, kinds, min(most, 5))
