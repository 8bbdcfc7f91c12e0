"""Run the emulator with its page: `.venv/bin/python -m local.page`; `make run` does.

FLOODGATE_TELEGRAM_PORT and FLOODGATE_TELEGRAM_TOKEN are as for the bare emulator (docs/emulator.md). `--stack` is the
folder of the stack to show, below .run, and `--aws-port` the port of its local AWS; both or neither. What is saved in
the project at `--watch` is brought to the stack. With FLOODGATE_BRIDGE_TOKEN, a real bot's token, the bridge to the
real Telegram takes the emulator's place (docs/bridge.md).
"""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from starlette.applications import Starlette

from local.aws import LocalAws
from local.bridge import app as bridge_app
from local.bridge.app import from_env
from local.bridge.shown import Shown
from local.errors import LocalError
from local.handlers.breaking import BreakAHandler
from local.handlers.following import following
from local.machine import killing, levers
from local.machine.account import Account
from local.machine.hidden import GiveBack
from local.machine.machine import Machine
from local.machine.routes import routes
from local.page import files, menus, people
from local.page.app import Job, create_app
from local.page.chats import Chats
from local.page.levers import Lever
from local.page.stream import Source
from local.ports import Ports
from local.telegram import app as telegram
from local.telegram.__main__ import serve_or_say, settings

if TYPE_CHECKING:
    from local.bridge.bridge import Bridge
    from local.telegram.emulator import Emulator


GREETING = (
    "The page on {address}/ (docs/page.md), on a Telegram emulator whose Bot API is at {address}, and orders at "
    "{address}/control (docs/emulator.md)."
)


@dataclass(frozen=True)
class More:
    """What else the page has."""

    sources: Sequence[Source] = ()
    levers: Sequence[Lever] = ()
    jobs: Sequence[Job] = ()
    #: Where the stack is.
    aws: LocalAws | None = None


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
        bridge = from_env(os.environ, token)
    except LocalError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    stands = telegram.create_app(token=token) if bridge is None else bridge_app.create_app(bridge)
    account, more = None, More()
    if given.stack is not None:
        ports = Ports(port, given.aws_port)
        account, more = Account(lambda: LocalAws(ports)), to_the_stack(stands, given.stack, ports, given.watch)
    if bridge is None:
        return serve_or_say(port, around_the_emulator(stands, given.stack, account, more), GREETING)
    app = around_the_bridge(stands, given.stack, account, more)
    return serve_or_say(port, app, f"The page on {{address}}/, on a bridge to {bridge.account.api}; docs/bridge.md.")


def around_the_emulator(
    emulated: Starlette, folder: Path | None = None, account: Account | None = None, more: More | None = None
) -> Starlette:
    """Return the page around the emulator, with the stack in that folder and AWS, if there is one, and people to be."""
    more = more or More()
    emulator: Emulator = emulated.state.emulator
    people.settle(emulator.world)
    machine, chats = Machine(folder, account), Chats(emulator)
    emulator.updates.watchers.append(machine)
    give_back = GiveBack(machine.hidden, more.aws) if more.aws is not None else None
    return create_app(
        emulated,
        sources=[chats, machine, *more.sources],
        levers=[*levers.on_telegram(emulator, give_back, chats.list_people), *more.levers],
        routes=[files.route(emulator.world), menus.route(emulator.world), *routes(machine)],
        jobs=[machine.run, *more.jobs],
    )


def around_the_bridge(stands: Starlette, folder: Path | None, account: Account | None, more: More) -> Starlette:
    """Return the page around the bridge: people are real, so there is nobody to be, and no answer is made to fail."""
    bridge: Bridge = stands.state.bridge
    machine = Machine(folder, account)
    bridge.watch(machine)
    return create_app(
        stands,
        sources=[Shown(bridge), machine, *more.sources],
        levers=more.levers,
        routes=routes(machine),
        jobs=[machine.run, *more.jobs],
    )


def to_the_stack(stands: Starlette, folder: Path, ports: Ports, watch: Path | None) -> More:
    """Return what is done to the stack in that folder: a worker is killed, and what is saved in `watch` is brought.

    `stands` is what stands for Telegram, and may take orders.
    """
    orders = httpx.AsyncClient(transport=httpx.ASGITransport(stands), base_url="http://telegram")
    kill, aws = killing.of_stack(folder, ports, orders), LocalAws(ports)
    if watch is None:
        return More(levers=[kill], aws=aws)
    reload = following(watch, folder, aws)
    return More(sources=[reload], levers=[kill, BreakAHandler(reload)], jobs=[reload.run], aws=aws)


if __name__ == "__main__":
    sys.exit(main())
