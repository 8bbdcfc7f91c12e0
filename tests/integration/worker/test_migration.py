"""A group that became a supergroup: its old id goes on being good for everything, and Telegram is asked once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.worker.conftest import Workers, text
from tests.integration.worker.scenes import awake, echoing, gate, here, only, person, queue, said, service, settle
from tests.integration.worker.test_failure import journal
from tests.unit.telegram.wire import flood, refusal

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import TelegramWire

OLD: dict[str, Any] = {"id": -5001, "type": "group", "title": "Allotments"}
NEW: dict[str, Any] = {"id": -1001234567890, "type": "supergroup", "title": "Allotments"}
MOVED = refusal(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=NEW["id"])


def test_a_refused_send_goes_to_the_new_id(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """The handler sees nothing of it: its message arrives, once, in the same attempt."""
    telegram.faults["sendMessage"] = [MOVED]
    queue(cloud, text("hello", chat=OLD))
    assert cloud.deliver(workers.drain(echoing)) == []
    assert telegram.sent == [(OLD["id"], "hello"), (NEW["id"], "hello")]
    assert (journal(cloud), cloud.letters()) == ([], [])


def test_nobody_writes_to_the_old_id_again(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Later updates that still carry it, on any worker, and the rest of the same update go straight to the new one."""

    async def reply_twice(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        for words in ("one", "two"):
            await context.bot.send_chat_action(OLD["id"], "typing")
            await context.bot.send_message(OLD["id"], words)

    telegram.faults["sendChatAction"] = [MOVED]
    queue(cloud, text("hello", chat=OLD))
    assert cloud.deliver(workers.drain(only(reply_twice))) == []
    cloud.clock.now += 10
    queue(cloud, text("again", chat=OLD))
    assert cloud.deliver(workers.drain(only(reply_twice))) == []
    called = [call.fields["chat_id"] for call in telegram.calls]
    assert called == [OLD["id"], *[NEW["id"]] * 8]


def test_the_new_ids_limits_hold_for_what_is_sent_to_the_old_one(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """Both ids are one lane: what goes to either is paced with the other."""

    async def send_both(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        for chat in (OLD, NEW) * 3:
            await context.bot.send_message(chat["id"], "hello")

    telegram.faults["sendMessage"] = [MOVED]
    queue(cloud, text("hello", chat=OLD))
    assert cloud.deliver(workers.drain(only(send_both))) == []
    at = [call.at for call in telegram.calls if call.fields["chat_id"] == NEW["id"]]
    assert len(at) == 6
    assert all(at[position + 3] - at[position] > 0.9 for position in range(3))


@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
def test_a_moved_chat_that_is_frozen_has_its_update_wait(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """The new id is the update's own chat as the old one was: a 429 there is waited for, and not counted."""
    drain = workers.drain(echoing)
    telegram.faults["sendMessage"] = [MOVED, flood(60)]
    [message_id] = queue(cloud, text("hello", chat=OLD))
    assert cloud.deliver(drain) == [message_id]
    assert journal(cloud) == []
    cloud.clock.now += 61
    assert cloud.deliver(drain) == []
    assert said(telegram, NEW["id"]) == ["hello", "hello"]


ANNOUNCED = [
    service(OLD, migrate_to_chat_id=NEW["id"]),
    service(NEW, migrate_from_chat_id=OLD["id"]),
]


@pytest.mark.parametrize("update", ANNOUNCED, ids=["to", "from"])
def test_a_service_message_moves_the_gate(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, update: dict[str, Any]
) -> None:
    """Before anything was refused: what the old id had used up of its limits, the new one has used up."""
    drain = workers.drain(echoing)
    for number in range(5):
        queue(cloud, here(f"line {number}", person(number), OLD))
    settle(cloud, drain)
    before = gate(cloud, OLD["id"])
    queue(cloud, update)
    assert cloud.deliver(drain) == []
    after = gate(cloud, NEW["id"])
    assert {name: after[name] for name in ("in_tat", "out_tat", "sends")} == {
        name: before[name] for name in ("in_tat", "out_tat", "sends")
    }
    telegram.calls.clear()
    queue(cloud, text("beans", chat=OLD))
    settle(cloud, drain)
    assert telegram.sent == [(NEW["id"], "beans")]


@pytest.mark.parametrize("update", ANNOUNCED, ids=["to", "from"])
@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
def test_a_freeze_moves_too(cloud: Cloud, telegram: TelegramWire, workers: Workers, update: dict[str, Any]) -> None:
    """Telegram has frozen the group, whatever it is called now."""

    async def write(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        await context.bot.send_message(OLD["id"], "hello")

    drain = workers.drain(only(write))
    frozen_until = cloud.clock() + 7200
    telegram.faults["sendMessage"] = [flood(7200)]
    queue(cloud, text("write there"))
    cloud.deliver(drain)
    drain = awake(cloud, workers.drain(echoing))
    if "migrate_to_chat_id" in update["message"]:  # behind the frozen chat, in its own queue
        cloud.clock.now = frozen_until - 2
    queue(cloud, update)
    assert cloud.deliver(drain) == []
    assert float(gate(cloud, NEW["id"])["frozen_until"]["N"]) == frozen_until
    assert (said(telegram, OLD["id"]), said(telegram, NEW["id"])) == (["hello"], [])


async def look(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Ask what both are."""
    for chat in (OLD, NEW):
        await context.bot.get_chat(chat["id"])


def described(chat: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Return Telegram's answer to getChat."""
    return 200, {"ok": True, "result": {**chat, "accent_color_id": 1, "max_reaction_count": 1}}


@pytest.mark.parametrize("update", ANNOUNCED, ids=["to", "from"])
def test_what_was_known_of_both_ids_is_forgotten(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, update: dict[str, Any]
) -> None:
    """Telegram is asked anew about the old id and the new one."""
    drain = workers.drain(only(look))
    telegram.faults["getChat"] = [described(OLD), described(NEW)] * 2
    queue(cloud, text("look"), text("look again"))
    settle(cloud, drain)
    assert len(telegram.calls) == 2
    queue(cloud, update)
    assert cloud.deliver(drain) == []
    assert [call.fields["chat_id"] for call in telegram.calls] == [OLD["id"], NEW["id"]] * 2


def test_a_refused_send_has_both_ids_forgotten_too(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """However one learns of it."""

    async def look_and_write(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        await look(update, context)
        await context.bot.send_message(OLD["id"], "hello")
        await asyncio.sleep(0.001)  # in no time at all nobody can tell what was asked before it was forgotten
        await look(update, context)

    telegram.faults["getChat"] = [described(OLD), described(NEW)] * 2
    telegram.faults["sendMessage"] = [MOVED]
    queue(cloud, text("look"))
    assert cloud.deliver(workers.drain(only(look_and_write))) == []
    assert telegram.methods == ["getChat", "getChat", "sendMessage", "sendMessage", "getChat", "getChat"]


def test_an_announcement_may_come_any_number_of_times(cloud: Cloud, workers: Workers) -> None:
    """Telegram announces it in both groups, and each may be handed out again."""
    drain = workers.drain(echoing)
    queue(cloud, text("hello", chat=OLD), *ANNOUNCED)
    settle(cloud, drain)
    queue(cloud, text("hello", chat=NEW))
    settle(cloud, drain)
    before = gate(cloud, NEW["id"])
    queue(cloud, *({**update, "update_id": text("")["update_id"]} for update in ANNOUNCED))
    settle(cloud, drain)
    assert (gate(cloud, NEW["id"]), "migrated_to" in gate(cloud, OLD["id"])) == (before, True)


@pytest.mark.parametrize("knows", ["old", "new"])
def test_what_is_remembered_of_the_group_goes_with_it(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, knows: str
) -> None:
    """Whichever of the two tells first; what still comes for the old id finds it, too."""

    async def count(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert context.chat_data is not None
        assert update.effective_chat is not None
        context.chat_data["seen"] = context.chat_data.get("seen", 0) + 1
        await context.bot.send_message(update.effective_chat.id, str(context.chat_data["seen"]))

    drain = workers.drain(only(count))
    told = (OLD, {"migrate_to_chat_id": NEW["id"]}) if knows == "old" else (NEW, {"migrate_from_chat_id": OLD["id"]})
    for update in (text("one", chat=OLD), service(told[0], **told[1]), text("three", chat=NEW), text("four", chat=OLD)):
        queue(cloud, update)
        settle(cloud, drain)
    assert telegram.sent[-1] == (NEW["id"], "4")
    assert cloud.remembered(f"chat#{NEW['id']}", "data") == {"seen": 4}
    assert cloud.remembered(f"chat#{OLD['id']}", "data") is None
