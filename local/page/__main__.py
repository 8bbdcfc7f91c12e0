"""Run the emulator with its page: `uv run python -m local.page`; `make run` does.

FLOODGATE_TELEGRAM_PORT and FLOODGATE_TELEGRAM_TOKEN are as for the bare emulator (docs/emulator.md). `--stack` is the
folder of the stack to show, below .run, and `--aws-port` the port of its local AWS; both or neither. What is saved in
the project at `--watch` is brought to the stack.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from starlette.applications import Starlette

from local.aws import LocalAws
from local.handlers.breaking import BreakAHandler
from local.handlers.following import following
from local.machine import killing, levers
from local.machine.account import Account
from local.machine.machine import Machine
from local.machine.routes import routes
from local.page.app import create_app
from local.ports import Ports
from local.telegram import app as telegram
from local.telegram.__main__ import Unusable, serve_or_say, settings

if TYPE_CHECKING:
    from local.page.app import Job
    from local.page.levers import Lever
    from local.page.stream import Source
    from local.telegram.emulator import Emulator


def main() -> int:
    """Serve until stopped and return the exit code; 1 with a sentence if that can't be."""
    parser = argparse.ArgumentParser(prog="python -m local.page", description=__doc__)
    parser.add_argument("--stack", type=Path, metavar="FOLDER")
    parser.add_argument("--aws-port", type=int, metavar="N")
    parser.add_argument("--watch", type=Path, metavar="ROOT")
    given = parser.parse_args()
    if (given.stack is None) != (given.aws_port is None):
        parser.error("--stack and --aws-port belong together")
    if given.watch is not None and given.stack is None:
        parser.error("--watch needs --stack and --aws-port")
    try:
        port, token = settings(os.environ)
    except Unusable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    ports = None if given.aws_port is None else Ports(port, given.aws_port)
    return serve_or_say(port, page(telegram.create_app(token=token), given.stack, ports, given.watch))


def page(
    app: Starlette, folder: Path | None = None, ports: Ports | None = None, watch: Path | None = None
) -> Starlette:
    """Return the page around the emulator `app`, with the stack in that folder and on these ports, if there is one.

    What is saved in the project `watch` is brought to the stack.
    """
    emulator: Emulator = app.state.emulator
    machine = Machine(folder, None if ports is None else Account(lambda: LocalAws(ports)))
    emulator.updates.watchers.append(machine)
    pulled: list[Lever] = [*levers.on_telegram(emulator)]
    sources: list[Source] = [machine]
    jobs: list[Job] = [machine.run]
    if folder is not None and ports is not None:
        orders = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://telegram")
        pulled.append(killing.of_stack(folder, ports, orders))
        if watch is not None:
            reload = following(watch, folder, LocalAws(ports))
            pulled.append(BreakAHandler(reload))
            sources.append(reload)
            jobs.append(reload.run)
    return create_app(app, sources=sources, levers=pulled, routes=routes(machine), jobs=jobs)


if __name__ == "__main__":
    sys.exit(main())
