"""Updates that nobody has foreseen: they fail alone, or pass, and change nothing that they do not say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from floodgate.cache.cache import Cache
from tests.integration.worker.conftest import Workers, text
from tests.integration.worker.scenes import (
    BOB,
    BOBS,
    echoing,
    gate,
    happens,
    here,
    membership,
    queue,
    said,
    service,
    settle,
)
from tests.integration.worker.test_failure import journal, put_back_for
from tests.unit.ingress.samples import DATE, GROUP, PRIVATE

if TYPE_CHECKING:
    from floodgate.ingress.updates import IncomingUpdate
    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import TelegramWire


def test_an_admission_that_fails_is_its_updates_failure(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is counted and given up after three times like a handler's; the chats beside it are answered, once."""
    heard = Cache.heard

    async def trip(cache: Cache, update: IncomingUpdate) -> None:
        if update.group == "chat:7001":
            raise KeyError("a field that always was there")
        await heard(cache, update)

    monkeypatch.setattr(Cache, "heard", trip)
    drain = workers.drain(echoing)
    [failed, *_] = queue(cloud, text("one"), here("two", BOB, BOBS), here("three"))
    assert cloud.deliver(drain) == [failed]
    assert put_back_for(cloud) == [[2]]
    assert journal(cloud) == [{"attempts": 1, "error": "KeyError"}]
    settle(cloud, drain)
    assert (said(telegram, BOB["id"]), said(telegram, GROUP["id"]), said(telegram, 7001)) == (["two"], ["three"], [])
    [letter] = cloud.letters()
    assert (letter["attempts"], letter["error"], letter["reason"]) == (3, "KeyError", "bug")


MEMBERSHIP = membership("kicked")["my_chat_member"]
MEMBERS: list[Any] = ["kicked", ["kicked"], 5, None, {}, {"status": ["kicked"]}, {"status": None}, {"status": {"a": 1}}]


@pytest.mark.parametrize("member", MEMBERS, ids=str)
def test_a_membership_that_says_nothing_marks_nothing(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, caplog: pytest.LogCaptureFixture, member: Any
) -> None:
    """It is admitted, whatever python-telegram-bot makes of it; and its chat is written to as before."""
    drain = workers.drain(echoing)
    queue(cloud, happens("my_chat_member", {**MEMBERSHIP, "new_chat_member": member}), here("two", BOB, BOBS))
    settle(cloud, drain)
    failures = [vars(record)["stack"] for record in caplog.records if "stack" in vars(record)]
    assert not [frame for stack in failures for frame in stack if "admission.py" in frame]
    assert "closed_at" not in gate(cloud, 7001)
    queue(cloud, text("one", date=1))
    settle(cloud, drain)
    assert (said(telegram, 7001), said(telegram, BOB["id"])) == (["one"], ["two"])


@pytest.mark.parametrize("date", ["yesterday", -1, 0, 10**40, 2**32, 1.5, None, [DATE]], ids=str)
def test_a_membership_of_no_known_time_is_of_now(cloud: Cloud, workers: Workers, date: Any) -> None:
    """The bot is out all the same, and what the gate remembers is a time."""
    drain = workers.drain(echoing)
    queue(cloud, happens("my_chat_member", {**MEMBERSHIP, "date": date}))
    cloud.deliver(drain)
    assert float(gate(cloud, 7001)["closed_at"]["N"]) == pytest.approx(cloud.clock(), abs=1)
    settle(cloud, drain)


@pytest.mark.parametrize("date", ["tomorrow", -5, 10**40, 2**32, None, [DATE + 60]], ids=str)
def test_a_message_of_no_known_time_reopens_nothing(cloud: Cloud, workers: Workers, date: Any) -> None:
    """Nobody can tell whether it was written before the bot was blocked or after."""
    drain = workers.drain(echoing)
    queue(cloud, membership("kicked"), text("one", date=date))
    settle(cloud, drain)
    assert gate(cloud, 7001)["closed_at"]["N"] == str(DATE)


@pytest.mark.parametrize("field", ["migrate_to_chat_id", "migrate_from_chat_id"])
@pytest.mark.parametrize("new", [10**60, -(10**60), "-1005", True, None, {"id": -1005}, [-1005]], ids=str)
def test_a_migration_to_nowhere_moves_nothing(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, field: str, new: Any
) -> None:
    """No id that Telegram could mean: the group is written to where it was, and the batch goes on."""
    drain = workers.drain(echoing)
    queue(cloud, service(GROUP, **{field: new}), here("two", BOB, BOBS))
    settle(cloud, drain)
    queue(cloud, here("one"))
    settle(cloud, drain)
    assert (said(telegram, GROUP["id"]), said(telegram, BOB["id"])) == (["one"], ["two"])
    gates = {item["pk"]["S"] for item in cloud.items("traffic") if item["pk"]["S"].startswith("gate#")}
    assert gates == {f"gate#{GROUP['id']}", "gate#7001", "gate#7002"}
    assert "migrated_to" not in gate(cloud, GROUP["id"])


ODD: list[Any] = ["x", ["x"], 5, {"id": "x"}, {"id": [1]}, {"id": 10**60}]
FIELDS = ("chat", "from", "entities", "new_chat_members", "left_chat_member", "sender_chat", "date", "text")


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", ODD, ids=str)
def test_no_odd_field_of_a_message_stops_the_batch(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, field: str, value: Any
) -> None:
    """It is handled, or ends in dead.fifo after three tries; the chat beside it is answered at once, and once."""
    drain = workers.drain(echoing)
    odd = text("/one", chat=PRIVATE)
    odd["message"][field] = value
    queue(cloud, odd, here("two", BOB, BOBS))
    cloud.deliver(drain)
    assert said(telegram, BOB["id"]) == ["two"]
    settle(cloud, drain)
    assert said(telegram, BOB["id"]) == ["two"]
    assert [letter["attempts"] for letter in cloud.letters()] in ([], [3])
