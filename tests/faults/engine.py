#!/usr/bin/env python3
"""An engine that delays, cuts and lies: engine.py MODE SOCKET [TEXTS WORKSPACE].

Prints `ready` once it listens. Each connection is served by a thread; the mode says what the
answers are. Requests it has seen are appended to SOCKET.log, one line each. The modes steer* put the texts
of a file (separated by NUL) wherever an engine has text of others.
"""
import json
import os
import socket
import sys
import threading
import time

MODE, PATH = sys.argv[1], sys.argv[2]
CONTAINER = {"Id": "c" * 64, "Names": ["/fake-db-1"], "Image": "x", "State": "running",
             "Status": "Up 3 minutes (healthy)", "Created": 1, "Unknown": {"a": [1]},
             "Labels": {"com.docker.compose.service": "db", "devenv.workspace": "fake"},
             "Ports": [{"PrivatePort": 5432, "PublicPort": 15432, "Type": "tcp", "IP": "127.0.0.1"}],
             "NetworkSettings": {"Networks": {"fake_default": {"IPAddress": "172.18.0.2"}}}}
GOOD = json.dumps([CONTAINER]).encode()


def head(status="200 OK", length=None, version="1.41", extra=""):
    lines = ["HTTP/1.1 " + status, "Content-Type: application/json"]
    if version:
        lines.append("Api-Version: " + version)
    if length is not None:
        lines.append("Content-Length: %d" % length)
    return ("\r\n".join(lines) + "\r\n" + extra + "\r\n").encode()


def whole(body, **keys):
    return head(length=len(body), **keys) + body


def changed(**keys):
    return json.dumps([dict(CONTAINER, **keys)]).encode()


def drip(conn, data, pause=1.0):
    for byte in data:
        conn.sendall(bytes([byte]))
        time.sleep(pause)


def forever():
    time.sleep(3600)


BODIES = {
    "good": whole(GOOD),
    "truncated": head(length=len(GOOD)) + GOOD[:20],
    "length": head(length=len(GOOD) + 100) + GOOD,
    "chunk": head(extra="Transfer-Encoding: chunked\r\n") + b"FFFFFFFFFFFFFFFF\r\nabc",
    "json": whole(b"[{\"Id\": nonsense"),
    "utf8": whole(b'[{"Id": "\xff\xfe", "State": "running"}]'),
    "duplicate": whole(b'[{"Id": "a", "Id": "b", "State": "running"}]'),
    "map": whole(b'{"message": "hello"}'),
    "labels": whole(changed(Labels=["x"])),
    "id": whole(changed(Id=7)),
    "created": whole(changed(Created="yesterday")),
    "port": whole(changed(Ports=[{"PrivatePort": 5432000}])),
    "depth": whole(b"[" * 10000 + b"]" * 10000),
    "redirect": head("301 Moved Permanently", 0, extra="Location: http://127.0.0.1:1/\r\n"),
    "401": whole(b"", status="401 Unauthorized", extra="WWW-Authenticate: Basic realm=x\r\n"),
    "407": whole(b"", status="407 Proxy Authentication Required"),
    "500": whole(b'{"message":"disk on fire"}', status="500 Internal Server Error"),
    "old": whole(GOOD, version="1.30"),
    "new": whole(GOOD, version="1.99"),
    "garbage": b"SSH-2.0-OpenSSH_9.2\r\n",
    "empty": b"",
}


def texts():
    with open(sys.argv[3], "rb") as f:
        return [t.decode("utf-8", "surrogateescape") for t in f.read().split(b"\0")]


def steering(text, number):
    """A container whose every word steers the terminal; those of the first ones are of ours."""
    port = {"PrivatePort": 80, "PublicPort": 20000 + number, "Type": "tcp", "IP": "127.0.0.1"}
    workspace = sys.argv[4]
    return dict(CONTAINER, Id="%064x" % (number + 1), Names=["/" + text], Image=text, Status=text,
                State="running" if number else text, Ports=[port, dict(port, IP=text, Type=text)],
                Labels={"com.docker.compose.service": "a" if number % 2 else text,
                        "com.docker.compose.project": text, "devenv.root": text, "devenv.service": text,
                        "devenv.version": text, "devenv.hash": text, "devenv.inputs": text,
                        "devenv.workspace": text if number % 3 == 2 else workspace},
                NetworkSettings={"Networks": {text: {"IPAddress": text}}})


