"""`python3 -m shop_api` serves the API until SIGTERM."""

import os
import signal
import sys

import waitress

from .app import create_app
from .jobs import Queue
from .log import log
from .store import Store


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    port = int(os.environ.get("PORT", 8000))
    log("info", "listening", port=port)
    waitress.serve(create_app(Store(), Queue()), listen=f"*:{port}", threads=8, _quiet=True)


if __name__ == "__main__":
    main()
