"""What handlers remember: `user_data`, `chat_data`, `bot_data` and conversations, as one update finds and leaves them.

Problem: a process's memory is one worker's, and gone when Lambda ends it. Rule: each update has its own copy of what it
touches, read when it touches it, and all that it changed is written at its end, together; so a failed update leaves
nothing behind. Whoever finds out that the update has been saved before ends it: its work is done.

`context.user_data` is an attribute, and an attribute cannot await. So what a handler is known to touch is read before
it is called, without holding up anybody; how the worker knows is that the handler did so before. The first time, the
event loop stands still for the one read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, override

from telegram.constants import ChatID

from floodgate.state.codec import dumps, loads
from floodgate.state.records import DATA_OF_BOT, WRITTEN_TOGETHER, Key, data_of_chat, data_of_user
from floodgate.telegram.errors import AlreadySaved

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from floodgate.state.records import Records, Stored

type Data = dict[Any, Any]

#: Users whom Telegram names in place of many: the anonymous admins of all groups, and all channels that write in one.
_STAND_INS: Final = frozenset({ChatID.ANONYMOUS_ADMIN, ChatID.FAKE_CHANNEL})


class TooManyRecords(ValueError):
    """One update has changed more records than DynamoDB writes together."""


@dataclass(slots=True)
class _Entry:
    stored: Stored
    content: Data


class Memory:
    """What a worker's updates remember, in `records`, and what each handler is known to touch of that: a hint only."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self._touched: defaultdict[str, set[str]] = defaultdict(set)

    def now(self) -> float:
        """Return the time, in Unix seconds."""
        return self.records.now()

    def of_update(self, owner: str, *, chat: int | None, user: int | None) -> UpdateData:
        """Return the data of the update of the message `owner`, in the chat and of the person that handlers see."""
        return UpdateData(self, owner, chat=chat, user=user)

    def learn(self, handler: str, kind: str) -> None:
        """Note that a handler touches its update's data of this kind."""
        self._touched[handler].add(kind)

    def touched_by(self, handler: str) -> Collection[str]:
        """Return the kinds of data that a handler has touched."""
        return self._touched.get(handler, ())


class UpdateData:
    """The data of one update."""

    def __init__(self, memory: Memory, owner: str, *, chat: int | None, user: int | None) -> None:
        self.users: Mapping[int, Data] = _ById(self, partial(_data_of_person, chat))
        self.chats: Mapping[int, Data] = _ById(self, data_of_chat)
        #: The update's handlers had run to their end, and it was saved, before.
        self.is_saved = False
        #: The names of the conversations whose callbacks were called.
        self.conversations: set[str] = set()
        self._memory = memory
        self._owner = owner
        self._handler: str | None = None
        self._entries: dict[Key, _Entry] = {}
        self._own: dict[Key, str] = {DATA_OF_BOT: "bot"}
        if chat is not None:
            self._own[data_of_chat(chat)] = "chat"
        if user is not None:
            self._own[_data_of_person(chat, user)] = "user"

    @property
    def bot(self) -> Data:
        """The data of the bot itself."""
        return self.touch(DATA_OF_BOT)

    async def enter(self, handler: str, conversations: Collection[str] = ()) -> None:
        """Read what a handler, inside of these conversations, is going to touch, as far as anybody knows."""
        self._handler = handler
        self.conversations.update(conversations)
        kinds = self._memory.touched_by(handler)
        await self.load([key for key, kind in self._own.items() if kind in kinds])

    async def load(self, keys: Collection[Key]) -> None:
        """Read the records, with one request. Raises AlreadySaved, and what botocore raises."""
        if missing := [key for key in keys if key not in self._entries]:
            for key, stored in (await self._memory.records.read(missing)).items():
                if key not in self._entries:  # touched meanwhile by what a handler has started, and maybe changed
                    self._open(key, stored)

    async def find_saved(self) -> None:
        """Raise AlreadySaved if the update has been saved, as far as its own records tell; and what botocore raises."""
        for stored in (await self._memory.records.read(self._own)).values():
            self._require_news(stored)

    def touch(self, key: Key) -> Data:
        """Return the content of a record, to be changed. Raises AlreadySaved, and what botocore raises."""
        if self._handler is not None and key in self._own:
            self._memory.learn(self._handler, self._own[key])
        if key not in self._entries:
            self._open(key, self._memory.records.read_at_once(key))
        return self._entries[key].content

    async def everything_of(self, user: int) -> dict[Key, Data]:
        """Return all that is remembered of a person: their data, their private chat's, their conversations.

        It may be changed, or emptied, like what handlers see.
        """
        for pk in (data_of_user(user).pk, data_of_chat(user).pk):
            for key, stored in (await self._memory.records.list_of(pk)).items():
                if key not in self._entries:
                    self._open(key, stored)
        mine = {data_of_user(user).pk, data_of_chat(user).pk}
        return {key: entry.content for key, entry in self._entries.items() if key.pk in mine and entry.content}

    async def save(self) -> None:
        """Write what was changed. Raises StateChanged, StateTooLarge, NotStorable, and what botocore raises."""
        changes: dict[Key, tuple[Stored, str | None]] = {}
        for key, entry in self._entries.items():
            text = dumps(entry.content, _NAMES.get(self._own.get(key, ""), str(key))) if entry.content else None
            if text != entry.stored.text:
                changes[entry.stored.key] = (entry.stored, text)
        if len(changes) > WRITTEN_TOGETHER:
            raise TooManyRecords(
                f"{len(changes)} people, chats and conversations were changed by one update, and {WRITTEN_TOGETHER} "
                "can be written together: leave some to tasks of their own (`later`)."
            )
        await self._memory.records.write(changes, self._owner)

    def _open(self, key: Key, stored: Stored) -> None:
        self._require_news(stored)
        if (entry := self._entries.get(stored.key)) is None:
            entry = self._entries[stored.key] = _Entry(stored, {} if stored.text is None else loads(stored.text))
        self._entries[key] = entry  # a chat that has moved has two keys, and one content

    def _require_news(self, stored: Stored) -> None:
        if stored.is_saved_by(self._owner):
            self.is_saved = True
            raise AlreadySaved


_NAMES: Final = {"user": "user_data", "chat": "chat_data", "bot": "bot_data"}


def _data_of_person(chat: int | None, user: int) -> Key:
    """Return where a person's data is kept; those who are nobody in particular have some for each chat."""
    return Key(f"chat#{chat}", f"data of {user}") if user in _STAND_INS else data_of_user(user)


class _ById(Mapping[int, Data]):
    """What `application.user_data` and `.chat_data` are: everybody's is there, once it is asked for."""

    def __init__(self, data: UpdateData, key: Callable[[int], Key]) -> None:
        self._data = data
        self._key = key

    @override
    def __getitem__(self, number: int) -> Data:
        return self._data.touch(self._key(number))

    @override
    def __iter__(self) -> Iterator[int]:
        raise TypeError("Nobody can list everybody's data: it is read one by one, when it is asked for.")

    @override
    def __len__(self) -> int:
        raise TypeError("Nobody can count everybody's data: it is read one by one, when it is asked for.")
