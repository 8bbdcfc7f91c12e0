"""Run the emulator with its page: `uv run python -m local.page`; `make run` does.

FLOODGATE_TELEGRAM_PORT and FLOODGATE_TELEGRAM_TOKEN are as for the bare emulator (docs/emulator.md). With the options
it shows the stack that is deployed to the AWS on that port, and brings it what is saved in the project.
"""

import argparse
import os
import sys
from pathlib import Path

from local.handlers.following import following
from local.page.app import create_app
from local.telegram import app as telegram
from local.telegram.__main__ import Unusable, serve_or_say, settings


def main() -> int:
    """Serve until stopped and return the exit code; 1 with a sentence if that can't be."""
    options = _parser().parse_args()
    try:
        port, token = settings(os.environ)
    except Unusable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    reload = following(options.watch, options.stack, options.aws_port) if options.watch else None
    app = create_app(
        telegram.create_app(token=token),
        sources=[reload] if reload else [],
        jobs=[reload.run] if reload else [],
    )
    return serve_or_say(port, app)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.page", description=__doc__)
    parser.add_argument("--stack", type=Path, metavar="FOLDER", help="where the stack keeps its files")
    parser.add_argument("--aws-port", type=int, metavar="N", help="where its local AWS listens")
    parser.add_argument("--watch", type=Path, metavar="ROOT", help="the project that it was built from")
    return parser


if __name__ == "__main__":
    sys.exit(main())
