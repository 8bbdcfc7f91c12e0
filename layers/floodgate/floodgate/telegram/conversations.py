"""Conversations across workers: ConversationHandlers whose every step may run in another worker.

Problem: their states live in the memory of one process, and their timeouts in a job queue that no function has. Rule:
before an update's handlers are asked, the states of its conversations are read, all with one request; what the handlers
make of them is saved with what else the update remembers. With each state stands when the conversation was last taken
part in: one that has timed out is ended by the next update that comes for it, before that is handled, or by the task of
its timeout, whichever is first.

Hazard: a ConversationHandler that is made once and registered for update after update has one memory for all; so
`describe` refuses that, as it refuses one that is not persistent.
"""

from __future__ import annotations

import json
import warnings
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, override

from telegram.ext import ConversationHandler, DictPersistence, PersistenceInput

from floodgate.state.codec import NotStorable, dumps
from floodgate.state.records import Key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from telegram import Update

    from floodgate.telegram.update_data import Data, UpdateData

    type Conversation = ConversationHandler[Any]
    type Name = tuple[int | str, ...]

# What they say is true of the library, and not here.
warnings.filterwarnings("ignore", message="Ignoring `conversation_timeout`")

#: Has python-telegram-bot ask for conversations only.
NO_DATA: Final = PersistenceInput(bot_data=False, chat_data=False, user_data=False, callback_data=False)
#: What the names of conversations' records begin with.
RECORD: Final = "conversation#"


def name_of(handler: Conversation, update: Update) -> Name | None:
    """Return what python-telegram-bot keeps the state under; None if the handler takes no such update."""
    chat, user, query = update.effective_chat, update.effective_user, update.callback_query
    name: list[int | str] = []
    if handler.per_chat:
        if chat is None:
            return None
        name.append(chat.id)
    if handler.per_user:
        if user is None:
            return None
        name.append(user.id)
    if handler.per_message:
        if query is None:
            return None
        if query.inline_message_id:
            name.append(query.inline_message_id)
        elif query.message is not None:
            name.append(query.message.message_id)
        else:
            return None
    return tuple(name)


def record_of(handler: Conversation, name: Name) -> Key:
    """Return where the state is kept: with the person's data, so that it goes with that, or else with the chat's."""
    number = name[1] if handler.per_chat and handler.per_user else name[0]
    owner = "user" if handler.per_user else "chat" if handler.per_chat else "message"
    return Key(f"{owner}#{number}", RECORD + json.dumps(name))


def timeout_s(handler: Conversation) -> float | None:
    """Return after how many seconds without an update its conversations end; None if they do not."""
    timeout = handler.conversation_timeout
    return timeout.total_seconds() if isinstance(timeout, timedelta) else timeout or None


class Conversations(DictPersistence):
    """The conversations of one update, for its Application: what it reads them from and writes them to."""

    def __init__(self, data: UpdateData, now: float) -> None:
        super().__init__(
            store_data=PersistenceInput(bot_data=False, chat_data=False, user_data=False, callback_data=False)
        )
        self._data = data
        self._now = now
        self._handlers: dict[str, Conversation] = {}
        self._names: dict[str, Name] = {}

    async def load(self, handlers: Iterable[Conversation], update: Update) -> list[tuple[Conversation, Data]]:
        """Read the states of the update's conversations, and return those that have timed out.

        Those have no state any more, and their update is in the dict under `update` if they want to hear of it.
        """
        for handler in handlers:
            if handler.name and (name := name_of(handler, update)) is not None:
                self._handlers[handler.name], self._names[handler.name] = handler, name
        await self._data.load({record_of(handler, self._names[name]) for name, handler in self._handlers.items()})
        timed_out = []
        for key, handler in self._handlers.items():
            ends_after_s, here = timeout_s(handler), self._record(key)
            found = here.get(key)
            if found is None or ends_after_s is None or "at" not in found:
                continue
            if found["at"] + ends_after_s <= self._now:
                timed_out.append((handler, here.pop(key)))
        return timed_out

    def close(self, update: Mapping[str, Any]) -> list[tuple[str, Name, float]]:
        """Note which conversations go on, at the update's end, and from when their time runs anew.

        Returns name, key and the time of those that want to hear of their end, and have no timer yet.
        """
        timed = []
        for name in self._data.conversations & set(self._handlers):
            handler = self._handlers[name]
            found, ends_after_s = self._record(name).get(name), timeout_s(handler)
            if found is None or ends_after_s is None:
                continue
            found["at"] = self._now
            if handler.states.get(ConversationHandler.TIMEOUT):
                found["update"] = json.dumps(update)
                if not found.get("has_timer"):  # one timer looks after it, however often its time begins anew
                    found["has_timer"] = True
                    timed.append((name, self._names[name], self._now + ends_after_s))
        return timed

    @override
    async def get_conversations(self, name: str) -> dict[Any, object]:
        """Return the state of the update's own conversation, if it is in one."""
        handler = self._handlers.get(name)
        state = None if handler is None else _state(self._record(name).get(name), handler)
        return {} if state is None else {self._names[name]: state}

    @override
    async def update_conversation(self, name: str, key: Any, new_state: object | None) -> None:
        """Take the new state, None for an ended conversation."""
        if self._names.get(name) != key:
            raise ValueError(f"{name} has changed a conversation that is not its update's")
        here = self._record(name)
        if new_state is None:
            here.pop(name, None)
            return
        here[name] = {**here.get(name, {}), **_kept(new_state)}

    def _record(self, name: str) -> Data:
        return self._data.touch(record_of(self._handlers[name], self._names[name]))


def _kept(state: object) -> dict[str, Any]:
    """Return how a state is kept: as it is, or by name if it is an enum's or the like."""
    try:
        dumps(state, "state")
    except NotStorable:
        return {"state": None, "named": repr(state)}
    return {"state": state, "named": None}


def _state(found: Data | None, handler: Conversation) -> object | None:
    """Return the state as the handler has it; None if there is none, or it has no such state any more."""
    if found is None:
        return None
    if (name := found["named"]) is None:
        state: object = found["state"]
        return state
    return next((state for state in handler.states if repr(state) == name), None)
