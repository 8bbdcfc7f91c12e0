"""Where each update is: pure, no I/O, times are what the events say.

Problem: Telegram tells of an update's coming and delivery, the feed of its work, each by its own way, late or never: a
worker is killed, a feed is begun anew, a stack is gone and another comes.
Rule: an update is at exactly one station, by its id, and what is heard late fills in times but moves nothing back:

    telegram    it waits at Telegram, undelivered
    waiting     the webhook has accepted it, and no worker had it yet
    work        a worker has it in hand
    back        it was put back, and waits for its next try
    answered    its handlers ran to their end
    dropped     a limit, stale, a copy of another, its chat is gone, or Telegram gave it up
    dead        given up: it has a reference, and is kept as a failure
    lost        nothing was heard of it any more, and its queue is empty

The last four are its end, unless a worker has it again: then it was sent a second time, or by an admin.
Hazard: how many are remembered is bounded. The oldest unfinished one that is forgotten leaves its station without an
end.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Station(StrEnum):
    """Where an update is."""

    TELEGRAM = "telegram"
    WAITING = "waiting"
    WORK = "work"
    BACK = "back"
    ANSWERED = "answered"
    DROPPED = "dropped"
    DEAD = "dead"
    LOST = "lost"


ENDS = frozenset({Station.ANSWERED, Station.DROPPED, Station.DEAD, Station.LOST})
IN_QUEUE = frozenset({Station.WAITING, Station.WORK, Station.BACK})
#: Unfinished updates that are remembered; Telegram keeps 100 000 itself.
UNFINISHED = 120_000
#: Finished ones.
FINISHED = 2_000
#: Invocations whose end is awaited.
INVOCATIONS = 1_000


@dataclass(frozen=True, slots=True)
class About:
    """What an update is, for people."""

    type: str = "update"
    who: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What a worker's line says of an update: `outcome` and the rest by the names of the line."""

    outcome: str
    reason: str = ""
    reference: str = ""
    attempts: int = 0
    took_s: float = 0.0
    handler: str = ""
    error: str = ""
    is_retried: bool = False
    #: In how long it is tried again, if the line says so.
    wait_s: float | None = None

    @property
    def leads_to(self) -> Station:
        """Where the update is after it."""
        if self.reference:
            return Station.DEAD
        if self.is_retried:
            return Station.BACK
        return Station.ANSWERED if self.outcome == "done" else Station.DROPPED


@dataclass(slots=True, eq=False)
class Way:
    """One update's way; times are Unix seconds, None: not heard of."""

    update_id: int
    about: About = field(default_factory=About)
    station: Station = Station.TELEGRAM
    arrived_at: float | None = None
    accepted_at: float | None = None
    began_at: float | None = None
    ended_at: float | None = None
    #: When the last event was, whatever it was.
    seen_at: float = 0.0
    #: Deliveries to the webhook that failed, and how the last did.
    refusals: int = 0
    refusal: str = ""
    #: How often a worker took it in hand, and whose invocation has it.
    tries: int = 0
    invocation: str | None = None
    #: How long workers had it in hand, in all.
    worked_s: float = 0.0
    told: Told | None = None
    #: Put back: when it is tried again, if that is known, and whether it was not tried, for its chat has to wait.
    next_at: float | None = None
    is_held: bool = False
    #: Its place in the list of the last updates; 0: it is not there.
    number: int = 0


