"""`python -m local.page`, started as its documentation says."""

import os
import signal
import subprocess
import sys

from local.ports import Ports
from local.stack import ROOT


def test_it_says_where_the_page_is_and_where_the_bot_api() -> None:
    """Before anything else, so that a newcomer knows what to open."""
    port = Ports.free().telegram
    process = subprocess.Popen(
        [sys.executable, "-m", "local.page"],
        cwd=ROOT,
        env=os.environ | {"FLOODGATE_TELEGRAM_PORT": str(port)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    finally:
        process.kill()
    assert said == (
        f"The page on http://127.0.0.1:{port}/ (docs/page.md), on a Telegram emulator whose Bot API is at "
        f"http://127.0.0.1:{port}, and orders at http://127.0.0.1:{port}/control (docs/emulator.md).\n"
    )
