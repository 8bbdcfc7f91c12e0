"""Who there is and what was said: users, chats, messages, files.

Problem: a bot and its tests need a Telegram that remembers: what was sent can be edited, copied, deleted and read back.
Rule: everything is kept as the Bot API's own JSON objects. A chat exists once somebody spoke in it or a raw update
named it; the local admin, user and chat 1, is there from the start. observe() learns from an update what it tells:
users, chats, messages, members, a bot blocked or removed.
Hazard: nothing is ever forgotten, so a run of millions of messages needs the memory for them.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from local.telegram.errors import BotApiError, bad_request, forbidden

Json = dict[str, Any]

ADMIN_ID = 1
CALLBACK_ANSWER_S = 150  # the update's own time to live; Telegram's exact figure isn't documented
INLINE_ANSWER_S = 30
_CHATS = frozenset({"chat", "sender_chat"})
_AWAY = frozenset({"left", "kicked"})
_OUT = {
    ("private", "kicked"): "bot was blocked by the user",
    ("group", "kicked"): "bot was kicked from the group chat",
    ("supergroup", "kicked"): "bot was kicked from the supergroup chat",
    ("channel", "kicked"): "bot was kicked from the channel chat",
    ("group", "left"): "bot is not a member of the group chat",
    ("supergroup", "left"): "bot is not a member of the supergroup chat",
    ("channel", "left"): "bot is not a member of the channel chat",
}


@dataclass(slots=True)
class Chat:
    """A chat as the bot knows it."""

    info: Json
    messages: dict[int, Json] = field(default_factory=dict)
    keyboards: dict[int, Json] = field(default_factory=dict)  # reply markup that a Message doesn't show
    members: dict[int, Json] = field(default_factory=dict)  # user id -> ChatMember
    next_message_id: int = 1
    migrated_to: int | None = None

    @property
    def id(self) -> int:
        """Return the chat's id."""
        return int(self.info["id"])

    @property
    def type(self) -> str:
        """Return private, group, supergroup or channel."""
        return str(self.info["type"])


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that the bot uploaded."""

    file_id: str
    unique_id: str
    path: str
    name: str
    content_type: str
    data: bytes

    def describe(self) -> Json:
        """Return the fields that all file objects share."""
        return {"file_id": self.file_id, "file_unique_id": self.unique_id, "file_size": len(self.data)}


class World:
    """Everything that Telegram would know about this bot's surroundings."""

    def __init__(self, now: Callable[[], float], bot_id: int) -> None:
        self._now = now
        self.bot: Json = {
            "id": bot_id,
            "is_bot": True,
            "first_name": "Local bot",
            "username": "floodgate_local_bot",
        }
        self.users: dict[int, Json] = {bot_id: self.bot}
        self.chats: dict[int, Chat] = {}
        self.files: dict[str, StoredFile] = {}
        self.commands: dict[tuple[str, str], list[Json]] = {}
        self.questions: dict[tuple[str, str], float] = {}  # (update type, query id) -> when it was asked
        self.chat(ADMIN_ID, "private", ADMIN_ID)

    def user(self, user_id: int) -> Json:
        """Return the user, made up if new."""
        if user_id not in self.users:
            name = {"first_name": "Admin", "username": "admin"} if user_id == ADMIN_ID else {}
            made_up = {"id": user_id, "is_bot": False, "first_name": f"User {user_id}", "username": f"user{user_id}"}
            self.users[user_id] = made_up | name | {"language_code": "en"}
        return self.users[user_id]

    def chat(self, chat_id: int, chat_type: str, first_user_id: int) -> Chat:
        """Return the chat, made if new; a new group is owned by its first user and has the bot as a member."""
        if chat_id not in self.chats:
            if chat_type == "private":
                user = self.user(chat_id)
                names = {name: user[name] for name in ("first_name", "last_name", "username") if name in user}
                self.chats[chat_id] = Chat({"id": chat_id, "type": chat_type} | names)
            else:
                info = {"id": chat_id, "type": chat_type, "title": f"{chat_type.title()} {chat_id}"}
                owner = {"status": "creator", "user": self.user(first_user_id), "is_anonymous": False}
                self.chats[chat_id] = Chat(info, members={first_user_id: owner})
        return self.chats[chat_id]

    def reachable(self, chat_id: str) -> Chat:
        """Return the chat that a call names by id or @username; raise BotApiError if the bot can't reach it."""
        chat = self.known(chat_id)
        if chat.migrated_to is not None:
            description = "Bad Request: group chat was upgraded to a supergroup chat"
            raise BotApiError(400, description, migrate_to_chat_id=chat.migrated_to)
        status = chat.members.get(self.bot["id"], {}).get("status", "member")
        if sentence := _OUT.get((chat.type, status)):
            raise forbidden(sentence)
        if self.users.get(chat.id, {}).get("is_bot"):
            raise forbidden("bots can't send messages to bots")
        return chat

    def known(self, chat_id: str) -> Chat:
        """Return the chat that a call names by id or @username; raise BotApiError if there is none."""
        if not chat_id:
            raise bad_request("chat_id is empty")
        for chat in self.chats.values() if chat_id.startswith("@") else ():
            if chat.type != "private" and str(chat.info.get("username", "")).lower() == chat_id[1:].lower():
                return chat
        try:
            return self.chats[int(chat_id)]
        except (ValueError, KeyError):
            raise bad_request("chat not found") from None

    def member(self, chat: Chat, user_id: int) -> Json:
        """Return the ChatMember; raise BotApiError for a user nobody has met."""
        if user_id in chat.members:
            return chat.members[user_id]
        if user_id not in self.users:
            raise bad_request("user not found")
        spoke = user_id in {_object(message, "from").get("id") for message in chat.messages.values()}
        is_in = spoke or user_id in (self.bot["id"], chat.id)
        return {"status": "member" if is_in else "left", "user": self.users[user_id]}

    def members(self, chat: Chat) -> list[Json]:
        """Return all who are in the chat."""
        spoke = {_object(message, "from").get("id") for message in chat.messages.values()}
        ids = {*chat.members, *spoke, self.bot["id"]} | ({chat.id} if chat.type == "private" else set())
        found = [self.member(chat, user_id) for user_id in ids if user_id in self.users]
        return [member for member in found if member["status"] not in _AWAY]

    def post(self, chat: Chat, sender: Json | None, content: Json) -> Json:
        """Add a message to the chat and return it; without a sender it is a channel's own."""
        author = {"sender_chat": chat.info} if sender is None else {"from": sender}
        message = {"message_id": chat.next_message_id, **author, "chat": chat.info, "date": int(self._now()), **content}
        chat.messages[chat.next_message_id] = message
        chat.next_message_id += 1
        return message

    def store_file(self, name: str, content_type: str, data: bytes, folder: str) -> StoredFile:
        """Keep the bytes and return the file with its new ids."""
        file_id = f"local-{secrets.token_urlsafe(24)}"
        path = f"{folder}/file_{len(self.files)}{name[name.rfind('.') :] if '.' in name else ''}"
        self.files[file_id] = StoredFile(file_id, file_id[-12:], path, name, content_type, data)
        return self.files[file_id]

    def observe(self, update: Json) -> int | None:
        """Learn what the update tells and return the id of the chat in which somebody acted, if any."""
        kind, body = next((name, value) for name, value in update.items() if name != "update_id")
        self._meet({kind: body})
        if kind in ("callback_query", "inline_query"):
            self.questions[kind, str(body.get("id"))] = self._now()
        message = _object(body, "message") if kind == "callback_query" else body
        chat_id = _object(message, "chat").get("id")
        chat = self.chats.get(chat_id) if isinstance(chat_id, int) else None
        if chat is None:
            return None
        if kind.endswith(("message", "channel_post", "callback_query")):
            self._learn_message(chat, message, is_new=kind in ("message", "edited_message", "channel_post"))
        member = _object(body, "new_chat_member")
        member_id = _object(member, "user").get("id")
        if isinstance(member_id, int) and "status" in member:
            chat.members[member_id] = member
        return chat.id

    def _learn_message(self, chat: Chat, message: Json, *, is_new: bool) -> None:
        message_id = message.get("message_id")
        if not isinstance(message_id, int) or not message.get("date"):
            return
        if is_new or message_id not in chat.messages:
            chat.messages[message_id] = message
        chat.next_message_id = max(chat.next_message_id, message_id + 1)
        chat.migrated_to = message.get("migrate_to_chat_id", chat.migrated_to)
        if is_new and chat.type == "private":
            chat.members.pop(self.bot["id"], None)  # who writes to the bot hasn't blocked it

    def _meet(self, value: Any) -> None:
        """Take in every user and chat that is named anywhere in the value."""
        for name, item in sorted(value.items(), key=lambda pair: pair[0] in _CHATS):  # users first: chats have owners
            if isinstance(item, list):
                for element in item:
                    self._meet({name: element} if isinstance(element, dict) else {})
            elif isinstance(item, dict):
                self._meet(item)
                if not isinstance(item.get("id"), int):
                    continue
                if "first_name" in item and "type" not in item:
                    self.users[item["id"]] = self.bot if item["id"] == self.bot["id"] else item
                elif name in _CHATS and "type" in item:
                    self._meet_chat(item, value)

    def _meet_chat(self, info: Json, beside: Json) -> None:
        if info["type"] == "private" and info["id"] not in self.users:
            user = {name: info[name] for name in ("first_name", "last_name", "username") if name in info}
            self.users[info["id"]] = {"id": info["id"], "is_bot": False, "first_name": ""} | user
        first_user_id = _object(beside, "from").get("id")
        owner_id = first_user_id if isinstance(first_user_id, int) else ADMIN_ID
        self.chat(info["id"], str(info["type"]), owner_id).info.update(info)


def _object(holder: Json, name: str) -> Json:
    value = holder.get(name)
    return value if isinstance(value, dict) else {}
