"""Limits of the deployed stack, against the emulator's own: workers share them, and people are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.e2e.test_pipeline import wait_until

if TYPE_CHECKING:
    from local.control import TelegramControl


def refused(telegram: TelegramControl, chat_id: int) -> list[dict[str, Any]]:
    """Return the sends into a chat that Telegram told to wait."""
    return [
        call
        for call in telegram.calls("sendMessage")
        if str(call["parameters"].get("chat_id")) == str(chat_id) and call["status"] == 429
    ]


def test_one_who_floods_is_told_once_and_slows_nobody_down(telegram: TelegramControl, chat_id: int) -> None:
    """Of 30 messages at once a burst is answered, in order; then comes one notice; a neighbour is answered as ever."""
    for _ in range(30):
        telegram.say(chat_id, "/id")
    neighbour = chat_id + 500_000
    telegram.say(neighbour, "/id")
    telegram.wait_for_reply(neighbour)
    replies = telegram.wait_for_reply(chat_id, 11, timeout_s=60)
    wait_until(lambda: any("too fast" in reply["text"] for reply in telegram.replies(chat_id)))
    replies = telegram.replies(chat_id)
    notices = [reply["text"] for reply in replies if "too fast" in reply["text"]]
    assert len(notices) == 1
    assert "You may go on in" in notices[0]
    assert refused(telegram, chat_id) == []


def test_a_group_gets_no_more_than_telegram_allows(telegram: TelegramControl, chat_id: int) -> None:
    """Of 24 commands of three people 20 are answered within the minute, and Telegram has to refuse none."""
    for number in range(24):
        telegram.say(-chat_id, "/id", user_id=chat_id + 600_000 + number % 3)
    telegram.wait_for_reply(-chat_id, 20, timeout_s=60)
    assert refused(telegram, -chat_id) == []
    assert len(telegram.replies(-chat_id)) == 20


def test_one_who_blocked_the_bot_is_left_alone_until_they_come_back(telegram: TelegramControl, chat_id: int) -> None:
    """The block closes the chat: nothing is sent into it any more; whoever unblocks the bot is answered again."""
    telegram.say(chat_id, "/id")
    telegram.wait_for_reply(chat_id)
    telegram.block(chat_id)
    telegram.say(chat_id, "/id")  # the emulator delivers that they unblocked the bot first
    assert len(telegram.wait_for_reply(chat_id, 2)) == 2


def test_a_group_that_migrates_is_answered_where_it_is_now(telegram: TelegramControl, chat_id: int) -> None:
    """After the migration the supergroup is answered, and what is for the group's old id goes there too."""
    telegram.say(-chat_id, "/id")
    telegram.wait_for_reply(-chat_id)
    new = int(telegram.migrate(-chat_id)["migrate_to_chat_id"])
    telegram.say(new, "/id")
    wait_until(lambda: any(str(new) in reply["text"] for reply in telegram.replies(new)))
