"""Run the emulator with its page: `uv run python -m local.page`; `make run` does.

FLOODGATE_TELEGRAM_PORT and FLOODGATE_TELEGRAM_TOKEN are as for the bare emulator (docs/emulator.md).
"""

import argparse
import os
import sys

from starlette.applications import Starlette

from local.page import files, menus, people
from local.page.app import create_app
from local.page.chats import Chats
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
    return serve_or_say(port, around_the_emulator(token))


def around_the_emulator(token: str) -> Starlette:
    """Return the page with the emulator behind it, and people in it to be."""
    emulated = telegram.create_app(token=token)
    world = emulated.state.emulator.world
    people.settle(world)
    return create_app(
        emulated, sources=[Chats(emulated.state.emulator)], routes=[files.route(world), menus.route(world)]
    )


if __name__ == "__main__":
    sys.exit(main())
