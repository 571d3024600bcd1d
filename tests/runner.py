"""What the runners share: a bounded child, dead with all that it started when its time is up."""
import os
import resource
import signal
import subprocess

running = set()


def is_sanitized(program):
    try:
        with open(program, "rb") as file:
            return b"__asan_init" in file.read()
    except OSError:
        return False


def limits(memory):
    """Runs in the child: a plain umask, no core files, at most so much memory (0: unbounded)."""
    def apply():
        os.umask(0o022)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if memory:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    return apply


def kill_group(child):
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def run(argv, seconds, memory=0, merge=False, **options):
    """(status, stdout, stderr); status is None when the time was up. merge: stderr into stdout."""
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT if merge else subprocess.PIPE,
                             start_new_session=True, preexec_fn=limits(memory), **options)
    running.add(child)
    try:
        out, err = child.communicate(timeout=seconds)
        return child.returncode, out, err or b""
    except subprocess.TimeoutExpired:
        kill_group(child)
        out, err = child.communicate()
        return None, out, err or b""
    finally:
        running.discard(child)


def stop(*_):
    for child in list(running):
        kill_group(child)
    os._exit(1)


for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, stop)
