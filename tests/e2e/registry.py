#!/usr/bin/env python3
"""A registry of one image, slow on purpose: registry.py IMAGE PORT_FILE [BYTES_PER_SECOND [PORT]]

Serves IMAGE of the local engine with two layers of noise on top, as NAME:1 for every NAME, on
127.0.0.1 (which engines believe without TLS). Writes its port into PORT_FILE once it listens."""
import gzip
import hashlib
import http.server
import io
import json
import os
import subprocess
import sys
import tarfile
import time


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def noise_layer(name, size):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = size
        tar.addfile(entry, io.BytesIO(os.urandom(size)))
    return out.getvalue()


def saved_layers(image):
    """(configuration, layers as tar) of an image that the engine has."""
    saved = subprocess.run(["docker", "save", image], check=True, stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=io.BytesIO(saved)) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))[0]
        config = json.load(tar.extractfile(manifest["Config"]))
        return config, [tar.extractfile(name).read() for name in manifest["Layers"]]


def make_image(image):
    config, layers = saved_layers(image)
    layers += [noise_layer("noise1", 3 << 20), noise_layer("noise2", 2 << 20)]
    config["rootfs"]["diff_ids"] = [digest(layer) for layer in layers]
    config["history"] = [{"created_by": "noise"} for _ in layers]
    blobs = [gzip.compress(layer, 1) for layer in layers]
    configuration = json.dumps(config).encode()
    manifest = json.dumps({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json",
                   "size": len(configuration), "digest": digest(configuration)},
        "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                    "size": len(blob), "digest": digest(blob)} for blob in blobs],
    }).encode()
    return manifest, {digest(blob): blob for blob in blobs + [configuration, manifest]}


class Registry(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    manifest, blobs, rate = b"", {}, 0

    def answer(self, kind, body):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Docker-Content-Digest", digest(body))
        self.end_headers()
        if self.command == "HEAD":
            return
        step = max(1, self.rate // 20)
        for at in range(0, len(body), step):
            self.wfile.write(body[at:at + step])
            if len(body) > step:
                time.sleep(0.05)

    def do_GET(self):
        name = self.path.rsplit("/", 1)[-1]
        if self.path.rstrip("/") == "/v2":
            self.answer("application/json", b"{}")
        elif "/manifests/" in self.path:
            self.answer("application/vnd.docker.distribution.manifest.v2+json", self.manifest)
        elif name in self.blobs:
            self.answer("application/octet-stream", self.blobs[name])
        else:
            self.send_error(404)

    do_HEAD = do_GET

    def log_message(self, *args):
        pass


def main():
    image, port_file = sys.argv[1:3]
    Registry.rate = int(sys.argv[3]) if len(sys.argv) > 3 else 4 << 20
    Registry.manifest, Registry.blobs = make_image(image)
    port = int(sys.argv[4] or 0) if len(sys.argv) > 4 else 0
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Registry)
    with open(port_file + ".new", "w", encoding="utf-8") as f:
        f.write(str(server.server_address[1]))
    os.rename(port_file + ".new", port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
