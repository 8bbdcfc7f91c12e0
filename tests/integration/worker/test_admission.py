"""What no limit drops, what comes twice, and what is above the bot's own limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.worker.conftest import Workers, text
from tests.integration.worker.scenes import (
    BOB,
    BOBS,
    counted,
    echoing,
    gate,
    happens,
    here,
    limits,
    membership,
    only,
    person,
    queue,
    said,
    service,
    settle,
)
from tests.integration.worker.test_failure import journal
from tests.unit.ingress.samples import ANN, BOT, DATE, GROUP, PRIVATE, SAMPLES, message

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.scenes import Callback
    from tests.unit.telegram.wire import TelegramWire

ONE = limits(user="1/h", chat="1/h", bot="off")


def noting(handled: list[int]) -> Callback:
    """Return a callback that notes what it is given."""

    async def note(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        handled.append(update.update_id)

    return note


NEVER_DROPPED = [
    service(successful_payment={"currency": "EUR", "total_amount": 1, "invoice_payload": "s",
                                "telegram_payment_charge_id": "1", "provider_payment_charge_id": "2"}),
    *(happens(one.type, one.value) for one in SAMPLES if one.type in {"pre_checkout_query", "shipping_query"}),
    membership("member"),
    membership("administrator", GROUP),
    happens("chat_member", {"chat": GROUP, "from": ANN, "date": DATE,
                            "old_chat_member": {"user": ANN, "status": "left"},
                            "new_chat_member": {"user": ANN, "status": "member"}}),
    service(GROUP, new_chat_members=[ANN]),
    service(GROUP, left_chat_member=ANN),
    service(GROUP, new_chat_title="Allotment gardens"),
    service(GROUP, pinned_message=message(GROUP, BOT)),
    *(happens(one.type, one.value) for one in SAMPLES if one.type in {"chat_join_request", "purchased_paid_media"}),
]  # fmt: skip


@pytest.mark.parametrize("update", NEVER_DROPPED, ids=lambda update: next(reversed(update)))
def test_no_limit_drops_what_is_no_plain_use(cloud: Cloud, workers: Workers, update: dict[str, Any]) -> None:
    """Payments, memberships and service messages reach their handlers, however far over the limit everybody is."""
    handled: list[int] = []
    drain = workers.drain(only(noting(handled)), inbound=ONE)
    queue(cloud, *(text("beans") for _ in range(4)), *(here("beans", person(number)) for number in range(4)))
    settle(cloud, drain)
    handled.clear()
    several = [{**update, "update_id": text("")["update_id"]} for _ in range(5)]
    queue(cloud, *several)
    settle(cloud, drain)
    assert handled == [one["update_id"] for one in several]


def test_an_admin_may_do_anything_any_number_of_times(cloud: Cloud, workers: Workers) -> None:
    """Where the admin chat is one with a person, that person is exempt everywhere."""
    handled: list[int] = []
    drain = workers.drain(only(noting(handled)), inbound=limits(user="1/h", bot="off"), admin_chat_id=7001)
    queue(cloud, *(text("beans") for _ in range(4)), *(here("beans") for _ in range(4)))
    settle(cloud, drain)
    assert len(handled) == 8
    queue(cloud, *(here("beans", BOB, BOBS) for _ in range(4)))
    settle(cloud, drain)
    assert len(handled) == 9


def test_in_an_admin_group_nobody_is_limited(cloud: Cloud, workers: Workers) -> None:
    """Where the admin chat is a group, everybody is exempt there, and only there."""
    handled: list[int] = []
    drain = workers.drain(only(noting(handled)), inbound=ONE, admin_chat_id=GROUP["id"])
    queue(cloud, *(here("beans") for _ in range(5)), *(text("beans") for _ in range(3)))
    settle(cloud, drain)
    assert len(handled) == 5 + 1


@pytest.mark.parametrize("update", [text("hello"), here("hello"), service(GROUP, new_chat_members=[ANN])],
                         ids=["private", "group", "service"])  # fmt: skip
def test_a_copy_is_dropped(
    cloud: Cloud, workers: Workers, capsys: pytest.CaptureFixture[str], update: dict[str, Any]
) -> None:
    """The same update in another message, as Telegram sends it after a lost 200, is handled once and counted."""
    handled: list[int] = []
    drain = workers.drain(only(noting(handled)))
    queue(cloud, update)
    assert cloud.deliver(drain) == []
    cloud.clock.now += 600
    queue(cloud, update)
    assert cloud.deliver(workers.drain(only(noting(handled)))) == []
    assert (handled, cloud.left(), counted(capsys)) == ([update["update_id"]], 0, [{"UpdatesDuplicated": 1}])


@pytest.mark.parametrize("chat", [PRIVATE, GROUP], ids=["private", "group"])
def test_a_redelivery_is_no_copy_and_costs_nothing(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, chat: dict[str, Any]
) -> None:
    """A message that comes again after its worker died passes, though the limit would not let another one pass."""
    tried: list[int] = []

    async def fail_first(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        tried.append(update.update_id)
        if len(tried) == 1:
            raise ValueError
        await context.bot.send_message(chat["id"], "hello")

    queue(cloud, text("hello", chat=chat))
    drain = workers.drain(only(fail_first), inbound=ONE)
    cloud.deliver(drain)
    charged = gate(cloud, 7001)["in_tat"]
    cloud.clock.now += 2.1
    assert cloud.deliver(drain) == []
    assert (len(tried), said(telegram, chat["id"])) == (2, ["hello"])
    assert gate(cloud, 7001)["in_tat"] == charged


def test_above_the_bots_limit_updates_wait(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is dropped or counted as failed: all is answered in the end, each chat in order, within the limit."""
    began_at = cloud.clock()
    drain = workers.drain(echoing, inbound=limits(bot="60/min"))
    for line in ("one", "two", "three"):
        for number in range(4):
            chat = {"id": 8000 + number, "type": "private"}
            queue(cloud, here(line, person(number), chat))
    settle(cloud, drain, within_s=900)
    for number in range(4):
        assert said(telegram, 8000 + number) == ["one", "two", "three"]
    assert (cloud.letters(), journal(cloud)) == ([], [])
    counts = counted(capsys)
    assert {name for count in counts for name in count} == {"UpdatesWaiting"}
    times = sorted(call.at - began_at for call in telegram.calls)
    assert all(len([one for one in times if at <= one < at + 60]) <= 60 for at in times)
    assert times[-1] > 8


def test_what_waits_for_the_bots_limit_is_charged_once(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """A person's own limit does not pay for the waiting: received many times, an update costs one."""
    drain = workers.drain(echoing, inbound=limits(user="3/h", bot="20/min"))
    queue(cloud, *(text(line) for line in ("one", "two", "three")))
    settle(cloud, drain, within_s=900)
    assert said(telegram, 7001) == ["one", "two", "three"]