def steer(conn, path):
    """Valid JSON for each request, or errors, or headers, of hostile text."""
    if MODE == "steer_error":
        body = json.dumps({"message": " ".join(texts())}).encode()
        conn.sendall(whole(body, status="500 Internal Server Error"))
    elif MODE == "steer_header":
        lines = "".join("X-%d: %s\r\n" % (n, t.replace("\r", "")) for n, t in enumerate(texts()))
        raw = ("HTTP/1.1 200 " + texts()[0].replace("\r", "") + "\r\nApi-Version: " +
               texts()[-1].replace("\r", "") + "\r\n" + lines + "\r\n")
        conn.sendall(raw.encode("utf-8", "surrogateescape") + "".join(texts()).encode("utf-8", "surrogateescape"))
        return False
    else:
        every = [steering(t, n) for n, t in enumerate(texts())]
        answer = every
        if "/volumes" in path:
            answer = {"Volumes": [{"Name": t, "Labels": {"devenv.root": t}} for t in texts()], "Warnings": texts()}
        elif "/networks" in path:
            answer = [{"Name": t, "Id": t, "Labels": {"devenv.root": t}} for t in texts()]
        elif path.endswith("/version"):
            answer = {"ApiVersion": "1.41", "Version": "".join(texts())}
        elif path.endswith("/json") and "/containers/" in path:
            answer = dict(every[0], State={"Status": texts()[0], "Error": "".join(texts()), "ExitCode": 1},
                          Config={"Tty": True, "Labels": {}})
        conn.sendall(whole(json.dumps(answer).encode()))
    return True


def lie(conn, line):
    """The answer to one request; False ends the connection."""
    path = line.split(" ")[1]
    if MODE == "hang":
        forever()
    elif MODE == "drip_header":
        drip(conn, whole(GOOD))
    elif MODE == "drip_body":
        conn.sendall(head(length=len(GOOD)))
        drip(conn, GOOD)
    elif MODE == "stall":
        conn.sendall(head(length=len(GOOD)) + GOOD[:20])
        forever()
    elif MODE == "header":
        conn.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(100 * 1024):
            conn.sendall(b"X-Long: " + b"x" * 1016 + b"\r\n")
    elif MODE == "flood":
        conn.sendall(head(length=500 << 20))
        for _ in range(500):
            conn.sendall(b" " * (1 << 20))
    elif MODE in ("stop_hang", "stop_slow") and "/stop" in path:
        time.sleep(3600 if MODE == "stop_hang" else 6)
        conn.sendall(head("204 No Content"))
        return True
    elif MODE == "stop_hang" and path == "/_ping":
        forever()
    elif MODE in ("stop_hang", "stop_slow"):
        conn.sendall(whole(b'{"ApiVersion": "1.41"}'))
        return True
    elif MODE.startswith("steer"):
        return steer(conn, path)
    elif MODE in ("no_version", "minimum"):
        return versions(conn, path)
    else:
        conn.sendall(BODIES[MODE])
        return MODE in ("good", "new")
    return False


def versions(conn, path):
    """No Api-Version header; `minimum` refuses what is older than 1.44."""
    if path == "/version":
        body = json.dumps({"ApiVersion": "1.43" if MODE == "minimum" else "1.41"}).encode()
        conn.sendall(whole(body, version=None))
    elif MODE == "minimum" and not path.startswith("/v1.44/") and path.startswith("/v"):
        body = b'{"message":"client version 1.43 is too old. Minimum supported API version is ' \
               b'1.44, please upgrade your client to a newer version"}'
        conn.sendall(whole(body, status="400 Bad Request", version=None))
    else:
        conn.sendall(whole(b'{"Volumes": []}' if "/volumes" in path else GOOD, version=None))
    return True


def serve(conn, log):
    data = b""
    try:
        while True:
            while b"\r\n\r\n" not in data:
                more = conn.recv(65536)
                if not more:
                    return
                data += more
            line, data = data.split(b"\r\n", 1)[0].decode(), data.split(b"\r\n\r\n", 1)[1]
            os.write(log, (line + "\n").encode())
            if not lie(conn, line):
                return
    except OSError:
        pass
    finally:
        conn.close()


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
