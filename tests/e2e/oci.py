#!/usr/bin/env python3
"""Follows an OCI archive: oci.py FILE NAME WORD

Every digest from index.json down must be that of a blob, every blob must be led to, and a layer's
digest that of its content. Prints how many were followed, and every file of a layer of NAME (and
every string of its configuration) that holds WORD, in its bytes or its name."""
import gzip
import hashlib
import io
import json
import sys
import tarfile


class Archive:
    def __init__(self, path):
        self.seen = set()
        with tarfile.open(path) as tar:
            self.files = {entry.name: tar.extractfile(entry).read()
                          for entry in tar if entry.isfile()}

    def blob(self, descriptor):
        algorithm, digest = descriptor["digest"].split(":")
        name = f"blobs/{algorithm}/{digest}"
        data = self.files[name]
        assert hashlib.sha256(data).hexdigest() == digest, name
        assert len(data) == descriptor["size"], name
        self.seen.add(name)
        return data


def find(word, where, data):
    if word in data:
        print(f"{where}: {word.decode()} is in there")


def scan(word, layer, digest):
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        for entry in tar:
            find(word, f"{digest[:19]} name", entry.name.encode())
            if entry.isfile():
                find(word, f"{digest[:19]} {entry.name}", tar.extractfile(entry).read())


def main(path, name, word):
    archive = Archive(path)
    assert json.loads(archive.files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads(archive.files["index.json"])
    names = []
    for entry in index["manifests"]:
        names.append(entry["annotations"]["org.opencontainers.image.ref.name"])
        manifest = json.loads(archive.blob(entry))
        data = archive.blob(manifest["config"])
        config = json.loads(data)
        layers = [archive.blob(layer) for layer in manifest["layers"]]
        layers = [gzip.decompress(layer) if layer[:2] == b"\x1f\x8b" else layer
                  for layer in layers]
        digests = ["sha256:" + hashlib.sha256(layer).hexdigest() for layer in layers]
        assert digests == config["rootfs"]["diff_ids"], "layers are not those of the configuration"
        if names[-1] == name:
            find(word, "configuration", data)
            for layer, digest in zip(layers, digests):
                scan(word, layer, digest)
    assert name in names, names
    unused = {file for file in archive.files if file.startswith("blobs/")} - archive.seen
    assert not unused, unused
    print(f"{len(names)} images, {len(archive.seen)} blobs followed")


main(sys.argv[1], sys.argv[2], sys.argv[3].encode())
