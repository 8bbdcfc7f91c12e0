"""The stream of the page: everything first, then what changes, and never more than a page can take."""

from __future__ import annotations

import json
import logging
from itertools import count
from typing import TYPE_CHECKING, Any

from local.page.stream import LAG, Stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest
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


class Failing(Counter):
    """A source that fails, as long as it does."""

    name = "failing"
    fails = True

    def snapshot(self) -> dict[str, Any]:
        """Return the number, or fail."""
        self._fail()
        return super().snapshot()

    def changes(self) -> dict[str, Any] | None:
        """Return the next number, or fail."""
        self._fail()
        return super().changes()

    def _fail(self) -> None:
        if self.fails:
            raise ValueError("that was not foreseen")


async def test_a_source_that_fails_takes_no_other_with_it(caplog: pytest.LogCaptureFixture) -> None:
    """Pages get the others, and this one once it is well; the log has its failure, once."""
    failing = Failing()
    stream = Stream([failing, Counter()])
    events = stream.events()
    with caplog.at_level(logging.ERROR):
        assert await _next(events) == ("snapshot", 0)
        stream.tick()
        assert await _next(events) == ("change", 1)
    assert caplog.messages == ["The page does not show what is new of failing"]
    failing.fails = False
    stream.tick()
    assert (await anext(events)).event == "failing"


class Said:
    """A source that says a text."""

    name = "counter"

    def __init__(self, text: str) -> None:
        self._text = text

    def snapshot(self) -> dict[str, Any]:
        """Return the text as it is."""
        return {"number": self._text}

    def changes(self) -> None:
        """Return nothing."""


async def test_what_is_no_utf_8_is_sent_as_far_as_it_is() -> None:
    """JSON can name half of a surrogate pair, which no stream can carry."""
    event = await anext(Stream([Said("a \ud83d b")]).events())
    assert json.loads(str(event.data)) == {"kind": "snapshot", "number": "a ? b"}
