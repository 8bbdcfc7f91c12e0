"""/settings: one message that changes in place, for those whose chat it is."""

from __future__ import annotations

import json
import zoneinfo
from typing import TYPE_CHECKING

import pytest

from bot.settings import zones
from local.telegram import people

if TYPE_CHECKING:
    from tests.integration.bot.chats import Chat, Chats

ANN = 501
ONLY_ADMINS = "Only the admins of this group can change its settings."
NO_SUCH = "There is no such setting. Send /settings again."


def subscribers(chats: Chats) -> set[int]:
    """Return the chats that announcements go to."""
    rows = [one for one in chats.cloud.items("state") if one["pk"]["S"].startswith("subscribers#")]
    return {int(one["sk"]["S"]) for one in rows if one["sk"]["S"].lstrip("-").isdecimal()}


def calls(chats: Chats, method: str) -> int:
    """Return how often the bot called a method."""
    return sum(call["method"] == method for call in chats.emulator.calls)


def menu(chat: Chat) -> int:
    """Return the id of the message that has the menu."""
    return int(chat.replies[-1]["message_id"])


def test_a_person_sees_their_settings(chats: Chats) -> None:
    """What is chosen, and a button for each; nothing of groups."""
    ann = chats.private()
    [shown] = ann.say("/settings")
    lines = [
        "Your settings",
        "",
        "Language: as in your Telegram",
        "Time zone: UTC, until you choose one",
    ]
    assert shown.splitlines()[:4] == lines
    labels = [label for row in ann.buttons for label in row]
    assert {"Language", "Time zone", "Done"} <= set(labels)
    assert "Turn the welcome on" not in labels


def test_the_language_is_chosen_in_place(chats: Chats) -> None:
    """From then on every answer is in it, the menu first; and it can be given back to Telegram."""
    ann = chats.private(language_code="en", first_name="Ann")
    ann.say("/settings")
    assert ann.press("Language") == []
    assert ann.buttons[0] == ["✓ As in your Telegram", "English"]
    assert ann.press("Deutsch") == []
    assert ann.shown[-1].splitlines()[:3] == ["Deine Einstellungen", "", "Sprache: Deutsch"]
    assert ann.say("/start") == ["Hallo Ann! Ich bin da und höre zu. /help zeigt, was ich kann."]
    ann.say("/settings")
    ann.press("Sprache")
    ann.press("Wie in deinem Telegram")
    assert ann.say("/start") == ["Hello Ann! I am here and listening. /help lists what I can do."]


def test_the_language_of_ones_telegram_is_spoken(chats: Chats) -> None:
    """Without a choice; /help describes the commands in it."""
    ben = chats.private(language_code="de")
    [listed] = ben.say("/help")
    assert listed.splitlines()[0] == "Das kann ich:"
    assert "/help - Zeigen, was ich kann" in listed.splitlines()


def test_a_time_zone_is_chosen_from_pages(chats: Chats) -> None:
    """West and East lead to every zone; the chosen one is marked."""
    ann = chats.private()
    ann.say("/settings")
    ann.press("Time zone")
    assert "/timezone" in ann.shown[-1]
    assert ann.press("Europe/Berlin") == []
    assert "Time zone: Europe/Berlin" in ann.shown[-1].splitlines()
    ann.press("Time zone")
    assert "✓ Europe/Berlin" in [label for row in ann.buttons for label in row]
    ann.press("« West")
    assert "America/New_York" in [label for row in ann.buttons for label in row]
    assert "« West" not in [label for row in ann.buttons for label in row]
    for _ in range(zones.PAGES - 1):
        ann.press("East »")
    assert "East »" not in [label for row in ann.buttons for label in row]
    ann.press("Asia/Tokyo")
    assert "Time zone: Asia/Tokyo" in ann.shown[-1].splitlines()


def test_every_offered_zone_is_one() -> None:
    """And each page is full, so that no button moves."""
    assert set(zones.ZONES) <= zoneinfo.available_timezones()
    assert [len(zones.page(number)) for number in range(zones.PAGES)] == [zones.PER_PAGE] * zones.PAGES
    assert sum(len(zones.page(number)) for number in range(zones.PAGES)) == len(set(zones.ZONES))


def test_done_takes_the_buttons_away(chats: Chats) -> None:
    """What was chosen stays to be read."""
    ann = chats.private()
    ann.say("/settings")
    assert ann.press("Done") == []
    assert "reply_markup" not in ann.replies[-1] or ann.buttons == []
    assert ann.shown[-1].startswith("Your settings")


def test_a_button_pressed_twice_is_no_failure(chats: Chats) -> None:
    """Telegram says that nothing is modified; the person sees what they wanted."""
    ann = chats.private()
    ann.say("/settings")
    message = menu(ann)
    for _ in range(2):
        assert ann.press_data("settings:language", message) == []
    assert ann.alerts == ["", ""]