class Ways:
    """All updates that are remembered. Methods return the ways that they have changed."""

    def __init__(self, unfinished: int = UNFINISHED, finished: int = FINISHED) -> None:
        self._unfinished_limit = unfinished
        self._finished_limit = finished
        self._unfinished: OrderedDict[int, Way] = OrderedDict()
        self._finished: OrderedDict[int, Way] = OrderedDict()
        self._at = dict.fromkeys(Station, 0)
        self._invocations: OrderedDict[str, tuple[float, dict[str, int]]] = OrderedDict()

    def get(self, update_id: int) -> Way | None:
        """Return the update's way, if it is remembered."""
        return self._unfinished.get(update_id) or self._finished.get(update_id)

    def now_at(self) -> dict[Station, int]:
        """Return how many remembered updates are at each station."""
        return dict(self._at)

    # ---- what Telegram tells

    def arrived(self, update_id: int, at: float, about: About) -> Way:
        """Note that the update has arisen; one of a known id is another, if the known one has ended."""
        known = self.get(update_id)
        if known is not None and (known.station not in ENDS or known.arrived_at is None):
            known.about, known.seen_at = about, max(known.seen_at, at)
            known.arrived_at = at if known.arrived_at is None else known.arrived_at
            return known
        if known is not None:
            self._forget(known)
        return self._new(Way(update_id, about, arrived_at=at, seen_at=at))

    def refused(self, update_id: int, at: float, why: str) -> Way | None:
        """Note that a delivery failed."""
        way = self.get(update_id)
        if way is not None:
            way.refusals, way.refusal, way.seen_at = way.refusals + 1, why, max(way.seen_at, at)
        return way

    def accepted(self, update_id: int, at: float) -> Way | None:
        """Note that the webhook has taken it; a worker may have been faster."""
        way = self.get(update_id)
        if way is None:
            return None
        way.accepted_at, way.seen_at = at, max(way.seen_at, at)
        if way.station is Station.TELEGRAM:
            self._move(way, Station.WAITING)
        return way

    def given_up_by_telegram(self, update_id: int, at: float, why: str) -> Way | None:
        """Note that it will not be delivered; one that a worker has heard of was."""
        way = self.get(update_id)
        if way is not None and way.station is Station.TELEGRAM:
            way.seen_at = way.ended_at = at
            way.told = Told(why)
            self._move(way, Station.DROPPED)
        return way

    # ---- what the feed tells

    def began(self, invocation: str, at: float, messages: Mapping[str, int]) -> list[Way]:
        """Note that an invocation has these updates, by their messages' ids, in hand."""
        self._invocations[invocation] = (at, dict(messages))
        if len(self._invocations) > INVOCATIONS:
            self._invocations.popitem(last=False)
        return [self._begin(update_id, invocation, at) for update_id in dict.fromkeys(messages.values())]

    def ended(
        self, invocation: str, at: float, *, told: Mapping[int, Told], put_back: Iterable[str], has_failed: bool
    ) -> list[Way]:
        """Note what came of the updates that the invocation had in hand; of a failed one all go back."""
        began_at, messages = self._invocations.pop(invocation, (at, {}))
        back = {messages[one] for one in put_back if one in messages}
        moved = []
        for update_id in dict.fromkeys([*messages.values(), *told]):
            way = self.get(update_id)
            if way is None or way.invocation not in (invocation, None):
                continue
            if way.invocation is None and (way.station in ENDS or update_id not in told):
                continue
            said = told.get(update_id)
            way.worked_s += max(0.0, at - began_at) if said is None else said.took_s
            way.invocation, way.seen_at = None, max(way.seen_at, at)
            self._end(way, at, said, is_back=has_failed or update_id in back)
            if way.station is Station.BACK and said is not None and said.wait_s is not None:
                way.next_at = at + said.wait_s
            way.is_held = way.station is Station.BACK and said is None and not has_failed
            moved.append(way)
        return moved

    def settle(self, emptied_at: float) -> list[Way]:
        """Note that the queue was empty then: whatever it should hold, and was not heard of since, is lost."""
        lost = [way for way in self._unfinished.values() if way.station in IN_QUEUE and way.seen_at < emptied_at]
        for way in lost:
            way.ended_at, way.invocation = emptied_at, None
            self._move(way, Station.LOST)
        return lost

    @property
    def expects_a_queue(self) -> bool:
        """Whether anything should be in the queue."""
        return any(self._at[station] for station in IN_QUEUE)

    # ---- how

    def _begin(self, update_id: int, invocation: str, at: float) -> Way:
        way = self.get(update_id) or self._new(Way(update_id, seen_at=at))
        way.tries += 1
        way.invocation, way.seen_at = invocation, max(way.seen_at, at)
        way.began_at = at if way.began_at is None else way.began_at
        way.next_at, way.is_held = None, False
        self._move(way, Station.WORK)
        return way

    def _end(self, way: Way, at: float, told: Told | None, *, is_back: bool) -> None:
        had, to = way.told, Station.ANSWERED if told is None else told.leads_to
        if is_back and to is not Station.DEAD:
            to = Station.BACK
        if told is not None and told.reason == "duplicate" and had is not None and had.leads_to in ENDS:
            to = had.leads_to  # it was told what became of it when it came the first time
        elif told is not None:
            way.told = told
        elif to is Station.ANSWERED and had is not None and had.leads_to in ENDS:
            to = had.leads_to  # a worker found that it was done already
        way.ended_at = at if to in ENDS else None
        self._move(way, to)

    def _new(self, way: Way) -> Way:
        self._unfinished[way.update_id] = way
        self._at[way.station] += 1
        while len(self._unfinished) > self._unfinished_limit:
            _, oldest = self._unfinished.popitem(last=False)
            self._at[oldest.station] -= 1
        return way

    def _move(self, way: Way, to: Station) -> None:
        if self.get(way.update_id) is not way:
            return  # forgotten meanwhile
        self._at[way.station] -= 1
        self._at[to] += 1
        has_ended, ends = way.station in ENDS, to in ENDS
        way.station = to
        if has_ended != ends:
            source, target = (self._finished, self._unfinished) if has_ended else (self._unfinished, self._finished)
            del source[way.update_id]
            target[way.update_id] = way
        while len(self._finished) > self._finished_limit:
            _, oldest = self._finished.popitem(last=False)
            self._at[oldest.station] -= 1

    def _forget(self, way: Way) -> None:
        self._at[way.station] -= 1
        self._unfinished.pop(way.update_id, None)
        self._finished.pop(way.update_id, None)


def told_by(lines: Sequence[Mapping[str, object]]) -> dict[int, Told]:
    """Return what the lines `update` among these say, by update id; the last of an update counts."""
    return {
        update_id: _told(line)
        for line in lines
        if line.get("message") == "update" and isinstance(update_id := line.get("update_id"), int)
    }


#: Outcomes after which an update without a reference is tried again (floodgate.delivery.outcomes).
_TRIED_AGAIN = frozenset({"wait", "retry", "frozen", "moved", "bug"})


def _told(line: Mapping[str, object]) -> Told:
    outcome = str(line.get("outcome", ""))
    attempts, took_s, wait_s = line.get("attempts"), line.get("took_s"), line.get("wait_s")
    return Told(
        outcome,
        reason=str(line.get("reason", "")),
        reference=str(line.get("reference", "")),
        attempts=attempts if isinstance(attempts, int) else 0,
        took_s=float(took_s) if isinstance(took_s, int | float) else 0.0,
        handler=str(line.get("handler", "")),
        error=str(line.get("error", "")),
        is_retried=outcome in _TRIED_AGAIN,
        wait_s=float(wait_s) if isinstance(wait_s, int | float) else None,
    )
