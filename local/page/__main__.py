"""Run the emulator with its page: `uv run python -m local.page`; `make run` does.

FLOODGATE_TELEGRAM_PORT and FLOODGATE_TELEGRAM_TOKEN are as for the bare emulator (docs/emulator.md). With
FLOODGATE_BRIDGE_TOKEN, a real bot's token, the bridge to the real Telegram takes the emulator's place (docs/bridge.md).
"""

import argparse
import os
import sys

from local.bridge import app as bridge_app
from local.bridge.app import from_env
from local.bridge.shown import Shown
from local.errors import LocalError
from local.page.app import create_app
from local.telegram import app as telegram
from local.telegram.__main__ import serve_or_say, settings


def main() -> int:
    """Serve until stopped and return the exit code; 1 with a sentence if that can't be."""
    parser = argparse.ArgumentParser(prog="python -m local.page", description=__doc__)
    parser.parse_args()
    try:
        port, token = settings(os.environ)
        bridge = from_env(os.environ, token)
    except LocalError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if bridge is not None:
        app = create_app(bridge_app.create_app(bridge), [Shown(bridge)])
        return serve_or_say(port, app, f"Bridge to {bridge.account.api} on {{address}}; docs/bridge.md.")
    return serve_or_say(port, create_app(telegram.create_app(token=token)))


if __name__ == "__main__":
    sys.exit(main())
