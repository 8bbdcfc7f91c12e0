"""What the owner sees when Telegram fails: the alarm in the admin chat, and the same message when it is over."""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.test_failures import ADMIN, buttons, soon

if TYPE_CHECKING:
    from local.control import TelegramControl

#: From the first call that fails to the recovery in the admin chat.
ALL_WITHIN_S = 180
_EVERY_S = 1.0


@pytest.mark.timeout(2 * ALL_WITHIN_S + 300)  # with the stack's start and end, if it is alone
def test_the_owner_hears_of_a_failing_telegram_and_of_its_end(telegram: TelegramControl, chat_id: int) -> None:
    """429s for all but the owner ring TelegramLimitsAlarm; when they end, its message says so; all in 3 minutes."""
    people = (chat_id + 700_000 + number for number in count())
    talked_at = 0.0

    def talk() -> None:
        """Have somebody new say something each second: an alarm on a rate needs calls."""
        nonlocal talked_at
        if time.monotonic() - talked_at >= _EVERY_S:
            talked_at = time.monotonic()
            telegram.say(next(people), "/id")

    def told(sign: str) -> dict[str, Any] | None:
        talk()
        shown = [one for one in telegram.replies(ADMIN) if one["text"].startswith(sign)]
        return next((one for one in shown if "elegram limits" in one["text"]), None)

    began = time.monotonic()
    telegram.fault("sendMessage", count=1_000_000, retry_after=1, spares_chat_id=ADMIN)
    rung = soon(lambda: told("🔴"), within_s=ALL_WITHIN_S)
    assert "Mute 1 h" in buttons(rung)
    telegram.clear_faults()
    over = soon(lambda: told("🟢"), within_s=ALL_WITHIN_S)
    assert over["message_id"] == rung["message_id"]
    assert time.monotonic() - began < ALL_WITHIN_S
