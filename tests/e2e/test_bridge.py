"""`make run TOKEN=…`, with a second emulator in the role of the real Telegram."""

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from local.control import TelegramControl
from local.ports import Ports
from local.stack import ROOT
from local.telegram.app import create_app
from local.telegram.server import HOST, listen, server
from tests.e2e.running import CODES_AFTER_CTRL_C, FAILED, READY, MakeRun, left

pytestmark = pytest.mark.timeout(300)

TOKEN = "7007:the_real-Secret"
ANN = 42
#: Where nobody listens; nothing is delivered to it before it is removed.
ELSEWHERE = "http://bot.example.localhost:1/path"


@pytest.fixture
def there() -> Iterator[TelegramControl]:
    """Telegram, with a bot that has a webhook, and the people who write to it."""
    listener = listen(0)
    running = server(create_app(token=TOKEN))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    url = f"http://{HOST}:{listener.getsockname()[1]}"
    try:
        with TelegramControl(url) as control:
            _call(control, "setWebhook", url=ELSEWHERE)
            yield control
    finally:
        running.should_exit = True
        thread.join()
        listener.close()


def _call(there: TelegramControl, method: str, **parameters: str) -> object:
    answer = httpx.post(f"{there.url}/bot{TOKEN}/{method}", json=parameters, trust_env=False)
    return answer.raise_for_status().json()["result"]


def _holds_the_token(folder: Path) -> list[Path]:
    """Return the files below the folder that have it."""
    secret = TOKEN.encode()
    return [file for file in folder.rglob("*") if file.is_file() and secret in file.read_bytes()]


def _tells_the_token(processes: list[psutil.Process]) -> list[list[str]]:
    return [line for line in (process.cmdline() for process in processes) if TOKEN in " ".join(line)]


def _have_the_token(processes: list[psutil.Process]) -> set[str]:
    """Return the programs whose environment has it, as it was when they were started."""
    lines = [process.cmdline() for process in processes if TOKEN in str(process.environ())]
    return {line[2] if "-m" in line else line[0] for line in lines}


def test_a_webhook_is_left_alone(there: TelegramControl, tmp_path: Path) -> None:
    """Before anything is started it says whose webhook it is, how to have it removed, and that nothing has changed."""
    there.say(ANN, "/start")
    run = MakeRun(ROOT, Ports.free(), tmp_path / "run.log", TOKEN=TOKEN, FLOODGATE_TELEGRAM_API=there.url)
    assert run.process.wait(60) == FAILED
    assert "@floodgate_local_bot has a webhook at bot.example.localhost: " in run.said()
    assert "1 update waits for it" in run.said()
    assert "REMOVE_WEBHOOK=1" in run.said()
    assert "ports …" not in run.said()
    assert ELSEWHERE in str(_call(there, "getWebhookInfo"))


def test_people_at_telegram_are_answered_from_this_machine(there: TelegramControl, tmp_path: Path) -> None:
    """What waited and what comes is answered there, files too; the token is told to nobody; nothing is lost or left."""
    there.say(ANN, "/start")
    run = MakeRun(
        ROOT,
        Ports.free(),
        tmp_path / "run.log",
        TOKEN=TOKEN,
        FLOODGATE_TELEGRAM_API=there.url,
        REMOVE_WEBHOOK="1",
    )
    try:
        run.wait_until_it_says(READY)
        assert "https://t.me/floodgate_local_bot" in run.said()
        there.wait_for_reply(ANN)
        there.say(ANN, "/id")
        assert str(ANN) in there.wait_for_reply(ANN, 2)[1]["text"]
        there.say(ANN, "/mydata")
        assert there.wait_for_reply(ANN, 3)[2]["media"] == "document"
        assert "remind" in str(_call(there, "getMyCommands"))

        there.fault("getUpdates", count=2, error_code=502)
        there.say(ANN, "/id")
        run.wait_until_it_says("Telegram answers 502 Bad Gateway to getUpdates")
        run.wait_until_it_says('This is over: "')
        assert len(there.wait_for_reply(ANN, 4)) == 4

        family = run.family()
        assert _tells_the_token(family) == []
        assert _have_the_token(family) == {"make", "local", "local.page"}
    finally:
        code = run.press_ctrl_c()
    assert code in CODES_AFTER_CTRL_C
    assert "@floodgate_local_bot has no webhook at bot.example.localhost any more: `make deploy`" in run.said()
    assert "nothing is left running" in run.said()
    assert left(family) == []
    assert {delivery["outcome"] for delivery in there.deliveries()} == {"confirmed"}
    assert TOKEN not in run.said()
    assert _holds_the_token(ROOT / ".run") == []
