"""Starts ministack with what it lacks of AWS and the bot rests on: see the modules beside this file.

Each of them replaces some functions of the one version of ministack that uv.lock names, and says which;
tests/e2e/test_local_aws.py notices when another version no longer has them.
"""

import logging
import threading
import time
from pathlib import Path

import alarms
import conditions
import feed
import metrics
import replacement
import schedules
import shared_layers
import traces
from hypercorn.config import Config
from ministack.app import main

_EVERY_S = 5


def install() -> None:
    """Put everything in its place."""
    conditions.install()
    schedules.install()
    traces.install()
    metrics.install()
    replacement.install()
    alarms.install()
    shared_layers.install()
    feed.install(Path.cwd())  # the stack's folder
    # Whoever still has a connection when it is told to stop only keeps it for a next time.
    Config.graceful_timeout = 0.1


def _keep_watch() -> None:
    while True:
        time.sleep(_EVERY_S)
        for job in (metrics.look, alarms.evaluate, metrics.forget):
            try:
                job()
            except Exception:
                logging.getLogger("floodgate").exception("%s failed", job.__qualname__)


if __name__ == "__main__":
    install()
    threading.Thread(target=_keep_watch, name="watch", daemon=True).start()
    main()
