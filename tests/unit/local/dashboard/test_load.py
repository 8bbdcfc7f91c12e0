"""The load that a dashboard's picture shows."""

from __future__ import annotations

from typing import Any, cast

from local.dashboard.load import ADMIN, SECONDS, plan


class FakeTelegram:
    """Takes the orders; every bot's message has a Confirm button."""

    def __init__(self) -> None:
        self.said: list[tuple[int, str]] = []
        self.faults: list[dict[str, Any]] = []
        self.pressed: list[int] = []

    def say(self, chat_id: int, text: str, **_order: Any) -> dict[str, int]:
        """Take a message."""
        self.said.append((chat_id, text))
        return {"message_id": len(self.said)}

    def press(self, chat_id: int, _message_id: int, _data: str) -> None:
        """Take a press."""
        self.pressed.append(chat_id)

    def fault(self, method: str, **fault: Any) -> None:
        """Take a fault."""
        self.faults.append({"method": method, **fault})

    def replies(self, _chat_id: int) -> list[dict[str, Any]]:
        """Return a message with a button."""
        button = {"text": "Confirm", "callback_data": "yes"}
        return [{"message_id": 1, "reply_markup": {"inline_keyboard": [[button]]}}]


def test_the_load_has_what_a_dashboard_shows() -> None:
    """Many people and a group, presses, a flood, a broadcast; 429s and 500s that spare the admin; a refused update."""
    telegram = FakeTelegram()
    for second in range(SECONDS):
        for job in plan(second):
            if getattr(job, "__name__", "") != "clear_faults":
                job(cast("Any", telegram))
    chats = [chat for chat, _ in telegram.said]
    assert len(set(chats)) > 80
    assert min(chats) < 0
    assert max(map(chats.count, set(chats))) >= 100
    assert (ADMIN, "/broadcast") in telegram.said
    assert ADMIN in telegram.pressed
    assert {(fault.get("error_code"), "retry_after" in fault) for fault in telegram.faults} == {
        (None, True),
        (500, False),
        (400, False),
    }
    assert {fault.get("spares_chat_id") for fault in telegram.faults if fault.get("error_code") != 400} == {ADMIN}
