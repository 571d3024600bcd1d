#!/usr/bin/env python3
"""In front of a real engine: proxy.py SOCKET ENGINE [FAULT PATTERN]...

Passes everything through until a request's first line matches PATTERN (a regular expression); then
FAULT: cut (closes without an answer), refuse (closes, and every connection from then on), hang
(never answers), half (cuts in the middle of the answer), slow (answers a byte every 20 ms), cutlater
(passes the answer on for a second, then closes everything as an engine that dies). Requests are
appended to SOCKET.log. Prints `ready` once it listens.
"""
import os
import re
import socket
import sys
import threading
import time

PATH, ENGINE = sys.argv[1:3]
FAULTS = [(sys.argv[i], re.compile(sys.argv[i + 1])) for i in range(3, len(sys.argv), 2)]
dead = threading.Event()
open_now = set()


def fault_of(line):
    for name, pattern in FAULTS:
        if pattern.search(line):
            return name
    return None


def die():
    dead.set()
    for conn in list(open_now):
        try:
            conn.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def pump(source, sink, fault):
    """Copies until the end; the fault of the last request decides how."""
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            if fault[0] == "half":
                sink.sendall(data[:len(data) // 2])
                break
            if fault[0] == "slow":
                for byte in data:
                    sink.sendall(bytes([byte]))
                    time.sleep(0.02)
                continue
            sink.sendall(data)
    except OSError:
        pass
    for conn in (source, sink):
        try:
            conn.shutdown(socket.SHUT_RDWR if fault[0] == "half" else socket.SHUT_WR)
        except OSError:
            pass


def serve(conn, log):
    fault = [None]
    engine = socket.socket(socket.AF_UNIX)
    open_now.update((conn, engine))
    try:
        if dead.is_set():
            return
        engine.connect(ENGINE)
        threading.Thread(target=pump, args=(engine, conn, fault), daemon=True).start()
        while not dead.is_set():
            data = conn.recv(65536)
            if not data:
                engine.shutdown(socket.SHUT_WR)
                time.sleep(3600)
            for line in re.findall(rb"(?m)^((?:GET|POST|PUT|DELETE|HEAD) \S+ HTTP/1\.1)\r$", data):
                os.write(log, line + b"\n")
                fault[0] = fault_of(line.decode()) or fault[0]
            if fault[0] == "cut":
                return
            if fault[0] == "refuse":
                die()
                return
            if fault[0] == "hang":
                time.sleep(3600)
            if fault[0] == "cutlater":
                threading.Timer(1, die).start()
                fault[0] = None
            engine.sendall(data)
    except OSError:
        pass
    finally:
        open_now.difference_update((conn, engine))
        conn.close()
        engine.close()


def main():
    log = os.open(PATH + ".log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(PATH)
    listener.listen(64)
    print("ready", flush=True)
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=serve, args=(conn, log), daemon=True).start()


main()
