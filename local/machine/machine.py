"""The right half of the page: the way of updates, figures, alarms and the last updates one by one.

Where each figure comes from:

    at Telegram, accepted, failed deliveries        the local Telegram, as it happens (`watching.Watcher`)
    waiting, in work, put back, answered, dead …    the feed: an invocation's beginning and end, its lines `update`
    queues' depths, alarms                          SQS and CloudWatch of the local AWS, asked each second
    answer times, limits, cache, cold starts …      the functions' own metrics, in the feed's lines (docs/metrics.md)
    frozen chats                                    the lines "chat frozen by Telegram", with how long

Rule: an event costs the same however many there are; frames are at most five a second, and have what has changed. All
times are the events' own, so what is read late is counted when it was.
Hazard: a worker's lines come when its invocation ends. A freeze or an answer is seen up to a batch's time late.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.machine.account import Account, Look
from local.machine.feed import Feed
from local.machine.figures import MINUTE_S, Count, Frozen, Times, metrics_in
from local.machine.hidden import Hidden
from local.machine.lines import Line, Lines
from local.machine.recent import Recent, about
from local.machine.ways import Station, Way, Ways, told_by

if TYPE_CHECKING:
    from local.telegram.updates import Pending

type Json = dict[str, Any]

FRAME_EVERY_S = 0.2
FEED_EVERY_S = 0.2
#: So many events at once, and the feed is ahead: it is read again at once.
MANY = 200
LOOK_EVERY_S = 1.0
#: The queue's emptiness is believed of what was not heard of for so long: the feed is read later than it is written.
SETTLED_AFTER_S = 15.0
#: What has a curve, and what has a rate.
DRAWN = ("arrived", "accepted", "began", "back", "answered", "dropped", "dead")
FLOWS = (*DRAWN, "refused", "calls", "limited")
#: What is counted by the minute and in all, by the metrics' names.
COUNTED = (
    "UpdatesLimited", "UpdatesWaiting", "NoticesSent", "CacheHits", "CacheMisses", "AttemptsFailed", "ColdStarts",
    "ChatsFrozen", "TelegramCallsLimited",
)  # fmt: skip
_ENDS = {Station.BACK: "back", Station.ANSWERED: "answered", Station.DROPPED: "dropped", Station.DEAD: "dead"}
NO_STACK = "No stack feeds this half of the page: start one with `make run`."
AWAITED = "The stack is being made: this half begins when its first function runs."
GONE = "The stack does not answer just now: what stands here is how it was."


class Machine:
    """The source `machine`, a watcher of the local Telegram, and what reads the stack while `run` runs."""

    name = "machine"

    def __init__(self, folder: Path | None, account: Account | None, clock: Callable[[], float] = time.time) -> None:
        """`folder` is the stack's; without one there is Telegram's side only."""
        self.ways = Ways()
        self.recent = Recent()
        self.lines = Lines()
        self.hidden = Hidden()
        self._feed = Feed(folder) if folder is not None else None
        self._account = account
        self._clock = clock
        self._run = secrets.token_hex(4)  # another run numbers other updates alike
        self._look = Look(0.0)
        self._was_there = False
        self._flows = {name: Count() for name in FLOWS}
        self._counted = {name: Count() for name in COUNTED}
        self._answers = Times()
        self._frozen = Frozen()
        self._shown: Json = {}
        self._shown_at = 0.0

    async def run(self) -> None:
        """Read the feed and look at the stack until cancelled."""
        await asyncio.gather(self._read_feed(), self._look_around())

    # ---- the local Telegram

    def arrived(self, pending: "Pending") -> None:
        """Take an update in."""
        self.ways.arrived(pending.update["update_id"], pending.arrived_at, about(pending.type, pending.update))
        self._flows["arrived"].add(pending.arrived_at)
        if pending.outcome != "pending":
            self.settled(pending)

    def delivering(self, pending: "Pending") -> None:
        """List the update, which is on its way to the bot."""
        self._list(self.ways.get(pending.update["update_id"]))

    def attempted(self, pending: "Pending") -> None:
        """Note how a delivery went."""
        attempt, update_id = pending.attempts[-1], pending.update["update_id"]
        at = attempt["at"] + attempt["latency_ms"] / 1000
        if "error" in attempt:
            self._flows["refused"].add(at)
            self._list(self.ways.refused(update_id, at, str(attempt["error"])))
        else:
            self._flows["accepted"].add(at)
            self._list(self.ways.accepted(update_id, at))

    def settled(self, pending: "Pending") -> None:
        """Note that Telegram will not deliver the update, or that somebody has fetched it."""
        if pending.outcome == "delivered":
            return
        update_id, now = pending.update["update_id"], self._clock()
        if pending.outcome == "confirmed":
            self._flows["accepted"].add(now)
            self._list(self.ways.accepted(update_id, now))
        else:
            way = self.ways.given_up_by_telegram(update_id, now, f"{pending.outcome} at Telegram")
            if way is not None and way.station is Station.DROPPED:
                self._flows["dropped"].add(now)
            self._list(way)

    def called(self, call: Mapping[str, Any]) -> None:
        """Count a call of the bot's."""
        self._flows["calls"].add(call["at"])
        if call["status"] == 429:
            self._flows["limited"].add(call["at"])

    # ---- the feed

    def take(self, event: Json) -> None:
        """Take one event of the feed in."""
        self.hidden.take(event)
        if event["event"] == "began":
            self._began(event)
        else:
            self._ended(event)

    def _began(self, event: Json) -> None:
        if event.get("function") != "WorkerFunction":
            return
        messages = {
            str(one["id"]): one["update_id"]
            for one in event.get("messages", [])
            if isinstance(one.get("update_id"), int) and "id" in one
        }
        for way in self.ways.began(str(event["id"]), event["at"], messages):
            self._flows["began"].add(event["at"])
            self._list(way)

    def _ended(self, event: Json) -> None:
        at, function = event["at"], str(event.get("function", "")).removesuffix("Function")
        said = []
        for text in event.get("lines", []):
            line = _said(text)
            if line is not None and "_aws" in line:
                self._measured(at, line)
                continue
            self.lines.add(Line(at, function, text))
            if line is not None:
                said.append(line)
                if line.get("message") == "chat frozen by Telegram":
                    self._frozen.freeze(str(line.get("chat")), at + float(line.get("wait_s", 0)))
        if event.get("function") != "WorkerFunction":
            return
        put_back = [str(one) for one in event.get("put_back", [])]
        has_failed = event.get("error") is not None
        moved = self.ways.ended(str(event["id"]), at, told=told_by(said), put_back=put_back, has_failed=has_failed)
        for way in moved:
            if flow := _ENDS.get(way.station):
                self._flows[flow].add(at)
            self._list(way)

    def _measured(self, at: float, line: Mapping[str, Any]) -> None:
        metrics = metrics_in(line)
        self._answers.add(at, metrics.get("AnswerTime", []))
        for name in COUNTED:
            if values := metrics.get(name):
                self._counted[name].add(at, sum(values))

    async def _read_feed(self) -> None:
        if self._feed is None:
            return
        with closing(self._feed) as feed:
            while True:
                events = feed.read()
                for event in events:
                    # What has another shape is nothing that could be shown.
                    with suppress(AttributeError, KeyError, TypeError, ValueError):
                        self.take(event)
                await asyncio.sleep(FEED_EVERY_S if len(events) < MANY else 0)

    # ---- the local AWS

    async def _look_around(self) -> None:
        while self._account is not None:
            self.seen(await asyncio.to_thread(self._account.look))
            await asyncio.sleep(LOOK_EVERY_S)

    def seen(self, look: Look) -> None:
        """Take in what was seen of the stack."""
        self._look = look
        self._was_there = self._was_there or look.queues is not None
        if look.queues is None or not self.ways.expects_a_queue:
            return
        if not any(look.queues["updates"].values()):
            for way in self.ways.settle(look.at - SETTLED_AFTER_S):
                self._list(way)

    # ---- the page

    def snapshot(self) -> Json:
        """Return all there is to show."""
        now = self._clock()
        return {"run": self._run, **self._figures(now), "curves": self._curves(now), "rows": self.recent.all()}

    def changes(self) -> Json | None:
        """Return what of it has changed, at most each FRAME_EVERY_S."""
        now = self._clock()
        if now - self._shown_at < FRAME_EVERY_S:
            return None
        figures = self._figures(now)
        if int(now) != int(self._shown_at):
            figures["curves"] = self._curves(now)
        changed = {name: value for name, value in figures.items() if self._shown.get(name) != value}
        if rows := self.recent.changed():
            changed["rows"] = rows
        self._shown |= figures
        self._shown_at = now
        return changed or None

    def _list(self, way: Way | None) -> None:
        if way is not None:
            self.recent.touch(way)

    def _figures(self, now: float) -> Json:
        percentiles = self._answers.percentiles(now, 50, 99)
        return {
            "stack": self._stack(),
            "stations": {station.value: number for station, number in self.ways.now_at().items()},
            "totals": {name: int(flow.total) for name, flow in self._flows.items()},
            "rates": {name: round(flow.rate(now), 1) for name, flow in self._flows.items()},
            "minute": {name: int(count.within(MINUTE_S, now)) for name, count in self._counted.items()},
            "counted": {name: int(count.total) for name, count in self._counted.items()},
            "answer_ms": None if percentiles is None else {"p50": percentiles[0], "p99": percentiles[1]},
            "frozen": self._frozen.now(now),
            "queues": self._look.queues,
            "alarms": self._look.alarms,
        }

    def _curves(self, now: float) -> dict[str, list[float]]:
        return {name: self._flows[name].curve(now) for name in DRAWN}

    def _stack(self) -> Json:
        if self._feed is None:
            return {"state": "none", "said": NO_STACK}
        if self._look.queues is not None:
            return {"state": "up", "said": ""}
        return {"state": "gone", "said": GONE} if self._was_there else {"state": "awaited", "said": AWAITED}


def _said(text: str) -> Json | None:
    if not text.startswith("{"):
        return None
    try:
        said = json.loads(text)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None
