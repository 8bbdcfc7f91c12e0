"""What the page shows, as server-sent events.

Problem: a flood is thousands of changes a second, and a browser draws sixty times; several pages may be open, and each
may come and go.
Rule: a source is asked for what has changed ten times a second, and all that has is one event, however much it was. A
page that connects, or that was too slow, gets everything first. Frames are upserts: to see one twice changes nothing.
Hazard: a source is asked once for all pages, so `changes` must not depend on who has seen what. One that fails is left
out and said in the log: the others, and the next tick, go on.
"""

import asyncio
import json
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Protocol

from sse_starlette import ServerSentEvent

TICK_S = 0.1
#: Frames that a page may lag behind before it is shown everything anew.
LAG = 20

type Json = dict[str, Any]

_LOG = logging.getLogger(__name__)


class Source(Protocol):
    """A part of what the page shows; events are named after it."""

    @property
    def name(self) -> str:
        """The events' name."""
        ...

    def snapshot(self) -> Json:
        """Return all that there is to show now."""
        ...

    def changes(self) -> Json | None:
        """Return what has changed since the last time this was asked; None if nothing has."""
        ...


class Whole(ABC):
    """A source whose frames are whole: small enough to be sent as it is whenever something in it has changed."""

    _shown: Json | None = None

    @abstractmethod
    def snapshot(self) -> Json:
        """Return all that there is to show now."""

    def changes(self) -> Json | None:
        """Return it all if anything has changed."""
        shown = self.snapshot()
        if shown == self._shown:
            return None
        self._shown = shown
        return shown


class Stream:
    """Sends what sources show to every page that is open, while `run` runs."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._pages: set[asyncio.Queue[ServerSentEvent]] = set()
        self._failing: set[str] = set()

    async def run(self) -> None:
        """Send changes until cancelled."""
        while True:
            await asyncio.sleep(TICK_S)
            if self._pages:
                self.tick()

    def tick(self) -> None:
        """Send what has changed."""
        for source in self._sources:
            if (changes := self._asked(source, source.changes)) is not None:
                event = _event(source.name, "change", changes)
                for page in self._pages:
                    self._send(page, event)

    async def events(self) -> AsyncIterator[ServerSentEvent]:
        """Yield everything, and from then on what changes."""
        page: asyncio.Queue[ServerSentEvent] = asyncio.Queue(LAG + len(self._sources))
        self._pages.add(page)
        try:
            self._show_all(page)
            while True:
                yield await page.get()
        finally:
            self._pages.discard(page)

    def _send(self, page: asyncio.Queue[ServerSentEvent], event: ServerSentEvent) -> None:
        if page.qsize() < LAG:
            page.put_nowait(event)
        else:
            self._show_all(page)

    def _show_all(self, page: asyncio.Queue[ServerSentEvent]) -> None:
        while not page.empty():
            page.get_nowait()
        for source in self._sources:
            if (shown := self._asked(source, source.snapshot)) is not None:
                page.put_nowait(_event(source.name, "snapshot", shown))

    def _asked(self, source: Source, question: Callable[[], Json | None]) -> Json | None:
        """Return the source's answer, None if it has none or fails, which is said once until it answers again."""
        try:
            answer = question()
        except Exception:  # noqa: BLE001 - what one source does wrong is no other one's fault
            if source.name not in self._failing:
                _LOG.exception("The page does not show what is new of %s", source.name)
            self._failing.add(source.name)
            return None
        self._failing.discard(source.name)
        return answer


def _event(name: str, kind: str, shown: Json) -> ServerSentEvent:
    # Half of a surrogate pair, which JSON can name, is no UTF-8.
    text = json.dumps({"kind": kind, **shown}, ensure_ascii=False, separators=(",", ":"))
    return ServerSentEvent(event=name, data=text.encode("utf-8", "replace").decode())
