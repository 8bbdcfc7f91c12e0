"""Announcements as people see them: who subscribes, what the admin is asked and shown, and who gets what."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

import bot
from floodgate.announcements.progress import ALBUM, NOBODY, USAGE
from floodgate.state.broadcasts import KEPT_S
from floodgate.state.subscribers import shard_of
from local.telegram import people
from local.telegram.control import add_fault
from local.telegram.entities import detect
from local.telegram.world import ADMIN_ID
from tests.integration.bot.chats import ADMIN_CHAT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.integration.bot.chats import Chat, Chats

HINT = "I do not know what to do with that. /help lists what I can do."
SUBSCRIBED = "Subscribed: announcements come to this chat. /unsubscribe ends that."
UNSUBSCRIBED = "Unsubscribed: no more announcements come to this chat."
ADMINS_ONLY = "In a group only its admins decide about announcements."
STALE = "Nothing of this is kept any more. /broadcast begins anew."
NAMES = re.compile("floodgate:broadcast:cancel:([0-9a-f]{12})")
PHOTO = [{"file_id": "photo-1", "file_unique_id": "u1", "width": 90, "height": 90}]


@pytest.fixture(autouse=True)
def times_as_they_will_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """PTB 22.8 warns of every 429 unless PTB_TIMEDELTA is set."""
    monkeypatch.setenv("PTB_TIMEDELTA", "1")


def post(chat: Chat, by_bot: bool = False, **content: Any) -> int:  # noqa: FBT001, FBT002 - a message is somebody's
    """Have a message in the chat that the bot is not told of; return its id."""
    world = chat.chats.emulator.world
    place = world.chat(chat.id, "private", chat.user)
    return int(world.post(place, world.bot if by_bot else world.user(chat.user), content)["message_id"])


def reply(chat: Chat, words: str, to: int, **original: Any) -> list[str]:
    """Write a reply to a message, of which the bot is told `original` as well; return what the bot then writes."""
    emulator = chat.chats.emulator
    place = emulator.world.chats[chat.id]
    content = {"text": words, "entities": detect(words), "reply_to_message": place.shown(to) | original}
    message = emulator.world.post(place, emulator.world.user(chat.user), content)
    emulator.announce("message", message, chat.id)
    return chat.read()


def subscribers(chats: Chats) -> list[int]:
    """Return who is kept as a subscriber."""
    kept = [item for item in chats.cloud.items("state") if item["pk"]["S"].startswith("subscribers#")]
    return sorted(int(item["sk"]["S"]) for item in kept if "since" in item)


def many(chats: Chats, ids: Iterable[int]) -> list[Chat]:
    """Have many people be subscribers."""
    made = []
    for number in ids:
        chats.emulator.world.chat(number, "private", number)
        time = {"N": str(chats.cloud.clock() - 60)}
        item = {"pk": {"S": f"subscribers#{shard_of(number)}"}, "sk": {"S": str(number)}, "since": time}
        chats.cloud.dynamodb.put_item(TableName="state", Item={**item, "renewed": time})
        made.append(chats.private(number))
    return made


def proposed(chats: Chats, words: str = "The beans are ripe.") -> Chat:
    """Have the admin propose a broadcast; return their chat."""
    admin = chats.admin()
    reply(admin, "/broadcast", post(admin, text=words))
    return admin


def handle_updates(chats: Chats) -> None:
    """Have the bot handle what people do, and no task."""
    for pending in list(chats.emulator.updates):
        chats.emulator.updates.settle(pending, "delivered")
        chats.cloud.queue(pending.update, f"chat:{ADMIN_CHAT}")
    drain = chats.workers.drain(bot.register, admin_chat_id=ADMIN_CHAT)
    while chats.cloud.left() and chats.cloud.deliver(drain) is not None:
        pass


def press_meanwhile(admin: Chat, label: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Press a button while the bot's tasks do not go on."""
    with monkeypatch.context() as patch:
        patch.setattr(type(admin.chats), "run", handle_updates)
        admin.press(label)


def one_step(chats: Chats) -> None:
    """Have the bot do one task."""
    drain = chats.workers.drain(bot.register, queue="tasks", admin_chat_id=ADMIN_CHAT)
    chats.cloud.deliver(drain, chats.cloud.tasks_url)


def test_people_subscribe_and_leave(chats: Chats) -> None:
    """Each says what it did, and that it was so already; nothing is kept of those who left."""
    ann = chats.private()
    assert ann.say("/unsubscribe") == ["No announcements come to this chat. /subscribe changes that."]
    assert ann.say("/subscribe") == [SUBSCRIBED]
    assert ann.say("/subscribe") == ["This chat gets announcements already. /unsubscribe ends that."]
    assert subscribers(chats) == [ann.id]
    assert ann.say("/unsubscribe") == [UNSUBSCRIBED]
    assert subscribers(chats) == []


