"""The left half of the page: people, chats, and what is said in them.

Problem: a flood changes one chat a thousand times while a page draws sixty times a second; and who opens the page late
must see what the others see.
Rule: the world tells what changes, and each frame has that alone: people, chats and messages as they are now, and the
ids of messages that are gone. A frame has at most LAST messages of a chat and about SNAPSHOT of all: after more changes
everything is shown anew.
Hazard: another run is another world in which the same numbers mean other people: `run` tells them apart.
"""

import secrets
from collections.abc import Collection, Iterable
from typing import Any

from local.page.messages import date, full_name, shown, summary
from local.telegram.changes import What
from local.telegram.emulator import Emulator
from local.telegram.members import Json, is_in
from local.telegram.world import Chat

#: Messages of a chat that the page has.
LAST = 200
#: Messages of all chats that a page begins with; the chats in which something was said last come first.
SNAPSHOT = 5000
_EVERYBODY: list[int] = []
#: What can be left out with the chat or the person that it is about.
_OF_SOMEBODY = ("message", "chat", "action", "user")


class Chats:
    """The source `telegram` of the page's events."""

    name = "telegram"

    def __init__(self, emulator: Emulator) -> None:
        self._world = emulator.world
        self._now = emulator.clock.now
        self._run = secrets.token_hex(4)
        self._left_out: set[int] = set()
        self._menus = 0  # how often commands were set: who shows a menu asks for it anew
        self._forget()
        self._world.observers.append(self._note)

    def _forget(self) -> None:
        self._people: dict[int, None] = {}
        self._chats: dict[int, None] = {}
        self._messages: dict[int, dict[int, None]] = {}
        self._answers: dict[str, None] = {}
        self._menus_changed = False
        self._noted = 0
        self._is_too_much = False

    def list_people(self, user_ids: Collection[int], *, is_listed: bool) -> None:
        """Show these people and their chats, as all are at first, or leave them out; nothing at the bot changes."""
        left_out = self._left_out.difference(user_ids) if is_listed else self._left_out.union(user_ids)
        self._is_too_much |= left_out != self._left_out
        self._left_out = left_out

    def _note(self, what: What, key: Any) -> None:
        if what in _OF_SOMEBODY and (key[0] if what == "message" else key) in self._left_out:
            return
        if self._noted == SNAPSHOT:  # nobody looks, or nobody could follow
            self._forget()
            self._is_too_much = True
        self._noted += 1
        match what:
            case "message":
                chat_id, message_id = key
                self._messages.setdefault(chat_id, {})[message_id] = None
                self._chats[chat_id] = None
            case "chat" | "action":
                self._chats[key] = None
            case "user":
                self._people[key] = None
            case "answer":
                self._answers[key] = None
            case "commands":
                self._menus += 1
                self._menus_changed = True

    def snapshot(self) -> Json:
        """Return everybody, every chat, and the last that was said."""
        world = self._world
        messages: list[Json] = []
        listed = (chat for chat in world.chats.values() if chat.id not in self._left_out)
        latest = sorted(listed, key=_spoken_at, reverse=True)
        for chat in latest:
            ids = sorted(chat.messages)[-max(1, min(LAST, SNAPSHOT - len(messages))) :]
            messages += [shown(world, chat, message_id) for message_id in ids]
        return {
            "run": self._run,
            "bot": {"id": world.bot["id"], "name": full_name(world.bot), "username": world.bot["username"]},
            "people": self._described(user_id for user_id in world.users if user_id not in self._left_out),
            "chats": [self._chat(chat) for chat in latest],
            "messages": messages,
            "menus": self._menus,
        }

    def changes(self) -> Json | None:
        """Return what is new; None if nothing is."""
        self._end_actions()
        if self._is_too_much:
            self._forget()
            return {"kind": "snapshot", **self.snapshot()}
        if not (self._people or self._chats or self._messages or self._answers or self._menus_changed):
            return None
        world = self._world
        frame: Json = {"run": self._run, "menus": self._menus}
        frame["people"] = self._described(self._people)
        frame["chats"] = [self._chat(world.chats[chat_id]) for chat_id in self._chats if chat_id in world.chats]
        frame["messages"], frame["gone"] = [], []
        for chat_id, message_ids in self._messages.items():
            chat = world.chats[chat_id]
            there = sorted(message_id for message_id in message_ids if message_id in chat.messages)
            frame["messages"] += [shown(world, chat, message_id) for message_id in there[-LAST:]]
            frame["gone"] += [[chat_id, message_id] for message_id in message_ids if message_id not in chat.messages]
        frame["answers"] = [{"query": query_id, **world.answers[query_id]} for query_id in self._answers]
        self._forget()
        return frame

    def _end_actions(self) -> None:
        over = [chat_id for chat_id, action in self._world.actions.items() if action["until"] <= self._now()]
        for chat_id in over:
            del self._world.actions[chat_id]

    def _described(self, user_ids: Iterable[int]) -> list[Json]:
        users = (self._world.users[user_id] for user_id in user_ids)
        return [
            {
                "id": user["id"],
                "name": full_name(user) or f"User {user['id']}",
                "username": user.get("username", ""),
                "language": user.get("language_code", ""),
            }
            for user in users
            if not user.get("is_bot")
        ]

    def _chat(self, chat: Chat) -> Json:
        own = self._world.own_standing(chat)
        action = self._world.actions.get(chat.id)
        pinned = max((message_id for message_id in chat.pinned if message_id in chat.messages), default=None)
        return {
            "id": chat.id,
            "type": chat.type,
            "title": str(chat.info.get("title", "")),
            "members": self._members(chat),
            "bot": own["status"] if is_in(own) else "out",
            "action": action["action"] if action else None,
            "pinned": pinned and {"id": pinned, "text": summary(chat.messages[pinned])},
            "keyboards": self._keyboards(chat),
            "count": len(chat.messages),
            "moved_to": chat.migrated_to,
        }

    def _members(self, chat: Chat) -> list[int]:
        if chat.type == "private":
            return [chat.id]
        inside = (self._world.member(chat, user_id) for user_id in list(chat.members))
        return [member["user"]["id"] for member in inside if is_in(member) and not member["user"].get("is_bot")]

    def _keyboards(self, chat: Chat) -> list[Json]:
        """Return the reply markups that someone in the chat may still see, latest first, each with whom it is for."""
        found = []
        for message_id in reversed(list(chat.keyboards)):
            if message_id not in chat.messages:
                continue
            markup = chat.keyboards[message_id]
            whom = self._selected(chat.messages[message_id]) if markup.get("selective") else _EVERYBODY
            found.append({"message": message_id, "for": whom, **markup})
            if whom is _EVERYBODY or len(found) == LAST:
                break
        return found

    def _selected(self, message: Json) -> list[int]:
        """Return the users for whom a selective keyboard is: who is replied to and who is mentioned."""
        text = str(message.get("text", "")).encode("utf-16-le")
        found = [message.get("reply_to_message", {}).get("from", {}).get("id")]
        for entity in message.get("entities", []):
            said = text[2 * entity["offset"] : 2 * (entity["offset"] + entity["length"])].decode("utf-16-le", "replace")
            found.append(entity.get("user", {}).get("id"))
            found += [one["id"] for one in self._world.users.values() if f"@{one.get('username')}" == said]
        return [user_id for user_id in found if user_id is not None]


def _spoken_at(chat: Chat) -> int:
    last = max(chat.messages, default=None)
    return 0 if last is None else date(chat.messages[last])
