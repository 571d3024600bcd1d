"""The README and the manuals, held to what they show.

readme.py script README              the tour as a shell script: each command, its output, its status
readme.py compare README OUTPUT      what the script printed, against what the README shows
readme.py commands DEVENV FILE...    every `devenv ...` that a text names: the command and its options exist
"""
import re
import shlex
import subprocess
import sys

PROJECTS_OWN = {"orders"}       # commands of the example's own
# Who reads is slower than a script: what the worker does meanwhile is waited for.
MEANWHILE = {"devenv orders": "devenv orders | grep -q confirmed"}
UNITS = r"0 (?:ms|s|min)\b"


def tour(path):
    """(command, lines shown) for each prompt between the markers."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    text = text[text.index("<!-- tour"):text.index("<!-- end of tour")]
    found = []
    for block in re.findall(r"^```\n(.*?)^```", text, re.M | re.S):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def fails(shown):
    return any("error:" in line or line.startswith("✘") for line in shown)


def script(path):
    for number, (command, shown) in enumerate(tour(path)):
        if command in MEANWHILE:
            print(f"timeout 60 sh -c 'until {MEANWHILE[command]}; do sleep 0.1; done' || exit 1")
        print(f"echo @@{number}\n{command}\nstatus=$?\necho @@status $status")
        if not fails(shown):
            print("[ $status = 0 ] || exit 1")


def plain(line):
    """Without what differs from run to run; lines of a configuration file stay."""
    line = re.sub(r"(\.yml:[\d:]+)|[0-9a-f]{32}|\d+(?:\.\d+)*", lambda m: m.group(1) or "0", line)
    line = re.sub(UNITS, "0 s", line)
    line = re.sub(r"\b(healthy|running)\b", "ready", line)
    return " ".join(line.split())


def compare(path, output):
    with open(output, encoding="utf-8") as file:
        parts = re.split(r"^@@\d+\n", file.read(), flags=re.M)[1:]
    wrong = []
    for (command, shown), real in zip(tour(path), parts, strict=True):
        status = int(re.search(r"@@status (\d+)", real).group(1))
        if bool(status) != fails(shown):
            wrong.append(f"{command}: status {status}")
        seen = {plain(line) for line in real.splitlines()}
        wrong += [f"{command}: not printed: {line}" for line in shown
                  if line not in ("", "...") and plain(line) not in seen]
    sys.exit("\n".join(wrong) or 0)


def lines_of(path):
    """Command lines in code blocks and between backticks; of a manual, those between backticks and
    those that mdoc marks as a quoted or literal command."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if path.endswith(".md"):
        blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S)
        for block in blocks:
            yield from re.findall(r"^(?:\$ )?(devenv .*)$", block, re.M)
        text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    else:
        text = text.replace("\\-", "-").replace("\\e", "\\")
        for block in re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", text, re.M | re.S):
            yield from re.findall(r"^(devenv .*)$", block, re.M)
        yield from re.findall(r"^\.(?:Ql|Ic) (devenv [a-z].*?)(?: [.,;:)])?$", text, re.M)
    yield from (" ".join(found.split()) for found in re.findall(r"`(devenv\s[^`]+)`", text))


def options_of(devenv, known, command):
    if command not in known:
        done = subprocess.run([devenv, "help", *command], capture_output=True, text=True)
        known[command] = done.stdout if done.returncode == 0 else None
    return known[command]


def check_line(devenv, known, line):
    """What is wrong with it, or None."""
    words = shlex.split(re.split(r"\s[#|>]|;", line)[0].rstrip(".,:"))[1:]
    overall = options_of(devenv, known, ())
    at = 0
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in ("-C", "-f", "-p", "--env", "--set") else 1
    if at == len(words) or words[at] in PROJECTS_OWN or not re.match(r"[a-z]+$", words[at]):
        return None
    text = options_of(devenv, known, (words[at],))
    if text is None:
        return f"there is no command {words[at]}"
    for word in words[at + 1:]:
        if word == "--":
            break
        option = re.match(r"\[?(--[a-z-]+|-[a-zA-Z])\]?$", word)
        if option and not re.search(rf"(?<![\w-]){re.escape(option.group(1))}(?![\w-])", text + overall):
            return f"{words[at]} has no option {option.group(1)}"
    return None


def commands(devenv, paths):
    known, count, wrong = {}, 0, []
    for path in paths:
        for line in lines_of(path):
            count += 1
            problem = check_line(devenv, known, line)
            if problem:
                wrong.append(f"{path}: {line}: {problem}")
    print(f"{count} command lines")
    sys.exit("\n".join(wrong) or 0)


if __name__ == "__main__":
    {"script": lambda: script(sys.argv[2]),
     "compare": lambda: compare(sys.argv[2], sys.argv[3]),
     "commands": lambda: commands(sys.argv[2], sys.argv[3:])}[sys.argv[1]]()
