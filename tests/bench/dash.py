"""F. The dashboard over 50 units, one of which floods its log: processor time, memory, bytes drawn,
and the time from a key to what it changes on the screen.

A pseudo-terminal of 200 x 50 is read as fast as it is written. The flood is a container's (through
the engine), then a host service's (from devenv's own file); idle is the same with a silent unit
selected.
"""
import fcntl
import os
import pty
import signal
import struct
import termios
import threading
import time

import processes
from measure import Failure, load, median, number

UNITS = 50
SECONDS = 15
KEYS = 30
FRAME_MS = 1000 / 30
FLOOD = "[sh, -c, \"while :; do seq 1 100000; done\"]"


def project(bench):
    image = "image: \"debian:bookworm-slim\""
    idle = "".join(f"  idle{i}: {{ {image}, command: sleep infinity, stop_grace_period: 0s }}\n"
                   for i in range(UNITS - 2))
    return bench.write("dash/devenv.yml", (
        f"name: dash-{os.getpid()}\nup: {{ watch: false }}\nservices:\n{idle}"
        f"  flood: {{ {image}, command: {FLOOD}, stop_grace_period: 0s }}\n"
        f"  local: {{ run: host, command: {FLOOD} }}\n"))


class Dash:
    """The dashboard on a terminal that is read at once; what came since the last mark."""

    def __init__(self, bench, folder, unit):
        self.came, self.bytes = b"", 0
        self.changed = threading.Condition()
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execve(bench.program, [bench.program, "dash", unit],
                      {**bench.env, "TERM": "xterm-256color"})
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while True:
            try:
                data = os.read(self.terminal, 1 << 16)
            except OSError:
                return
            with self.changed:
                self.came = (self.came + data)[-(1 << 20):]
                self.bytes += len(data)
                self.changed.notify()

    def press(self, key, expect):
        """Seconds from the key to the text."""
        with self.changed:
            self.came = b""
        begun = time.monotonic()
        os.write(self.terminal, key)
        with self.changed:
            if not self.changed.wait_for(lambda: expect in self.came, 20):
                raise Failure(f"after the key {key!r} there is no {expect!r}")
        return time.monotonic() - begun

    def ticks(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def end(self):
        os.write(self.terminal, b"q")
        if not processes.until(lambda: os.waitpid(self.pid, os.WNOHANG)[0], 10):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.terminal)


def measure(bench, folder, unit):
    """(percent of a core, MiB, KiB drawn a second, ms of each key)"""
    dash = Dash(bench, folder, unit)
    try:
        with dash.changed:
            if not dash.changed.wait_for(lambda: b"STATE" in dash.came, 20):
                raise Failure("the dashboard does not come up")
        time.sleep(5) # past what is read once
        ticks, drawn, begun = dash.ticks(), dash.bytes, time.monotonic()
        time.sleep(SECONDS)
        took = time.monotonic() - begun
        percent = (dash.ticks() - ticks) / os.sysconf("SC_CLK_TCK") / took * 100
        rate = (dash.bytes - drawn) / took / 1024
        keys = []
        for i in range(KEYS):
            time.sleep(0.1 + i % 7 / 50) # as fingers do it
            keys.append(1000 * dash.press(*((b"3", b"[3 Graph]") if i % 2 == 0 else
                                            (b"1", b"[1 Logs]"))))
        return percent, processes.pss([dash.pid]), rate, keys
    finally:
        dash.end()


def run(bench):
    folder = os.path.dirname(project(bench))
    devenv = ["devenv", "-C", folder, "--trust"]
    try:
        bench.do(*devenv, "up", "-d", expect=r"\blocal\b")
        rows = {"a container's flood": "flood", "a host service's flood": "local",
                "a silent unit": "idle0"}
        found = {name: measure(bench, folder, unit) for name, unit in rows.items()}
    finally:
        bench.attempt(*devenv, "down", "-v", "-y")
    bench.say(f"{UNITS} units, {SECONDS} s each, load {load()}.")
    bench.say()
    bench.say("| selected | of a core | memory (PSS) | drawn a second | key to screen, median (max) |")
    bench.say("|---|---|---|---|---|")
    for name, (percent, memory, rate, keys) in found.items():
        bench.say(f"| {name} | {percent:.1f} % | {memory:.1f} MiB | {rate:.0f} KiB | "
                  f"{number(median(keys))} ms ({number(max(keys))}) |")
    bench.say()
    for name, (percent, _, _, keys) in found.items():
        bench.goal(f"{name}: processor time", percent, 5, "% of a core")
        bench.goal(f"{name}: a key is answered within one frame", median(keys), FRAME_MS)
    bench.say()
