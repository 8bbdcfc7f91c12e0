"""The gates: one item per chat and per person, through which everything that comes in and goes out must pass.

Problem: limits that each worker counts alone are multiplied by the number of workers, and an update that SQS or
Telegram delivers twice is answered twice. Rule: whatever is admitted or reserved is one conditional write of the gate's
item, which fails unless everything holds at once; a refused write brings the item along, so nothing is ever read first.
A calm update costs one write, one within a burst two. Which updates were admitted stands in 32 slots, by update_id
mod 32, as `<update_id>.<first 8 of the message's id>`: the same message passes again, uncharged; another message with
that update is a copy.

Hazards: refused writes are billed as well. A chat that had 32 more updates since no longer knows a copy; SQS keeps them
out for its 5 minutes. Everything here may be lost with the table: then limits start anew.

A person's private chat has their id, so the gate of a private chat is also its person's, wherever they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Self

from botocore.exceptions import ClientError

from floodgate.traffic.conditional_write import KEPT_S, ConditionalWrite
from floodgate.traffic.gcra import charge
from floodgate.traffic.lane import Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

    from floodgate.aws import AwsCalls
    from floodgate.traffic.limits import Limit

SLOTS: Final = 32
#: How long nobody writes to a chat that Telegram refuses for good, unless it comes back.
UNREACHABLE_S: Final = KEPT_S
#: Writes of one gate that may get in between before an update steps back.
_ROUNDS: Final = 8
#: How long one steps back then, in seconds.
_CONTENDED_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Ticket:
    """What names one update at a gate, on each of its deliveries."""

    update_id: int
    message_id: str

    @property
    def slot(self) -> str:
        """The attribute that remembers it."""
        return f"s{self.update_id % SLOTS}"

    @property
    def prefix(self) -> str:
        """What every message with this update has in common."""
        return f"{self.update_id}."

    @property
    def text(self) -> str:
        """What this message leaves in the slot."""
        return f"{self.prefix}{self.message_id[:8]}"


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate as it was when it was last seen. Times are Unix seconds, 0 for never."""

    #: GCRA's theoretical arrival time of what comes in.
    in_tat: float = 0.0
    lane: Lane = field(default_factory=Lane)
    frozen_until: float = 0.0
    #: When it turned out that Telegram refuses the chat for good.
    closed_at: float = 0.0
    told_until: float = 0.0
    migrated_to: int | None = None

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """Return the gate that a DynamoDB item describes; an empty item is one that nothing passed yet."""

        def time(name: str) -> float:
            return float(item[name]["N"]) if name in item else 0.0

        return cls(
            in_tat=time("in_tat"),
            lane=Lane(time("out_tat"), tuple(float(at["N"]) for at in item["sends"]["L"]) if "sends" in item else ()),
            frozen_until=time("frozen_until"),
            closed_at=time("closed_at"),
            told_until=time("told_until"),
            migrated_to=int(item["migrated_to"]["N"]) if "migrated_to" in item else None,
        )

    def is_closed(self, now: float) -> bool:
        """Tell whether nobody is to write to the chat."""
        return now < self.closed_at + UNREACHABLE_S


@dataclass(frozen=True, slots=True)
class Admitted:
    """It may go on."""

    gate: Gate
    #: A reply that may go out at once is reserved.
    reply_reserved: bool = False
    #: It had been admitted before: this is another delivery of the same message.
    again: bool = False


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Another message brought this update."""


@dataclass(frozen=True, slots=True)
class OverLimit:
    """It comes too early for the limit; nothing was charged."""

    gate: Gate
    wait_s: float


@dataclass(frozen=True, slots=True)
class Later:
    """Not now, and uncharged: Telegram has frozen the chat, or too many write to the gate."""

    wait_s: float


@dataclass(frozen=True, slots=True)
class Reserved:
    """A send may go out at this time, and is counted."""

    at: float
    gate: Gate


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Telegram refuses this chat for good."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The group has become the supergroup with that id."""

    to: int


