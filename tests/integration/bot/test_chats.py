"""The bot on the emulator: what people see, and what is only there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.bot.chats import Chats


def test_a_person_is_greeted(chats: Chats) -> None:
    """By name, in a chat of their own."""
    ann = chats.private(first_name="Ann")
    assert ann.say("/start") == ["Hello Ann! I am here and listening. /help lists what I can do."]
    assert ann.say("/id") == [f"This chat's id is {ann.id}.\nYour user id is {ann.id}."]


def test_people_in_a_group_are_answered_each(chats: Chats) -> None:
    """With the limits of Telegram, which the emulator has as well: nothing is refused."""
    group = chats.group()
    for user in range(501, 531):
        assert len(group.seen_by(user).say("/id")) == 1
    assert {call["status"] for call in chats.emulator.calls} == {200}
