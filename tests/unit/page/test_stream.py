"""The stream of the page: everything first, then what changes, and never more than a page can take."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any

from local.page.stream import LAG, Stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sse_starlette import ServerSentEvent


class Counter:
    """A source that changes each time it is asked."""

    name = "counter"

    def __init__(self) -> None:
        self._numbers = count(1)
        self.number = 0

    def snapshot(self) -> dict[str, Any]:
        """Return the number."""
        return {"number": self.number}

    def changes(self) -> dict[str, Any] | None:
        """Return the next number."""
        self.number = next(self._numbers)
        return {"number": self.number}


async def _next(events: AsyncIterator[ServerSentEvent]) -> tuple[str, int]:
    event = await anext(events)
    assert event.event == "counter"
    said = json.loads(str(event.data))
    return said["kind"], said["number"]


async def test_a_page_gets_everything_and_then_what_changes() -> None:
    """The first event is the snapshot, each tick after it a change."""
    stream = Stream([Counter()])
    events = stream.events()
    assert await _next(events) == ("snapshot", 0)
    stream.tick()
    stream.tick()
    assert [await _next(events), await _next(events)] == [("change", 1), ("change", 2)]


async def test_a_slow_page_gets_everything_anew_in_place_of_a_backlog() -> None:
    """What a page has not read is bounded, and what it then reads is the latest."""
    stream = Stream([Counter()])
    events = stream.events()
    await _next(events)
    for _ in range(LAG + 1):
        stream.tick()
    assert await _next(events) == ("snapshot", LAG + 1)
