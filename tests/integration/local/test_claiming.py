"""`make run` with a token whose bot has a webhook, in a terminal, where it asks before it starts anything."""

import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from local.ports import HOST, Ports
from local.stack import ROOT
from local.telegram.app import create_app
from local.telegram.server import listen, server

TOKEN = "7007:the_real-Secret"
QUESTION = "Remove it? [y/N] "
WITHIN_S = 60


@pytest.fixture
def there() -> Iterator[str]:
    """Telegram, with a bot that has a webhook, at its address."""
    listener = listen(0)
    running = server(create_app(token=TOKEN))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    address = f"http://{HOST}:{listener.getsockname()[1]}"
    httpx.get(
        f"{address}/bot{TOKEN}/setWebhook?url=http://bot.example.localhost:1/x", trust_env=False
    ).raise_for_status()
    yield address
    running.should_exit = True
    thread.join()
    listener.close()


class Terminal:
    """`python -m local run` in a terminal of its own."""

    def __init__(self, there: str) -> None:
        ports = Ports.free()
        self._own, theirs = pty.openpty()
        self._said = b""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local", "run"],
            cwd=ROOT,
            env={
                **os.environ,
                "TOKEN": TOKEN,
                "FLOODGATE_TELEGRAM_API": there,
                "FLOODGATE_TELEGRAM_PORT": str(ports.telegram),
                "FLOODGATE_AWS_PORT": str(ports.aws),
                "REMOVE_WEBHOOK": "0",
            },
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def wait_until_it_says(self, words: str) -> None:
        """Return once the words stand in the terminal."""
        deadline = time.monotonic() + WITHIN_S
        while words not in self.said():
            assert time.monotonic() < deadline, self.said()
            self._read(0.1)

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._own, text.encode())

    def end(self) -> int:
        """Return the code once it has ended, and all was read."""
        code = self.process.wait(WITHIN_S)
        while self._read(0.1):
            pass
        return code

    def close(self) -> None:
        """Leave nothing."""
        self.process.kill()
        self.process.wait()
        os.close(self._own)

    def said(self) -> str:
        """Return what stands there."""
        return self._said.decode().replace("\r\n", "\n")

    def _read(self, within_s: float) -> bool:
        if not select.select([self._own], [], [], within_s)[0]:
            return False
        try:
            piece = os.read(self._own, 65536)
        except OSError:  # nobody has it open any more
            return False
        self._said += piece
        return bool(piece)


@pytest.fixture
def terminal(there: str) -> Iterator[Terminal]:
    """A terminal in which it has asked."""
    made = Terminal(there)
    made.wait_until_it_says(QUESTION)
    yield made
    made.close()


def _webhook(there: str) -> str:
    url: str = httpx.get(f"{there}/bot{TOKEN}/getWebhookInfo", trust_env=False).json()["result"]["url"]
    return url


@pytest.mark.parametrize("answer", ["\n", "n\n", "what?\n"], ids=["Enter", "n", "what?"])
def test_anything_but_yes_leaves_the_webhook(there: str, terminal: Terminal, answer: str) -> None:
    """It says that nothing has changed, and nothing has."""
    terminal.type(answer)
    assert terminal.end() == 1
    assert "Nothing was started, and nothing changed." in terminal.said()
    assert "ports …" not in terminal.said()
    assert TOKEN not in terminal.said()
    assert _webhook(there) != ""


def test_ctrl_c_at_the_question_leaves_the_webhook(there: str, terminal: Terminal) -> None:
    """It is no answer."""
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 0
    assert "Stopped, and nothing is left running." in terminal.said()
    assert _webhook(there) != ""


def test_yes_removes_it_and_goes_on(there: str, terminal: Terminal) -> None:
    """And when it is stopped it says once more that the webhook is gone."""
    terminal.type("y\n")
    terminal.wait_until_it_says("tools (sam, local AWS) …")
    assert _webhook(there) == ""
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 0
    assert "@floodgate_local_bot has no webhook at bot.example.localhost any more: `make deploy`" in terminal.said()
