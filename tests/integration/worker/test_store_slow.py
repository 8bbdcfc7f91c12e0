"""DynamoDB answers, but too late: nobody waits for it for long, and nothing is counted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from floodgate.aws import CALL_S, AwsCalls
from tests.integration.worker.conftest import Workers, text
from tests.integration.worker.scenes import (
    awake,
    echo,
    echoing,
    here,
    limits,
    only,
    person,
    queue,
    said,
    service,
    settle,
)
from tests.integration.worker.test_failure import journal, put_back_for
from tests.unit.ingress.samples import GROUP

if TYPE_CHECKING:
    from collections.abc import Callable

    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.scenes import Drain
    from tests.unit.telegram.wire import TelegramWire

DEADLINE_S = 10
SLOW_S = 10.0


class Slowness:
    """Which items are slow, by their key's beginning; all of them at first, none with None."""

    def __init__(self) -> None:
        self.of: str | None = ""

    def holds_for(self, params: dict[str, Any]) -> bool:
        """Tell whether a request to a table takes SLOW_S."""
        key = (params.get("Key") or params.get("Item") or {}).get("pk", {}).get("S", "")
        return self.of is not None and "TableName" in params and key.startswith(self.of)


@pytest.fixture
def slowness(monkeypatch: pytest.MonkeyPatch) -> Slowness:
    """A table whose calls run to their end, but late, whether anybody still waits or not."""
    slowness = Slowness()

    async def slow(_calls: AwsCalls, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not slowness.holds_for(kwargs):
            return call(*args, **kwargs)
        answer = asyncio.get_running_loop().create_future()

        def end() -> None:
            try:
                result = call(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - whoever waits raises it
                if not answer.done():
                    answer.set_exception(error)
            else:
                if not answer.done():
                    answer.set_result(result)

        asyncio.get_running_loop().call_later(SLOW_S, end)
        return await answer

    monkeypatch.setattr(AwsCalls, "_call", slow)
    return slowness


def ten_chats() -> list[dict[str, Any]]:
    """Return the updates of ten people, each in private."""
    return [here("hello", person(number), {"id": 8000 + number, "type": "private"}) for number in range(10)]


def took_s(cloud: Cloud, drain: Drain) -> float:
    """Deliver, and return how long that took."""
    began_at = cloud.clock()
    assert cloud.deliver(drain) != []
    return cloud.clock() - began_at


@pytest.mark.parametrize("updates", [ten_chats()[:1], ten_chats()], ids=["one", "ten"])
def test_an_invocation_ends_in_its_time(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, slowness: Slowness, updates: list[dict[str, Any]]
) -> None:
    """However many chats there are, and though the journal is slow as well; then all are answered, once, uncounted."""
    drain = awake(cloud, workers.drain(echoing, deadline_s=DEADLINE_S))
    queue(cloud, *updates)
    for _ in range(4):
        assert took_s(cloud, drain) <= DEADLINE_S
        cloud.wait()
    assert telegram.calls == []
    slowness.of = None
    settle(cloud, drain)
    assert sorted(telegram.sent) == sorted((one["message"]["chat"]["id"], "hello") for one in updates)
    assert (journal(cloud), cloud.letters()) == ([], [])


def test_without_the_store_there_is_time_for_the_handler(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, slowness: Slowness
) -> None:
    """On its third receive an update waits for one call, and no more, and its handler for none."""
    del slowness
    started_at: list[float] = []

    async def act(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        started_at.append(cloud.clock())
        await asyncio.sleep(DEADLINE_S / 2 - 1)
        await echo(update, context)

    drain = awake(cloud, workers.drain(only(act), deadline_s=DEADLINE_S, inbound=limits(admit_without_store=True)))
    queue(cloud, text("hello"))
    for _ in range(2):
        took_s(cloud, drain)
        cloud.wait()
    began_at = cloud.clock()
    assert cloud.deliver(drain) == []
    assert [at - began_at for at in started_at] == [pytest.approx(CALL_S, abs=0.1)]
    assert (said(telegram, 7001), cloud.left(), journal(cloud)) == (["hello"], 0, [])


def test_a_slow_lease_is_waited_for_side_by_side(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, slowness: Slowness
) -> None:
    """Ten chats queue for one lease; the last one does not wait for ten calls."""
    drain = awake(cloud, workers.drain(echoing, deadline_s=DEADLINE_S, inbound=limits(bot="60/min")))
    slowness.of = "gate#bot"
    queue(cloud, *ten_chats())
    assert took_s(cloud, drain) <= DEADLINE_S / 2 + 0.1
    assert (telegram.calls, {wait_s for waits in put_back_for(cloud) for wait_s in waits}) == ([], {5})
    slowness.of = None
    settle(cloud, drain)
    assert (len(telegram.calls), journal(cloud)) == (10, [])


def test_a_slow_lease_holds_nobody_up_whose_owner_wants_it_so(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, slowness: Slowness
) -> None:
    """On their third receive all ten chats pass, and not only the one whose turn it was to ask."""
    inbound = limits(bot="60/min", admit_without_store=True)
    drain = awake(cloud, workers.drain(echoing, deadline_s=DEADLINE_S, inbound=inbound))
    slowness.of = "gate#bot"
    queue(cloud, *ten_chats())
    settle(cloud, drain)
    assert (len(telegram.calls), sum(map(len, put_back_for(cloud)))) == (10, 2 * 10)
    assert journal(cloud) == []


def test_what_changes_a_chat_passes_without_the_store_as_well(
    cloud: Cloud, workers: Workers, slowness: Slowness
) -> None:
    """Journal and cache are both waited for, one after the other; the handler has what is left."""
    del slowness
    handled: list[int] = []

    async def note(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        handled.append(update.update_id)

    drain = awake(cloud, workers.drain(only(note), deadline_s=DEADLINE_S, inbound=limits(admit_without_store=True)))
    queue(cloud, service(GROUP, new_chat_title="Gardens"))
    for _ in range(2):
        took_s(cloud, drain)
        cloud.wait()
    assert cloud.deliver(drain) == []
    assert len(handled) == 1


def test_a_failure_that_cannot_be_counted_in_time_waits(cloud: Cloud, workers: Workers, slowness: Slowness) -> None:
    """A handler's failure meets a slow journal: the update goes back all the same, soon after its deadline."""
    slowness.of = "journal#"

    async def fail(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        await asyncio.sleep(DEADLINE_S - 1)
        raise ValueError

    drain = awake(cloud, workers.drain(only(fail), deadline_s=DEADLINE_S))
    queue(cloud, text("hello"))
    assert took_s(cloud, drain) == pytest.approx(DEADLINE_S - 1 + CALL_S, abs=0.1)
    assert put_back_for(cloud) == [[5]]
