"""The bot in groups: how newcomers are greeted and who decides that, and what it says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.welcome.greeting import LONGEST_TEXT
from floodgate.ingress.updates import group as queue_group
from local.telegram import people
from tests.integration.bot.chats import Chat

if TYPE_CHECKING:
    from tests.integration.bot.chats import Chats

ANN, BEN, CEM = 501, 502, 503
ONLY_ADMINS = "Only the admins of this group can change its welcome."


def member(chats: Chats, chat_id: int, user: int | None, status: str = "member", **order: Any) -> None:
    """Have somebody, None for the bot, come, go, or become something."""
    whose = {} if user is None else {"user_id": user}
    people.set_member(chats.emulator, {"chat_id": chat_id, "status": status, **whose, **order})


def named(chats: Chats, user: int, first_name: str) -> int:
    """Return the user, under a name."""
    people.set_user(chats.emulator, {"user_id": user, "first_name": first_name})
    return user


def join_together(chats: Chats, group: Chat, *users: int) -> None:
    """Have several people come with one service message."""
    world = chats.emulator.world
    content = {"new_chat_members": [world.user(user) for user in users]}
    message = world.post(world.chats[group.id], world.user(users[0]), content)
    chats.emulator.announce("message", message, group.id)


@pytest.fixture
def group(chats: Chats) -> Chat:
    """A group whose owner has set a welcome."""
    group = chats.group()
    group.say("/welcome Hi {name}, this is {group}.")
    people.set_chat(chats.emulator, {"chat_id": group.id, "title": "Allotments"})
    named(chats, ANN, "Ann"), named(chats, BEN, "Ben"), named(chats, CEM, "Cem")
    group.read()
    return group


# ------------------------------------------------------------------------------------------------------ /welcome --


def test_nobody_is_greeted_until_an_admin_wants_it(chats: Chats) -> None:
    """A bot that is added to a group does not begin to talk to people."""
    group = chats.group()
    group.say("/id")
    member(chats, group.id, ANN)
    assert group.read() == []


def test_welcome_shows_itself_and_the_way_to_change_it(chats: Chats) -> None:
    """With an example of what it would say to the admin."""
    group = chats.group()
    [shown] = group.say("/welcome")
    assert shown.startswith(
        "New members are not greeted. Without a text of yours it would be like this:\n\nWelcome to "
    )
    assert "To change it, send /welcome and a text. {name} in it stands for the new member" in shown
    assert group.buttons == [["Turn on"]]
    assert group.press("Turn on") == []
    assert group.shown[-1].startswith("New members are greeted like this:\n\nWelcome to ")
    assert group.buttons == [["Turn off"]]


def test_an_admin_sets_the_text(chats: Chats, group: Chat) -> None:
    """It is shown at once as newcomers will read it; they do."""
    [shown] = group.say("/welcome Hello {name}! Rules: no peas.")
    assert "Hello Admin! Rules: no peas." in shown
    member(chats, group.id, ANN)
    assert group.read() == ["Hello Ann! Rules: no peas."]


def test_the_text_is_kept_while_it_is_off(chats: Chats, group: Chat) -> None:
    """Turned on again, it is the same."""
    group.say("/welcome")
    group.press("Turn off")
    member(chats, group.id, ANN)
    assert group.read() == []
    group.press("Turn on")
    member(chats, group.id, BEN)
    assert group.read() == ["Hi Ben, this is Allotments."]


def test_others_cannot_change_it(chats: Chats, group: Chat) -> None:
    """Neither with the command nor with an admin's button."""
    ann = group.seen_by(ANN)
    assert ann.say("/welcome Buy my peas, {name}") == [ONLY_ADMINS]
    group.say("/welcome")
    assert ann.press("Turn off") == []
    assert ann.alerts == [ONLY_ADMINS]
    member(chats, group.id, BEN)
    assert group.read() == ["Hi Ben, this is Allotments."]


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("x" * (LONGEST_TEXT + 3), "That is too long by 3 letters: a welcome may have 1000."),
        ("🌱" * 501, "That is too long by 2 letters: a welcome may have 1000."),
        ("{name}" * 3, "{name} may stand in a welcome 2 times at most."),
        ("{group}" * 3, "{group} may stand in a welcome 2 times at most."),
    ],
    ids=["long", "wide", "names", "groups"],
)
def test_what_would_not_fit_is_refused(chats: Chats, group: Chat, text: str, refusal: str) -> None:
    """And the welcome stays as it was."""
    assert group.say(f"/welcome {text}") == [refusal]
    member(chats, group.id, ANN)
    assert group.read() == ["Hi Ann, this is Allotments."]


def test_in_private_there_is_nothing_to_welcome(chats: Chats) -> None:
    """It says where there is."""
    ann = chats.private()
    assert ann.say("/welcome Hi") == ["That is for groups: add me to one, and its admins can set a welcome there."]
    assert ann.press_data("welcome:on", ann.replies[-1]["message_id"]) == []
    assert ann.alerts == ["That button is too old."]


@pytest.mark.parametrize("data", ["welcome:", "welcome:maybe", "welcome:on:x", "xwelcome:on"])
def test_a_made_up_button_is_nobodys(group: Chat, data: str) -> None:
    """No handler takes it."""
    group.say("/welcome")
    before = group.shown[-1]
    assert group.press_data(data, group.replies[-1]["message_id"]) == []
    assert group.shown[-1] == before


