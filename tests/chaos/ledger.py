"""What was asked, what was done, and whether it is what the project promises.

Problem: "nothing lost, nothing twice" is a claim about every update and every call. Rule: each call that people would
see carries a label, `~<update id>.<step>~`, so that Telegram's side can count by itself what arrived; where an update
ended is read from there, from the dead letters, and from whether its handler came to its end. Only that it was over a
limit is the bot's own word, and taken only of those who may be. Hazard: what a killed worker had in hand may be done
again, once per kill, and is counted apart.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from floodgate.ingress.facts import STALE_AFTER_S

if TYPE_CHECKING:
    from collections.abc import Iterable

_LABEL = re.compile(r"~((\d+)\.[0-9.]+)~")
#: What people are told to mention.
_REFERENCE = re.compile(r"\b[A-Z2-7]{5}-[A-Z2-7]{5}\b")
#: A chat is told of a failure at most once in so many seconds; the words may be under way for some of them.
_QUIET_S = 50.0


def labels(text: str) -> list[tuple[int, str]]:
    """Return the labels in a text, each with its update's id."""
    return [(int(found[2]), found[1]) for found in _LABEL.finditer(text)]


@dataclass(slots=True)
class Fate:
    """One update from its sending to its end."""

    update_id: int
    kind: str
    #: What must keep its order with what: its FIFO group.
    group: str
    #: What its handler does, by label, and how often.
    expected: Counter[str] = field(default_factory=Counter)
    #: Its place among all updates, as the queue took them; None if it never got there.
    arrived: int | None = None
    sent_at: float = 0.0
    #: When its handler began, and when it came to its end.
    begun: list[float] = field(default_factory=list)
    finished: list[float] = field(default_factory=list)
    #: Telegram has said that its query is too old to be answered.
    is_too_old: bool = False
    #: Dead letters of it, by the message that they are of.
    letters: set[str] = field(default_factory=set)
    #: Whether its sender may be over a limit, and whether the bot says so.
    may_be_limited: bool = False
    is_limited: bool = False
    #: Kills that had it in hand.
    kills: int = 0
    #: When it was gone from its queue.
    deleted_at: float = 0.0
    #: What Telegram did, by label, in order.
    delivered: Counter[str] = field(default_factory=Counter)
    #: Calls that did not arrive, of which the bot cannot know that, by label.
    missed: Counter[str] = field(default_factory=Counter)
    #: Labels of calls whose answer the bot could not read.
    unheard: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Verdict:
    """What came of a run: figures, and a sentence for each promise that was broken."""

    figures: Counter[str]
    broken: list[str]


