"""What people do in these tests, and how a worker is handed it: updates, queues emptied over time, what was counted."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from telegram.ext import MessageHandler, TypeHandler, filters

from floodgate.ingress.updates import group
from floodgate.monitoring import metrics
from floodgate.traffic.limits import Limit
from tests.integration.worker.conftest import INBOUND, text
from tests.unit.ingress.samples import ANN, BOT, DATE, GROUP, PRIVATE, message

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Mapping

    import pytest
    from telegram import Update
    from telegram.ext import ContextTypes

    from floodgate.settings import InboundLimits
    from floodgate.telegram import App
    from floodgate.telegram.application import Register
    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import TelegramWire

type Callback = Callable[[Update, ContextTypes.DEFAULT_TYPE], Coroutine[Any, Any, Any]]
type Drain = Callable[[dict[str, Any]], dict[str, Any]]

RIGHTS = (
    "can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages", "can_manage_video_chats",
    "can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users", "can_post_stories",
    "can_edit_stories", "can_delete_stories",
)  # fmt: skip

BOB: dict[str, Any] = {"id": 7002, "is_bot": False, "first_name": "Bob"}
BOBS: dict[str, Any] = {"id": 7002, "type": "private", "first_name": "Bob"}


def person(number: int) -> dict[str, Any]:
    """Return one of many people."""
    return {"id": 8000 + number, "is_bot": False, "first_name": f"Member {number}"}


def here(words: str, sender: dict[str, Any] = ANN, chat: dict[str, Any] = GROUP, **changes: Any) -> dict[str, Any]:
    """Return the update of what somebody says, in the group unless told where."""
    return text(words, None, chat, **{"from": sender, **changes})


def happens(kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a new update of any type."""
    return {"update_id": text("")["update_id"], kind: dict(content)}


def service(chat: dict[str, Any] = PRIVATE, sender: dict[str, Any] | None = ANN, **fields: Any) -> dict[str, Any]:
    """Return the update of a message that Telegram writes about something."""
    said = {name: value for name, value in message(chat, sender).items() if name != "text"}
    return happens("message", {**said, **fields})


def press(chat: dict[str, Any] = PRIVATE, sender: dict[str, Any] = ANN, query: str = "9") -> dict[str, Any]:
    """Return the update of a button pressed below a message of the bot."""
    content = {"id": query, "from": sender, "chat_instance": "-55", "data": "next", "message": message(chat, BOT)}
    return happens("callback_query", content)


def membership(status: str, chat: dict[str, Any] = PRIVATE) -> dict[str, Any]:
    """Return the update that tells the bot what it is in a chat now."""
    before: dict[str, Any] = {"user": BOT, "status": "left"}
    now: dict[str, Any] = {"user": BOT, "status": status}
    if status == "kicked":
        now["until_date"] = 0
    if status == "administrator":
        now |= dict.fromkeys(RIGHTS, False)
    content = {"chat": chat, "from": ANN, "date": DATE, "old_chat_member": before, "new_chat_member": now}
    return happens("my_chat_member", content)


def limits(**changes: str | int | bool | None) -> InboundLimits:
    """Return the template's inbound limits with some of them written otherwise."""
    read = {name: Limit.parse(value) if isinstance(value, str) else value for name, value in changes.items()}
    return replace(INBOUND, **read)  # type: ignore[arg-type] # whichever they are


def only(callback: Callback) -> Register:
    """Return a bot whose every update goes to `callback`."""
    return lambda app: app.add_handler(TypeHandler(object, callback))


async def echo(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Say it again."""
    assert update.effective_message
    await update.effective_message.reply_text(update.effective_message.text or "?")


def echoing(app: App) -> None:
    """Add an echo."""
    app.add_handler(MessageHandler(filters.TEXT & filters.UpdateType.MESSAGE, echo))


def queue(cloud: Cloud, *updates: dict[str, Any]) -> list[str]:
    """Queue updates as the webhook does, each in the group that is its place; return their messages' ids."""
    return [cloud.queue(update, group(update)) for update in updates]


def settle(cloud: Cloud, drain: Drain, *, within_s: float = 600.0) -> None:
    """Deliver until the queue is empty, moving on while all that is left is hidden."""
    ends_at = cloud.clock() + within_s
    while cloud.left():
        assert cloud.clock() < ends_at, "something is still waiting"
        if cloud.deliver(drain) is None:
            cloud.wait()


def awake(cloud: Cloud, drain: Drain) -> Drain:
    """Have the worker read its token and identity, and forget what that asked of AWS."""
    drain({"Records": []})
    cloud.wire.requests.clear()
    return drain


def said(telegram: TelegramWire, chat: int) -> list[str]:
    """Return what the bot sent to a chat."""
    return [words for to, words in telegram.sent if to == chat]


#: What becomes of updates that are not simply handled.
ODD: Final = (
    metrics.UPDATES_LIMITED, metrics.UPDATES_STALE, metrics.UPDATES_DUPLICATED, metrics.UPDATES_WAITING,
    metrics.CALLS_DIVERGED, metrics.CALLS_LEFT_OUT,
)  # fmt: skip


def measured(printed: pytest.CaptureFixture[str] | str) -> list[dict[str, list[float]]]:
    """Return the values of each metrics line in what was printed, or was since the last time, in order."""
    output = printed if isinstance(printed, str) else printed.readouterr().out
    lines = [json.loads(line) for line in output.splitlines() if '"_aws"' in line]
    named = [line["_aws"]["CloudWatchMetrics"][0]["Metrics"] for line in lines]
    return [
        {metric["Name"]: line[metric["Name"]] for metric in found} for line, found in zip(lines, named, strict=True)
    ]


def counted(capsys: pytest.CaptureFixture[str], names: Collection[str] = ODD) -> list[dict[str, float]]:
    """Return the sums of these metrics in each line that has one of them."""
    sums = [{name: sum(line[name]) for name in sorted(line) if name in names} for line in measured(capsys)]
    return [line for line in sums if line]


def gate(cloud: Cloud, name: int | str) -> dict[str, Any]:
    """Return the item of a gate, without what it remembers of updates; empty if there is none."""
    item = cloud.dynamodb.get_item(TableName="traffic", Key={"pk": {"S": f"gate#{name}"}}).get("Item", {})
    return {field: value for field, value in item.items() if not re.fullmatch(r"pk|expires_at|s[0-9]+", field)}
