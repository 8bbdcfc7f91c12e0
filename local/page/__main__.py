"""Run the emulator with its page: `uv run python -m local.page`; `make run` does.

FLOODGATE_TELEGRAM_PORT and FLOODGATE_TELEGRAM_TOKEN are as for the bare emulator (docs/emulator.md).
"""

import argparse
import os
import sys

from local.page.app import create_app
from local.telegram import app as telegram
from local.telegram.__main__ import Unusable, serve_or_say, settings


def main() -> int:
    """Serve until stopped and return the exit code; 1 with a sentence if that can't be."""
    parser = argparse.ArgumentParser(prog="python -m local.page", description=__doc__)
    parser.parse_args()
    try:
        port, token = settings(os.environ)
    except Unusable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return serve_or_say(port, create_app(telegram.create_app(token=token)))


if __name__ == "__main__":
    sys.exit(main())
