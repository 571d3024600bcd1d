#!/usr/bin/env python3
"""What a command executed and connected to: executed.py TRACE PROJECT (FAULTS H01).

TRACE is the output of `strace -f -e trace=execve,connect`. Prints each program and address that is
not on the list of those that devenv may use in a checkout that nobody trusts yet.
"""
import re
import sys

PROGRAMS = re.compile(r"^(/usr/local/s?bin|/usr/s?bin|/s?bin|/usr/libexec/docker/cli-plugins|"
                      r"/usr/(local/)?lib/docker/cli-plugins|/root/\.docker/cli-plugins)/"
                      r"(docker(-compose|-buildx|-[a-z]+)?|git|tmux)$")
ADDRESSES = re.compile(r"docker\.sock|/nscd/|/devenv/[^\"]*\.sock")
trace, project = sys.argv[1:3]
bad = []
first = True
with open(trace, encoding="utf-8", errors="replace") as f:
    for line in f:
        done = re.search(r'execve\("([^"]*)", \[(.*?)\]', line)
        if done and not re.search(r"= -1 ENOENT", line):
            if not first and (not PROGRAMS.match(done.group(1)) or done.group(1).startswith(project)):
                bad.append(line.strip())
            first = False
        if "connect(" in line and not ADDRESSES.search(line):
            bad.append(line.strip())
print("\n".join(bad))
sys.exit(1 if bad or first else 0)
