"""F. A tmux session of 4 windows and 12 panes, detached, against tmux reading the same file.

The file is the one that devenv has written, so both make the same panes with the same commands and
options. The third row is as little as such a session can be: no titles, no options.
"""
import glob
import os

from measure import NOTHING, Failure, Row, ratio

WINDOWS, PANES = 4, 3


def layout():
    window = "      - name: w{}\n        layout: main-vertical\n        panes:\n" + \
        "          - command: [sleep, \"1000\"]\n" * PANES
    return ("name: panes\nservices:\n  api: { image: debian:bookworm-slim }\n"
            "layouts:\n  twelve:\n    windows:\n" +
            "".join(window.format(i) for i in range(WINDOWS)))


def least():
    """The same panes by hand."""
    lines = []
    for window in range(WINDOWS):
        for pane in range(PANES):
            word = "split-window -t panes:" if pane else \
                f"new-window -a -t panes: -n w{window}" if window else \
                "new-session -d -s panes -n w0 -x 200 -y 50"
            lines.append(f"{word} -- env sleep 1000")
        lines.append("select-layout -t panes: main-vertical")
    return "\n".join(lines) + "\n"


def run(bench):
    folder = bench.make_folder("tmux")
    bench.write(f"{folder}/devenv.yml", layout())
    bench.do("devenv", "--trust", "tmux", "--detach", expect="is there", cwd=folder)
    found = glob.glob(os.path.join(bench.home, ".local/state/devenv/panes-*"))
    if len(found) != 1:
        raise Failure("no state of the workspace")
    ours, file = (os.path.join(found[0], name) for name in ("tmux.sock", "tmux/panes-twelve.conf"))
    theirs = os.path.join(folder, "their.sock")
    small = bench.write(f"{folder}/least.conf", least())

    def end(socket):
        def check():
            panes = bench.do("tmux", "-S", socket, "list-panes", "-a").count("\n")
            bench.do("tmux", "-S", socket, "kill-server")
            os.unlink(socket)
            if panes != WINDOWS * PANES:
                raise Failure(f"{panes} panes instead of {WINDOWS * PANES}")
        return check

    end(ours)()
    source = ["tmux", "-S", theirs, "start-server", ";", "source-file"]
    rows = [
        Row("devenv tmux --detach", ["devenv", "tmux", "--detach"], "is there", after=end(ours),
            cwd=folder),
        Row("tmux source-file", source + [file], NOTHING, after=end(theirs), cwd=folder),
        Row("the least of it", source + [small], NOTHING, after=end(theirs), cwd=folder),
    ]
    try:
        samples = bench.paired(rows, 25, warmup=2)
    finally:
        for socket in (ours, theirs):
            bench.attempt("tmux", "-S", socket, "kill-server")
    bench.table("4 windows, 12 panes", samples, rows[1].name)
    bench.goal("devenv tmux, times source-file of the same",
               ratio(samples, rows[0].name, rows[1].name), 1.2, "times")
    bench.say()
