"""E. One leaf certificate: inside the process, as `up` makes it, against the openssl program.

What comes first in a process also pays for loading libcrypto. A leaf counts whole: reading the
authority, key, signature, check and file.
"""
import os
import shutil

from measure import HERE, NOTHING, Failure, Row, compile_c, median, number, ratio

ROOT = os.path.dirname(os.path.dirname(HERE))
LEAVES = 25


def inside(bench, program):
    """Milliseconds by word: the authority's first in a process, made or found; then the leaves."""
    seen = {}
    for _ in range(7):
        folder = bench.make_folder("leaf")
        for first in ("made", "found"):
            out = bench.do(program, folder, LEAVES, expect=r"^kept ")
            words = [line.split() for line in out.splitlines()]
            if [word for word, _ in words] != ["authority"] + ["leaf"] * LEAVES + ["kept"]:
                raise Failure(f"unexpected output:\n{out}")
            for word, value in [(first, words[0][1])] + words[1:]:
                seen.setdefault(word, []).append(float(value) / 1000)
        shutil.rmtree(folder)
    return seen


def openssl(bench):
    """One process that makes key and certificate, signed by an authority that is there."""
    folder = bench.make_folder("openssl")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    bench.do("openssl", "req", "-x509", *key, "-keyout", "ca.key", "-subj", "/CN=ca", "-days", 30,
             "-out", "ca.pem", cwd=folder)
    return folder, ["openssl", "req", "-x509", *key, "-keyout", "leaf.key", "-subj",
                    "/CN=app.localhost", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "30",
                    "-addext", "subjectAltName=DNS:app.localhost,DNS:*.app.localhost,IP:127.0.0.1",
                    "-out", "leaf.pem"]


def run(bench):
    library = os.path.join(os.path.dirname(bench.program), "libdevenv.a")
    program = compile_c("leaf.c", os.path.join(bench.folder, "leaf_bench"), "-I",
                        os.path.join(ROOT, "include"), library, "-lyaml", "-ljansson", "-luv",
                        "-ldl")
    seen = inside(bench, program)
    bench.say("### Inside the process")
    bench.say()
    bench.say("| | median (min..max) |")
    bench.say("|---|---|")
    for word, what in (("made", "libcrypto loaded, authority made"),
                       ("found", "libcrypto loaded, authority found"),
                       ("leaf", "leaf made"),
                       ("kept", "leaf found")):
        values = seen[word]
        bench.say(f"| {what} | {number(median(values))} ms "
                  f"({number(min(values))}..{number(max(values))}) |")
    bench.say()
    folder, argv = openssl(bench)

    def signed():
        bench.do("openssl", "verify", "-CAfile", "ca.pem", "leaf.pem", expect="OK", cwd=folder)
    fresh = os.path.join(bench.folder, "fresh")
    rows = [
        Row("one leaf in a process of its own", [program, fresh, "1"], r"^kept ",
            before=lambda: shutil.rmtree(fresh, ignore_errors=True) or os.mkdir(fresh)),
        Row("openssl req -x509", argv, "", after=signed, cwd=folder),
        Row("openssl version", ["openssl", "version"], "OpenSSL"),
        Row("true", ["true"], NOTHING),
    ]
    samples = bench.paired(rows, 15)
    bench.table("As whole processes (ours makes its authority, too)", samples, "true")
    bench.goal("a leaf inside `up`", median(seen["leaf"]), 1)
    bench.goal("a process of ours that makes authority and leaf, times openssl making a leaf",
               ratio(samples, rows[0].name, rows[1].name), 1, "times")
    bench.say()