def test_a_groups_admins_decide(chats: Chats) -> None:
    """Others are told so."""
    group = chats.group()
    group.say("/start")
    stranger = group.seen_by(501)
    assert stranger.say("/subscribe") == [ADMINS_ONLY]
    assert group.say("/subscribe") == [SUBSCRIBED]
    assert stranger.say("/unsubscribe") == [ADMINS_ONLY]
    people.set_member(chats.emulator, {"chat_id": group.id, "user_id": 501, "status": "administrator"})
    chats.pass_time(301)  # what the bot knows of them is five minutes old at most
    assert stranger.say("/unsubscribe") == [UNSUBSCRIBED]


def test_a_broadcast_from_the_question_to_the_summary(chats: Chats) -> None:
    """The admin sees it, confirms it, and reads what came of it; everybody gets a copy."""
    ann, bob, admin = chats.private(), chats.private(), chats.admin()
    for chat in (ann, bob, admin):
        chat.say("/subscribe")
    question = reply(admin, "/broadcast", post(admin, text="The beans are ripe."))
    assert question == ["The beans are ripe.", "This goes to 3 subscribers. It takes about 1 s."]
    assert admin.buttons == [["Confirm", "Cancel"]]
    assert admin.press("Confirm") == ["The beans are ripe."]
    assert chats.emulator.calls[-1]["method"] == "editMessageText"
    assert admin.alerts == ["Confirmed."]
    assert admin.shown[-2] == "📣 Done\n3 sent · 0 blocked · 0 failed · 0 unknown"
    assert admin.replies[-2].get("reply_markup") is None
    assert ann.shown[-1] == bob.shown[-1] == "The beans are ripe."
    assert chats.cloud.letters() == []


def test_a_photo_and_its_buttons(chats: Chats) -> None:
    """Come along, but for the library's own buttons."""
    ann, admin = chats.private(), chats.admin()
    ann.say("/subscribe")
    link, own = (
        {"text": "More", "url": "https://beans.example/"},
        {"text": "Retry", "callback_data": "floodgate:retry:a"},
    )
    menu = {"text": "Menu", "callback_data": "menu"}
    markup = {"inline_keyboard": [[link, own], [own], [menu]]}
    original = post(admin, by_bot=True, photo=PHOTO, caption="Ripe.", reply_markup=markup)
    reply(admin, "/broadcast", original, reply_markup=markup)
    admin.press("Confirm")
    got = ann.replies[-1]
    assert (got["media"], got["text"]) == ("photo", "Ripe.")
    assert ann.buttons == [["More"], ["Menu"]]


def test_no_reply_is_told_how(chats: Chats) -> None:
    """What to do instead."""
    admin = chats.admin()
    assert admin.say("/broadcast") == [USAGE]
    assert admin.say("/broadcast The beans are ripe.") == [USAGE]


def test_what_cannot_go_out(chats: Chats) -> None:
    """No subscribers, one of an album, a message that Telegram does not copy: each is said."""
    admin = chats.admin()
    text = post(admin, text="The beans are ripe.")
    assert reply(admin, "/broadcast", text) == [NOBODY]
    chats.private().say("/subscribe")
    assert reply(admin, "/broadcast", text, media_group_id="55") == [ALBUM]
    service = post(admin, new_chat_title="Beans")
    assert reply(admin, "/broadcast", service) == ["Telegram does not let a bot copy this kind of message."]
    assert [item for item in chats.cloud.items("state") if item["pk"]["S"].startswith("broadcast")] == []


