"""`await once("charge", …)`: an effect of a handler's own happens once, however often its update is tried."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from floodgate.telegram import once
from tests.integration.worker.conftest import ANNS_CHAT, Workers, text
from tests.integration.worker.scenes import only, settle
from tests.integration.worker.test_failure import GardenFlooded
from tests.unit.delivery.virtual_time import run

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud


class Shop:
    """Somewhere that effects happen; the first `fails` of them fail after they have begun."""

    def __init__(self, *, fails: int = 0) -> None:
        self.charged: list[Any] = []
        self._fails = fails

    async def charge(self, what: Any, *, receipt: Any = None) -> Any:
        """Charge, and return the receipt."""
        self.charged.append(what)
        if self._fails:
            self._fails -= 1
            raise GardenFlooded
        return receipt


@pytest.mark.parametrize("receipt", [None, "no. 7", 7, 7.5, False, ["no.", 7], {"no": {"7": [None]}}], ids=str)
def test_an_effect_happens_once(cloud: Cloud, workers: Workers, receipt: Any) -> None:
    """Each attempt goes on with what the first was given, of the same type."""
    shop, given = Shop(), []

    async def buy(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        given.append(await once("charge", shop.charge, "beans", receipt=receipt))
        if len(given) < 3:
            raise GardenFlooded

    cloud.queue(text("hello"), ANNS_CHAT)
    settle(cloud, workers.drain(only(buy)))
    assert shop.charged == ["beans"]
    assert given == [receipt] * 3
    assert {type(one) for one in given} == {type(receipt)}
    assert cloud.letters() == []


def test_a_name_used_twice_is_two_effects(cloud: Cloud, workers: Workers) -> None:
    """The k-th time is the k-th time again, and another name is another effect."""
    shop, given = Shop(), []

    async def buy(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        names = (("charge", "beans"), ("charge", "peas"), ("refund", "peas"))
        given.append([await once(name, shop.charge, what, receipt=f"{name} {what}") for name, what in names])
        if len(given) < 3:
            raise GardenFlooded

    cloud.queue(text("hello"), ANNS_CHAT)
    settle(cloud, workers.drain(only(buy)))
    assert shop.charged == ["beans", "peas", "peas"]
    assert given == [["charge beans", "charge peas", "refund peas"]] * 3


def test_another_update_is_charged_for_itself(cloud: Cloud, workers: Workers) -> None:
    """The name stands for the effect within its update."""
    shop = Shop()

    async def buy(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        await once("charge", shop.charge, "beans")

    for _ in range(2):
        cloud.queue(text("hello"), ANNS_CHAT)
    settle(cloud, workers.drain(only(buy)))
    assert shop.charged == ["beans"] * 2


@pytest.mark.parametrize("receipt", [{7: "beans"}, ("no.", 7), {"beans"}, b"7", object(), float("nan")], ids=type)
def test_what_json_cannot_hold_is_the_authors_mistake(cloud: Cloud, workers: Workers, receipt: Any) -> None:
    """It raises where it is written, and the effect, which has happened, does not happen again."""
    shop, errors = Shop(), []

    async def buy(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        try:
            await once("charge", shop.charge, "beans", receipt=receipt)
        except Exception as error:
            errors.append(type(error).__name__)
            raise

    cloud.queue(text("hello"), ANNS_CHAT)
    settle(cloud, workers.drain(only(buy)))
    assert (shop.charged, errors) == (["beans"], ["ResultNotKept"] * 3)
    assert [(letter["reason"], letter["error"]) for letter in cloud.letters()] == [("bug", "ResultNotKept")]


def test_an_effect_that_fails_is_tried_again(cloud: Cloud, workers: Workers) -> None:
    """Its own error is the update's failure."""
    shop, given = Shop(fails=2), []

    async def buy(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        given.append(await once("charge", shop.charge, "beans", receipt="no. 7"))

    cloud.queue(text("hello"), ANNS_CHAT)
    settle(cloud, workers.drain(only(buy)))
    assert (shop.charged, given, cloud.letters()) == (["beans"] * 3, ["no. 7"], [])


def test_an_effect_that_the_deadline_cuts_off_is_tried_again(cloud: Cloud, workers: Workers) -> None:
    """Nobody knows how far it got; what was done before it is not done again."""
    shop, begun = Shop(), []

    async def slow(what: str) -> None:
        begun.append(what)
        await asyncio.sleep(100 if len(begun) == 1 else 0)

    async def buy(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        await once("charge", shop.charge, "beans")
        await once("deliver", slow, "beans")

    cloud.queue(text("hello"), ANNS_CHAT)
    settle(cloud, workers.drain(only(buy), deadline_s=10))
    assert (shop.charged, begun, cloud.letters()) == (["beans"], ["beans"] * 2, [])


def test_outside_of_an_update_nothing_is_remembered() -> None:
    """There it is a call like any other, with whatever result."""
    shop = Shop()
    assert [run(once("charge", shop.charge, "beans", receipt=(1, 2))) for _ in range(2)] == [(1, 2)] * 2
    assert shop.charged == ["beans"] * 2
