"""C. From a save to the command having started, in a tree of 10 000 and one of 50 000 files.

All watchers run at once, each on a tree of its own, and are asked in turns: a plain save in place, a
save by a temporary file that is renamed. The command is a small program that notes the time and what
it sees. devenv watches as it always does: `up -d` of a module whose compile stage is that program,
beside a host service that sleeps. Ready: until a save is answered; for devenv the whole of `up -d`.
A storm: `git checkout` of a branch in which every file is another, during a build of 3 s. Stopped:
SIGSTOP, 20 000 changes, SIGCONT.
"""
import os
import re
import shlex
import shutil
import signal
import subprocess
import time

import processes
from measure import Failure, compile_c, load, median, number

GAP = 0.06      # seconds of rest after each answer
FORGET = 5      # seconds after which a save counts as missed
PEERS = {       # name: quiet time in ms, shell line
    "inotifywait": (0, "inotifywait -m -r -q -e close_write,moved_to --format x {dir} | "
                       "while read -r line; do {command}; done"),
    "onchange": (0, "exec onchange '{dir}/**' -- {command}"),
    "nodemon": (0, "exec nodemon --quiet --watch {dir} --ext txt --exec '{command}'"),
    "watchman": (20, None),
    "entr": (50, "find {dir} -type f | exec entr -p -n {command}"),
}


