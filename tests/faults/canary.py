#!/usr/bin/env python3
"""Where a secret is found: canary.py VALUE FILE... looks for it in every form (FAULTS D01).

Raw, base64 at each of the three offsets, hex in both cases, URL and JSON escapes, reversed; `-`
reads standard input. With --watch PATTERN OUT it samples argv and environ of all processes until it
is killed, and notes to OUT those in which a form occurs. Prints each place; status 1 when found.
"""
import base64
import json
import os
import sys
import urllib.parse


def forms(value):
    yield "raw", value
    for offset in range(3):
        text = base64.b64encode(b"\0" * offset + value)
        whole = text[-(-offset * 8 // 6):].rstrip(b"=")[:-1]
        yield f"base64+{offset}", whole
        yield f"base64url+{offset}", whole.replace(b"+", b"-").replace(b"/", b"_")
    yield "hex", value.hex().encode()
    yield "HEX", value.hex().upper().encode()
    yield "reversed", value[::-1]
    yield "url", urllib.parse.quote_from_bytes(value, safe="").encode()
    try:
        yield "json", json.dumps(value.decode())[1:-1].encode()
    except UnicodeDecodeError:
        pass


def look(value, data):
    return sorted({name for name, text in forms(value) if len(text) >= 8 and text in data})


def watch(value, out):
    found = {}
    me = os.getpid()
    print("ready", flush=True)
    while True:
        for pid in os.listdir("/proc"):
            if not pid.isdigit() or int(pid) == me:
                continue
            for name in ("cmdline", "environ"):
                try:
                    with open(f"/proc/{pid}/{name}", "rb") as f:
                        data = f.read()
                    if look(value, data):
                        with open(f"/proc/{pid}/cmdline", "rb") as f:
                            key = name + " of " + f.read().replace(b"\0", b" ").decode(errors="replace")[:200]
                        if key not in found:
                            found[key] = 1
                            with open(out, "a", encoding="utf-8") as f:
                                f.write(key + "\n")
                except OSError:
                    pass


def main():
    with open(sys.argv[1], "rb") as f:
        value = f.read()
    if sys.argv[2] == "--watch":
        watch(value, sys.argv[3])
    bad = 0
    for path in sys.argv[2:]:
        if path == "-":
            data = sys.stdin.buffer.read()
        else:
            with open(path, "rb") as f:
                data = f.read()
        for name in look(value, data):
            print(f"{name} in {path}")
            bad = 1
    sys.exit(bad)


main()
