"""The end of conversations that nobody goes on with: ConversationHandler's `conversation_timeout`, without a process.

Rule: a conversation whose handlers want to hear of its end has one timer, a schedule. When it runs, the conversation
may have gone on meanwhile: then the timer is set anew, for the time that is left. So a step costs no call of the
scheduler, only a conversation does. Hazard: a schedule may run a minute late; whoever writes in that minute finds the
conversation ended (see conversations.py).
"""

from __future__ import annotations

import hashlib
import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

from telegram import Update
from telegram.ext import ApplicationHandlerStop, ContextTypes, ConversationHandler

from floodgate.tasks.schedules import now, schedule
from floodgate.telegram.application import App, conversations_of
from floodgate.telegram.conversations import record_of, timeout_s

if TYPE_CHECKING:
    from collections.abc import Mapping

    from floodgate.tasks.task import Task
    from floodgate.telegram.conversations import Name

#: The task's name.
TIMER: Final = "floodgate.conversation_timeout"


async def set_timer(name: str, key: Name, ends_at: float) -> None:
    """Have the conversation `name` with that key be looked at when it is over; raises what `schedule` raises."""
    stands_for = hashlib.sha256(json.dumps([name, key]).encode()).hexdigest()[:32]
    when = datetime.fromtimestamp(math.ceil(ends_at), UTC)  # a schedule has whole seconds, and may not be early
    await schedule(f"conversation-{stands_for}", TIMER, when, data={"conversation": name, "key": list(key)})


async def timer_runs(task: Task, context: ContextTypes.DEFAULT_TYPE) -> None:
    """End a conversation whose time is over; it may be over by now, or have been gone on with."""
    app, key = cast("App", context.application), tuple(task.data["key"])
    for handler in conversations_of(app):
        ends_after_s = timeout_s(handler)
        if handler.name != task.data["conversation"] or ends_after_s is None:
            continue
        record = record_of(handler, key)
        await app.data.load([record])
        here = app.data.touch(record)
        if (found := here.get(handler.name)) is None or "at" not in found:
            return
        if (ends_at := found["at"] + ends_after_s) > now().timestamp():
            await set_timer(str(handler.name), key, ends_at)
            return
        await time_out(app, handler, here.pop(handler.name))


async def time_out(app: App, conversation: ConversationHandler[Any], last: Mapping[str, Any]) -> None:
    """Tell the handlers of a conversation that has timed out, with the last update that it had."""
    if "update" not in last:  # nobody wants to hear of it
        return
    update = Update.de_json(json.loads(last["update"]), app.bot)
    for handler in conversation.states.get(ConversationHandler.TIMEOUT, ()):
        if (check := handler.check_update(update)) is None or check is False:
            continue
        context = app.context_types.context.from_update(update, app)
        try:
            await handler.handle_update(update, app, check, context)
        except ApplicationHandlerStop:
            continue
        except Exception as error:  # noqa: BLE001 - what process_update does with a handler's error
            await app.process_error(update, error)
            return
