"""Nothing that a worker writes, at any level, says who wrote what: no text, no name, no id, no token."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from botocore.exceptions import ConnectTimeoutError
from telegram.error import TelegramError
from telegram.ext import CommandHandler, TypeHandler

from floodgate.telegram import once
from tests.integration.worker.conftest import Workers, text
from tests.integration.worker.dying import deliver_to_its_death, die, fresh
from tests.integration.worker.scenes import queue, settle
from tests.integration.worker.test_canonical_line import log
from tests.integration.worker.test_failure import GardenFlooded
from tests.unit.telegram.wire import TOKEN, flood, refusal

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Coroutine

    from telegram import Update
    from telegram.ext import ContextTypes

    from floodgate.telegram import App
    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import Fault, TelegramWire

__all__ = ["log"]

# PTB 22.8 warns of every 429 unless PTB_TIMEDELTA is set.
pytestmark = [
    pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Please use 'Bot"),
]

# Whatever of these is found in a log was told by somebody.
WORDS, NAME, OTHER_WORDS = "xylophone", "Zarathustra", "quadrille"
PERSON, GROUP, OTHER, NEW = 5_544_332_211, -1_009_876_543_210, 6_655_443_322, -1_008_765_432_109
MARKS = (WORDS, NAME, OTHER_WORDS, *(str(abs(one)) for one in (PERSON, GROUP, OTHER, NEW)), TOKEN.partition(":")[2])
SENDER = {"id": PERSON, "is_bot": False, "first_name": NAME, "username": NAME}
PLACE = {"id": GROUP, "type": "supergroup", "title": NAME}

type Work = Callable[[Update, ContextTypes.DEFAULT_TYPE], Coroutine[Any, Any, Any]]


async def raise_words(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    raise GardenFlooded(f"{WORDS} by {PERSON}")


async def raise_chain(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    try:
        await raise_words(update, context)
    except GardenFlooded as error:
        error.add_note(f"while reading {WORDS}")
        raise ExceptionGroup(WORDS, [KeyError(WORDS), ValueError(str(PERSON))]) from error


async def reply(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.effective_message
    await update.effective_message.reply_text(f"{OTHER_WORDS} for {NAME}")


async def elsewhere(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    await context.bot.send_message(OTHER, OTHER_WORDS)


async def edit(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    sent = await context.bot.send_message(PERSON, OTHER_WORDS)
    await sent.edit_text(OTHER_WORDS)


async def leave(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    async def later() -> None:
        await context.bot.send_message(PERSON, OTHER_WORDS)
        raise GardenFlooded(WORDS)

    asyncio.create_task(later())  # noqa: RUF006 - as authors do


async def overrun(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    words = update.effective_message.text if update.effective_message else ""
    await asyncio.sleep(100, words)


async def diverge(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    now = asyncio.get_running_loop().time()
    await context.bot.send_message(PERSON, f"{OTHER_WORDS} at {id(update)} {now}")
    raise GardenFlooded


async def do_once(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    async def effect() -> tuple[str]:
        return (WORDS,)

    await once("charge", effect)


async def die_in_hand(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    await context.bot.send_message(PERSON, OTHER_WORDS)
    await die()


async def catch(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    with suppress(TelegramError):
        await context.bot.send_message(OTHER, OTHER_WORDS)


@dataclass(frozen=True)
class Scene:
    """What goes wrong."""

    name: str
    work: Work = reply
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    aws: dict[str, list[Exception | str]] = field(default_factory=dict)
    deaths: int = 0
    error_handler: Work | None = None
    body: str | None = None


def said(status: int, words: str, **parameters: Any) -> dict[str, list[Fault]]:
    """Return what has Telegram refuse every message with such words."""
    return {"sendMessage": [refusal(status, words, **parameters)] * 4}


BUSY: list[Exception | str] = ["ThrottlingException", ConnectTimeoutError(endpoint_url="https://aws.example")]
ECHO = json.dumps({"ok": True, "result": {"message_id": 1, "text": OTHER_WORDS, "chat": {"id": PERSON}}}).encode()
SCENES = [
    Scene("nothing"),
    Scene("an exception", raise_words),
    Scene("a chain of them", raise_chain),
    Scene("an exception of a task", leave),
    Scene("an overrun", overrun),
    Scene("a divergence", diverge),
    Scene("a result that cannot be kept", do_once),
    Scene("death", die_in_hand, deaths=3),
    Scene(
        "words in double quotes", faults=said(400, f'Bad Request: unsupported start tag "{OTHER_WORDS}" at offset 0')
    ),
    Scene("blocked", faults=said(403, "Forbidden: bot was blocked by the user")),
    Scene("a flood", faults={"sendMessage": [flood(60), flood(600)]}),
    Scene("a flood elsewhere", elsewhere, {"sendMessage": [flood(4_000)]}),
    Scene("an unknown message", edit, {"sendMessage": [httpx.ReadTimeout(f"{TOKEN}")]}),
    Scene("no connection", faults={"sendMessage": [httpx.ConnectError(f"https://telegram.example/bot{TOKEN}/x")] * 2}),
    Scene("a token that is refused", faults={"sendMessage": [refusal(401, "Unauthorized")]}),
    Scene("a refusal that is caught", catch, said(400, f'Bad Request: "{OTHER_WORDS}"')),
    Scene("a group that moves", faults={"sendMessage": [refusal(400, "x", migrate_to_chat_id=NEW)]}),
    Scene("no update", body=f'{{"text": "{WORDS}", '),
    Scene("an update without sense", body=f'{{"update_id": 5, "message": {{"text": "{WORDS}", "date": "{WORDS}"}}}}'),
    Scene("a journal that is busy", raise_words, aws={"PutItem journal": [*BUSY, *BUSY], "GetItem journal": BUSY}),
    Scene("gates that are busy", aws={"UpdateItem gate": [*BUSY, *BUSY], "PutItem gate": [*BUSY, *BUSY]}),
    Scene("a queue that is busy", raise_words, aws={"ChangeMessageVisibilityBatch": BUSY, "SendMessage": BUSY}),
    Scene("an error handler that speaks", raise_words, error_handler=reply),
]


def play(scene: Scene, cloud: Cloud, telegram: TelegramWire, workers: Workers, log: io.StringIO) -> set[str]:
    """Have a person and a group go through it to the end; return which marks the log has."""

    def register(app: App) -> None:
        app.add_handler(CommandHandler("never", scene.work))
        app.add_handler(TypeHandler(object, scene.work))
        if scene.error_handler is not None:
            app.add_error_handler(scene.error_handler)  # type: ignore[arg-type] # it is given whatever failed

    private = {"id": PERSON, "type": "private", "first_name": NAME}
    updates = [text(WORDS, None, chat, **{"from": SENDER}) for chat in (private, PLACE)]
    if scene.body is not None:
        cloud.queue(scene.body, f"chat:{PERSON}")
    queue(cloud, *updates)
    telegram.faults.update({method: list(faults) for method, faults in scene.faults.items()})
    for operation, faults in scene.aws.items():
        cloud.wire.faults[operation] = list(faults)
    for _ in range(scene.deaths):
        deliver_to_its_death(cloud, workers.drain(register))
    settle(cloud, fresh(workers, register), within_s=9_000)
    written = log.getvalue()
    assert written.count('"message":"update"') >= len(updates)
    return {mark for mark in MARKS if mark in written}


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_the_log_names_nobody(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, log: io.StringIO, scene: Scene
) -> None:
    """Whatever goes wrong, and whatever is said about it."""
    assert play(scene, cloud, telegram, workers, log) == set()
