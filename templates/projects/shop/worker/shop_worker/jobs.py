"""The queue. A job in hand stays on a list of this worker: one that dies loses none."""

import json
import os

import redis

WAITING = "orders:todo"


class Queue:
    def __init__(self, url=None, name=None):
        url = url or os.environ.get("REDIS_URL", "redis://queue:6379/0")
        self.client = redis.Redis.from_url(url, socket_timeout=10, socket_connect_timeout=3)
        self.doing = f"orders:doing:{name or os.environ.get('WORKER_NAME', 'worker')}"

    def recover(self):
        """Puts back what the worker of this name had in hand when it ended; returns how many."""
        count = 0
        while self.client.lmove(self.doing, WAITING, "LEFT", "RIGHT"):
            count += 1
        return count

    def take(self, timeout=1):
        """The next job as (token, order, request id); None when none came in time."""
        token = self.client.blmove(WAITING, self.doing, timeout, "RIGHT", "LEFT")
        if token is None:
            return None
        try:
            job = json.loads(token)
            return token, int(job["order"]), str(job.get("request_id", ""))
        except (ValueError, KeyError, TypeError):
            return token, None, ""

    def done(self, token):
        self.client.lrem(self.doing, 1, token)

    def push(self, order, request_id):
        self.client.lpush(WAITING, json.dumps({"order": order, "request_id": request_id}))
