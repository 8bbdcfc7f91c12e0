"""Run the emulator with its page: `uv run python -m local.page`; `make run` does.

FLOODGATE_TELEGRAM_PORT and FLOODGATE_TELEGRAM_TOKEN are as for the bare emulator (docs/emulator.md). With the options
it shows the stack that is deployed to the AWS on that port, and brings it what is saved in the project.
"""

import argparse
import os
import sys
from pathlib import Path

import httpx
from starlette.applications import Starlette

from local.aws import LocalAws
from local.handlers.breaking import BreakAHandler
from local.handlers.following import following
from local.machine import killing
from local.page.app import create_app
from local.ports import Ports
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
    emulated = telegram.create_app(token=token)
    return serve_or_say(port, with_the_stack(emulated, options) if options.stack else create_app(emulated))


def with_the_stack(emulated: Starlette, options: argparse.Namespace) -> Starlette:
    """Return the page around the emulator, with what it can do to the stack."""
    ports = Ports(aws=options.aws_port)
    reload = following(options.watch, options.stack, LocalAws(ports))
    orders = httpx.AsyncClient(transport=httpx.ASGITransport(emulated), base_url="http://telegram")
    return create_app(
        emulated,
        sources=[reload],
        levers=[BreakAHandler(reload), killing.of_stack(options.stack, ports, orders)],
        jobs=[reload.run],
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.page", description=__doc__)
    parser.add_argument("--stack", type=Path, metavar="FOLDER", help="where the stack keeps its files")
    parser.add_argument("--aws-port", type=int, metavar="N", help="where its local AWS listens")
    parser.add_argument("--watch", type=Path, metavar="ROOT", help="the project that it was built from")
    return parser


if __name__ == "__main__":
    sys.exit(main())
