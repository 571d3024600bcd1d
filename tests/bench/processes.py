"""Processes as /proc shows them: who belongs to a bench, what they hold and use."""
import os
import signal
import time

TICK = os.sysconf("SC_CLK_TCK")


def read(pid, name):
    """A file of /proc/PID as bytes; nothing when the process is gone."""
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def all_pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def stat(pid):
    """The fields behind the name: state, parent, ..."""
    text = read(pid, "stat").decode(errors="replace")
    return text[text.rindex(")") + 2:].split() if text else []


def alive(pid):
    fields = stat(pid)
    return bool(fields) and fields[0] not in "ZX"


def tree(pid):
    """A process and all below it."""
    children = {}
    for other in all_pids():
        fields = stat(other)
        if fields:
            children.setdefault(int(fields[1]), []).append(other)
    found, left = [], [pid]
    while left:
        found.append(left.pop())
        left += children.get(found[-1], [])
    return [pid for pid in found if alive(pid)]


def of_program(program, home):
    """Those that run this program for this HOME: a devenv's agent and guardian, whoever started them."""
    found, mark = [], f"HOME={home}".encode()
    for pid in all_pids():
        try:
            runs = os.path.realpath(f"/proc/{pid}/exe")
        except OSError:
            continue
        if runs == os.path.realpath(program) and mark in read(pid, "environ").split(b"\0"):
            found.append(pid)
    return sorted(found)


def of_home(home):
    """Every process whose environment has this HOME."""
    mark = f"HOME={home}".encode()
    return [pid for pid in all_pids() if pid != os.getpid() and alive(pid)
            and mark in read(pid, "environ").split(b"\0")]


def with_argument(word):
    """Those that were started with this word among their arguments."""
    word = word.encode()
    return [pid for pid in all_pids() if alive(pid)
            and word in read(pid, "cmdline").split(b"\0")]


def links(pid):
    """What its descriptors lead to."""
    found = []
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            try:
                found.append(os.readlink(f"/proc/{pid}/fd/{name}"))
            except OSError:
                pass
    except OSError:
        pass
    return found


def watches(pid):
    """inotify watches that it holds; -1: it has no inotify at all."""
    count = -1
    try:
        names = os.listdir(f"/proc/{pid}/fdinfo")
    except OSError:
        return -1
    for name in names:
        text = read(pid, f"fdinfo/{name}")
        count += text.count(b"inotify wd:")
    held = sum("inotify" in link for link in links(pid))
    return count + 1 if held else -1


def pss(pids):
    """Proportional memory of all of them, MiB."""
    total = 0
    for pid in pids:
        for line in read(pid, "smaps_rollup").splitlines():
            if line.startswith(b"Pss:"):
                total += int(line.split()[1])
    return total / 1024


def cpu(pids):
    """Seconds that they have used."""
    return sum(int(fields[11]) + int(fields[12]) for fields in map(stat, pids) if fields) / TICK


def until(condition, limit, step=0.002):
    """Whether it came true within limit seconds."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(step)
    return True


def end(pids, patience=3):
    """Ends these and no others: TERM, and KILL for what is left."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        if until(lambda: not any(map(alive, pids)), patience, 0.02):
            return
