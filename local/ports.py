"""The two ports of a local stack, both on loopback: Telegram (8081) and AWS (4566).

FLOODGATE_TELEGRAM_PORT and FLOODGATE_AWS_PORT move them, so that two stacks can run side by side.
Hazard: a port that was free when asked may be taken a moment later; the program that wants it says so then.
"""

import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from local.errors import LocalError

HOST = "127.0.0.1"
TELEGRAM_VARIABLE = "FLOODGATE_TELEGRAM_PORT"
AWS_VARIABLE = "FLOODGATE_AWS_PORT"
_HIGHEST = 65535
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
        """Raise PortUnusable, which names the variable that moves the port, if somebody listens on one of them."""
        for port, purpose, variable in (
            (self.telegram, "the local Telegram", TELEGRAM_VARIABLE),
            (self.aws, "the local AWS", AWS_VARIABLE),
        ):
            if problem := _why_unusable(port):
                raise PortUnusable(
                    f"Port {port} on {HOST}, meant for {purpose}, {problem}. Stop the program that listens there, or "
                    f"choose another port: {variable}={port + 1 if port < _HIGHEST else port - 1} make run"
                )


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
