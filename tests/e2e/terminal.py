#!/usr/bin/env python3
"""A terminal for a program that wants one: terminal.py COMMAND... <SCRIPT

Lines of SCRIPT: `until TEXT` waits for it in what the program writes (the rest stays for the next
one), `type TEXT` presses keys (with \\r, \\x03 and the like), `size ROWS COLUMNS` makes the window
that large. Ends with the program's status; what it wrote comes out. It begins with 33 rows of 91.
"""
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

PATIENCE = 60


class Terminal:
    def __init__(self, argv):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            time.sleep(0.1)  # until the window has its size
            os.execvp(argv[0], argv)
        self.unread = b""
        self.size(33, 91)

    def size(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        if not select.select([self.fd], [], [], 0.2)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        self.unread += data
        return bool(data)

    def until(self, text):
        end = time.time() + PATIENCE
        while text not in self.unread:
            if not self.read() or time.time() > end:
                sys.exit(f"terminal.py: {text!r} did not come: {self.unread!r}")
        self.unread = self.unread.split(text, 1)[1]

    def end(self):
        end = time.time() + PATIENCE
        while self.read():
            if time.time() > end:
                sys.exit("terminal.py: the program does not end")
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def main():
    script = sys.stdin.read().splitlines()
    terminal = Terminal(sys.argv[1:])
    for line in script:
        word, _, rest = line.strip().partition(" ")
        text = rest.encode().decode("unicode_escape").encode("latin-1")
        if word == "until":
            terminal.until(text)
        elif word == "type":
            os.write(terminal.fd, text)
        elif word == "size":
            terminal.size(*map(int, rest.split()))
        elif word:
            sys.exit(f"terminal.py: what is {word}?")
    status = terminal.end()
    sys.exit(128 - status if status < 0 else status)


if __name__ == "__main__":
    main()
