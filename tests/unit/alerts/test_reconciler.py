"""However notifications come, and whenever Telegram is away, the admin chat ends up with what is so."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telegram.error import BadRequest, NetworkError, RetryAfter

from floodgate.alerts.episodes import FOLDED_WITHIN_S, LASTING_S, SAME_S
from floodgate.alerts.messages import AlarmMessages, Links
from floodgate.alerts.news import from_description, from_notification
from floodgate.alerts.reconciler import Reconciler
from floodgate.aws import AwsCalls
from floodgate.state.alarms import CLAIM_S, Alarms, alarm_key
from tests.simulation.dynamodb import Tables
from tests.unit.alerts.samples import NOW, STACK, WAITING, change, described, sns
from tests.unit.delivery.virtual_time import VirtualLoop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator

    from floodgate.alerts.graphs import Graphs
    from floodgate.alerts.news import News
    from floodgate.telegram.bot import KeptBot

ADMIN = 9001
# PTB 22.8 warns of every 429 unless PTB_TIMEDELTA is set.
pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")


@dataclass
class Sent:
    """A message of the admin chat."""

    text: str
    rang_at: float | None


@dataclass
class Chat:
    """The admin chat, and the bot that writes there."""

    world: World
    messages: dict[int, Sent] = field(default_factory=dict)
    sent: int = 0
    edits: int = 0
    is_away: bool = False
    refusals: list[Exception] = field(default_factory=list)
    #: What happens during the next calls.
    meanwhile: list[Callable[[], Awaitable[object]]] = field(default_factory=list)

    @asynccontextmanager
    async def awake(self) -> AsyncIterator[Chat]:
        """Lend the bot, as KeptBot does."""
        yield self

    async def send_message(self, _chat: int, text: str, *, disable_notification: bool, **_: Any) -> Any:
        """Add a message."""
        await self._answer()
        self.sent += 1
        self.messages[self.sent] = Sent(text, None if disable_notification else self.world.now)
        return SimpleNamespace(message_id=self.sent)

    async def edit_message_text(self, text: str, _chat: int, message_id: int, **_: Any) -> None:
        """Change a message."""
        await self._answer()
        if message_id not in self.messages:
            raise BadRequest("Message to edit not found")
        self.messages[message_id].text = text
        self.edits += 1

    async def delete_message(self, _chat: int, message_id: int) -> None:
        """Remove a message."""
        await self._answer()
        del self.messages[message_id]

    async def _answer(self) -> None:
        await asyncio.sleep(0.3)
        if self.meanwhile:
            await self.meanwhile.pop(0)()
        if self.refusals:
            raise self.refusals.pop(0)
        if self.is_away:
            raise NetworkError("away")

    @property
    def shown(self) -> list[str]:
        """The first line of each message."""
        return [one.text.splitlines()[0] for one in self.messages.values()]


class World:
    """An alarm, the notifications of it that are under way, and environments that hear of it."""

    def __init__(self) -> None:
        self.now = NOW
        self.loop = VirtualLoop(self.wait)
        self.chat = Chat(self)
        self.alarms = Alarms(cast("Any", Tables(lambda: self.now)), "state", AwsCalls())
        self.state, self.since, self.changes = "OK", NOW - 3600, 0
        self.under_way: list[News] = []

    def wait(self, seconds: float) -> None:
        """Have time pass."""
        self.now += seconds

    def turns(self, state: str) -> None:
        """Have CloudWatch find that the alarm's state is another."""
        if state != self.state:
            self.wait(SAME_S + 1)
            self.state, self.since = state, self.now
            self.changes += 1
            self.under_way.append(from_notification(sns(change(state, self.now)), STACK))

    def hear(self, *news: News) -> list[BaseException | None]:
        """Have each be heard at once, in an environment of its own; return what that raised."""
        return self.run(asyncio_gather(*(self.environment().hear(one) for one in news)))

    def sweep(self) -> list[BaseException | None]:
        """Have the list of all alarms be read."""
        return self.hear(from_description(described(self.state, self.since), STACK))

    def settle(self) -> None:
        """Have Telegram be there, and sweeps come until a ring that lasts has been heard."""
        self.chat.is_away = False
        for _ in range(3):
            self.sweep()
            self.wait(LASTING_S)
        self.sweep()

    def mute(self, until: float) -> None:
        """Press Mute."""
        assert self.run(self.alarms.mute(alarm_key(WAITING), until)) is not None

    def run[T](self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run on the loop."""
        return self.loop.run_until_complete(coroutine)

    def environment(self) -> Reconciler:
        """Return who has not heard of anything yet."""
        return Reconciler(
            self.alarms,
            AlarmMessages(ADMIN, STACK, Links("", "")),
            cast("Graphs", SimpleNamespace(picture=_no_picture)),
            cast("KeptBot", self.chat),
            lambda: self.now,
        )


async def _no_picture(_graph: object) -> None:
    return None


async def asyncio_gather(*several: Coroutine[Any, Any, None]) -> list[BaseException | None]:
    """Return what each raised."""
    return await asyncio.gather(*several, return_exceptions=True)


@pytest.fixture
def world() -> Iterator[World]:
    """An alarm that does not ring."""
    world = World()
    yield world
    world.loop.close()


RINGS, OVER = "🔴 Waiting updates · floodgate", "🟢 Waiting updates: recovered · floodgate"


def test_one_message_rings_and_is_edited_when_it_is_over(world: World) -> None:
    """A send, an edit, and nothing for what comes twice."""
    world.turns("ALARM")
    world.hear(*world.under_way, *world.under_way)
    world.hear(*world.under_way)
    assert (world.chat.shown, world.chat.sent, world.chat.edits) == ([RINGS], 1, 0)
    world.wait(420)
    world.turns("OK")
    world.hear(*world.under_way)
    assert (world.chat.shown, world.chat.sent, world.chat.edits) == ([OVER], 1, 1)


def test_a_ring_that_comes_back_soon_is_counted_and_heard_if_it_stays(world: World) -> None:
    """At once the message says so; after five minutes the bell rings with a new one in its place."""
    for state in ("ALARM", "OK", "ALARM"):
        world.turns(state)
        world.hear(world.under_way[-1])
        world.wait(60)
    assert (world.chat.shown, world.chat.sent) == ([RINGS], 1)
    assert "The 2nd time since" in world.chat.messages[1].text
    world.sweep()
    assert world.chat.sent == 1
    world.wait(LASTING_S)
    world.sweep()
    assert list(world.chat.messages) == [2]
    assert world.chat.messages[2].rang_at == pytest.approx(world.now, abs=5)
    assert "The 2nd time since" in world.chat.messages[2].text


def test_one_that_comes_and_goes_is_heard_twice_an_hour(world: World) -> None:
    """Each minute on or off, for three hours: six or seven bells, one message."""
    for _ in range(90):
        for state in ("ALARM", "OK"):
            world.turns(state)
            world.hear(world.under_way[-1])
            world.wait(60 - SAME_S)
    assert (world.chat.shown, 6 <= world.chat.sent <= 7) == ([OVER], True)


def test_a_later_ring_is_a_message_of_its_own(world: World) -> None:
    """The old one stays, as it was in the end."""
    for state in ("ALARM", "OK"):
        world.turns(state)
        world.hear(world.under_way[-1])
    world.wait(FOLDED_WITHIN_S + 1)
    world.turns("ALARM")
    world.hear(world.under_way[-1])
    assert world.chat.shown == [OVER, RINGS]
    assert "time since" not in world.chat.messages[2].text


def test_what_was_muted_is_not_sent_and_what_still_rings_then_is(world: World) -> None:
    """Muted it is edited only; when the mute ends and it rings, the bell does too."""
    world.turns("ALARM")
    world.hear(world.under_way[-1])
    world.mute(world.now + 3600)
    world.wait(600)
    for state in ("OK", "ALARM"):
        world.turns(state)
        world.hear(world.under_way[-1])
        world.wait(600)
        world.sweep()
    assert (world.chat.shown, world.chat.sent) == ([RINGS], 1)
    world.wait(3600)
    world.sweep()
    world.wait(3600)
    world.sweep()
    assert (world.chat.shown, world.chat.sent) == ([RINGS], 2)


def test_what_begins_and_ends_muted_is_not_told(world: World) -> None:
    """Nor afterwards: nobody wanted to hear of it."""
    for state in ("ALARM", "OK"):
        world.turns(state)
        world.hear(world.under_way[-1])
    world.wait(FOLDED_WITHIN_S)
    world.mute(world.now + 3600)
    for state in ("ALARM", "OK"):
        world.turns(state)
        world.hear(world.under_way[-1])
        world.wait(60)
    world.wait(7200)
    world.sweep()
    assert (world.chat.shown, world.chat.sent) == ([OVER], 1)


def test_unmuting_tells_what_was_held_back_and_nothing_else(world: World) -> None:
    """What was heard before the mute is not said again."""
    world.turns("ALARM")
    world.hear(world.under_way[-1])
    world.mute(world.now + 3600)
    world.wait(60)
    world.mute(0.0)
    world.sweep()
    assert world.chat.sent == 1


def test_what_rang_and_ended_while_telegram_was_away_is_told_without_a_bell(world: World) -> None:
    """In the morning the owner reads of it; after a day it is no news."""
    world.chat.is_away = True
    for state in ("ALARM", "OK"):
        world.turns(state)
        assert isinstance(world.hear(world.under_way[-1])[0], NetworkError)
    world.chat.is_away = False
    world.sweep()
    assert [(one.text.splitlines()[0], one.rang_at) for one in world.chat.messages.values()] == [(OVER, None)]


def test_a_ring_whose_beginning_and_end_were_lost_is_counted(world: World) -> None:
    """It rings since another time than before, so it rings again."""
    world.turns("ALARM")
    world.hear(world.under_way[-1])
    world.turns("OK")
    world.turns("ALARM")
    world.sweep()
    assert "The 2nd time since" in world.chat.messages[1].text
    world.hear(*world.under_way)
    assert (world.chat.shown, world.chat.sent, world.chat.edits) == ([RINGS], 1, 1)


def test_insufficient_data_is_no_news(world: World) -> None:
    """Neither a ring nor its end."""
    world.hear(from_notification(sns(change("INSUFFICIENT_DATA", NOW)), STACK))
    world.turns("ALARM")
    world.hear(world.under_way[-1])
    world.hear(from_notification(sns(change("INSUFFICIENT_DATA", world.now + 60)), STACK))
    assert (world.chat.shown, world.chat.sent, world.chat.edits) == ([RINGS], 1, 0)


def test_a_telegram_that_asks_to_wait_is_waited_for(world: World) -> None:
    """A storm of alarms comes out one after the other; a long wait is left to the sweep."""
    world.turns("ALARM")
    world.chat.refusals = [RetryAfter(5), RetryAfter(5)]
    assert (world.hear(world.under_way[-1]), world.chat.shown) == ([None], [RINGS])
    world.turns("OK")
    world.chat.refusals = [RetryAfter(60)]
    assert isinstance(world.hear(world.under_way[-1])[0], RetryAfter)
    world.sweep()
    assert world.chat.shown == [OVER]


def test_a_deleted_message_is_sent_again_while_it_rings(world: World) -> None:
    """And not missed once it is over."""
    world.turns("ALARM")
    world.hear(world.under_way[-1])
    world.chat.messages.clear()
    for state in ("OK", "ALARM"):
        world.turns(state)
        world.hear(world.under_way[-1])
        assert world.chat.shown == ([] if state == "OK" else [RINGS])
    assert world.chat.messages[2].rang_at is None


def test_a_ring_during_an_edit_is_not_left_to_the_sweep(world: World) -> None:
    """Who brings it finds the alarm claimed; who holds the claim finds another episode, and shows that too."""
    world.turns("ALARM")
    world.hear(world.under_way[-1])
    world.chat.is_away = True
    world.turns("OK")
    world.hear(world.under_way[-1])
    world.chat.is_away = False
    world.wait(FOLDED_WITHIN_S + 1)
    over = from_description(described("OK", world.since), STACK)
    world.turns("ALARM")
    world.chat.meanwhile = [lambda: world.environment().hear(world.under_way[-1])]
    assert world.hear(over) == [None]
    assert world.chat.shown == [OVER, RINGS]
    world.sweep()
    assert world.chat.sent == 2


def test_a_telegram_that_hangs_ends_before_the_claim_does(world: World) -> None:
    """Else another would begin to send the same; the next one that comes may, at once."""
    world.turns("ALARM")
    world.chat.meanwhile = [lambda: asyncio.sleep(300)]
    began = world.now
    assert isinstance(world.hear(world.under_way[-1])[0], TimeoutError)
    assert world.now - began < CLAIM_S
    world.sweep()
    assert (world.chat.shown, world.chat.sent) == ([RINGS], 1)


STEPS = st.one_of(
    st.tuples(st.just("turn"), st.sampled_from(["ALARM", "OK"])),
    st.tuples(st.just("hear"), st.lists(st.integers(0, 20), min_size=1, max_size=3)),
    st.tuples(st.just("sweep"), st.none()),
    st.tuples(st.just("away"), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([1, 30, 61, 299, 301, 1000, 2000, 90_000])),
)


@given(st.lists(STEPS, max_size=40))
@settings(max_examples=150, deadline=None)
def test_whatever_is_lost_late_or_doubled_the_chat_ends_up_right(steps: list[tuple[str, Any]]) -> None:
    """One message rings if the alarm does, none if not; never more messages than changes; a lasting ring is heard."""
    world = World()
    heard: list[News] = []
    for step, told in steps:
        if step == "turn":
            world.turns(told)
        elif step == "hear" and world.under_way:
            heard += (several := [world.under_way[number % len(world.under_way)] for number in told])
            world.hear(*several)
        elif step == "sweep":
            world.sweep()
        elif step == "away":
            world.chat.is_away = told
        elif step == "wait":
            world.wait(told)
    world.settle()
    ringing = [one for one in world.chat.messages.values() if one.text.startswith("🔴")]
    assert len(ringing) == (world.state == "ALARM")
    assert world.chat.sent <= world.changes
    if ringing:
        assert ringing == list(world.chat.messages.values())[-1:]
        assert max(one.rang_at or 0.0 for one in world.chat.messages.values()) >= world.since
    shown = (world.chat.sent, world.chat.edits)
    world.hear(*heard)
    world.sweep()
    assert (world.chat.sent, world.chat.edits) == shown
    world.loop.close()
