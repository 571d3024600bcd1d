"""The queue: a Redis list that the worker empties."""

import json
import os

import redis

LIST = "orders:todo"


class Queue:
    def __init__(self, url=None):
        url = url or os.environ.get("REDIS_URL", "redis://queue:6379/0")
        self.client = redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3)

    def push(self, order, request_id):
        self.client.lpush(LIST, json.dumps({"order": order, "request_id": request_id}))
