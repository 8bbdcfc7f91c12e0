"""What the bot says of itself in a group: that it is there, and what it may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from floodgate.ingress.updates import group as queue_group
from local.telegram import people
from tests.integration.bot.chats import Chat

if TYPE_CHECKING:
    from tests.integration.bot.chats import Chats

ANN = 501


def member(chats: Chats, chat_id: int, user: int | None, status: str = "member", **order: Any) -> None:
    """Have somebody, None for the bot, come, go, or become something."""
    whose = {} if user is None else {"user_id": user}
    people.set_member(chats.emulator, {"chat_id": chat_id, "status": status, **whose, **order})


def test_added_to_a_group_it_explains_itself_once(chats: Chats) -> None:
    """What it does there, and what it lacks; not again when it is made an admin, but that it noticed."""
    group = chats.group()
    member(chats, group.id, None)
    [hello] = group.read()
    assert hello.splitlines()[0] == "Hello! I am a bot, and here is what I do in this group:"
    assert "/welcome" in hello
    assert hello.splitlines()[-1].startswith("I am no admin here")
    member(chats, group.id, None, "administrator")
    assert group.read() == ["I am an admin now: I notice everybody who joins."]
    member(chats, group.id, None, "member")
    assert group.read() == ["I am no admin any more: in large groups I may not notice everybody who joins."]


def test_added_as_an_admin_it_lacks_nothing(chats: Chats) -> None:
    """And says so by saying nothing of it."""
    group = chats.group()
    member(chats, group.id, None, "administrator")
    [hello] = group.read()
    assert "no admin" not in hello


def test_it_explains_itself_in_the_language_of_who_added_it(chats: Chats) -> None:
    """The group has chosen none yet."""
    people.set_user(chats.emulator, {"user_id": ANN, "language_code": "de"})
    group = chats.group()
    member(chats, group.id, None, by=ANN)
    [hello] = group.read()
    assert hello.splitlines()[0] == "Hallo! Ich bin ein Bot, und das mache ich in dieser Gruppe:"


@pytest.mark.parametrize("status", ["left", "kicked"])
def test_gone_it_says_nothing(chats: Chats, status: str) -> None:
    """There is nobody to say it to."""
    group = chats.group()
    group.say("/id")
    member(chats, group.id, None, status)
    assert group.read() == []
    assert chats.cloud.letters() == []


def test_where_it_may_not_write_it_says_nothing(chats: Chats) -> None:
    """Restricted itself, or as everybody; and nothing counts as failed."""
    group = chats.group()
    group.say("/id")
    member(chats, group.id, None, "restricted")
    assert group.read() == []
    member(chats, group.id, None, "member")
    assert group.read()[0].startswith("Hello! I am a bot")
    member(chats, group.id, None, "restricted")
    member(chats, group.id, None, "member")
    assert group.read() == []
    other = chats.group()
    other.say("/id")
    people.set_chat(chats.emulator, {"chat_id": other.id, "permissions": []})
    member(chats, other.id, None, "left")
    member(chats, other.id, None, "member")
    assert other.read() == []
    assert chats.cloud.letters() == []


def test_rights_that_come_and_go_are_no_flood(chats: Chats) -> None:
    """Each is told once a minute."""
    group = chats.group()
    group.say("/id")
    said = []
    for _ in range(3):
        for status in ("administrator", "member"):
            member(chats, group.id, None, status)
            said += group.read()
    assert len(said) == 2


def test_a_group_that_becomes_a_supergroup_is_no_other(chats: Chats) -> None:
    """It is not introduced there again; thrown out and added again, it is."""
    small = Chat(chats, -4242, 1)
    member(chats, small.id, None)
    assert len(small.read()) == 1
    moved = people.migrate(chats.emulator, {"chat_id": small.id})
    supergroup = Chat(chats, moved["migrate_to_chat_id"], 1)
    told = list(chats.emulator.updates)
    for pending in told:
        chats.emulator.updates.settle(pending, "delivered")
    for pending in told:  # one after the other, for they belong to two chats
        chats.cloud.queue(pending.update, queue_group(pending.update))
        chats.run()
    assert supergroup.read() == []
    member(chats, supergroup.id, None, "kicked")
    chats.pass_time(61)
    member(chats, supergroup.id, None)
    assert len(supergroup.read()) == 1


def test_in_channels_it_is_silent(chats: Chats) -> None:
    """Added, made what it may, greeted by nobody."""
    channel = -1_009_000_000_001
    member(chats, channel, None, "administrator", chat_type="channel")
    member(chats, channel, None, "left")
    chats.run()
    assert [call["method"] for call in chats.emulator.calls] == []


def test_who_blocks_the_bot_hears_nothing(chats: Chats) -> None:
    """Their private chat is no group."""
    ann = chats.private(ANN)
    ann.say("/id")
    member(chats, ANN, None, "kicked")
    member(chats, ANN, None, "member")
    assert ann.read() == []
