"""Saving a handler while the bot runs, breaking one, and killing a worker, on the deployed stack: as the page does it.

The stack follows a copy of the project, `saved`, which is as it was again afterwards.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from local.handlers.code import Code
from local.machine.killing import PEOPLE
from local.stack import ROOT
from tests.e2e.test_failures import ADMIN, admin, buttons, soon
from tests.e2e.test_pipeline import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from local.control import TelegramControl
    from local.stack import Stack

__all__ = ["admin"]

FEATURE = '''
"""/weather: for a test."""

from telegram.ext import CommandHandler


async def weather(update, context):
    """Tell the weather."""
    await update.effective_message.reply_text("{says}")


def register(app):
    app.add_handler(CommandHandler("weather", weather))
'''

type Json = dict[str, Any]


class Page:
    """The page of the stack, as a browser gets it."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=60)

    def shown(self, source: str) -> Json:
        """Return what a page that is opened now shows first of a source."""
        with self._client.stream("GET", "/page/events") as events:
            lines = events.iter_lines()
            assert next(line for line in lines if line == f"event: {source}")
            shown: Json = json.loads(next(lines).removeprefix("data: "))
        return shown

    def handlers(self) -> Json:
        """Return whether the handlers are live."""
        return self.shown("handlers")

    def pull(self, lever: str, **order: Any) -> Json:
        """Pull a lever, and return its state."""
        return self._order(lever, on=True, **order)

    def undo(self, lever: str) -> Json:
        """Undo it, and return its state."""
        return self._order(lever, on=False)

    def _order(self, lever: str, **order: Any) -> Json:
        answer = self._client.post(f"/page/levers/{lever}", json=order)
        state: Json = answer.json()
        assert answer.status_code == 200, state
        return state


@pytest.fixture(scope="module")
def page(stack: Stack) -> Page:
    """The page."""
    return Page(stack.telegram_url)


@pytest.fixture(scope="module")
def bot(stack: Stack, saved: Path, page: Page) -> Iterator[Path]:
    """The folder of the handlers, which are live before and after."""
    folder = saved / "functions" / "worker" / "bot"
    soon(lambda: page.handlers()["state"] == "live")
    yield folder
    shutil.rmtree(folder)
    shutil.copytree(ROOT / folder.relative_to(saved), folder, ignore=shutil.ignore_patterns("__pycache__"))
    soon(lambda: deployed(stack) == Code.of_folder(saved / "functions" / "worker"))
    soon(lambda: page.handlers()["state"] == "live")


def deployed(stack: Stack) -> Code:
    """Return the code that the worker has."""
    name = stack.aws.physical_ids("AWS::Lambda::Function")["WorkerFunction"]
    where = stack.aws.functions.get_function(FunctionName=name)["Code"]["Location"]
    return Code.of_zip(httpx.get(where, trust_env=False).content)


def save(page: Page, file: Path, text: str, state: str = "live") -> Json:
    """Write a file, and return what the page shows once the state is due to it."""
    before = page.handlers()["since"]
    file.write_text(text)

    def since() -> Json | None:
        shown = page.handlers()
        return shown if shown["since"] > before and shown["state"] == state else None

    return soon(since)


def test_what_is_deployed_is_what_is_saved(stack: Stack, saved: Path, page: Page, bot: Path) -> None:
    """Packed here as sam packs it, so that a start deploys nothing a second time."""
    assert bot.is_dir()
    assert deployed(stack).differing(Code.of_folder(saved / "functions" / "worker")) == []
    assert page.handlers()["said"] == "Your handlers are live."


def test_a_saved_feature_answers_and_stands_in_the_menu(
    page: Page, bot: Path, telegram: TelegramControl, chat_id: int
) -> None:
    """A new one, and each change of it."""
    for number, says in enumerate(["Sun.", "Rain."], start=1):
        assert "live after" in save(page, bot / "weather.py", FEATURE.format(says=says))["said"]
        telegram.say(chat_id, "/weather")
        assert telegram.wait_for_reply(chat_id, number)[-1]["text"] == says
    commands = telegram.calls("setMyCommands")[-1]["parameters"]["commands"]
    assert {"command": "weather", "description": "Tell the weather"} in commands


def test_what_is_in_hand_is_finished_once_with_the_code_that_it_began_with(
    page: Page, bot: Path, telegram: TelegramControl, chat_id: int
) -> None:
    """A worker whose code is replaced loses nothing, and what it did is not done again."""
    save(page, bot / "weather.py", FEATURE.format(says="Before."))
    telegram.fault("sendMessage", delay_s=4, chat_id=chat_id)
    telegram.say(chat_id, "/weather")
    wait_until(lambda: any(call["parameters"]["chat_id"] == chat_id for call in telegram.calls("sendMessage")))
    save(page, bot / "weather.py", FEATURE.format(says="After."))
    telegram.say(chat_id, "/weather")
    said = [reply["text"] for reply in telegram.wait_for_reply(chat_id, 2)]
    assert said == ["Before.", "After."]
    sent = [call for call in telegram.calls("sendMessage") if call["parameters"]["chat_id"] == chat_id]
    assert len(sent) == 2


def test_an_import_error_is_shown_and_the_last_good_code_answers(
    page: Page, bot: Path, telegram: TelegramControl, chat_id: int
) -> None:
    """With its file and line; so is a handler that cannot work on Lambda. Mended, the code is live."""
    save(page, bot / "weather.py", FEATURE.format(says="Good."))
    shown = save(page, bot / "weather.py", "import nothing_of_that_name\n", "broken")
    assert shown["error"]["where"] == "functions/worker/bot/weather.py:1"
    assert "No module named 'nothing_of_that_name'" in shown["said"]
    telegram.say(chat_id, "/weather")
    assert telegram.wait_for_reply(chat_id)[-1]["text"] == "Good."
    blocking = FEATURE.format(says="Never.").replace("weather))", "weather, block=False))")
    assert "has block=False" in save(page, bot / "weather.py", blocking, "broken")["said"]
    save(page, bot / "weather.py", FEATURE.format(says="Mended."))
    telegram.say(chat_id, "/weather")
    assert telegram.wait_for_reply(chat_id, 2)[-1]["text"] == "Mended."


def test_a_broken_handler_is_owned_up_to_and_its_update_answered_after_undo(
    page: Page, bot: Path, telegram: TelegramControl, chat_id: int, admin: Callable[[str], Json]
) -> None:
    """Given up after its attempts, the person told, the admin asked; with Undo and Retry the answer comes."""
    assert bot.is_dir()
    assert page.pull("break", command="id")["on"]
    telegram.say(chat_id, "/id")
    (apology,) = telegram.wait_for_reply(chat_id)
    shown = admin(apology["text"].split()[-1].rstrip("."))
    assert shown["text"].startswith("⚠️ BrokenByThePage in ")
    assert "its handler failed each time" in shown["text"]
    assert page.undo("break")["on"] is False
    telegram.press(ADMIN, shown["message_id"], buttons(shown)["Retry"])
    assert telegram.wait_for_reply(chat_id, 2)[-1]["text"].startswith("This chat's id is ")


def test_what_a_killed_worker_had_in_hand_is_given_back(page: Page, bot: Path, telegram: TelegramControl) -> None:
    """With nobody there the lever's people speak; Undo has them answered long before the visibility timeout ends."""
    assert bot.is_dir()
    state = page.pull("kill")
    assert state["on"]
    assert "in hand" in state["said"]
    assert page.undo("kill")["said"].startswith("Given back: ")
    for person in PEOPLE:
        telegram.wait_for_reply(person)
