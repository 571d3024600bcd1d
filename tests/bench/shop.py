"""I. The shop of `devenv init shop` in a git repository: cold, warm, with nothing to do.

Cold: no image of the run exists (a random value in the base rung makes all tags new) and no
dependencies are installed. Warm: images and dependencies are there, containers are not. A new
clone: images are there, data and dependencies are not. devenv's own share is what `up --timings`
says.
"""
import json
import os
import re
import secrets

from measure import Failure, Row, median, number

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
MARK = "DEVENV_BENCH"
OWN_SHARE = r"^ *([\d.]+) ms  devenv's own share$"


class Shop:
    def __init__(self, bench):
        self.bench = bench
        self.folder = os.path.join(bench.folder, "shop")
        bench.do("devenv", "init", "shop", self.folder)
        for words in (["init", "-q"], ["add", "-A"],
                      ["-c", "user.name=b", "-c", "user.email=b@localhost", "commit", "-qm", "shop"]):
            bench.do("git", "-C", self.folder, *words)
        self.devenv = ["devenv", "-C", self.folder]
        self.up = [*self.devenv, "up", "-d", "--timings"]
        self.marks = set()  # one a cold run

    def write_base(self, rest):
        """What this machine's base rung has beyond the shop's own."""
        host = "    certificates: host\n" if os.path.exists(BUNDLE) else ""
        self.bench.write(f"{self.folder}/devenv.local.yml", f"images:\n  base:\n{host}{rest}")

    def turn_base(self):
        """Another base rung: everything stands on it, so everything is built."""
        mark = secrets.token_hex(8)
        self.marks.add(f"{MARK}={mark}")
        self.write_base(f"    env: {{ {MARK}: \"{mark}\" }}\n")

    def answers(self):
        """The shop works: its page and rows of its database, through nginx with TLS."""
        url = re.search(r"https://shop\.localhost\S*", self.bench.do(*self.devenv, "open", "--print"))
        if not url:
            raise Failure("the shop has no URL")
        authority = os.path.join(self.bench.home, ".local/share/devenv/ca/ca.crt")
        curl = ["curl", "-sf", "--noproxy", "*", "--cacert", authority]
        self.bench.do(*curl, url.group(), expect="(?i)<html")
        self.bench.do(*curl, url.group().rstrip("/") + "/api/orders", expect=r"\A\s*[\[{]")

    def down(self, *options):
        self.bench.do(*self.devenv, "down", "-y", *options)

    def cold(self):
        self.down("-v")
        self.turn_base()


def own(samples):
    shares = [re.search(OWN_SHARE, sample.out, re.MULTILINE) for sample in samples]
    if not all(shares):
        raise Failure("up --timings does not say devenv's own share")
    return median(float(share.group(1)) for share in shares)


def stage(bench, shop, name, before, runs, warmup, limits):
    row = Row(name, shop.up, OWN_SHARE, before=before, after=shop.answers)
    samples = bench.paired([row], runs, warmup, limit=600)[name]
    wall, share = median(s.wall for s in samples) * 1000, own(samples)
    bench.say(f"| {name} | {number(wall)} ms ({number(min(s.wall for s in samples) * 1000)}.."
              f"{number(max(s.wall for s in samples) * 1000)}) | {number(share)} ms | "
              f"{len(samples)} |")
    return [(name, wall, limits[0]), (f"{name}, devenv's own share", share, limits[1])]


def run(bench):
    shop = Shop(bench)
    goals = []
    bench.say("| | wall, median (min..max) | devenv's own share | runs |")
    bench.say("|---|---|---|---|")
    try:
        shop.turn_base()
        goals += stage(bench, shop, "cold", shop.cold, 2, 0, (60000, 1000))
        goals += stage(bench, shop, "new clone, images there", lambda: shop.down("-v"), 2, 0,
                       (60000, 1000))
        goals += stage(bench, shop, "warm", shop.down, 3, 0, (5000, 100))
        goals += stage(bench, shop, "nothing to do", None, 9, 1, (15, 10))
    finally:
        remove(shop)
    bench.say()
    for goal in goals:
        bench.goal(*goal)
    bench.say()


def remove(shop):
    """What this workspace made, and every image that stands on one of its base rungs."""
    bench = shop.bench
    bench.attempt(*shop.devenv, "down", "-v", "-y")
    for image in sorted(set(bench.attempt("docker", "images", "-q", "devenv/*").split())):
        out = bench.attempt("docker", "inspect", "-f", "{{json .RepoTags}} {{json .Config.Env}}",
                            image)
        if any(mark in out for mark in shop.marks):
            tags, _ = json.JSONDecoder().raw_decode(out)
            bench.attempt("docker", "rmi", *tags)