def test_others_cannot_broadcast(chats: Chats) -> None:
    """To them it is no command; and a button of the admin's that somebody has got hold of does nothing."""
    ann, group = chats.private(), chats.group()
    ann.say("/subscribe")
    assert ann.say("/broadcast") == [HINT]
    assert group.say("/broadcast") == []
    admin = proposed(chats)
    data = admin.replies[-1]["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    assert ann.press_data(data, ann.replies[-1]["message_id"]) == []
    assert ann.alerts == ["This button is not for you."]
    assert "The beans are ripe." not in ann.shown


def test_confirm_counts_once(chats: Chats) -> None:
    """However often it is pressed, before and after it was sent."""
    [ann] = many(chats, [5001])
    admin = proposed(chats)
    question = admin.replies[-1]
    data = question["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    for _ in range(3):
        admin.press_data(data, question["message_id"])
    assert admin.alerts == ["Confirmed.", "It was confirmed before.", "It was confirmed before."]
    assert ann.shown == ["The beans are ripe."]


def test_not_confirmed_it_is_not_sent(chats: Chats) -> None:
    """Cancel ends it, and Confirm does nothing after that; a question of yesterday is not answered either."""
    [ann] = many(chats, [5001])
    admin = proposed(chats)
    question = admin.replies[-1]
    confirm = question["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    admin.press("Cancel")
    assert admin.shown[-1].startswith("📣 Cancelled")
    admin.press_data(confirm, question["message_id"])
    proposed(chats)
    chats.pass_time(86_401)
    admin.press("Confirm")
    assert admin.alerts == [
        "Cancelled.",
        "It was cancelled.",
        "This question is older than a day. Write /broadcast again.",
    ]
    assert ann.shown == []


@pytest.mark.parametrize("data", ["floodgate:broadcast:confirm:0123456789ab", "floodgate:broadcast:dance", "expired"])
def test_a_stale_button(chats: Chats, data: str) -> None:
    """Of what is no longer kept, or of another version."""
    many(chats, [5001])
    admin = proposed(chats)
    if data == "expired":
        data = admin.replies[-1]["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        chats.pass_time(KEPT_S)
    admin.press_data(data, admin.replies[-1]["message_id"])
    assert admin.alerts == [STALE]


def test_who_blocks_the_bot_is_no_subscriber(chats: Chats) -> None:
    """Nor is a group that it was removed from; the others get it, and the summary says so."""
    *_, ann, bob = many(chats, [5001, 5002])
    group = chats.group()
    assert group.say("/subscribe") == [SUBSCRIBED]
    people.set_member(chats.emulator, {"chat_id": ann.id, "status": "kicked"})
    people.set_member(chats.emulator, {"chat_id": group.id, "status": "kicked"})
    admin = proposed(chats)
    admin.press("Confirm")
    assert "1 sent · 2 blocked · 0 failed · 0 unknown" in "\n".join(admin.shown)
    assert subscribers(chats) == [bob.id]


def test_a_group_that_moved_gets_it(chats: Chats) -> None:
    """Once, under its new id, where /unsubscribe ends it."""
    group = chats.group()
    old = type(group)(chats, -77, ADMIN_ID)
    assert old.say("/subscribe") == [SUBSCRIBED]
    new_id = people.migrate(chats.emulator, {"chat_id": -77})["migrate_to_chat_id"]
    chats.run()
    new = type(group)(chats, new_id, ADMIN_ID)
    assert new.say("/subscribe")[-1] == "This chat gets announcements already. /unsubscribe ends that."
    admin = proposed(chats)
    assert admin.shown[-1].startswith("This goes to 1 subscriber.")
    admin.press("Confirm")
    assert new.shown.count("The beans are ripe.") == 1
    assert new.say("/unsubscribe")[-1] == UNSUBSCRIBED
    assert [item for item in chats.cloud.items("state") if item["pk"]["S"].startswith("subscribers")] == []


def test_pause_resume_and_cancel(chats: Chats, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each does what it says, once the block in hand is through; the message shows how far it is."""
    crowd = many(chats, range(5001, 5301))
    admin = proposed(chats)
    press_meanwhile(admin, "Confirm", monkeypatch)
    assert admin.shown[-1] == "📣 Starting\n0 of 300 sent · 0 blocked · 0 failed · 0 unknown"
    assert admin.buttons == [["Pause", "Cancel"]]
    one_step(chats)
    shown = admin.shown[-1].splitlines()
    assert shown[0] == "📣 Sending"
    assert re.fullmatch(r"1\d\d of 300 sent · 0 blocked · 0 failed · 0 unknown", shown[1])
    assert re.fullmatch(r"2[678]\.\d a second, about \d+ s left", shown[2])
    assert admin.buttons == [["Pause", "Cancel"]]
    admin.press("Pause")
    paused = sum(len(one.replies) for one in crowd)
    assert (admin.shown[-1].splitlines()[0], admin.buttons) == ("📣 Paused", [["Resume", "Cancel"]])
    chats.pass_time(3600)
    assert sum(len(one.replies) for one in crowd) == paused < 300
    press_meanwhile(admin, "Resume", monkeypatch)
    assert admin.buttons == [["Pause", "Cancel"]]
    press_meanwhile(admin, "Cancel", monkeypatch)
    assert admin.shown[-1].startswith("📣 Cancelling")
    chats.run()
    assert admin.shown[-1].splitlines() == [
        "📣 Cancelled",
        f"{paused} sent · 0 blocked · 0 failed · 0 unknown",
        f"About {300 - paused} were not sent to.",
    ]
    assert admin.alerts == ["Confirmed.", "Paused.", "Going on.", "Cancelled."]
    assert sum(len(one.replies) for one in crowd) == paused


def test_paused_before_its_first_step(chats: Chats, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody gets it until Resume, and then everybody does; one that waits for another is not paused."""
    crowd = many(chats, range(5001, 5011))
    proposed(chats, "later")
    admin = proposed(chats)
    press_meanwhile(admin, "Confirm", monkeypatch)
    pause = admin.replies[-1]["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    admin.press("Pause")
    assert (admin.shown[-1].splitlines()[0], admin.buttons) == ("📣 Paused", [["Resume", "Cancel"]])
    assert [one.shown for one in crowd] == [[]] * 10
    press_meanwhile(admin, "Confirm", monkeypatch)  # the other's
    waits = NAMES.search(str(admin.replies))
    assert waits is not None
    admin.press_data(pause.replace(pause[-12:], waits[1]), admin.replies[-1]["message_id"])
    admin.press("Resume")
    assert [one.shown[0] for one in crowd] == ["The beans are ripe."] * 10
    assert admin.alerts == [
        "Confirmed.",
        "Paused.",
        "Confirmed. It waits for 1 before it.",
        "It is not under way.",
        "Going on.",
    ]


def test_what_a_recipient_costs(chats: Chats) -> None:
    """One write of their chat's gate, and a part of a write and of a read for what is in hand."""
    many(chats, range(5001, 5101))
    admin = proposed(chats)
    chats.cloud.wire.requests.clear()
    admin.press("Confirm")
    keys = [asked["Key"]["pk"]["S"] for asked in chats.cloud.wire.asked("UpdateItem")]
    assert sum(key.startswith("gate#5") for key in keys) == 100
    assert sum(not key.startswith("gate#5") for key in keys) <= 30
    assert len(chats.cloud.wire.asked("GetItem")) <= 40
    assert chats.cloud.wire.asked("TransactWriteItems", "PutItem", "DeleteItem", "Scan") == []
    journals = [item for item in chats.cloud.items("traffic") if item["pk"]["S"].startswith("journal")]
    assert journals == []


def test_a_second_broadcast_waits(chats: Chats, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so, can be cancelled meanwhile, and begins when the first is over."""
    [ann] = many(chats, [5001])
    for words in ("one", "two", "three"):
        admin = proposed(chats, words)
    for _ in range(3):  # the latest first
        chats.cloud.clock.advance(10)
        press_meanwhile(admin, "Confirm", monkeypatch)
    assert admin.alerts == [
        "Confirmed.",
        "Confirmed. It waits for 1 before it.",
        "Confirmed. It waits for 2 before it.",
    ]
    assert "📣 Waiting for 2 other broadcasts" in "\n".join(admin.shown)
    data = f"floodgate:broadcast:cancel:{NAMES.findall(str(admin.messages))[0]}"
    admin.press_data(data, admin.replies[1]["message_id"])
    assert ann.shown == ["three", "two"]
    assert [text.splitlines()[0] for text in admin.shown if "📣" in text] == ["📣 Cancelled", "📣 Done", "📣 Done"]


def test_the_unknown_are_sent_to_when_the_admin_says_so(chats: Chats) -> None:
    """Once: they may have it, and only a person can tell whether twice is better than never."""
    [ann] = many(chats, [5001])
    admin = proposed(chats)
    add_fault(chats.emulator, {"method": "copyMessage", "count": 1, "drop": True, "after_delivery": True})
    admin.press("Confirm")
    assert admin.shown[-1].splitlines()[:2] == ["📣 Done", "0 sent · 0 blocked · 0 failed · 1 unknown"]
    assert (admin.buttons, ann.shown) == ([["Send to the 1 unknown"]], ["The beans are ripe."])
    data = admin.replies[-1]["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    admin.press("Send to the 1 unknown")
    assert admin.shown[-1] == "📣 Done\n1 sent · 0 blocked · 0 failed · 0 unknown"
    admin.press_data(data, admin.replies[-1]["message_id"])
    assert admin.alerts == ["Confirmed.", "They will get it.", "That was done before."]
    assert ann.shown == ["The beans are ripe."] * 2


def test_a_message_that_is_gone_stops_it(chats: Chats) -> None:
    """It says why, and nobody counts as failed."""
    [ann] = many(chats, [5001])
    admin = proposed(chats)
    copy = admin.replies[-2]["message_id"]
    del chats.emulator.world.chats[admin.id].messages[copy]
    admin.press("Confirm")
    assert admin.shown[-1].splitlines()[0] == "📣 Paused"
    assert "Stopped: the message cannot be copied any more." in admin.shown[-1]
    assert ann.shown == []
    admin.press("Cancel")
    assert admin.shown[-1].startswith("📣 Cancelled")
