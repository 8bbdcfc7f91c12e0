"""Run the emulator with its page: `uv run python -m local.page`; `make run` does.

FLOODGATE_TELEGRAM_PORT and FLOODGATE_TELEGRAM_TOKEN are as for the bare emulator (docs/emulator.md). `--stack` is the
folder of the stack to show, below .run, and `--aws-port` the port of its local AWS; both or neither.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette

from local.aws import LocalAws
from local.machine import levers
from local.machine.account import Account
from local.machine.machine import Machine
from local.machine.routes import routes
from local.page.app import create_app
from local.ports import Ports
from local.telegram import app as telegram
from local.telegram.__main__ import Unusable, serve_or_say, settings

if TYPE_CHECKING:
    from local.telegram.emulator import Emulator


def main() -> int:
    """Serve until stopped and return the exit code; 1 with a sentence if that can't be."""
    parser = argparse.ArgumentParser(prog="python -m local.page", description=__doc__)
    parser.add_argument("--stack", type=Path, metavar="FOLDER")
    parser.add_argument("--aws-port", type=int, metavar="N")
    given = parser.parse_args()
    if (given.stack is None) != (given.aws_port is None):
        parser.error("--stack and --aws-port belong together")
    try:
        port, token = settings(os.environ)
    except Unusable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    ports = None if given.aws_port is None else Ports(port, given.aws_port)
    return serve_or_say(port, page(telegram.create_app(token=token), given.stack, ports))


def page(app: Starlette, folder: Path | None = None, ports: Ports | None = None) -> Starlette:
    """Return the page around the emulator `app`, with the stack in that folder and on these ports, if there is one."""
    emulator: Emulator = app.state.emulator
    machine = Machine(folder, None if ports is None else Account(lambda: LocalAws(ports)))
    emulator.updates.watchers.append(machine)
    return create_app(
        app,
        sources=[machine],
        levers=levers.on_telegram(emulator),
        routes=routes(machine),
        jobs=[machine.run],
    )


if __name__ == "__main__":
    sys.exit(main())
