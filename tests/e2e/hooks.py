#!/usr/bin/env python3
"""A server that takes reports, or fails as servers do: hooks.py PORTFILE LOG [CERTIFICATE KEY]. What it
does is in the first part of the path: ok, fail (500 for ever), shaky (500 thrice, then 200), deny
(403), hang (never answers), cut (closes at once), garbage (no HTTP), drip (a byte of its answer every
now and then), flood (an answer without end). Each request becomes a line of JSON."""
import collections
import http.server
import json
import ssl
import sys
import threading
import time

SEEN = collections.Counter()
LOCK = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        kind = self.path.split("/")[1]
        with LOCK:
            SEEN[kind] += 1
            seen = SEEN[kind]
            with open(sys.argv[2], "a", encoding="utf-8") as log:
                log.write(json.dumps({"path": self.path, "body": body,
                                      "headers": dict(self.headers)}) + "\n")
        if kind == "hang":
            time.sleep(60)
        elif kind == "garbage":
            self.wfile.write(b"what?\r\n\r\n")
        elif kind == "drip":
            self.go_on(b"HTTP/1.1 200 OK\r\nX: ", b"x", 0.2)
        elif kind == "flood":
            self.go_on(b"HTTP/1.1 200 OK\r\n\r\n", bytes(65536), 0)
        elif kind != "cut":
            status = {"fail": 500, "deny": 403, "shaky": 500 if seen < 4 else 200}.get(kind, 201)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def go_on(self, begin, more, pause):
        try:
            self.wfile.write(begin)
            while self.wfile.write(more):
                time.sleep(pause)
        except OSError:
            pass

    def log_message(self, *args):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if len(sys.argv) > 3:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*sys.argv[3:5])
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write(str(server.server_port))
    server.serve_forever()


if __name__ == "__main__":
    main()