@pytest.mark.parametrize(
    "data",
    [
        "settings:", "settings:beans", "settings:language:xx", "settings:language:../de", "settings:zone:Mars/Phobos",
        "settings:zone:", "settings:zones:99", "settings:zones:-1", "settings:zones:x", "settings:zones:1:2",
        "settings:zones:٣", "settings:welcome:on", "settings:welcome:maybe", "settings:subscription:maybe",
        "settings:main:x", "settings:done:done",
    ],
)  # fmt: skip
def test_a_made_up_button_changes_nothing(chats: Chats, data: str) -> None:
    """Anybody can send any data; in private there is no welcome either."""
    ann = chats.private()
    [before] = ann.say("/settings")
    assert ann.press_data(data, menu(ann)) == []
    assert ann.alerts == [NO_SUCH]
    assert ann.shown[-1] == before


def test_a_group_is_set_up_by_its_admins(chats: Chats) -> None:
    """Language, time zone and welcome are the group's; the language is then spoken to everybody in it."""
    group = chats.group()
    [shown] = group.say("/settings")
    assert shown.splitlines()[:5] == [
        "Settings of this group",
        "",
        "Language: each person's own",
        "Time zone: UTC, until you choose one",
        "Welcome for new members: off",
    ]
    assert group.press("Turn the welcome on") == []
    assert "Welcome for new members: on" in group.shown[-1].splitlines()
    group.press("Language")
    group.press("Deutsch")
    assert "Begrüßung neuer Mitglieder: an" in group.shown[-1].splitlines()
    assert group.seen_by(ANN).say("/id")[0].startswith("Die Nummer dieses Chats ist ")
    assert chats.private(ANN).say("/id")[0].startswith("This chat's id is ")


def test_others_cannot_set_up_a_group(chats: Chats) -> None:
    """Neither with the command nor with the buttons of an admin's menu, which say so in an alert."""
    group = chats.group()
    [before] = group.say("/settings")
    ann = group.seen_by(ANN)
    assert ann.say("/settings") == [ONLY_ADMINS]
    for data in ("settings:language:de", "settings:welcome:on", "settings:main", "settings:subscription:on"):
        assert ann.press_data(data, group.replies[0]["message_id"]) == []
        assert ann.alerts[-1] == ONLY_ADMINS
    assert group.shown[0] == before
    alerts = [call["parameters"] for call in chats.emulator.calls if call["method"] == "answerCallbackQuery"]
    assert all(alert["show_alert"] for alert in alerts)


def test_who_is_made_an_admin_may_at_once(chats: Chats) -> None:
    """And who was one may not any more, though the administrators are remembered."""
    group = chats.group()
    ann = group.seen_by(ANN)
    group.say("/id")
    people.set_member(chats.emulator, {"chat_id": group.id, "status": "administrator"})
    group.read()
    assert ann.say("/settings") == [ONLY_ADMINS]
    people.set_member(chats.emulator, {"chat_id": group.id, "user_id": ANN, "status": "administrator"})
    assert ann.say("/settings")[0].startswith("Settings of this group")
    people.set_member(chats.emulator, {"chat_id": group.id, "user_id": ANN, "status": "member"})
    assert ann.say("/settings") == [ONLY_ADMINS]


def test_telegram_is_asked_for_the_admins_once(chats: Chats) -> None:
    """Ten people press; one call."""
    group = chats.group()
    group.say("/settings")
    for user in range(ANN, ANN + 10):
        group.seen_by(user).press_data("settings:main", group.replies[0]["message_id"])
    assert calls(chats, "getChatAdministrators") == 1


# -------------------------------------------------------------------------------------------------- announcements --


def test_announcements_are_subscribed_to_in_place(chats: Chats) -> None:
    """And unsubscribed from; a person decides for themselves."""
    ann = chats.private(ANN)
    assert "Announcements: off" in ann.say("/settings")[0].splitlines()
    assert ann.press("Subscribe to announcements") == []
    assert "Announcements: on" in ann.shown[-1].splitlines()
    assert subscribers(chats) == {ANN}
    ann.press("Unsubscribe from announcements")
    assert "Announcements: off" in ann.shown[-1].splitlines()
    assert subscribers(chats) == set()


def test_a_groups_admins_subscribe_the_group(chats: Chats) -> None:
    """Others do not."""
    group = chats.group()
    group.say("/settings")
    group.seen_by(ANN).press("Subscribe to announcements")
    assert subscribers(chats) == set()
    group.press("Subscribe to announcements")
    assert subscribers(chats) == {group.id}


def test_who_is_forgotten_is_unsubscribed(chats: Chats) -> None:
    """It is told, and stands in the file before; others stay."""
    ann = chats.private(ANN)
    for person in (chats.private(502), ann):
        person.say("/subscribe")
    ann.say("/mydata")
    world = chats.emulator.world
    sent = next(one["document"] for one in world.chats[ANN].messages.values() if "document" in one)
    assert json.loads(world.files[sent["file_id"]].data)["announcements"] is True
    ann.say("/forget")
    ann.press("Delete everything")
    assert ann.shown[-1].splitlines()[:3] == ["Deleted:", "• your subscription to announcements", ""]
    assert subscribers(chats) == {502}
