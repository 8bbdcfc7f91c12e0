"""DynamoDB throttles, fails or loses an answer: an update waits for it, and is answered and charged once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError

from tests.integration.worker.conftest import Workers, text
from tests.integration.worker.scenes import echo, echoing, gate, here, limits, only, queue, said, settle
from tests.integration.worker.test_failure import journal, put_back_for
from tests.unit.ingress.samples import GROUP, PRIVATE

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.scenes import Drain
    from tests.unit.telegram.wire import TelegramWire

FAULTS = [
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "InternalServerError",
    ReadTimeoutError(endpoint_url="https://aws.example"),
]
DOWN = ["UpdateItem", "GetItem", "PutItem"]
ADMIT = limits(admit_without_store=True)


def take_down(cloud: Cloud, *, times: int = 1000) -> None:
    """Have the traffic table refuse everything."""
    for operation in DOWN:
        for kind in ("gate", "journal", "cache", "quiet"):
            cloud.wire.faults[f"{operation} {kind}"] = ["ProvisionedThroughputExceededException"] * times


def bring_up(cloud: Cloud) -> None:
    """End all that."""
    cloud.wire.faults.clear()


def receives(cloud: Cloud, drain: Drain, count: int) -> None:
    """Have what is in the queue received so many times."""
    for _ in range(count):
        assert cloud.deliver(drain) != []
        cloud.clock.now += 61


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("chat", [PRIVATE, GROUP], ids=["private", "group"])
def test_an_update_waits_for_its_gate(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, chat: dict[str, Any], fault: Exception | str
) -> None:
    """Not admitted, not counted, not lost: answered as soon as the gate can be written, and in order."""
    drain = workers.drain(echoing)
    queue(cloud, text("one", chat=chat), text("two", chat=chat))
    cloud.wire.faults["UpdateItem gate"] = [fault] * 2
    for wait_s in (5, 10):
        cloud.deliver(drain)
        assert telegram.calls == []
        cloud.clock.now += wait_s + 0.1
    assert (put_back_for(cloud), journal(cloud)) == ([[5, 5], [10, 10]], [])
    settle(cloud, drain)
    assert (said(telegram, chat["id"]), cloud.letters()) == (["one", "two"], [])


@pytest.mark.parametrize("chat", [PRIVATE, GROUP], ids=["private", "group"])
def test_a_lost_answer_of_the_gate_changes_nothing(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, chat: dict[str, Any]
) -> None:
    """The write took place, its answer did not arrive: the update is answered once and charged once."""
    drain = workers.drain(echoing, inbound=limits(user="1/h", chat="1/h"))
    queue(cloud, text("one", chat=chat))
    cloud.wire.lost = {"UpdateItem"}
    assert cloud.deliver(drain) != []
    charged = gate(cloud, 7001)["in_tat"]
    settle(cloud, drain)
    assert said(telegram, chat["id"]) == ["one"]
    assert (gate(cloud, 7001)["in_tat"], journal(cloud)) == (charged, [])


def test_while_the_store_is_down_everything_waits(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """As long as it takes, unless the owner wants it otherwise; afterwards all is answered."""
    drain = workers.drain(echoing)
    queue(cloud, text("one"), text("two"))
    take_down(cloud)
    receives(cloud, drain, 20)
    assert telegram.calls == []
    bring_up(cloud)
    settle(cloud, drain)
    assert (said(telegram, 7001), cloud.letters()) == (["one", "two"], [])


@pytest.mark.parametrize("update", [text("one"), here("one")], ids=["private", "group"])
def test_an_owner_may_have_updates_answered_without_the_store(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, caplog: pytest.LogCaptureFixture, update: dict[str, Any]
) -> None:
    """On its third receive an update passes, without limits, though neither gate nor journal can be reached."""
    drain = workers.drain(echoing, inbound=ADMIT)
    queue(cloud, update)
    take_down(cloud)
    receives(cloud, drain, 2)
    assert telegram.calls == []
    assert cloud.deliver(drain) == []
    assert (len(telegram.calls), cloud.left()) == (1, 0)
    assert "update passes without limits" in caplog.messages


def test_without_the_store_a_handler_may_send_and_look(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Nothing that the bot object does on the way asks a store that is down for leave."""

    async def act(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        await context.bot.send_chat_action(7001, "typing")
        await context.bot.send_message(7002, "to another chat")
        for _ in range(5):
            await echo(update, context)

    drain = workers.drain(only(act), inbound=ADMIT)
    queue(cloud, text("one"))
    take_down(cloud)
    receives(cloud, drain, 2)
    assert cloud.deliver(drain) == []
    assert telegram.methods == ["sendChatAction", *["sendMessage"] * 6]


def test_what_passed_without_the_store_and_failed_waits(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Its failure cannot be counted, so it is tried again, and ends as a dead letter once it can."""

    async def fail(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        raise ValueError

    drain = workers.drain(only(fail), inbound=ADMIT)
    queue(cloud, text("one"))
    take_down(cloud)
    receives(cloud, drain, 6)
    assert (cloud.letters(), cloud.left()) == ([], 1)
    bring_up(cloud)
    settle(cloud, drain)
    [letter] = cloud.letters()
    assert (letter["attempts"], letter["error"], telegram.calls) == (3, "ValueError", [])


@pytest.mark.parametrize("inbound", [limits(), ADMIT], ids=["requeue", "admit"])
def test_a_done_update_is_not_done_again_while_the_journal_answers(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, inbound: Any
) -> None:
    """Letting updates pass does not mean forgetting what is known."""
    drain = workers.drain(echoing, inbound=inbound)
    [message_id] = queue(cloud, text("one"))
    cloud.dynamodb.put_item(TableName="traffic", Item={"pk": {"S": f"journal#{message_id}"}, "done": {"BOOL": True}})
    cloud.records()
    cloud.clock.now += 121
    assert cloud.deliver(drain) == []
    assert (telegram.calls, cloud.left()) == ([], 0)


def test_a_failure_before_anything_was_sent_has_the_update_wait(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """The handler is ended where it stands, five seconds later it starts again, and that is no attempt."""
    began: list[float] = []

    async def act(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        began.append(cloud.clock())
        if len(began) == 1:
            cloud.wire.faults["UpdateItem gate"] = ["ThrottlingException"]
        await echo(update, context)

    drain = workers.drain(only(act))
    queue(cloud, here("one"))
    assert cloud.deliver(drain) != []
    assert (put_back_for(cloud), journal(cloud), telegram.calls) == ([[5]], [], [])
    cloud.clock.now += 5.1
    assert cloud.deliver(drain) == []
    assert (len(began), said(telegram, GROUP["id"])) == (2, ["one"])


def test_a_failure_after_something_was_sent_stops_nothing(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """An update half done is finished without its limits: starting again would say the first half twice."""

    async def act(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        await echo(update, context)
        cloud.wire.faults["UpdateItem gate"] = ["ThrottlingException"]
        await context.bot.send_message(GROUP["id"], "two")

    queue(cloud, here("one"))
    assert cloud.deliver(workers.drain(only(act))) == []
    assert (said(telegram, GROUP["id"]), cloud.left(), journal(cloud)) == (["one", "two"], 0, [])


def test_the_bots_limit_out_of_reach_has_updates_wait(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """The lease is part of admission: uncounted, and what was charged already is not charged again."""
    drain = workers.drain(echoing, inbound=limits(user="2/h", bot="60/min"))
    queue(cloud, text("one"), text("two"))
    cloud.wire.faults["UpdateItem gate#bot"] = ["ThrottlingException"] * 3
    receives(cloud, drain, 3)
    assert telegram.calls == []
    settle(cloud, drain)
    assert (said(telegram, 7001), journal(cloud)) == (["one", "two"], [])


def test_an_owner_may_have_the_bots_limit_passed_over(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """A person's gate that can be reached still holds them to their limit."""
    drain = workers.drain(echoing, inbound=limits(user="1/h", bot="60/min", admit_without_store=True))
    queue(cloud, text("one"), text("two"))
    cloud.wire.faults["UpdateItem gate#bot"] = ["ThrottlingException"] * 1000
    receives(cloud, drain, 2)
    assert cloud.deliver(drain) == []
    assert [words for words in said(telegram, 7001) if "too fast" not in words] == ["one"]
