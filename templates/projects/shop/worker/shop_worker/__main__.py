"""`python3 -m shop_worker` works until SIGTERM; the order in hand is finished first."""

import os
import signal
import threading
import time

import psycopg2
import redis

from . import mail
from .jobs import Queue
from .log import log
from .store import Store

TROUBLE = (psycopg2.Error, redis.RedisError, OSError)  # smtplib's errors are OSErrors
LOOK_EVERY = 15  # seconds, for orders that the queue never saw


class Worker:
    def __init__(self, store, queue, send, sender):
        self.store, self.queue, self.send, self.sender = store, queue, send, sender
        self.stop = threading.Event()
        self.looked = 0.0

    def handle(self, order, request_id):
        log("info", "taken", order=order, request_id=request_id)
        try:
            found = self.store.confirm(order, lambda row: self.send(mail.compose(row, self.sender)))
            log("info", "confirmed" if found else "nothing to do",
                order=order, request_id=request_id)
        except mail.Refused as error:
            self.store.fail(order)
            log("error", "failed", order=order, request_id=request_id, error=error)

    def look(self):
        """Queues the orders that never came through the queue, now and then."""
        if self.looked and time.monotonic() < self.looked + LOOK_EVERY:
            return
        self.looked = time.monotonic()
        for order, request_id in self.store.left_behind():
            log("warning", "left behind", order=order, request_id=request_id)
            self.queue.push(order, request_id)

    def step(self):
        """One job, if one comes within a second."""
        job = self.queue.take()
        if job is None:
            return self.look()
        token, order, request_id = job
        if order is None:
            log("error", "not a job", token=token)
        else:
            self.handle(order, request_id)
        return self.queue.done(token)

    def run(self):
        """Steps for ever. After trouble: a growing pause, new connections, the job in hand again."""
        pause, ready = 0.5, False
        while not self.stop.is_set():
            try:
                if not ready:
                    self.store.connect()
                    recovered = self.queue.recover()
                    log("info", "worker ready", recovered=recovered)
                    ready = True
                self.step()
                pause = 0.5
            except TROUBLE as error:
                words = f"{type(error).__name__}: {error}".strip()
                log("warning", "trouble", error=words, pause=pause)
                self.store.close()
                ready = False
                self.stop.wait(pause)
                pause = min(pause * 2, 15)


def main():
    sender = os.environ.get("MAIL_FROM", "orders@shop.localhost")
    worker = Worker(Store(), Queue(), mail.send, sender)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop.set())
    worker.run()
    log("info", "worker stopped")


if __name__ == "__main__":
    main()
