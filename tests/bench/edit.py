"""C. An edit of the shop's API until a request is answered by it, and where the time goes.

A line of api/shop_api/app.py is saved (by rename, as editors do); then the published port is asked
until the new line answers. The engine's own events divide the time: until the compile stage begins
in the container (the quiet time of 20 ms included), until it ends, until the container is told to
stop, until its process is gone, until the engine has started it anew, until it answers. The floor is
the same by a bare client, which only sends the requests: the command by exec, its status, a restart.
What the first and the third part take longer than there is devenv's own share.
"""
import http.client
import json
import os
import socket
import time

import processes
from measure import Failure, load, median, number
from shop import Shop

SOURCE = "api/shop_api/app.py"
LINE = 'jsonify(status="ok"'
COMPILE = "compileall"
PARTS = ["seen, quiet, stage begun", "compile stage", "gates passed, told to stop",
         "the old process ends", "engine: started anew", "the program answers"]
OWN = (0, 2)
PATIENCE = 120  # seconds


class Api:
    def __init__(self, bench, shop):
        self.bench, self.shop, self.saves = bench, shop, 0
        self.path = os.path.join(shop.folder, SOURCE)
        with open(self.path, encoding="utf-8") as file:
            self.text = file.read()
        if self.text.count(LINE) != 1:
            raise Failure(f"{SOURCE} has no line to edit")
        ports = json.loads(bench.do(*shop.devenv, "ports", "--json"))
        self.address = next((port["address"] for port in ports
                             if port["service"] == "api" and port["address"]), None)
        if not self.address:
            raise Failure("the API's port is not published")
        self.container = bench.do("docker", "ps", "-q", "--no-trunc",
                                  "--filter", f"label=devenv.root={shop.folder}", "--filter",
                                  "label=com.docker.compose.service=api").strip()

    def save(self, turn):
        """Each time longer: Python takes a file of the same second and size for the same."""
        self.saves += 1
        new = f'{LINE}, turn="{turn}", saves="{"." * self.saves}"'
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            file.write(self.text.replace(LINE, new))
        begun = time.time_ns()
        os.rename(self.path + ".new", self.path)
        return begun

    def says(self, turn):
        """A connection made while the container is down may hang: it must not hold up the next."""
        try:
            connection = http.client.HTTPConnection(self.address, timeout=0.2)
            connection.request("GET", "/healthz")
            return f'"{turn}"'.encode() in connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return False

    def wait(self, turn):
        """When it answered; it is asked every 2 ms. An engine with much to do takes 15 s to restart."""
        if not processes.until(lambda: self.says(turn), PATIENCE):
            status = self.bench.attempt(*self.shop.devenv, "status", "--json")
            raise Failure(f"{PATIENCE} s after an edit of {SOURCE} it is not answered (load {load()})"
                          f"; status: {status}")
        return time.time_ns()

    def events(self, begun, ended):
        """(action, time) of the container in between, in order."""
        out = self.bench.do("docker", "events", "--since", seconds(begun), "--until",
                            seconds(ended), "--filter", f"container={self.container}",
                            "--format", "{{json .}}")
        found = [json.loads(line) for line in out.splitlines()]
        return [(event["Action"], event["timeNano"], event["Actor"]["Attributes"].get("execID"))
                for event in found]


def seconds(nanoseconds):
    return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}"


def first(events, what, after=0, exec_id=None):
    for action, at, of in events:
        if action.startswith(what) and at >= after and (exec_id is None or of == exec_id):
            return at, of
    raise Failure(f"the engine tells of no {what} after the edit, only of "
                  f"{', '.join(action for action, _, _ in events) or 'nothing'}")


def divide(events, begun, answered):
    """The parts in ms."""
    stages = [event for event in events
              if not event[0].startswith("exec_start") or COMPILE in event[0]]
    compile_begun, exec_id = first(stages, "exec_start")
    compile_ended, _ = first(events, "exec_die", compile_begun, exec_id)
    told, _ = first(events, "kill", compile_ended)
    died, _ = first(events, "die", told)
    started, _ = first(events, "start", died)
    times = [begun, compile_begun, compile_ended, told, died, started, answered]
    return [(b - a) / 1e6 for a, b in zip(times, times[1:])]


class Engine(http.client.HTTPConnection):
    """A client of the engine's API that does nothing else."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect("/var/run/docker.sock")

    def ask(self, method, path, body=None):
        headers = {"Content-Type": "application/json"} if body else {}
        self.request(method, path, json.dumps(body) if body else None, headers)
        answer = self.getresponse()
        data = answer.read()
        if answer.status >= 400:
            raise Failure(f"{method} {path}: {answer.status} {data.decode()}")
        return data


def by_hand(api, turn):
    """The parts of the same, asked for by a bare client, in ms."""
    api.save(turn)
    engine, begun = Engine("engine"), time.time_ns()
    command = {"Cmd": ["sh", "-c", f"python3 -m {COMPILE} -q ."], "AttachStdout": True,
               "AttachStderr": True}
    made = json.loads(engine.ask("POST", f"/containers/{api.container}/exec", command))["Id"]
    output = Engine("engine")  # its connection becomes the stream
    output.ask("POST", f"/exec/{made}/start", {"Detach": False, "Tty": False})
    if json.loads(engine.ask("GET", f"/exec/{made}/json"))["ExitCode"] != 0:
        raise Failure(f"{COMPILE} by hand failed")
    engine.ask("POST", f"/containers/{api.container}/restart?t=10")
    answered = api.wait(turn)
    return divide(api.events(begun, answered), begun, answered), (answered - begun) / 1e6


def own(parts):
    return median(sum(row[i] for i in OWN) for row in parts)


def show(bench, rounds, ours, floor):
    bench.say(f"{rounds} edits each, load {load()}.")
    bench.say()
    bench.say("| | devenv, median (min..max) | bare client |")
    bench.say("|---|---|---|")
    columns = [[[total for _, total in side], *zip(*(parts for parts, _ in side))]
               for side in (ours, floor)]
    for name, *lists in zip(["save to answer", *PARTS], *columns):
        cells = [f"{number(median(x))} ms ({number(min(x))}..{number(max(x))})" for x in lists]
        bench.say(f"| {name} | {cells[0]} | {cells[1]} |")
    bench.say()
    bench.goal("devenv's own share of an edit",
               own([parts for parts, _ in ours]) - own([parts for parts, _ in floor]), 50)
    bench.say()


def run(bench):
    shop = Shop(bench)
    rounds = min(bench.runs or 10, 10)
    try:
        shop.write_base("services: { api: { ports: { http: { published: auto } } } }\n")
        bench.do(*shop.devenv, "up", "-d", "--watch", expect=r"\bapi\b")
        api, ours, floor = Api(bench, shop), [], []
        for turn in range(rounds):
            begun = api.save(f"saved-{turn}")
            answered = api.wait(f"saved-{turn}")
            time.sleep(2)  # what follows a restart, and the quiet before the next edit
            ours.append((divide(api.events(begun, answered), begun, answered),
                         (answered - begun) / 1e6))
        bench.do(*shop.devenv, "up", "-d", "--no-watch", expect=r"\bapi\b")
        for turn in range(rounds):
            floor.append(by_hand(api, f"by-hand-{turn}"))
            time.sleep(2)
        show(bench, rounds, ours, floor)
    finally:
        bench.attempt(*shop.devenv, "down", "-v", "-y")
