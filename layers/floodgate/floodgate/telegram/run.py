"""One update while its handlers run: what its calls may know of it, and what they leave behind.

Rule: a context variable, which tasks inherit that a handler starts; so calls of updates that run side by side never
take one for the other. Outside of an update there is none.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from floodgate.retry import RetryPolicy
from floodgate.telegram.errors import AlreadySaved, MustWait
from floodgate.telegram.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from floodgate.cache.entry import Shown
    from floodgate.ingress.updates import IncomingUpdate
    from floodgate.telegram.application import Registered
    from floodgate.telegram.update_data import UpdateData
    from floodgate.traffic.gate import Gate, Gates, Ticket


@dataclass(eq=False, slots=True, kw_only=True)
class Run:
    """An update that was admitted."""

    update: IncomingUpdate
    ticket: Ticket
    #: The FIFO group of its message.
    group: str
    #: The gate that the update passed: its chat's, or its person's; None for polls and the like.
    own: int | None
    #: The event loop's time at which it is cancelled.
    deadline: float
    #: None while the limits' store is down and updates are let pass without.
    gates: Gates | None
    #: The chats and people that the update shows, by id.
    shown: Shown
    #: When it was put into its queue, Unix seconds; None: now.
    came_at: float | None = None
    #: When a person asked for what it is, by the event loop's time; None if nobody did, or an answer was sent.
    asked_at: float | None = None
    #: A limit of a handler's own has refused it.
    is_limited: bool = False
    #: No limit is charged to it: its sender is an admin, or it is nothing that people can flood a bot with.
    is_exempt: bool = False
    #: It was tried before: nobody need be waiting for the answer to its query any more, and half of it may be done.
    was_tried: bool = False
    #: A worker may have died with it in hand, after having saved what it remembers.
    is_suspect: bool = False
    #: A reply into its own chat is reserved and may go out at once.
    reply_reserved: bool = False
    #: The webhook has answered its callback query.
    is_acknowledged: bool = False
    #: What it has done, in this attempt and in earlier ones.
    replay: Replay = field(default_factory=Replay)
    #: The callback that has it in hand, `module.name`; None if no handler has taken it.
    handler: str | None = None
    #: What it remembers; None until its handlers are asked.
    data: UpdateData | None = None
    #: By a handler's `id`: the names of the conversations that it stands in.
    inside: Mapping[int, Collection[str]] = field(default_factory=dict)
    #: The tasks that it may ask for, by name.
    tasks: Mapping[str, Registered] = field(default_factory=dict)
    #: How often it is tried.
    retries: RetryPolicy = field(default_factory=RetryPolicy)
    #: Calls that Telegram has in hand.
    under_way: set[asyncio.Task[Any]] = field(default_factory=set)
    #: What its handlers raised, and the tasks that they started.
    errors: list[Exception] = field(default_factory=list)
    #: Set once the update must wait, whatever its handler makes of MustWait.
    must_wait_s: float | None = None
    #: Gates as this update last saw them.
    seen: dict[int | str, Gate] = field(default_factory=dict)
    #: One send into a chat reserves its time after the other, or they would fail each other's writes.
    reserving: defaultdict[int | str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    def time_for(self, wait_s: float) -> bool:
        """Tell whether so long a wait leaves something of the time that the update has."""
        return asyncio.get_running_loop().time() + wait_s < self.deadline - REST_S

    def begin_again(self) -> None:
        """Have its handlers start anew; what they have done they find done."""
        self.replay = Replay(self.replay.records())
        self.errors.clear()

    def follow(self, old: int | str, new: int) -> None:
        """Go on in `new` if the update's own chat was `old`."""
        self.seen.pop(old, None)
        if self.own == old:
            self.own = new

    def require_open(self) -> None:
        """Raise what has ended its handlers, MustWait or AlreadySaved: one that has caught it may do nothing more."""
        if self.must_wait_s is not None:
            raise self.must_wait(self.must_wait_s)
        if self.data is not None and self.data.is_saved:
            raise AlreadySaved

    def must_wait(self, wait_s: float) -> MustWait:
        """Have the update handed out again after `wait_s` seconds, and return what ends its handler: raise it."""
        self.must_wait_s = max(wait_s, self.must_wait_s or 0.0)
        return MustWait(wait_s)


#: What must be left of an update's time after a wait, in seconds: a call's worth.
REST_S: Final = 0.5

running: ContextVar[Run | None] = ContextVar("running", default=None)
