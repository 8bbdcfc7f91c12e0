"""The bot's own limit, shared by all workers: nothing is dropped by it, what is above it waits.

Problem: one counter for everything that comes in would be one DynamoDB key, and a key takes 1000 writes a second. Rule:
a worker leases the right to some updates at once, a twentieth of a second's worth, so that the key sees twenty leases
a second at the limit however many workers there are. The item is one GCRA time: each lease moves it on, and may begin
a second ahead, which the worker sleeps; beyond that it is refused, and whoever was refused asks again only so soon, by
chance, that all workers together ask 30 times a second. A little of the limit is every worker's own, without asking:
a small bot hardly comes near the key.

Hazard: what was leased is used within KEPT_S or lost, and until then it may be used all at once. So leases together
are given out at PACE of the limit, all workers together hold at most HELD of a minute's worth as leases, and as much
of what is their own, which is OWN of the limit: in any minute no more than the limit comes in. With so many workers
that one update each is more than HELD, a lease is one update and nothing is a worker's own.
"""

from __future__ import annotations

import asyncio
import math
import random
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from floodgate.traffic.gcra import charge
from floodgate.traffic.limits import Limit

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

    from floodgate.aws import AwsCalls

#: The share of the limit that leases are given out at.
PACE: Final = 0.915
#: The share of a minute's worth that all workers together may hold as leases, and once more of their own.
HELD: Final = 0.03
#: The share of the limit that workers have without asking.
OWN: Final = 0.02
#: How long a lease may be used, in seconds.
KEPT_S: Final = 60.0
_LEASES_PER_S: Final = 20
#: How far ahead a lease may begin, in seconds.
_HORIZON_S: Final = 1.0
#: What refused workers together may ask for, and the least that one waits, in seconds.
_ASKS_PER_S: Final = 30
_LEAST_PAUSE_S: Final = 0.5
#: The longest that one waits, and sleeps for it, in seconds: beyond 150 workers more is asked for, not less used.
_LONGEST_PAUSE_S: Final = 5.0
_LONGEST_SLEEP_S: Final = 0.5
#: For how long a worker takes it that others lease as well, in seconds.
_BUSY_S: Final = 5.0
#: Times are written with six digits.
_ROUNDING_S: Final = 1e-5
_KEY: Final[dict[str, Any]] = {"pk": {"S": "gate#bot"}}


class Lease:
    """One worker's part of the bot's limit."""

    def __init__(
        self,
        dynamodb: DynamoDBClient,
        table: str,
        calls: AwsCalls,
        clock: Callable[[], float],
        limit: Limit,
        workers: int,
    ) -> None:
        """`workers` is how many there may be at once."""
        self._dynamodb = dynamodb
        self._table = table
        self._calls = calls
        self._clock = clock
        rate = PACE / limit.interval_s
        held = HELD * 60.0 / limit.interval_s / workers
        #: Updates to a lease.
        self.size = max(1, int(min(rate / _LEASES_PER_S, held)))
        self._step_s = self.size / rate
        self._own = Limit(limit.interval_s * workers / OWN, self.size) if self.size <= held else None
        self._own_tat = 0.0
        self._left = 0
        self._begins_at = self._ends_at = 0.0
        #: The item's time as last seen, and as this worker's last lease left it.
        self._tat = self._leased_tat = 0.0
        self._refused_until = 0.0
        self._pause_s = min(_LONGEST_PAUSE_S, max(_LEAST_PAUSE_S, workers / _ASKS_PER_S))
        self._asking = asyncio.Lock()

    async def take(self) -> float:
        """Use one update of a lease, sleeping until it begins, and return 0; or return how long to wait, in seconds.

        Raises what botocore raises.
        """
        async with self._asking:  # or each of a batch's ten chats would take a lease for itself
            now = self._clock()
            if not self._left or now >= self._ends_at:
                if self._own is not None:
                    own = charge(self._own_tat, now, self._own)
                    self._own_tat = own.tat
                    if not own.wait_s:
                        return 0.0
                if now < self._refused_until:
                    return self._refused_until - now
                if (wait_s := await self._ask(now)) > 0:
                    if self._tat - self._leased_tat > _ROUNDING_S:  # else nobody has leased since this worker did
                        wait_s += self._pause_s * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
                    self._refused_until = now + wait_s
                    return wait_s
            self._left -= 1
            begins_at = self._begins_at
        if (early_s := begins_at - self._clock()) > 0:
            await asyncio.sleep(early_s)
        return 0.0

    async def _ask(self, now: float) -> float:
        """Take a lease and return 0, or return how long it takes until one begins within the horizon."""
        # Where others lease as well, adding to the time that is there fails nobody; where none do, it is long past.
        is_idle = self._tat < now - _BUSY_S
        while True:
            try:
                if is_idle:
                    await self._move("attribute_not_exists(tat) OR tat < :now", "SET tat = :next", now, now)
                    self._tat = now + self._step_s
                else:
                    answer = await self._move("tat BETWEEN :now AND :last", "SET tat = tat + :step", now, None)
                    self._tat = float(answer["Attributes"]["tat"]["N"])
            except ClientError as error:
                if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                    raise
                item: dict[str, Any] = error.response.get("Item", {})  # type: ignore[assignment] # the stubs lack it
                self._tat = float(item["tat"]["N"]) if "tat" in item else 0.0
                if self._tat > now + _HORIZON_S:
                    return self._tat - now - _HORIZON_S
                if is_idle:  # somebody else came first, and maybe many: not all of them at once
                    longest_s = min(_LONGEST_SLEEP_S, self._pause_s)
                    await asyncio.sleep(longest_s * random.random())  # noqa: S311 - no secret
                    now = self._clock()
                is_idle = self._tat < now
                continue
            self._leased_tat = self._tat
            self._begins_at = max(now, self._tat - self._step_s)
            self._left, self._ends_at = self.size, self._begins_at + KEPT_S
            return 0.0

    async def _move(self, condition: str, update: str, now: float, start: float | None) -> Any:
        values = {":now": now, ":expires": math.ceil(now) + 86_400}
        values |= {":next": start + self._step_s} if start is not None else {":step": self._step_s}
        if start is None:
            values[":last"] = now + _HORIZON_S
        return await self._calls.run(
            self._dynamodb.update_item,
            TableName=self._table,
            Key=_KEY,
            ConditionExpression=condition,
            UpdateExpression=f"{update}, expires_at = :expires",
            ExpressionAttributeValues={name: {"N": f"{value:.6f}"} for name, value in values.items()},
            ReturnValues="UPDATED_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
