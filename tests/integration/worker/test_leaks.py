"""What Telegram, python-telegram-bot and our own keys say of a failure names nobody in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from floodgate.telegram import limited
from tests.integration.worker.test_canonical_line import log
from tests.integration.worker.test_private import (
    BUSY,
    ECHO,
    GROUP,
    NEW,
    OTHER,
    OTHER_WORDS,
    PERSON,
    Scene,
    elsewhere,
    play,
    raise_words,
    reply,
    said,
)
from tests.unit.telegram.wire import refusal

if TYPE_CHECKING:
    import io

    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.conftest import Workers
    from tests.unit.telegram.wire import TelegramWire

__all__ = ["log"]

# PTB 22.8 warns of every 429 unless PTB_TIMEDELTA is set.
pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")


async def _count(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    await context.bot.get_chat_administrators(GROUP)


async def _look(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    await context.bot.get_chat_menu_button(OTHER)


@limited(per_user="5/min", per_chat="5/min")
async def _limited(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    await reply(update, context)


LEAKS = [
    Scene("words in single quotes", faults=said(400, f"Bad Request: button URL 'https://{OTHER_WORDS}' is invalid")),
    Scene("another chat that is gone", elsewhere, said(403, "Forbidden: bot was blocked by the user")),
    Scene("a group that moved", _look, {"getChatMenuButton": [refusal(400, "x", migrate_to_chat_id=NEW)] * 50}),
    Scene("a success that is cut short", faults={"sendMessage": [(200, ECHO[:-2])]}),
    Scene("a proxy's page", faults={"sendMessage": [(502, f"<html>{OTHER_WORDS}".encode())]}),
    Scene("an error handler that fails", raise_words, error_handler=raise_words),
    Scene(
        "a handler's limit without a store", _limited, aws={f"UpdateItem gate#{__name__}._limited:user:{PERSON}": BUSY}
    ),
    Scene("a cache that is busy", _count, aws={"GetItem cache": BUSY, "PutItem cache": BUSY}),
]


@pytest.mark.parametrize("scene", LEAKS, ids=lambda scene: scene.name)
def test_the_log_names_nobody_then_either(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, log: io.StringIO, scene: Scene
) -> None:
    """Not by an error's own sentence, nor by what a library has to say of it."""
    assert play(scene, cloud, telegram, workers, log) == set()
