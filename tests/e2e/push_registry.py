#!/usr/bin/env python3
"""A registry that takes what is pushed: push_registry.py PORT_FILE PUSHED_FILE

Listens on 127.0.0.1 (which engines believe without TLS), writes its port into PORT_FILE once it
does, and NAME:TAG of each manifest whose blobs have all come into PUSHED_FILE."""
import hashlib
import http.server
import json
import os
import re
import sys
import threading
import urllib.parse


class Registry(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    blobs, uploads, pushed = {}, {}, ""
    turn = threading.Lock()

    def answer(self, status, headers=(), body=b""):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if "Content-Length" not in dict(headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def take_body(self):
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            parts.append(self.rfile.read(size))
            self.rfile.readline()
            if not size:
                return b"".join(parts)

    def do_GET(self):
        self.answer(200 if self.path == "/v2/" else 404)

    def do_HEAD(self):
        digest = self.path.rsplit("/", 1)[1]
        if digest in self.blobs:
            size = str(len(self.blobs[digest]))
            return self.answer(200, [("Content-Length", size), ("Docker-Content-Digest", digest)])
        return self.answer(404)

    def do_POST(self):
        self.take_body()
        place = re.sub(r"/uploads/.*", "/uploads/", self.path) + os.urandom(8).hex()
        self.uploads[place] = b""
        self.answer(202, [("Location", place), ("Docker-Upload-UUID", "x"), ("Range", "0-0")])

    def do_PATCH(self):
        self.uploads[self.path] += self.take_body()
        end = len(self.uploads[self.path]) - 1
        self.answer(202, [("Location", self.path), ("Range", f"0-{end}")])

    def do_PUT(self):
        url = urllib.parse.urlsplit(self.path)
        data = self.uploads.pop(url.path, b"") + self.take_body()
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        manifest = re.fullmatch(r"/v2/(.+)/manifests/(.+)", url.path)
        if manifest:
            wanted = json.loads(data)
            missing = [part["digest"] for part in [wanted["config"]] + wanted["layers"]
                       if part["digest"] not in self.blobs]
            if missing:
                return self.answer(400)
            with self.turn, open(self.pushed, "a", encoding="utf-8") as file:
                file.write(f"{manifest[1]}:{manifest[2]}\n")
        elif urllib.parse.parse_qs(url.query).get("digest") != [digest]:
            return self.answer(400)
        self.blobs[digest] = data
        return self.answer(201, [("Location", url.path), ("Docker-Content-Digest", digest)])

    def log_message(self, *_):
        pass


def main(port_file, pushed):
    Registry.pushed = pushed
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    with open(port_file + ".new", "w", encoding="utf-8") as file:
        file.write(str(server.server_port))
    os.rename(port_file + ".new", port_file)
    server.serve_forever()


main(sys.argv[1], sys.argv[2])
