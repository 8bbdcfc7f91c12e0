"""The two ports of a local stack, both on loopback: Telegram (8081) and AWS (4566).

FLOODGATE_TELEGRAM_PORT and FLOODGATE_AWS_PORT move them, so that two stacks can run side by side.
Hazard: a port that was free when asked may be taken a moment later; the program that wants it says so then.
"""

import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import chain
from typing import Self

import httpx

from local.errors import LocalError

HOST = "127.0.0.1"
TELEGRAM_VARIABLE = "FLOODGATE_TELEGRAM_PORT"
AWS_VARIABLE = "FLOODGATE_AWS_PORT"
#: What only a local AWS and a local Telegram answer.
AWS_READY = "/_ministack/ready"
TELEGRAM_READY = "/control/health"
_HIGHEST = 65535
#: A stack that deploys is slow to answer.
_ANSWERS_WITHIN_S = 3.0
#: Below the ports that systems give to outgoing connections.
_SPARE = range(20000, 30000)


class PortUnusable(LocalError):
    """The port is taken, or is no port."""


@dataclass(frozen=True)
class Ports:
    """Where the parts of a local stack listen."""

    telegram: int = 8081
    aws: int = 4566

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Return the ports that the environment asks for. Raises PortUnusable."""
        ports = cls(_port(environ, TELEGRAM_VARIABLE, cls.telegram), _port(environ, AWS_VARIABLE, cls.aws))
        if ports.telegram == ports.aws:
            raise PortUnusable(f"{TELEGRAM_VARIABLE} and {AWS_VARIABLE} must differ: both are {ports.aws}.")
        return ports

    @classmethod
    def free(cls) -> Self:
        """Return two ports that nobody listens on now."""
        unused: list[int] = []
        while len(unused) < 2:
            port = secrets.choice(_SPARE)
            if port not in unused and _why_unusable(port) is None:
                unused.append(port)
        return cls(*unused)

    def require_free(self) -> None:
        """Raise PortUnusable if one of them cannot be used: which, who listens there, and a command that will do."""
        wanted = (
            (self.telegram, Ports.telegram, "the local Telegram", TELEGRAM_VARIABLE),
            (self.aws, Ports.aws, "the local AWS", AWS_VARIABLE),
        )
        problems: list[str] = []
        command, proposed = "", {self.telegram, self.aws}
        for port, default, purpose, variable in wanted:
            if problem := _why_unusable(port):
                problems.append(f"Port {port} on {HOST}, meant for {purpose}, {problem}.")
                proposed.add(another := _another(port, proposed))
                command += f"{variable}={another} "
            elif port != default:  # it was moved already
                command += f"{variable}={port} "
        if problems:
            who = self._who_listens()
            raise PortUnusable(f"{' '.join(problems)} {who}, or choose other ports: {command}make run")

    def _who_listens(self) -> str:
        """Return what to stop."""
        if _answers(self.aws, AWS_READY):
            page = f"; its page is at http://{HOST}:{self.telegram}/" if _answers(self.telegram, TELEGRAM_READY) else ""
            return f"A `make run` is up already{page}. Stop it with Ctrl-C where it was started"
        if _answers(self.telegram, TELEGRAM_READY):
            return "It is a local Telegram that listens there already. Stop it with Ctrl-C where it was started"
        return "Stop the program that listens there"


def _port(environ: Mapping[str, str], variable: str, default: int) -> int:
    given = environ.get(variable, "") or str(default)
    if not (given.isascii() and given.isdigit() and 1 <= int(given) <= _HIGHEST):
        raise PortUnusable(f"{variable} must be a port from 1 to {_HIGHEST}, not {given!r}.")
    return int(given)


def _why_unusable(port: int) -> str | None:
    # Connecting finds what listens on every address, which binding misses on some systems.
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex((HOST, port)) == 0:
            return "is taken"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            return "may be used by root only"
        except OSError as error:
            return f"cannot be used ({error.strerror})"
    return None


def _another(port: int, but: set[int]) -> int:
    """Return the port nearest above that can be used now, or below if there is none."""
    for near in chain(range(port + 1, _HIGHEST + 1), range(port - 1, 0, -1)):
        if near not in but and _why_unusable(near) is None:
            return near
    return port


def _answers(port: int, path: str) -> bool:
    """Say whether a part of a local stack listens there, ready or not."""
    try:
        answer = httpx.get(f"http://{HOST}:{port}{path}", timeout=_ANSWERS_WITHIN_S, trust_env=False)
        return isinstance(answer.json(), dict) and answer.status_code in (HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE)
    except (httpx.HTTPError, ValueError):
        return False
