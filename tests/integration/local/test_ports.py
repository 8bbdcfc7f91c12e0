"""Taken ports are all named at once, with who listens there and a command that will do."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from local.ports import AWS_READY, Ports, PortUnusable
from local.telegram.app import create_app
from local.telegram.server import listen, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request


def refusal(ports: Ports) -> str:
    """Return why these ports cannot be used."""
    with pytest.raises(PortUnusable) as refused:
        ports.require_free()
    return str(refused.value)


@contextlib.contextmanager
def local_aws(port: int) -> Iterator[None]:
    """Have what answers as the local AWS listen there."""

    async def ready(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ready"})

    with running(Starlette(routes=[Route(AWS_READY, ready)]), port):
        yield


@contextlib.contextmanager
def a_program(port: int) -> Iterator[None]:
    """Have something else listen there."""
    with contextlib.closing(listen(port)):
        yield


def test_free_ports_are_fine() -> None:
    """Nothing is raised."""
    Ports.free().require_free()


def test_both_are_named_at_once_and_the_command_moves_both() -> None:
    """Done as told, the next try is not refused for the other port."""
    ports = Ports.free()
    with running(create_app(), ports.telegram), local_aws(ports.aws):
        said = refusal(ports)
        moved = re.search(r"other ports: FLOODGATE_TELEGRAM_PORT=(\d+) FLOODGATE_AWS_PORT=(\d+) make run$", said)
        assert moved is not None
        Ports(int(moved[1]), int(moved[2])).require_free()
    assert f"Port {ports.telegram} on 127.0.0.1, meant for the local Telegram, is taken." in said
    assert f"Port {ports.aws} on 127.0.0.1, meant for the local AWS, is taken." in said
    assert f"A `make run` is up already; its page is at http://127.0.0.1:{ports.telegram}/. Stop it with Ctrl-C" in said


def test_another_program_is_not_taken_for_a_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it never answers, or is an emulator alone; a port that was moved and is free stays where it was moved."""
    monkeypatch.setattr("local.ports._ANSWERS_WITHIN_S", 0.1)
    ports = Ports.free()
    with a_program(ports.telegram):
        said = refusal(ports)
    assert "is taken. Stop the program that listens there, or choose other ports: FLOODGATE_TELEGRAM_PORT=" in said
    assert said.endswith(f"FLOODGATE_AWS_PORT={ports.aws} make run")


def test_an_emulator_alone_is_called_one() -> None:
    """It has no AWS beside it."""
    ports = Ports.free()
    with running(create_app(), ports.telegram):
        assert "is taken. It is a local Telegram that listens there already. Stop it" in refusal(ports)
