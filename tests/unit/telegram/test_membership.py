"""Who may change what concerns a whole chat."""

from typing import Any

import pytest
from telegram import ChatMember, ChatMemberAdministrator, Update, User
from telegram.error import BadRequest, Forbidden, NetworkError, TelegramError

from floodgate.telegram import is_in_chat, leads_chat
from local.telegram.members import restricted
from tests.unit.ingress.samples import ANN, BOT, CHANNEL, GROUP, PRIVATE, SAMPLES, message

BEN = {**ANN, "id": 7002, "first_name": "Ben"}
ANONYMOUS = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}


class Bot:
    """A bot whose group is led by Ann, or that is refused the answer."""

    def __init__(self, error: TelegramError | None = None) -> None:
        self.error = error
        self.asked: list[int] = []

    async def get_chat_administrators(self, chat_id: int) -> list[ChatMember]:
        """Return Ann, or raise the error."""
        self.asked.append(chat_id)
        if self.error is not None:
            raise self.error
        names = [name for name in ChatMemberAdministrator.__slots__ if name.startswith("can_")]
        rights: dict[str, Any] = dict.fromkeys([*names, "is_anonymous"], True)
        return [ChatMemberAdministrator(User(ANN["id"], "Ann", is_bot=False), **rights)]


def wrote(chat: dict[str, Any], sender: dict[str, Any] | None, **more: Any) -> Update:
    """Return the update of a message."""
    return Update.de_json({"update_id": 1, "message": message(chat, sender, **more)}, None)


def pressed(chat: dict[str, Any], sender: dict[str, Any]) -> Update:
    """Return the update of a button of the bot's own message there."""
    query = {"id": "9", "from": sender, "chat_instance": "-55", "data": "x", "message": message(chat, BOT)}
    return Update.de_json({"update_id": 1, "callback_query": query}, None)


@pytest.mark.parametrize(
    ("update", "leads"),
    [
        (wrote(PRIVATE, ANN), True),
        (pressed(PRIVATE, ANN), True),
        (pressed(PRIVATE, BEN), False),
        (wrote(GROUP, ANN), True),
        (pressed(GROUP, ANN), True),
        (wrote(GROUP, BEN), False),
        (pressed(GROUP, BEN), False),
        (wrote(GROUP, ANONYMOUS, sender_chat=GROUP), True),
        (wrote(GROUP, ANONYMOUS, sender_chat=CHANNEL), False),
        (wrote(GROUP, ANN, sender_chat=CHANNEL), False),
        (Update(1), False),
    ],
)
async def test_who_leads_a_chat(update: Update, leads: bool) -> None:  # noqa: FBT001
    """Its person; of a group its admins, also those who speak as the group; no channel that speaks there."""
    bot: Any = Bot()
    assert await leads_chat(update, bot) is leads


@pytest.mark.parametrize("sample", [one for one in SAMPLES if one.chat_id is None], ids=lambda one: one.type)
async def test_where_there_is_no_chat_nobody_leads(sample: Any) -> None:
    """Inline queries and the like."""
    bot: Any = Bot()
    assert await leads_chat(Update.de_json(sample.update, None), bot) is False
    assert bot.asked == []


@pytest.mark.parametrize("error", [BadRequest("member list is inaccessible"), Forbidden("bot was kicked")])
async def test_if_telegram_does_not_say_nobody_leads(error: TelegramError) -> None:
    """In doubt nothing is changed."""
    bot: Any = Bot(error)
    assert await leads_chat(wrote(GROUP, ANN), bot) is False


async def test_what_may_pass_is_tried_again() -> None:
    """An admin is not refused because Telegram had a bad moment."""
    bot: Any = Bot(NetworkError("busy"))
    with pytest.raises(NetworkError):
        await leads_chat(wrote(GROUP, ANN), bot)


@pytest.mark.parametrize(
    ("status", "is_in"),
    [("creator", True), ("administrator", True), ("member", True), ("left", False), ("kicked", False)],
)
def test_who_is_in_a_chat(status: str, is_in: bool) -> None:  # noqa: FBT001
    """By their standing alone."""
    assert is_in_chat(ChatMember(User(1, "Ann", is_bot=False), status)) is is_in


@pytest.mark.parametrize("is_member", [True, False])
def test_who_is_restricted_may_be_in_or_not(is_member: bool) -> None:  # noqa: FBT001
    """Telegram says so beside it."""
    member = restricted(ANN, [], is_member=is_member, until_date=0)
    assert is_in_chat(ChatMember.de_json(member, None)) is is_member