# ----------------------------------------------------------------------------------------------------- newcomers --


def test_several_who_come_at_once_get_one_message(chats: Chats, group: Chat) -> None:
    """As Telegram tells of people whom somebody added."""
    join_together(chats, group, ANN, BEN, CEM)
    assert group.read() == ["Hi Ann, Ben, Cem, this is Allotments."]


def test_who_comes_soon_after_is_added_to_the_message(chats: Chats, group: Chat) -> None:
    """It is edited; a minute later there is a new one."""
    member(chats, group.id, ANN)
    assert group.read() == ["Hi Ann, this is Allotments."]
    member(chats, group.id, BEN)
    assert group.read() == []
    assert group.shown[-1] == "Hi Ann, Ben, this is Allotments."
    chats.pass_time(61)
    member(chats, group.id, CEM)
    assert group.read() == ["Hi Cem, this is Allotments."]


def test_a_bot_that_is_an_admin_greets_each_once(chats: Chats, group: Chat) -> None:
    """Telegram tells it twice of everybody: of their standing, and with a service message."""
    member(chats, group.id, None, "administrator")
    group.read()
    for user in (ANN, BEN):
        member(chats, group.id, user)
    assert group.read() == ["Hi Ann, Ben, this is Allotments."]


def test_a_greeting_that_was_deleted_is_sent_anew(chats: Chats, group: Chat) -> None:
    """To those who have not been greeted."""
    member(chats, group.id, ANN)
    group.read()
    chats.emulator.world.chats[group.id].messages.pop(group.replies[-1]["message_id"])
    member(chats, group.id, BEN)
    assert group.read() == ["Hi Ben, this is Allotments."]


def test_a_crowd_is_greeted_with_one_short_message(chats: Chats, group: Chat) -> None:
    """Ten are named; for the others it need not even be edited."""
    crowd = [named(chats, 600 + number, f"N{number}") for number in range(30)]
    join_together(chats, group, *crowd[:12])
    names = ", ".join(f"N{number}" for number in range(10))
    assert group.read() == [f"Hi {names} and others, this is Allotments."]
    edits = sum(call["method"] == "editMessageText" for call in chats.emulator.calls)
    for user in crowd[12:]:
        member(chats, group.id, user)
    assert group.read() == []
    assert sum(call["method"] == "editMessageText" for call in chats.emulator.calls) == edits


def test_bots_are_not_greeted(chats: Chats, group: Chat) -> None:
    """Nor the bot itself."""
    world = chats.emulator.world
    world.users[700] = {"id": 700, "is_bot": True, "first_name": "Bot"}
    join_together(chats, group, 700, world.bot["id"])
    assert group.read() == []


def test_who_leaves_gets_no_word(chats: Chats, group: Chat) -> None:
    """Whether they went or were thrown out."""
    for status in ("member", "left", "member", "kicked"):
        member(chats, group.id, ANN, status)
    assert len(group.read()) == 1


def test_a_greeting_that_may_not_be_sent_is_left_out(chats: Chats, group: Chat) -> None:
    """Where the bot may not write nobody hears of it, and nothing counts as failed."""
    people.set_chat(chats.emulator, {"chat_id": group.id, "permissions": []})
    member(chats, group.id, ANN)
    assert group.read() == []
    assert chats.cloud.letters() == []


@pytest.mark.parametrize(
    "name",
    ["http://evil.example", "/forget", "@evil_bot", "<b>Ann</b>", "*Ann*", "{group}", "{0}", "{name.__class__}", "&lt;",
     "\u202eevil", "🪲" * 32],
)  # fmt: skip
def test_a_name_is_but_a_name(chats: Chats, group: Chat, name: str) -> None:
    """No link, no command, no markup, no field; and it is a mention of its person."""
    named(chats, ANN, name)
    member(chats, group.id, ANN)
    [greeting] = group.read()
    shown = name.replace("\u202e", "")
    assert greeting == f"Hi {shown}, this is Allotments."
    message = chats.emulator.world.chats[group.id].messages[group.replies[-1]["message_id"]]
    assert [(one["type"], one["user"]["id"]) for one in message["entities"]] == [("text_mention", ANN)]


def test_formatting_of_the_text_is_kept(chats: Chats, group: Chat) -> None:
    """Bold stays bold around what is filled in; what Telegram finds by itself it finds again."""
    world = chats.emulator.world
    owner = world.user(group.user)
    text = "/welcome  🌱 Hi {name}: rules"
    entities = [
        {"type": "bot_command", "offset": 0, "length": 8},
        {"type": "bold", "offset": 13, "length": 9},  # Hi {name}
        {"type": "text_link", "offset": 24, "length": 5, "url": "https://rules.example/"},
    ]
    message = world.post(world.chats[group.id], owner, {"text": text, "entities": entities})
    chats.emulator.announce("message", message, group.id)
    group.read()
    member(chats, group.id, ANN)
    assert group.read() == ["🌱 Hi Ann: rules"]
    sent = chats.emulator.world.chats[group.id].messages[group.replies[-1]["message_id"]]
    found = sorted((one["type"], one["offset"], one["length"]) for one in sent["entities"])
    assert found == [("bold", 3, 6), ("text_link", 11, 5), ("text_mention", 6, 3)]


# ------------------------------------------------------------------------------------------- what it says of itself --


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
