"""Who there is and what was said: users, chats, messages, files.

Problem: a bot and its tests need a Telegram that remembers: what was sent can be edited, copied, deleted and read back.
Rule: everything is kept as the Bot API's own JSON objects. A chat exists once somebody spoke in it, an order made it
or a raw update named it; the local admin, user and chat 1, is there from the start. What changes is replaced, never
changed in place: updates on their way share these objects, and must keep telling what was true when they arose.
Hazard: nothing is ever forgotten, so a run of millions of messages needs the memory for them.
"""

import secrets
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from local.telegram.changes import Observer, Told, What, nobody
from local.telegram.errors import bad_request
from local.telegram.members import PERMISSIONS, Json, administrator, current, is_in, owner, rights_in, simple

ADMIN_ID = 1
CALLBACK_ANSWER_S = 150  # the update's own time to live; Telegram's exact figure isn't documented
INLINE_ANSWER_S = 30
_NAMES = ("first_name", "last_name", "username")
#: What of a chat is told of when it is set.
_OF_THE_CHAT = frozenset({"info", "pinned", "migrated_to"})


@dataclass(slots=True)
class Chat:
    """A chat as the bot knows it."""

    tell: Observer
    info: Json
    messages: MutableMapping[int, Json] = field(default_factory=dict)
    keyboards: MutableMapping[int, Json] = field(default_factory=dict)  # reply markup that a Message doesn't show
    reactions: MutableMapping[int, list[Json]] = field(default_factory=dict)  # the bot's own
    members: MutableMapping[int, Json] = field(default_factory=dict)  # user id -> ChatMember
    permissions: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(PERMISSIONS, True))
    description: str = ""
    photo: Json | None = None
    pinned: list[int] = field(default_factory=list)
    next_message_id: int = 1
    migrated_to: int | None = None
    has_begun: bool = True  # a private chat that the user never opened hasn't

    def __post_init__(self) -> None:
        """Have everything in the chat tell of its changes."""

        def tell_of_message(message_id: int) -> None:
            self.tell("message", (self.id, message_id))

        self.messages = Told(tell_of_message, self.messages)
        self.keyboards = Told(tell_of_message, self.keyboards)
        self.reactions = Told(tell_of_message, self.reactions)
        self.members = Told(lambda _: self.tell("chat", self.id), self.members)

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name in _OF_THE_CHAT:
            self.tell("chat", self.id)

    @property
    def id(self) -> int:
        """Return the chat's id."""
        return int(self.info["id"])

    @property
    def type(self) -> str:
        """Return private, group, supergroup or channel."""
        return str(self.info["type"])

    def shown(self, message_id: int) -> Json:
        """Return the message as it looks today, under the chat's present title and names."""
        return self.messages[message_id] | {"chat": self.info}

    def as_replied_to(self, message_id: int) -> Json:
        """Return the message as it stands in a reply to it: without what it replies to itself."""
        return {name: value for name, value in self.messages[message_id].items() if name != "reply_to_message"}


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that the bot or a person uploaded."""

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
        self.observers: list[Observer] = []
        self.bot: Json = {
            "id": bot_id,
            "is_bot": True,
            "first_name": "Local bot",
            "username": "floodgate_local_bot",
        }
        self.users: MutableMapping[int, Json] = Told(lambda key: self._tell("user", key), {bot_id: self.bot})
        self.chats: dict[int, Chat] = {}
        self.files: dict[str, StoredFile] = {}
        self.commands: MutableMapping[tuple[str, str], list[Json]] = Told(lambda key: self._tell("commands", key))
        self.questions: dict[tuple[str, str], float] = {}  # (update type, query id) -> when it was asked
        self.answers: MutableMapping[str, Json] = Told(lambda key: self._tell("answer", key))  # to pressed buttons
        self.actions: MutableMapping[int, Json] = Told(lambda key: self._tell("action", key))  # chat id -> the bot's
        self.deactivated: set[int] = set()  # users who deleted their account
        self.chat(ADMIN_ID, "private", ADMIN_ID)

    def _tell(self, what: What, key: Any) -> None:
        for observer in self.observers:
            observer(what, key)

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
            self.chats[chat_id] = self._new_chat(chat_id, chat_type, first_user_id)
        return self.chats[chat_id]

    def _new_chat(self, chat_id: int, chat_type: str, first_user_id: int) -> Chat:
        if chat_type == "private":
            return Chat(self._tell, private_info(self.user(chat_id)))
        people = {first_user_id: owner(self.user(first_user_id))}
        if chat_type == "channel":  # where a bot can be nothing else
            all_rights = rights_in(chat_type)
            people[self.bot["id"]] = administrator(self.bot, chat_type, all_rights, can_be_edited=False)
        info = {"id": chat_id, "type": chat_type, "title": f"{chat_type.title()} {chat_id}"}
        return Chat(self._tell, info, members=people)

    def rename(self, user_id: int, names: Json) -> Json:
        """Change the user's fields, "" removes one, and return the user; their private chat follows."""
        self.users[user_id] = {name: value for name, value in (self.user(user_id) | names).items() if value != ""}
        if user_id in self.chats:
            self.chats[user_id].info = private_info(self.users[user_id])
        return self.users[user_id]

    def migrate(self, group: Chat, chat_id: int) -> Chat:
        """Return the supergroup that the group becomes: its title, settings and people, none of its messages."""
        supergroup = Chat(
            self._tell,
            group.info | {"id": chat_id, "type": "supergroup"},
            members={member["user"]["id"]: member for member in self.members(group)},
            permissions=group.permissions,
            description=group.description,
            photo=group.photo,
        )
        self.chats[chat_id] = supergroup
        group.migrated_to = chat_id
        return supergroup

    def known(self, chat_id: str) -> Chat:
        """Return the chat that a call names by id or @username; raise BotApiError if there is none."""
        if not chat_id:
            raise bad_request("chat_id is empty")
        for chat in self.chats.values() if chat_id.startswith("@") else ():
            if chat.type != "private" and str(chat.info.get("username", "")).lower() == chat_id[1:].lower():
                return chat
        try:
            number = int(chat_id)
        except ValueError:
            raise bad_request("chat not found") from None
        if number in self.chats:
            return self.chats[number]
        if number not in self.users:
            raise bad_request("chat not found")
        return Chat(nobody, private_info(self.users[number]), has_begun=False)  # met elsewhere, in a group

    def member(self, chat: Chat, user_id: int) -> Json:
        """Return the ChatMember; raise BotApiError for a user nobody has met."""
        if user_id in chat.members:
            member = chat.members[user_id]
            return current(member | {"user": self.users.get(user_id, member["user"])}, self._now())
        if user_id not in self.users:
            raise bad_request("user not found")
        return simple(self.users[user_id], "member" if user_id in (self.bot["id"], chat.id) else "left")

    def own_standing(self, chat: Chat) -> Json:
        """Return the bot's own ChatMember."""
        return self.member(chat, self.bot["id"])

    def members(self, chat: Chat) -> list[Json]:
        """Return all who are in the chat."""
        ids = dict.fromkeys([*chat.members, self.bot["id"], *([chat.id] if chat.type == "private" else [])])
        return [member for member in (self.member(chat, user_id) for user_id in ids) if is_in(member)]

    def enter(self, chat: Chat, user: Json) -> None:
        """Take the user, who spoke, for a member unless more is known of them."""
        if chat.type != "private":
            chat.members.setdefault(user["id"], simple(user, "member"))

    def post(self, chat: Chat, sender: Json | None, content: Json) -> Json:
        """Add a message to the chat and return it; without a sender it is a channel's own."""
        author: Json = {"sender_chat": chat.info} if sender is None else {"from": sender}
        if sender is not None:
            self.enter(chat, sender)
        message = {"message_id": chat.next_message_id, **author, "chat": chat.info, "date": int(self._now()), **content}
        chat.messages[chat.next_message_id] = message
        chat.next_message_id += 1
        if sender is self.bot:
            self.actions.pop(chat.id, None)
        return message

    def store_file(self, name: str, content_type: str, data: bytes, folder: str) -> StoredFile:
        """Keep the bytes and return the file with its new ids."""
        file_id = f"local-{secrets.token_urlsafe(24)}"
        path = f"{folder}/file_{len(self.files)}{name[name.rfind('.') :] if '.' in name else ''}"
        self.files[file_id] = StoredFile(file_id, file_id[-12:], path, name, content_type, data)
        return self.files[file_id]


def private_info(user: Json) -> Json:
    """Return the Chat object of the private chat with the user."""
    return {"id": user["id"], "type": "private"} | {name: user[name] for name in _NAMES if name in user}