type Admission = Admitted | Duplicate | OverLimit | Later
type Reservation = Reserved | Later | Unreachable | Moved


class Gates:
    """The gates in `table`, named by chat or user id. Each method raises what botocore raises."""

    def __init__(self, dynamodb: DynamoDBClient, table: str, calls: AwsCalls, clock: Callable[[], float]) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._calls = calls
        self._clock = clock

    async def admit(
        self,
        name: str | int,
        ticket: Ticket,
        limit: Limit | None,
        *,
        cost: float = 1,
        reserve_reply: bool = False,
        if_frozen: bool = False,
        closed_at: float | None = None,
        came_at: float | None = None,
    ) -> Admission:
        """Let an update in, once, and charge it to `limit`; None charges nothing.

        It is within the limit if it came so, at `came_at`, or if it does now: who wrote at ease while the bot was held
        up is not going too fast because all of it is handled at once.

        `reserve_reply` reserves one send of a private chat as well, if it can go out at once. `if_frozen` lets it in
        though Telegram has frozen the chat. `closed_at` is since when the chat is closed to the bot, if the update says
        so; 0 for open.
        """
        gate: Gate | None = None
        for _ in range(_ROUNDS + 1):
            now = self._clock()
            write = ConditionalWrite(now)
            write.require(
                f"(attribute_not_exists({ticket.slot}) OR NOT begins_with({ticket.slot}, :prefix))",
                prefix=ticket.prefix,
            )
            write.set(ticket.slot, ticket.text)
            if not if_frozen:
                write.require_past("frozen_until", now)
            if limit is not None:
                tat = gate.in_tat if gate else 0.0
                came = now if came_at is None else min(came_at, now)
                charged = charge(tat, came, limit, cost)
                if gate and charged.wait_s > 0:
                    charged = charge(tat, now, limit, cost)
                if gate and charged.wait_s > 0:
                    return OverLimit(gate, charged.wait_s)
                write.move_on("in_tat", tat if gate else None, came, charged.tat)
            reserved = reserve_reply and _reserve_reply(write, gate, now)
            if closed_at is not None:
                write.set("closed_at", closed_at)
            item = await self._write(name, write, "ALL_NEW")
            if write.done:
                return Admitted(Gate.from_item(item), reply_reserved=reserved)
            gate = Gate.from_item(item)
            if (refusal := _refusal(gate, item, ticket, now, if_frozen=if_frozen)) is not None:
                return refusal
        return Later(_CONTENDED_S)

    async def reserve(
        self, name: str | int, seen: Gate | None, count: int = 1, *, is_group: bool, within_s: float
    ) -> Reservation:
        """Reserve `count` messages that go out together, within `within_s` seconds or not at all.

        `seen` is the gate as last seen, if it was; a right guess saves a write, a wrong one costs nothing more.
        """
        gate = seen or Gate()
        for _ in range(_ROUNDS):
            now = self._clock()
            if gate.migrated_to is not None:
                return Moved(gate.migrated_to)
            if gate.is_closed(now):
                return Unreachable()
            at, lane = gate.lane.reserve(max(now, gate.frozen_until), count, is_group=is_group)
            if at - now > within_s:
                return Later(at - now)
            write = ConditionalWrite(now)
            write.require("attribute_not_exists(migrated_to)")
            write.require_past("closed_at", now - UNREACHABLE_S)
            write.require_past("frozen_until", at)
            # Idle is idle: how long ago the last send was matters only while it can still count.
            write.move_on("out_tat", gate.lane.tat or None, now - _IDLE_S if is_group else now, lane.tat)
            if is_group:
                write.set("sends", lane.sends)
            item = await self._write(name, write, "NONE")
            if write.done:
                return Reserved(at, replace(gate, lane=lane))
            gate = Gate.from_item(item)
        return Later(_CONTENDED_S)

    def now(self) -> float:
        """Return the time by the gates' clock."""
        return self._clock()

    async def look(self, name: str | int) -> Gate:
        """Return the gate as it is."""
        answer = await self._calls.run(
            self._dynamodb.get_item, TableName=self._table, Key=_key(name), ConsistentRead=True
        )
        return Gate.from_item(answer.get("Item", {}))

    async def freeze(self, name: str | int, seconds: float) -> None:
        """Have nobody send to the chat for so long, unless it is frozen for longer already."""
        until = self._clock() + seconds
        write = ConditionalWrite(self._clock(), kept_s=max(KEPT_S, seconds + 86_400))
        write.require_past("frozen_until", until)
        write.set("frozen_until", until)
        await self._write(name, write, "NONE")

    async def close(self, name: str | int) -> None:
        """Have nobody write to the chat any more, until an update says that it is back."""
        now = self._clock()
        write = ConditionalWrite(now)
        write.set("closed_at", now)
        await self._write(name, write, "NONE")

    async def open(self, name: str | int) -> None:
        """Have the chat written to again."""
        write = ConditionalWrite(self._clock())
        write.set("closed_at", 0)
        await self._write(name, write, "NONE")

    async def may_tell(self, name: str | int, quiet_s: float) -> bool:
        """Return True for the first who asks within `quiet_s` seconds."""
        now = self._clock()
        write = ConditionalWrite(now)
        write.require_past("told_until", now)
        write.set("told_until", now + quiet_s)
        await self._write(name, write, "NONE")
        return write.done

    async def move(self, old: int, new: int) -> None:
        """Let the supergroup `new` go on where the group `old` stood, and send there what is for `old`.

        May be called any number of times, by anyone who learns of it.
        """
        gate = await self.look(old)
        now = self._clock()
        if gate.migrated_to != new:
            write = ConditionalWrite(now)
            for attribute, value in (
                ("in_tat", gate.in_tat),
                ("out_tat", gate.lane.tat),
                ("sends", gate.lane.sends),
                ("frozen_until", gate.frozen_until),
                ("told_until", gate.told_until),
            ):
                if value:
                    write.set_default(attribute, value)
            await self._write(new, write, "NONE")
            write = ConditionalWrite(now)
            write.set("migrated_to", new)
            await self._write(old, write, "NONE")

    async def _write(self, name: str | int, write: ConditionalWrite, returned: Any) -> dict[str, Any]:
        """Do it and return the new item (if ALL_NEW is asked for), or don't, and return the item as it is."""
        try:
            answer = await self._calls.run(
                self._dynamodb.update_item,
                TableName=self._table,
                Key=_key(name),
                ReturnValues=returned,
                **write.expressions(),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            refused: dict[str, Any] = error.response.get("Item", {})  # type: ignore[assignment] # the stubs lack it
            return refused
        write.done = True
        return answer.get("Attributes", {})


def _reserve_reply(write: ConditionalWrite, gate: Gate | None, now: float) -> bool:
    """Have the write reserve a reply as well, if one can go out at once; return whether it does."""
    lane = gate.lane if gate else Lane()
    at, reserved = lane.reserve(now, is_group=False)
    if at <= now:
        write.move_on("out_tat", lane.tat if gate else None, now, reserved.tat)
    return at <= now


def _refusal(gate: Gate, item: Mapping[str, Any], ticket: Ticket, now: float, *, if_frozen: bool) -> Admission | None:
    """Return what a refused admission comes to; None if it was the limit, or somebody who got in between."""
    slot = item.get(ticket.slot, {}).get("S", "")
    if slot.startswith(ticket.prefix) and slot != ticket.text:
        return Duplicate()
    if gate.frozen_until > now and not if_frozen:
        return Later(gate.frozen_until - now)
    return Admitted(gate, again=True) if slot == ticket.text else None


#: After this long a lane that was not used is as good as new, in seconds: longer than a group's window.
_IDLE_S: Final = 120.0


def _key(name: str | int) -> dict[str, Any]:
    return {"pk": {"S": f"gate#{name}"}}
