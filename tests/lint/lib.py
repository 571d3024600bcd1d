"""What the lints share: which files there are, C without comments and strings, and findings.

A lint looks at the tree in the current directory, prints findings as file:line: message, and ends
with status 1 when there was one. PLANTS in each lint holds small violations by file name: run-lint
puts each into a clean small tree and expects the lint to find it there.
"""
import os
import re
import subprocess
import sys

SKIPPED = {"build", ".git", ".devenv", "node_modules", "__pycache__"}
findings = 0


def report(path, line, message):
    global findings
    findings += 1
    print(f"{path}:{line}: {message}")


def finish():
    sys.exit(1 if findings else 0)


def all_files():
    """Paths of what is or may be committed, sorted."""
    if os.path.exists(".git"):
        listed = subprocess.run(["git", "ls-files", "-zco", "--exclude-standard"], check=True,
                                capture_output=True).stdout.decode().split("\0")
        return sorted(path for path in listed if path and os.path.isfile(path))
    found = []
    for folder, folders, names in os.walk("."):
        folders[:] = [name for name in folders if name not in SKIPPED]
        found += [os.path.relpath(os.path.join(folder, name), ".") for name in names]
    return sorted(found)


def c_files(*tops):
    return [path for path in all_files()
            if path.endswith((".c", ".h")) and path.split("/")[0] in tops]


def read(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


TOKEN = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)


def code_only(text):
    """The C text with comments and strings blanked, line by line the same."""
    return TOKEN.sub(lambda token: re.sub(r"[^\n]", " ", token.group()), text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1
