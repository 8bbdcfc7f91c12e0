"""Run the emulator: `uv run python -m local.telegram`.

FLOODGATE_TELEGRAM_PORT (8081) is the port on 127.0.0.1, FLOODGATE_TELEGRAM_TOKEN (123456:local) the bot's token.
"""

import os
import re
import sys

from local.telegram.app import DEFAULT_TOKEN
from local.telegram.server import HOST, serve

DEFAULT_PORT = 8081


def main() -> int:
    """Serve until stopped and return the exit code; 1 with a sentence if that can't be."""
    port = os.environ.get("FLOODGATE_TELEGRAM_PORT", str(DEFAULT_PORT))
    token = os.environ.get("FLOODGATE_TELEGRAM_TOKEN", DEFAULT_TOKEN)
    if not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
        return _refuse(f"FLOODGATE_TELEGRAM_PORT must be a port from 1 to 65535, not {port!r}.")
    if not re.fullmatch(r"[1-9]\d{0,15}:[\w-]{1,60}", token, re.ASCII):
        return _refuse("FLOODGATE_TELEGRAM_TOKEN must look like 123456:local: a number, a colon, letters or digits.")
    try:
        serve(int(port), token)
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
