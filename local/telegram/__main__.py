"""Run the emulator: `.venv/bin/python -m local.telegram`.

FLOODGATE_TELEGRAM_PORT (8081) is the port on 127.0.0.1, FLOODGATE_TELEGRAM_TOKEN (123456:local) the bot's token.
"""

import os
import re
import sys
from collections.abc import Mapping

from starlette.applications import Starlette

from local.errors import LocalError
from local.telegram.app import DEFAULT_TOKEN, create_app
from local.telegram.server import GREETING, HOST, serve

DEFAULT_PORT = 8081


class Unusable(LocalError):
    """A port or a token that can't be one."""


def main() -> int:
    """Serve until stopped and return the exit code; 1 with a sentence if that can't be."""
    try:
        port, token = settings(os.environ)
    except Unusable as error:
        return _refuse(str(error))
    return serve_or_say(port, create_app(token=token))


def settings(environ: Mapping[str, str]) -> tuple[int, str]:
    """Return the port and the bot's token. Raises Unusable."""
    port = environ.get("FLOODGATE_TELEGRAM_PORT", str(DEFAULT_PORT))
    token = environ.get("FLOODGATE_TELEGRAM_TOKEN", DEFAULT_TOKEN)
    if not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
        raise Unusable(f"FLOODGATE_TELEGRAM_PORT must be a port from 1 to 65535, not {port!r}.")
    if not re.fullmatch(r"[1-9]\d{0,15}:[\w-]{1,60}", token, re.ASCII):
        raise Unusable("FLOODGATE_TELEGRAM_TOKEN must look like 123456:local: a number, a colon, letters or digits.")
    return int(port), token


def serve_or_say(port: int, app: Starlette, greeting: str = GREETING) -> int:
    """Serve the app until stopped and return the exit code; 1 with a sentence if the port is taken."""
    try:
        serve(port, app, greeting)
    except OSError as error:
        return _refuse(
            f"The Telegram emulator can't listen on {HOST}:{port}: {error.strerror}. "
            "Stop what does, or choose another port with FLOODGATE_TELEGRAM_PORT."
        )
    return 0


def _refuse(sentence: str) -> int:
    sys.stderr.write(sentence + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
