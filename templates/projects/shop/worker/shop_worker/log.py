"""One JSON object per line on stdout."""

import json
import os
import sys
import time

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
THRESHOLD = LEVELS.get(os.environ.get("LOG_LEVEL", "info"), 20)


def log(level, event, **fields):
    if LEVELS[level] < THRESHOLD:
        return
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = {"time": now, "level": level, "service": "worker", "event": event, **fields}
    sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()