def plain(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def rename(path, text):
    plain(path + ".tmp", text)
    os.rename(path + ".tmp", path)


SAVES = {"plain": plain, "rename": rename}


class Tree:
    """Files in folders of a hundred, and zzz.txt, the last of them in every order: the marker."""

    def __init__(self, folder, files):
        self.folder, self.log = folder, folder + ".log"
        self.marker = os.path.join(folder, "zzz.txt")
        self.names = []
        for i in range(files):
            if i % 100 == 0:
                os.makedirs(os.path.join(folder, f"d{i // 100}"))
            self.names.append(os.path.join(folder, f"d{i // 100}", f"f{i}.txt"))
            plain(self.names[-1], "0\n")
        plain(self.marker, "0")

    def stamps(self, since=0):
        """(time, what was seen) of each run that began later."""
        try:
            with open(self.log, encoding="ascii") as file:
                lines = [line.split() for line in file if line.endswith("\n")]
        except FileNotFoundError:
            return []
        return [(int(line[0]), line[1] if len(line) > 1 else "") for line in lines
                if int(line[0]) >= since]

    def answer(self, since, limit):
        """When the first run began that is later than `since`; None within the limit."""
        size = -1
        end = time.monotonic() + limit
        while time.monotonic() < end:
            now = os.stat(self.log).st_size if os.path.exists(self.log) else 0
            if now != size:
                size, found = now, self.stamps(since)
                if found:
                    return found[0][0]
            time.sleep(0.001)
        return None

    def save(self, turn, how):
        begun = time.monotonic_ns()
        SAVES[how](self.names[turn * 7919 % len(self.names)], f"{turn}\n")
        return begun

    def settle(self, rest):
        """Waits until no run has begun for `rest` seconds."""
        seen, since = -1, time.monotonic()
        while time.monotonic() - since < rest:
            now = len(self.stamps())
            if now != seen:
                seen, since = now, time.monotonic()
            time.sleep(0.02)


class Peer:
    """A watcher that is not ours."""

    def __init__(self, bench, name, tree, command):
        self.name, self.tree = name, tree
        self.quiet, line = PEERS[name]
        work = os.path.dirname(tree.folder)
        self.options = dict(env={**bench.env, "HOME": work, "CI": "1"}, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        begun = time.monotonic_ns()
        if line:
            line = line.format(dir=tree.folder, command=command)
            self.process = subprocess.Popen(["sh", "-c", line], start_new_session=True,
                                            **self.options)
        else:
            self.watchman(work, command)
        self.ready = self.poke(begun)

    def watchman(self, work, command):
        base = ["watchman", f"--sockname={work}/sock", f"--statefile={work}/state",
                f"--logfile={work}/log", f"--pidfile={work}/pid"]
        self.process = subprocess.Popen([*base, "--foreground"], start_new_session=True,
                                        **self.options)
        processes.until(lambda: os.path.exists(f"{work}/sock"), 10)
        trigger = ["--", "trigger", self.tree.folder, "bench", "**/*.txt", "--"]
        for words in (["watch", self.tree.folder], [*trigger, *shlex.split(command)]):
            subprocess.run([*base, "--no-spawn", *words], check=False, **self.options)

    def poke(self, begun):
        """Saves now and then until a run answers, and only once within each quiet time."""
        for turn in range(1000):
            poked = self.tree.save(turn, "plain")
            if self.tree.answer(poked, 0.04 if self.quiet <= 20 else 0.1):
                return (poked - begun) / 1e9
        raise Failure(f"{self.name} was never ready")

    def pids(self):
        return processes.tree(self.process.pid)

    def stop(self):
        processes.end(self.pids())
        self.process.wait()


WATCHING = r"^ *([\d.]+) ms  watching\b"


class Ours:
    """devenv: a workspace whose one module has the tree as its source; services: further lines."""

    def __init__(self, bench, quiet, tree, line, services=""):
        self.name, self.quiet, self.tree, self.bench = f"devenv, {quiet} ms", quiet, tree, bench
        self.folder = os.path.dirname(tree.folder)
        bench.write(f"{self.folder}/devenv.yml", f"""\
name: watch{quiet}-{os.getpid()}
services:
  code:
    run: host
    command: sleep infinity
    develop:
      source: {os.path.basename(tree.folder)}
      compile: {line}
      on_success: none
      watch: [{{ path: ., debounce: {quiet}ms }}]
{services}""")
        self.devenv = ["devenv", "-C", self.folder]
        begun = time.monotonic_ns()
        said = bench.do(*self.devenv, "--trust", "up", "-d", "--timings", expect=WATCHING, limit=60)
        self.ready = (time.monotonic_ns() - begun) / 1e9
        self.watching = float(re.search(WATCHING, said, re.M).group(1))
        if not tree.answer(tree.save(1, "plain"), FORGET):
            raise Failure("devenv up -d returned, and a save after it is not answered")

    def pids(self):
        """The agent and its guardian: processes of this program that stand in this workspace."""
        return [pid for pid in processes.of_program(self.bench.program, self.bench.home)
                if self.folder.encode() in processes.read(pid, "cmdline")
                or os.path.realpath(f"/proc/{pid}/cwd") == self.folder]

    def watcher(self):
        """The process that holds the kernel's watches."""
        found = [pid for pid in self.pids() if processes.watches(pid) >= 0]
        if len(found) != 1:
            raise Failure(f"{len(found)} processes of devenv watch, wanted 1")
        return found[0]

    def stop(self):
        self.bench.attempt(*self.devenv, "down", "-y")
        processes.end(self.pids())


def percentile(values, percent):
    values = sorted(values)
    return values[min(len(values) - 1, len(values) * percent // 100)]


class Figures:
    def __init__(self, watcher):
        pids = watcher.pids()
        self.memory, before = processes.pss(pids), processes.cpu(pids)
        time.sleep(3)
        self.idle = (processes.cpu(pids) - before) / 3 * 100
        self.took = {how: [] for how in SAVES}
        self.missed = 0


def ask_in_turns(watchers, rounds):
    """The same save in every tree, one after the other; in ms until the command had started."""
    figures = {watcher.name: Figures(watcher) for watcher in watchers}
    for turn in range(rounds):
        for watcher in watchers:
            for how, took in figures[watcher.name].took.items():
                begun = watcher.tree.save(turn + 1000, how)
                answer = watcher.tree.answer(begun, FORGET)
                if answer:
                    took.append((answer - begun) / 1e6)
                else:
                    figures[watcher.name].missed += 1
                time.sleep(GAP)
    return figures


def show(bench, watchers, figures, files, rounds):
    bench.say(f"### {files} files")
    bench.say()
    bench.say(f"{rounds} saves of each kind, load {load()}.")
    bench.say()
    bench.say("| tool (quiet time) | ready | memory (PSS) | idle CPU | plain save p50 / p99 | "
              "rename save p50 / p99 | missed |")
    bench.say("|---|---|---|---|---|---|---|")
    for watcher in watchers:
        f = figures[watcher.name]
        saves = " | ".join(f"{number(percentile(took, 50))} / {number(percentile(took, 99))} ms"
                           if took else "none" for took in f.took.values())
        name = watcher.name if "," in watcher.name else f"{watcher.name} ({watcher.quiet} ms)"
        bench.say(f"| {name} | {number(watcher.ready * 1000)} ms | {f.memory:.1f} MiB | "
                  f"{f.idle:.1f} % | {saves} | {f.missed} |")
    bench.say()


def hold(bench, watcher, f, files):
    """devenv's promises."""
    if f.missed:
        raise Failure(f"{watcher.name}, {files} files: {f.missed} saves were never answered")
    where = f"{watcher.name}, {files} files"
    small = files <= 10000
    bench.goal(f"{where}: watching begun", watcher.watching, 50 if small else 200)
    bench.goal(f"{where}: all of `up -d`", watcher.ready * 1000, 50 if small else 200)
    bench.goal(f"{where}: memory", f.memory, 10 if small else 12, "MiB")
    bench.goal(f"{where}: CPU when idle", f.idle, 0.1, "%")
    for how, took in f.took.items():
        bench.goal(f"{where}: {how} save, p50", percentile(took, 50), watcher.quiet + 2)
        bench.goal(f"{where}: {how} save, p99", percentile(took, 99), watcher.quiet + 5)


def latency(bench, stamp, files, rounds):
    watchers = []

    def tree(name):
        return Tree(os.path.join(bench.make_folder(f"{name}-{files}"), "tree"), files)

    def command(of):
        return f"{stamp} stamp {of.log} {of.marker}"
    try:
        for quiet in (20, 0):
            of = tree(f"ours{quiet}")
            watchers.append(Ours(bench, quiet, of, command(of)))
        for name in PEERS:
            if shutil.which(name, path=bench.env["PATH"]):
                of = tree(name)
                watchers.append(Peer(bench, name, of, command(of)))
        time.sleep(2)
        figures = ask_in_turns(watchers, rounds)
        show(bench, watchers, figures, files, rounds)
        for watcher in watchers[:2]:
            hold(bench, watcher, figures[watcher.name], files)
        bench.say()
    finally:
        for watcher in watchers:
            watcher.stop()


def git(bench, folder, *words):
    bench.do("git", "-C", folder, "-c", "user.name=b", "-c", "user.email=b@localhost", *words)


def branches(bench, tree):
    """The tree as a repository with two branches that share no file's content."""
    git(bench, tree.folder, "init", "-q", "-b", "one")
    for branch in ("one", "two"):
        if branch == "two":
            git(bench, tree.folder, "checkout", "-q", "-b", "two")
        for name in tree.names + [tree.marker]:
            plain(name, branch)
        git(bench, tree.folder, "add", "-A")
        git(bench, tree.folder, "commit", "-qm", branch)


def checkout_round(bench, ours, branch):
    """Runs that began after the checkout did, and whether the last one saw its end."""
    tree = ours.tree
    tree.settle(4)
    begun = tree.save(1, "plain")
    if not tree.answer(begun, FORGET):
        raise Failure("the build that the checkout should meet did not begin")
    time.sleep(0.5)
    during = time.monotonic_ns()
    git(bench, tree.folder, "checkout", "-q", "-f", branch)
    tree.settle(6)
    runs = tree.stamps(during)
    return len(runs), bool(runs) and runs[-1][1] == branch


def storms(bench, stamp, rounds):
    tree = Tree(os.path.join(bench.make_folder("storm"), "tree"), 10000)
    branches(bench, tree)
    line = f"{stamp} stamp {tree.log} {tree.marker} && sleep 3"
    ours = Ours(bench, 20, tree, line)
    try:
        counts = []
        for turn in range(rounds):
            runs, final = checkout_round(bench, ours, "one" if turn % 2 == 0 else "two")
            if not final:
                raise Failure(f"round {turn + 1}: {runs} runs after a checkout, and the last of "
                              "them did not see its end")
            counts.append(runs)
    finally:
        ours.stop()
    bench.say("### A checkout of 10 000 files during a build of 3 s")
    bench.say()
    bench.say(f"{rounds} of {rounds} rounds: the last run saw the final tree. Further runs: "
              f"{min(counts)} to {max(counts)}, median {number(median(counts))}.")
    bench.say()
    bench.goal("further runs after a checkout, at most", max(counts), 2, "runs")
    bench.say()


def stopped_round(ours, turn):
    tree = ours.tree
    tree.settle(0.5)
    pid = ours.watcher()
    os.kill(pid, signal.SIGSTOP)
    try:
        for name in tree.names:
            SAVES["plain"](name, f"a{turn}")
            SAVES["plain"](name, f"b{turn}")
        plain(tree.marker, f"final{turn}")
        woken = time.monotonic_ns()
    finally:
        os.kill(pid, signal.SIGCONT)
    right = processes.until(
        lambda: [seen for _, seen in tree.stamps(woken)][-1:] == [f"final{turn}"], 20, 0.01)
    return right, (tree.answer(woken, 1) or woken) - woken


def stops(bench, stamp, rounds):
    tree = Tree(os.path.join(bench.make_folder("stopped"), "tree"), 10000)
    ours = Ours(bench, 20, tree, f"{stamp} stamp {tree.log} {tree.marker}")
    took = []
    try:
        for turn in range(rounds):
            right, late = stopped_round(ours, turn)
            if not right:
                raise Failure(f"round {turn + 1}: stopped during 20 000 changes, and no run saw "
                              "the last of them")
            took.append(late / 1e6)
    finally:
        ours.stop()
    bench.say("### Stopped during 20 000 changes")
    bench.say()
    bench.say(f"{rounds} of {rounds} rounds: nothing missed; the run began "
              f"{number(median(took))} ms ({number(min(took))}..{number(max(took))}) after SIGCONT.")
    bench.say()


def run(bench):
    stamp = compile_c("child.c", os.path.join(bench.folder, "child"))
    most = bench.runs or 100
    latency(bench, stamp, 10000, min(most, 100))
    latency(bench, stamp, 50000, min(most, 20))
    storms(bench, stamp, min(most, 20))
    stops(bench, stamp, min(most, 20))
