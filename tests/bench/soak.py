"""Soak: SOAK_SECONDS (60) of 50 changes a second, restarts, kills and a log flood, all at once.

Folders come and go in the watched tree, a service is killed or restarted every few seconds, another
one writes 1 MiB of lines each second. Once a second the agent's memory, descriptors and watches are
read; their slopes are those of a line through the samples behind the first fifth. At the end the tree
is as it was: so must be the watches, and the last run must have seen its final state.
"""
import os
import shutil
import signal
import threading
import time

import processes
from measure import Failure, compile_c, load, number
from watch import Ours, Tree, plain, rename

CHANGES = 50      # a second, and then a pause: runs wait until changes do
PAUSE = 0.2       # seconds of each
FILES = 1000
SERVICES = """\
  chatty: {{ run: host, command: {child} chat 1024 {log}.chatty }}
  killed: {{ run: host, command: {child} mark {log}.killed, restart: always }}
  restarted: {{ run: host, command: {child} mark {log}.restarted }}
"""


class Changes(threading.Thread):
    """Saves of both kinds, and a folder with a file in it that comes and goes."""

    def __init__(self, tree):
        super().__init__(daemon=True)
        self.tree, self.over, self.count = tree, threading.Event(), 0

    def run(self):
        folder = os.path.join(self.tree.folder, "comes-and-goes", "below")
        while not self.over.wait((1 - PAUSE) / CHANGES + (PAUSE if self.count % CHANGES == 0 else 0)):
            self.count += 1
            name = self.tree.names[self.count * 7919 % FILES]
            (plain if self.count % 2 else rename)(name, f"{self.count}\n")
            if self.count % CHANGES == 0:
                os.makedirs(folder, exist_ok=True)
                plain(os.path.join(folder, "file.txt"), f"{self.count}\n")
            elif self.count % CHANGES == CHANGES // 2:
                shutil.rmtree(os.path.dirname(folder), ignore_errors=True)

    def end(self):
        self.over.set()
        self.join()
        shutil.rmtree(os.path.join(self.tree.folder, "comes-and-goes"), ignore_errors=True)
        plain(self.tree.marker, "final")


class Sample:
    def __init__(self, at, pids):
        self.at = at
        self.memory = processes.pss(pids)
        self.descriptors = sum(len(processes.links(pid)) for pid in pids)
        self.watches = sum(max(0, processes.watches(pid)) for pid in pids)
        self.processes = len(pids)


def slope(samples, what):
    """Per minute, of the line through all points."""
    points = [(sample.at / 60, getattr(sample, what)) for sample in samples]
    middle = [sum(values) / len(points) for values in zip(*points)]
    below = sum((x - middle[0]) ** 2 for x, _ in points)
    return sum((x - middle[0]) * (y - middle[1]) for x, y in points) / below if below else 0


def disturb(bench, ours, turn):
    """Every third second a kill, every fifth a restart."""
    if turn % 3 == 0:
        victims = [pid for pid in processes.of_home(bench.home)
                   if processes.read(pid, "cmdline").endswith(b".killed\0")
                   and b"\0mark\0" in processes.read(pid, "cmdline")]
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
    if turn % 5 == 0:
        bench.do(*ours.devenv, "restart", "restarted")


def soak(bench, ours, seconds):
    changes, samples, begun = Changes(ours.tree), [], time.monotonic()
    changes.start()
    try:
        turn = 0
        while time.monotonic() - begun < seconds:
            turn += 1
            disturb(bench, ours, turn)
            time.sleep(max(0, begun + turn - time.monotonic()))
            samples.append(Sample(time.monotonic() - begun, ours.pids()))
    finally:
        changes.end()
    if changes.count < seconds * CHANGES / 2:
        raise Failure(f"only {changes.count} changes in {seconds} s: this machine is too busy")
    return samples, changes.count


def show(bench, samples, after, counts):
    bench.say(f"{counts}, load {load()}.")
    bench.say()
    bench.say("| | first | last | at rest | slope |")
    bench.say("|---|---|---|---|---|")
    steady = samples[len(samples) // 5:]
    for what, unit in (("memory", "MiB"), ("descriptors", ""), ("watches", ""), ("processes", "")):
        first, last = getattr(steady[0], what), getattr(samples[-1], what)
        bench.say(f"| {what} | {number(first)} | {number(last)} | {number(getattr(after, what))} | "
                  f"{slope(steady, what):+.3f} {unit} a minute |")
    bench.say()
    bench.goal("slope of memory", slope(steady, "memory"), 0.1, "MiB a minute")
    bench.goal("descriptors more than at first", after.descriptors - samples[0].descriptors, 2, "")
    bench.say()


def run(bench):
    seconds = int(os.environ.get("SOAK_SECONDS", "60"))
    child = compile_c("child.c", os.path.join(bench.folder, "child"))
    tree = Tree(os.path.join(bench.make_folder("soak"), "tree"), FILES)
    ours = Ours(bench, 20, tree, f"{child} stamp {tree.log} {tree.marker}",
                SERVICES.format(child=child, log=tree.log))
    try:
        tree.settle(1)
        before = Sample(0, ours.pids())
        runs = len(tree.stamps())
        samples, changes = soak(bench, ours, seconds)
        if not processes.until(lambda: tree.stamps()[-1][1] == "final", 30, 0.05):
            raise Failure("the last run did not see the final state of the tree")
        tree.settle(3)
        after = Sample(seconds, ours.pids())
        if after.watches != before.watches:
            raise Failure(f"{before.watches} watches before, {after.watches} afterwards")
        show(bench, samples, after,
             f"{seconds} s, {changes} changes, {len(tree.stamps()) - runs} runs")
    finally:
        ours.stop()
    left = processes.of_home(bench.home)
    if left:
        raise Failure(f"{len(left)} processes are left after devenv down")
