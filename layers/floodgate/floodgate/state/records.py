"""What a bot remembers between updates, record by record: of a person, of a chat, of a conversation, of itself.

Problem: two workers may have the same record in hand, and the later write would undo the earlier one. Rule: a record
holds the id of the message by which it was written last; it is written only if that is still so, and all that one
update changes is written together or not at all. The id, with those of the messages before, tells as well that an
update has done its work when it is handed out once more. What was emptied stays for as long as SQS keeps a message,
without content.

Hazards: reads are consistent one by one, not with each other; what was read and not changed is not checked again.
Whoever comes again after REMEMBERED others have written is not known any more.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from floodgate.state.codec import dumps, loads
from floodgate.state.items import change, key, plain
from floodgate.state.transactions import Contended, commit, in_the_way

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from floodgate.aws import AwsCalls

#: DynamoDB's limit for an item, less its keys and what else is in it.
LARGEST_BYTES: Final = 390_000
#: How long an emptied record tells who emptied it: longer than SQS keeps a message (14 days).
_KEPT_S: Final = 15 * 86_400
#: Writers that a record knows, besides the last: others write while a message is in a dead worker's hand.
REMEMBERED: Final = 16
#: What they are known by, of an id's characters: 48 random bits of an SQS message id.
_KNOWN_BY: Final = 13
#: In whose name a chat's data moves to another.
_MOVED: Final = "migration"
#: Records in one read, and in one write: DynamoDB's limits.
_READ_TOGETHER: Final = 100
#: Requests in a row that bring nothing of what DynamoDB left out before, and the pause before each, in seconds.
_READ_ROUNDS: Final = 5
_READ_PAUSE_S: Final = 0.05
WRITTEN_TOGETHER: Final = 100


class StateTooLarge(ValueError):
    """A record has grown beyond what one item holds; the text names it and its largest entry."""


class StateChanged(Exception):
    """Somebody else has written a record since it was read: what was made of it is out of date."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Where a record is kept in the state table."""

    pk: str
    sk: str

    def __str__(self) -> str:
        """Return how errors call it."""
        return f"{self.pk} {self.sk}"


def data_of_user(user: int) -> Key:
    """Return where `user_data` of a person is kept."""
    return Key(f"user#{user}", "data")


def data_of_chat(chat: int) -> Key:
    """Return where `chat_data` of a chat is kept."""
    return Key(f"chat#{chat}", "data")


