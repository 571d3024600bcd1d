"""What the benches share: whole processes timed in turns, each checked, and tables of medians.

A table's rows run A B C A B C ..., so that a ratio between two of them survives a machine whose
speed drifts. Ratios are medians of the ratios within one round. A run that ends in the wrong status
or says the wrong thing raises Failure: the time of an error is worth nothing.
"""
import os
import re
import statistics
import subprocess
import time
from typing import Callable, List, NamedTuple, Optional

HERE = os.path.dirname(os.path.abspath(__file__))
NOTHING = r"\A\Z"


class Failure(Exception):
    pass


class Sample(NamedTuple):
    wall: float  # seconds
    cpu: float   # seconds, user and system, with all children that were waited for
    rss: float   # MiB, of the largest process
    out: str     # stdout, then stderr


class Row(NamedTuple):
    name: str
    argv: List[str]
    expect: str  # regular expression found in what it prints; NOTHING: it must be silent
    before: Optional[Callable[[], None]] = None  # not timed
    after: Optional[Callable[[], None]] = None   # not timed; raises Failure when the work is not done
    cwd: Optional[str] = None
    times: int = 1  # `expect` is found at least so often


def compile_c(source, target, *libraries):
    compiler = os.environ.get("CC", "cc").split()
    done = subprocess.run([*compiler, "-std=c11", "-D_GNU_SOURCE", "-O2", "-o", target,
                           os.path.join(HERE, source), *libraries], capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"{source} does not compile:\n{done.stderr}")
    return target


def wait_for_quiet():
    """Until the machine is mostly idle, for at most QUIET seconds: a neighbour's burst is no sample."""
    end = time.monotonic() + float(os.environ.get("QUIET", "3"))
    while time.monotonic() < end:
        idle, total = idle_time()
        time.sleep(0.05)
        later_idle, later = idle_time()
        if later > total and (later_idle - idle) / (later - total) > 0.7:
            return


def idle_time():
    with open("/proc/stat", encoding="ascii") as file:
        fields = [int(field) for field in file.readline().split()[1:9]]
    return fields[3] + fields[4], sum(fields)


def load():
    with open("/proc/loadavg", encoding="ascii") as file:
        return file.read().split()[0]


class Bench:
    """One table's surroundings: a temporary folder, an environment of its own, a way to run."""

    def __init__(self, program, folder, runs=0, silent=False):
        self.program = program
        self.folder = folder
        self.runs = runs      # at most so many rounds; 0: as many as the bench likes
        self.silent = silent
        self.lines = []
        self.missed = []
        self.home = self.make_folder("home")
        self.env = {key: value for key, value in os.environ.items()
                    if not key.startswith(("DEVENV", "COMPOSE_", "XDG_", "npm_"))}
        self.env.update(HOME=self.home, LC_ALL="C.UTF-8", TZ="UTC",
                        PATH=os.path.dirname(program) + ":" + os.environ["PATH"])
        self.timed = compile_c("timed.c", os.path.join(folder, "timed"))

    def make_folder(self, *names):
        path = os.path.join(self.folder, *names)
        os.makedirs(path, exist_ok=True)
        return path

    def write(self, path, text):
        path = os.path.join(self.folder, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def time(self, argv, expect, cwd=None, limit=120, times=1):
        out, err = os.path.join(self.folder, "out"), os.path.join(self.folder, "err")
        done = subprocess.run([self.timed, str(limit), out, err, *argv], cwd=cwd or self.folder,
                              env=self.env, capture_output=True, text=True, check=True)
        wall, cpu, rss, status = (int(field) for field in done.stdout.split())
        text = ""
        for path in (out, err):
            with open(path, encoding="utf-8", errors="replace") as file:
                text += file.read()
        if status:
            raise Failure(f"{' '.join(argv)}: status {status}\n{text[-4000:]}")
        if len(re.findall(expect, text, re.MULTILINE)) < times:
            raise Failure(f"{' '.join(argv)}: did not print {expect!r} {times} times but:\n"
                          f"{text[-4000:]}")
        return Sample(wall / 1e6, cpu / 1e6, rss / 1024, text)

    def do(self, *argv, expect="", cwd=None, limit=600):
        """Runs a step of preparation; its output."""
        return self.time([str(word) for word in argv], expect, cwd, limit).out

    def attempt(self, *argv):
        """For clearing up: what is gone already is no failure. Its output, or nothing."""
        try:
            return self.do(*argv)
        except Failure:
            return ""

    def paired(self, rows, runs, warmup=1, limit=120):
        """Samples of each row by its name, in the order of the rounds."""
        samples = {row.name: [] for row in rows}
        runs = min(self.runs, runs) if self.runs else runs
        for turn in range(-warmup, runs):
            for row in rows:
                if row.before:
                    row.before()
                wait_for_quiet()
                sample = self.time(row.argv, row.expect, row.cwd, limit, row.times)
                if row.after:
                    row.after()
                if turn >= 0:
                    samples[row.name].append(sample)
        return samples

    # What is printed.

    def say(self, line=""):
        self.lines.append(line)
        if not self.silent:
            print(line, flush=True)

    def table(self, title, samples, base):
        """Markdown; the last column is how many times as long as `base` each row took."""
        count = len(samples[base])
        self.say(f"### {title}")
        self.say()
        self.say(f"{count} rounds, load {load()}.")
        self.say()
        self.say(f"| | wall, median (min..max) | CPU | peak memory | times `{base}` |")
        self.say("|---|---|---|---|---|")
        for name, list_ in samples.items():
            self.say(f"| {name} | {spread([s.wall for s in list_])} | "
                     f"{milliseconds(median(s.cpu for s in list_))} | "
                     f"{median(s.rss for s in list_):.1f} MiB | "
                     f"{ratio(samples, name, base):.2f} |")
        self.say()

    def goal(self, what, value, limit, unit="ms"):
        """A promise that is held against what was measured."""
        met = value <= limit
        if not met:
            self.missed.append(f"{what}: {number(value)} {unit}, wanted at most {number(limit)}")
        self.say(f"- {'met' if met else '**not met**'}: {what}: {number(value)} {unit}"
                 f" (at most {number(limit)})")


def number(value):
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 1000 else f"{value:.0f}"


def milliseconds(seconds):
    return f"{number(seconds * 1000)} ms"


def median(values):
    return statistics.median(list(values))


def spread(values):
    return (f"{milliseconds(median(values))} "
            f"({number(min(values) * 1000)}..{number(max(values) * 1000)})")


def wall_ms(samples, name):
    return median(sample.wall for sample in samples[name]) * 1000


def rss(samples, name):
    return median(sample.rss for sample in samples[name])


def ratio(samples, name, base):
    return median(a.wall / b.wall for a, b in zip(samples[name], samples[base]))