class Ledger:
    """Keeps the fates of all updates of a run."""

    def __init__(self) -> None:
        self.fates: dict[int, Fate] = {}
        #: Every delivery, in order: update, label.
        self.log: list[tuple[int, str]] = []
        #: Calls into a frozen chat: `known` by a call that began after the freeze had been noted.
        self.frozen_calls: Counter[str] = Counter()
        self.in_hand = 0
        self.kills = 0
        #: What of the harness's own world went wrong, in sentences.
        self.strange: list[str] = []
        self._arrivals = 0
        self._kept: set[str] = set()
        #: How often anybody was told of a failure, and when each chat was.
        self._told: Counter[str] = Counter()
        self._told_at: defaultdict[int, list[float]] = defaultdict(list)

    def took(self, update_id: int, at: float) -> None:
        """Note that the queue has an update; a copy is no news."""
        fate = self.fates[update_id]
        if fate.arrived is None:
            self._arrivals += 1
            fate.arrived, fate.sent_at = self._arrivals, at

    def deleted(self, update_id: int, at: float) -> None:
        """Note that a message with the update is gone."""
        self.fates[update_id].deleted_at = at

    def delivered(self, text: str, *, shows_twice: bool) -> None:
        """Note what a call brought that Telegram has carried out.

        Where once more shows nothing twice, a call may be repeated whose answer the bot has not read.
        """
        for update_id, label in labels(text):
            fate = self.fates[update_id]
            if shows_twice or not (fate.delivered[label] and label in fate.unheard):
                fate.delivered[label] += 1
                self.log.append((update_id, label))

    def refused_as_too_old(self, text: str) -> None:
        """Note a call that Telegram refused because its query is too old; the rest of its update may be done."""
        for update_id, label in labels(text):
            self.fates[update_id].is_too_old = True
            self.fates[update_id].missed[label] += 1

    def unheard(self, text: str, *, arrived: bool, is_unknown: bool) -> None:
        """Note a call whose answer the bot cannot read; `is_unknown` if it cannot know either whether it arrived."""
        for update_id, label in labels(text):
            fate = self.fates[update_id]
            fate.unheard.add(label)
            if is_unknown:
                fate.missed[label] += not arrived

    def killed(self, update_ids: Iterable[int]) -> None:
        """Note that a worker died that had these in hand."""
        self.kills += 1
        for update_id in update_ids:
            self.fates[update_id].kills += 1
            self.in_hand += 1

    def limited(self, update_id: int) -> None:
        """Note that the bot has dropped an update for a limit."""
        self.fates[update_id].is_limited = True

    def given_up(self, update_id: int, failure: str) -> None:
        """Note a dead letter."""
        self.fates[update_id].letters.add(failure)

    def kept(self, failures: Iterable[str]) -> None:
        """Note the failures that can be listed in the end."""
        self._kept = set(failures)

    def told(self, chat: int, text: str, at: float) -> None:
        """Note what somebody was told of a failure."""
        for failure in _REFERENCE.findall(text):
            self._told[failure] += 1
            self._told_at[chat].append(at)

    def verdict(self, left: int, skew_s: float) -> Verdict:
        """Judge the run; `left` messages are in queues still, and clocks differed by up to `skew_s` seconds."""
        figures: Counter[str] = Counter()
        broken = list(self.strange)
        if left:
            broken.append(f"{left} messages are left in a queue")
        for fate in self.fates.values():
            if fate.arrived is None:
                figures["expired at Telegram"] += 1
                continue
            figures["updates"] += 1
            end = _end(fate, skew_s)
            figures[end] += 1
            if end == "lost":
                broken.append(f"update {fate.update_id} is lost: {_story(fate)}")
            self._count(fate, end, figures, broken)
        figures["repeated updates in hand at kills"] = sum(
            1 for fate in self.fates.values() if fate.kills and any((fate.delivered - fate.expected).values())
        )
        if figures["repeated updates in hand at kills"] > self.in_hand:
            broken.append("more updates were repeated for kills than were in hand")
        disordered = self._disordered()
        figures["order violations"] = len(disordered)
        broken += disordered
        figures["frozen chats called"] = self.frozen_calls["known"]
        if self.frozen_calls["known"]:
            broken.append(f"frozen chats were called {self.frozen_calls['known']} times")
        broken += self._mistold()
        figures["told"] = self._told.total()
        figures["kills"] = self.kills
        figures["in hand at kills"] = self.in_hand
        return Verdict(figures, broken)

    def _count(self, fate: Fate, end: str, figures: Counter[str], broken: list[str]) -> None:
        """Hold every delivery of an update against what may have been delivered."""
        for label, count in fate.delivered.items():
            wanted = fate.expected[label]
            excess = count - wanted
            if excess > wanted * fate.kills:
                figures["repeated"] += 1
                broken.append(f"{label} arrived {count} times, with {fate.kills} kills: {_story(fate)}")
            elif excess > 0:
                figures["repeated calls, by kills"] += excess
        if end != "answered":
            return
        for label, wanted in fate.expected.items():
            if fate.delivered[label] + fate.missed[label] < wanted:
                figures["missing"] += 1
                broken.append(f"{label} did not arrive as often as it should: {_story(fate)}")
        if len(fate.letters) > 0 and fate.finished and not fate.kills:
            broken.append(f"update {fate.update_id} has ended twice: {_story(fate)}")

    def _mistold(self) -> list[str]:
        """Return a sentence for each letter that is not kept, and for each word too many."""
        given_up = {failure for fate in self.fates.values() for failure in fate.letters}
        found = [f"failure {failure} is not kept" for failure in sorted(given_up - self._kept)]
        found += [f"failure {failure} was told {count} times" for failure, count in self._told.items() if count > 1]
        for chat, at in self._told_at.items():
            if any(later - earlier < _QUIET_S for earlier, later in pairwise(at)):
                found.append(f"chat {chat} was told of failures twice within a minute")
        return found

    def _disordered(self) -> list[str]:
        """Return a sentence for each first delivery that came after one of a later update of its group."""
        seen: set[str] = set()
        latest: defaultdict[str, int] = defaultdict(int)
        found = []
        for update_id, label in self.log:
            fate = self.fates[update_id]
            if label in seen or fate.arrived is None:
                continue
            seen.add(label)
            if fate.arrived < latest[fate.group]:
                found.append(f"{label} came after an answer to a later update of {fate.group}: {_story(fate)}")
            latest[fate.group] = max(latest[fate.group], fate.arrived)
        return found


def _end(fate: Fate, skew_s: float) -> str:
    """Return the one end that an update came to: answered, told and kept, stale, limited or lost."""
    if fate.letters:
        return "told and kept"
    if fate.finished:
        return "answered"
    age_s = fate.deleted_at - fate.sent_at
    is_aged = age_s + skew_s + 1 > STALE_AFTER_S.get(fate.kind, float("inf"))
    # What has done something is not dropped for its age, unless it died with the only one who knew.
    if fate.is_too_old or (is_aged and (fate.kills or not any(fate.delivered.values()))):
        return "stale"
    return "limited" if fate.is_limited and fate.may_be_limited and not fate.begun else "lost"


def _story(fate: Fate) -> str:
    return (
        f"{fate.kind} in {fate.group}, handler begun {len(fate.begun)} and finished {len(fate.finished)} times, "
        f"{fate.kills} kills, letters {len(fate.letters)}, delivered {dict(fate.delivered)}, missed {dict(fate.missed)}"
    )