DATA_OF_BOT: Final = Key("bot", "data")


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it was read."""

    #: Where it was found: elsewhere than asked for, if its chat has moved.
    key: Key
    #: Its content; None if it has none.
    text: str | None = None
    #: The message that wrote it; None if nobody did.
    saved_by: str | None = None
    #: Those that did before, by the beginning of their ids, the latest first.
    earlier: tuple[str, ...] = ()

    @property
    def writers(self) -> tuple[str, ...]:
        """Who wrote it, as far as that is remembered, as `earlier` has them."""
        return self.earlier if self.saved_by is None else (self.saved_by[:_KNOWN_BY], *self.earlier)

    def is_saved_by(self, message: str) -> bool:
        """Tell whether the message wrote it, last or before."""
        return message[:_KNOWN_BY] in self.writers


class Records:
    """The records in `table`. Each method raises what botocore raises."""

    def __init__(self, dynamodb: DynamoDBClient, table: str, calls: AwsCalls, clock: Callable[[], float]) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._calls = calls
        self._clock = clock

    async def read(self, keys: Collection[Key]) -> dict[Key, Stored]:
        """Return the records by the key that was asked for, each as nobody wrote it later, with one request for all."""
        return await self._calls.run(self._read_now, list(keys))

    def read_at_once(self, name: Key) -> Stored:
        """Return the record; nothing else happens on the event loop meanwhile. For whoever cannot await."""
        return self._calls.wait_for(self._read_now, [name])[name]

    def now(self) -> float:
        """Return the time, in Unix seconds."""
        return self._clock()

    async def list_of(self, pk: str) -> dict[Key, Stored]:
        """Return every record with that partition key; those without content tell who emptied them."""
        pages = await self._calls.run(
            lambda: list(
                self._dynamodb.get_paginator("query").paginate(
                    TableName=self._table,
                    KeyConditionExpression="pk = :pk",
                    ExpressionAttributeValues={":pk": {"S": pk}},
                    ConsistentRead=True,
                )
            )
        )
        found = [plain(item) for page in pages for item in page["Items"]]
        names = {Key(item["pk"], item["sk"]): item for item in found if "saved_by" in item and "moved_to" not in item}
        return {name: _stored(name, item) for name, item in names.items()}

    async def write(self, changes: Mapping[Key, tuple[Stored, str | None]], by: str) -> None:
        """Have the records have this content, None for none, in the name of the message `by`.

        Raises StateChanged, with nothing written, if one of them is not any more as it was read; StateTooLarge.
        """
        updates = [self._change(was, text, by) for was, text in changes.values()]
        if not updates:
            return
        if len(updates) == 1:
            is_written = await self._write_one(updates[0])
        else:
            is_written = await commit(self._dynamodb, self._calls, *updates)
        if not is_written and not await self._is_written(changes, by):
            raise StateChanged

    async def move(self, old: int, new: int) -> None:
        """Have the supergroup `new` have the data of the group `old`; any number of times.

        Where both have an entry, the supergroup's counts. Conversations are not taken along: they begin anew there.
        """
        source, target = data_of_chat(old), data_of_chat(new)
        found = await self.read([source, target])
        was, there = found[source], found[target]
        if was.key != source:
            return
        condition = "attribute_not_exists(#saved_by)" if was.saved_by is None else "#saved_by = :was"
        values = {} if was.saved_by is None else {"was": was.saved_by}
        expression = "SET #moved_to = :to, #saved_by = :by REMOVE #data, #expires_at"
        updates = [change(self._table, source.pk, source.sk, expression, condition, to=new, by=_MOVED, **values)]
        if was.text is not None:
            both = {**loads(was.text), **loads(there.text)} if there.text is not None else loads(was.text)
            both_wrote = replace(there, earlier=(*was.writers, *there.earlier))
            updates.append(self._change(both_wrote, dumps(both, str(target)), _MOVED))
        if not await commit(self._dynamodb, self._calls, *updates):
            raise Contended

    def _change(self, was: Stored, text: str | None, by: str) -> dict[str, Any]:
        if text is not None and len(text.encode()) > LARGEST_BYTES:
            raise StateTooLarge(_too_large(was.key, text))
        values: dict[str, Any] = {"by": by}
        if text is None:
            expression = "SET #saved_by = :by, #expires_at = :expires REMOVE #data"
            values["expires"] = int(self._clock()) + _KEPT_S
        else:
            expression = "SET #saved_by = :by, #data = :data REMOVE #expires_at"
            values["data"] = text
        if was.writers:
            expression = expression.replace("SET ", "SET #earlier = :earlier, ")
            values["earlier"] = list(was.writers[:REMEMBERED])
        condition = "attribute_not_exists(#saved_by)"
        if was.saved_by is not None:
            condition, values["was"] = "#saved_by = :was", was.saved_by
        return change(self._table, was.key.pk, was.key.sk, expression, condition, **values)

    async def _write_one(self, update: dict[str, Any]) -> bool:
        try:
            await self._calls.run(self._dynamodb.update_item, **update)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            if not in_the_way(error):
                raise
            return await commit(self._dynamodb, self._calls, update)  # it has the patience
        return True

    async def _is_written(self, changes: Mapping[Key, tuple[Stored, str | None]], by: str) -> bool:
        """Tell whether it was us: botocore asks again when an answer is lost."""
        found = await self.read([was.key for was, _ in changes.values()])
        return all(record.is_saved_by(by) for record in found.values())

    def _read_now(self, names: Sequence[Key]) -> dict[Key, Stored]:
        if len(names) == 1:
            item = self._get(names[0])
            items = {} if item is None else {names[0]: item}
        else:
            items = self._get_several(names)
        return {name: self._follow(name, items.get(name)) for name in names}

    def _get(self, name: Key) -> dict[str, Any] | None:
        asked = key(name.pk, name.sk)
        return self._dynamodb.get_item(TableName=self._table, Key=asked, ConsistentRead=True).get("Item")

    def _get_several(self, names: Sequence[Key]) -> dict[Key, dict[str, Any]]:
        found: dict[Key, dict[str, Any]] = {}
        rounds = 0
        for some in batched(names, _READ_TOGETHER, strict=False):
            asked: Any = {self._table: {"Keys": [key(name.pk, name.sk) for name in some], "ConsistentRead": True}}
            while asked:
                answer = self._dynamodb.batch_get_item(RequestItems=asked)
                items = answer["Responses"].get(self._table, [])
                found |= {Key(item["pk"]["S"], item["sk"]["S"]): item for item in items}
                rounds = 0 if items else rounds + 1
                if (asked := answer.get("UnprocessedKeys")) and rounds:
                    if rounds > _READ_ROUNDS:  # nobody waits any more, and the thread is one of a few
                        raise TimeoutError
                    time.sleep(_READ_PAUSE_S)
        return found

    def _follow(self, name: Key, item: dict[str, Any] | None) -> Stored:
        record = plain(item or {})
        if (new := record.get("moved_to")) is not None:
            there = data_of_chat(new)
            return self._follow(there, self._get(there))
        return _stored(name, record)


def _stored(name: Key, record: Mapping[str, Any]) -> Stored:
    return Stored(name, record.get("data"), record.get("saved_by"), tuple(record.get("earlier", ())))


def _too_large(name: Key, text: str) -> str:
    content = loads(text)
    sizes = {}
    if isinstance(content, dict):
        sizes = {repr(entry): len(dumps(value, "").encode()) for entry, value in content.items()}
    largest = max(sizes, key=lambda entry: sizes[entry], default=None)
    detail = f" {largest} alone has {sizes[largest]}." if largest is not None else ""
    return (
        f"{name} has {len(text.encode())} bytes, and {LARGEST_BYTES} is the most that can be kept in one place.{detail}"
        " Keep less, or keep it elsewhere."
    )
