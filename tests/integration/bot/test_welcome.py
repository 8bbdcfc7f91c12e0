"""How newcomers of a group are greeted, and who decides that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.welcome.greeting import LONGEST_TEXT
from local.telegram import people
from local.telegram.happenings import ANONYMOUS
from tests.integration.bot.test_groups import member

if TYPE_CHECKING:
    from tests.integration.bot.chats import Chat, Chats

ANN, BEN, CEM = 501, 502, 503
ONLY_ADMINS = "Only the admins of this group can change its welcome."


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


@pytest.mark.parametrize(("off", "on"), [("off", "on"), ("OFF", "On")])
def test_it_is_turned_on_and_off_in_words(chats: Chats, group: Chat, off: str, on: str) -> None:
    """As by the button, and the text is kept."""
    [shown] = group.say(f"/welcome {off}")
    assert shown.startswith("New members are not greeted. Turned on, it would be like this:\n\nHi Admin, this is ")
    member(chats, group.id, ANN)
    assert group.read() == []
    [shown] = group.say(f"/welcome {on}")
    assert shown.startswith("New members are greeted like this:\n\nHi Admin, this is ")
    member(chats, group.id, BEN)
    assert group.read() == ["Hi Ben, this is Allotments."]


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


def test_an_anonymous_admin_may_set_it(chats: Chats, group: Chat) -> None:
    """They speak as the group; a channel that speaks there may not."""
    world = chats.emulator.world
    for sender, text in (
        ({"id": -1009, "type": "channel", "title": "C"}, "Peas"),
        (world.chats[group.id].info, "Beans"),
    ):
        said = {"text": f"/welcome {text}", "entities": [{"type": "bot_command", "offset": 0, "length": 8}]}
        message = world.post(world.chats[group.id], ANONYMOUS, {**said, "sender_chat": sender})
        chats.emulator.announce("message", message, group.id)
        group.read()
    assert group.shown[-2] == ONLY_ADMINS
    member(chats, group.id, ANN)
    assert group.read() == ["Beans"]
