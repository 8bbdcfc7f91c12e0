"""Above the bot's own limit: how long updates wait for it, and which never do."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from floodgate.traffic.lease import Lease
from tests.integration.worker.conftest import Workers, text
from tests.integration.worker.scenes import awake, happens, here, limits, only, person, press, queue
from tests.integration.worker.test_failure import journal, put_back_for
from tests.unit.ingress.samples import ANN, SAMPLES

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.scenes import Callback, Drain

#: With the forty workers of the tests one update in three seconds, and nothing a worker's own.
SCARCE = limits(user="off", chat="off", bot="20/min")
FORTNIGHT_S = 14 * 86_400
#: Of a thousand receives one in so many is tried.
STRIDE = 10


def noting(handled: list[int]) -> Callback:
    """Return a callback that notes what it is given."""

    async def note(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        handled.append(update.update_id)

    return note


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that refuses whoever asks, for a moment."""

    async def take(_lease: Lease) -> float:
        return 0.01

    monkeypatch.setattr(Lease, "take", take)


def received(cloud: Cloud, update: dict[str, Any], receives: int = 1, age_s: float = 0.0) -> dict[str, Any]:
    """Return the record of an update that was received so often, and was queued so long ago."""
    cloud.queue(update, f"chat:{update['update_id']}")
    [record] = cloud.records()
    record["attributes"] |= {
        "ApproximateReceiveCount": str(receives),
        "SentTimestamp": str(int((cloud.clock() - age_s) * 1000)),
    }
    return record


def waits_s(cloud: Cloud, drain: Drain, receives: int, times: int = 40) -> list[int]:
    """Return for how long updates go back that were received so many times."""
    cloud.wire.requests.clear()
    for _ in range(times):
        drain({"Records": [received(cloud, here("hello"), receives)]})
    return [wait_s for waits in put_back_for(cloud) for wait_s in waits]


@pytest.mark.usefixtures("refused")
@pytest.mark.parametrize(("receives", "at_most_s"), [(1, 5), (2, 10), (6, 30), (300, 30), (303, 60), (1000, 7030)])
def test_the_refused_come_back_one_by_one(cloud: Cloud, workers: Workers, receives: int, at_most_s: int) -> None:
    """By chance, over the whole of a time that grows with their receives: all at once would be refused again."""
    random.seed(1)
    found_s = waits_s(cloud, awake(cloud, workers.drain(only(noting([])), inbound=SCARCE)), receives)
    assert len(found_s) == 40
    assert 1 <= min(found_s) <= 1 + at_most_s / 5
    assert at_most_s * 4 / 5 <= max(found_s) <= at_most_s
    assert len(set(found_s)) >= min(at_most_s, 15)


@pytest.mark.usefixtures("refused")
def test_a_queues_receives_outlast_its_messages(
    cloud: Cloud, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even an update that is always refused is not lost before SQS forgets it: it is received a thousand times."""
    monkeypatch.setattr(random, "uniform", lambda low, high: (low + high) / 2)
    drain = awake(cloud, workers.drain(only(noting([])), inbound=SCARCE))
    record = received(cloud, text("hello"))
    for receives in range(1, 1001, STRIDE):
        record["attributes"]["ApproximateReceiveCount"] = str(receives)
        drain({"Records": [record]})
    waits = [wait_s for waits in put_back_for(cloud) for wait_s in waits]
    assert waits == sorted(waits)  # so the receives that were left out wait no less than those before them
    assert max(waits) < 43_200
    assert STRIDE * sum(waits) > FORTNIGHT_S
    assert journal(cloud) == []


def exhausted(cloud: Cloud, workers: Workers, handled: list[int]) -> Drain:
    """Return the drain of a worker whose bot has used up its limit."""
    drain = awake(cloud, workers.drain(only(noting(handled)), inbound=SCARCE))
    queue(cloud, *(here("hello", person(number), {"id": 8000 + number, "type": "private"}) for number in range(2)))
    assert len(cloud.deliver(drain) or []) == 1
    handled.clear()
    cloud.wire.requests.clear()
    return drain


@pytest.mark.parametrize("kind", ["pre_checkout_query", "shipping_query"])
def test_payments_never_wait(cloud: Cloud, workers: Workers, kind: str) -> None:
    """Telegram gives ten seconds for the answer, and somebody is about to pay."""
    handled: list[int] = []
    drain = exhausted(cloud, workers, handled)
    updates = [happens(one.type, one.value) for one in SAMPLES if one.type == kind] * 3
    for update in updates:
        drain({"Records": [received(cloud, {**update, "update_id": text("")["update_id"]})]})
    assert (len(handled), put_back_for(cloud)) == (3, [])
    assert cloud.wire.asked("UpdateItem")
    assert all(asked["Key"]["pk"]["S"] != "gate#bot" for asked in cloud.wire.asked("UpdateItem"))


INLINE = happens("inline_query", {"id": "8", "from": ANN, "query": "frost", "offset": ""})


@pytest.mark.parametrize(
    ("update", "age_s", "passes"),
    [(press(), 149.8, 1), (press(), 120.0, 0), (INLINE, 29.8, 1), (INLINE, 10.0, 0)],
    ids=["old button", "button", "old query", "query"],
)
def test_what_would_expire_meanwhile_passes(
    cloud: Cloud, workers: Workers, update: dict[str, Any], age_s: float, passes: int
) -> None:
    """This limit drops nothing: what can be answered later waits, what cannot is answered now."""
    handled: list[int] = []
    drain = exhausted(cloud, workers, handled)
    answer = drain({"Records": [received(cloud, update, age_s=age_s)]})
    assert (len(handled), len(answer["batchItemFailures"])) == (passes, 1 - passes)
