"""A broadcast through the deployed template: asked for, confirmed, sent by the tasks' function, summed up."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

from tests.e2e.test_failures import ADMIN, buttons, soon

if TYPE_CHECKING:
    from local.control import TelegramControl

_message_ids = itertools.count(900_001)


def test_a_subscriber_gets_it(telegram: TelegramControl, chat_id: int) -> None:
    """With the functions' own rights, from /subscribe to the summary; who has blocked the bot is counted as that."""
    gone = chat_id + 500_000
    for person in (chat_id, gone):
        telegram.say(person, "/subscribe")
        telegram.wait_for_reply(person)
    telegram.block(gone)
    words = f"The beans of {chat_id} are ripe."
    chat = {"id": ADMIN, "type": "private", "first_name": "Admin"}
    sender = {"id": ADMIN, "is_bot": False, "first_name": "Admin"}
    now = int(time.time())
    original = telegram.say(ADMIN, words)["message_id"]
    told = {"message_id": original, "date": now, "chat": chat, "from": sender, "text": words}
    command = {"offset": 0, "length": 10, "type": "bot_command"}
    order = {"message_id": next(_message_ids), "date": now, "chat": chat, "from": sender, "text": "/broadcast"}
    telegram.send_update({"message": {**order, "entities": [command], "reply_to_message": told}})
    question = soon(lambda: next((one for one in telegram.replies(ADMIN) if "Confirm" in buttons(one)), None))
    telegram.press(ADMIN, question["message_id"], buttons(question)["Confirm"])
    soon(lambda: [one for one in telegram.replies(chat_id) if one["text"] == words])
    done = soon(lambda: [one["text"] for one in telegram.replies(ADMIN) if one["text"].startswith("📣 Done")])
    assert done == ["📣 Done\n1 sent · 1 blocked · 0 failed · 0 unknown"]
    telegram.say(chat_id, "/unsubscribe")
    telegram.wait_for_reply(chat_id, 3)
