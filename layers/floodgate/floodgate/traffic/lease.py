"""The bot's own limit, shared by all workers: nothing is dropped by it, what is above it waits.

Problem: one counter for everything that comes in would be one DynamoDB key, and a key takes 1000 writes a second. Rule:
a worker leases the right to some updates at once, a twentieth of a second's worth, so that the key sees twenty leases
a second at the limit however many workers there are. The item is one GCRA time: each lease moves it on, and may begin
a short wait ahead, which the worker sleeps; beyond that it is refused, and whoever was refused asks less and less
often, by chance and up to every 30 s. A little of the limit is every worker's own, without asking: a small bot never
comes near the key.

Hazard: what was leased is used within KEPT_S or lost, and until then it may be used all at once. So leases together
are given out at PACE of the limit, and SLACK of it is kept for each of three: the leases that all workers can hold at
once, what they save up of their own, and what they get of it. In any minute no more than the limit comes in. Only with
so many workers that one update each is more than their slack, leases end after a second and nothing is a worker's own.
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
PACE: Final = 0.92
#: The share of it, or of a minute's worth, that is kept for each thing that leases do not know of.
SLACK: Final = 0.025
#: How long a lease may be used, in seconds.
KEPT_S: Final = 60.0
_KEPT_OF_MANY_S: Final = 1.0
_LEASES_PER_S: Final = 20
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0
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
        *,
        horizon_s: float,
    ) -> None:
        """`workers` is how many there may be at once; `horizon_s` how far ahead a lease may begin."""
        self._horizon_s = horizon_s
        self._dynamodb = dynamodb
        self._table = table
        self._calls = calls
        self._clock = clock
        rate = PACE / limit.interval_s
        held = SLACK * 60.0 / limit.interval_s / workers
        #: Updates to a lease.
        self.size = max(1, int(min(rate / _LEASES_PER_S, held)))
        self._step_s = self.size / rate
        self._kept_s = KEPT_S if self.size <= held else _KEPT_OF_MANY_S
        self._own = Limit(limit.interval_s * workers / SLACK, self.size) if self.size <= held else None
        self._own_tat = 0.0
        self._left = 0
        self._begins_at = self._ends_at = 0.0
        #: The item's time as last seen.
        self._tat: float | None = None
        self._refused_until = 0.0
        self._refusals = 0
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
                    self._refusals += 1
                    pause_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(self._refusals - 1, 16))
                    self._refused_until = now + wait_s + pause_s * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
                    return self._refused_until - now
                self._refusals = 0
            self._left -= 1
            begins_at = self._begins_at
        if (early_s := begins_at - self._clock()) > 0:
            await asyncio.sleep(early_s)
        return 0.0

    async def _ask(self, now: float) -> float:
        """Take a lease and return 0, or return how long it takes until one begins within the horizon."""
        tat = self._tat
        while True:
            is_idle = tat is None or tat <= now
            try:
                if is_idle:
                    await self._move("attribute_not_exists(tat) OR tat <= :now", "SET tat = :next", now, now)
                    begins_at, tat = now, now + self._step_s
                else:
                    # Adds to whatever is there, so that workers who ask at the same time do not fail each other.
                    answer = await self._move("tat BETWEEN :now AND :last", "SET tat = tat + :step", now, None)
                    tat = float(answer["Attributes"]["tat"]["N"])
                    begins_at = tat - self._step_s
            except ClientError as error:
                if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                    raise
                item: dict[str, Any] = error.response.get("Item", {})  # type: ignore[assignment] # the stubs lack it
                seen = float(item["tat"]["N"]) if "tat" in item else None
                if seen is not None and seen > now + self._horizon_s:
                    self._tat = seen
                    return seen - now - self._horizon_s
                if (seen is None or seen <= now) == is_idle:
                    raise  # what was refused should have been granted: let the caller see DynamoDB's answer
                tat = seen
                continue
            self._tat = tat
            self._left, self._begins_at, self._ends_at = self.size, begins_at, begins_at + self._kept_s
            return 0.0

    async def _move(self, condition: str, update: str, now: float, start: float | None) -> Any:
        values = {":now": now, ":expires": math.ceil(now) + 86_400}
        values |= {":next": start + self._step_s} if start is not None else {":step": self._step_s}
        if start is None:
            values[":last"] = now + self._horizon_s
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
