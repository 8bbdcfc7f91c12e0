"""What handlers do about a chat's subscription; it takes effect at once, also if the update fails later.

Rule: the worker lends the subscribers of its table for as long as an update is handled. Each of these may happen twice.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from floodgate.state.subscribers import Subscribers

_current: ContextVar[Subscribers] = ContextVar("subscribers")


@contextmanager
def subscriptions(subscribers: Subscribers) -> Iterator[None]:
    """Within this block, the functions of this module are about `subscribers`."""
    token = _current.set(subscribers)
    try:
        yield
    finally:
        _current.reset(token)


async def subscribe(chat: int) -> bool:
    """Have announcements go to the chat; return False if they did already."""
    return await _current.get().subscribe(chat)


async def unsubscribe(chat: int) -> bool:
    """Have no announcements go to the chat any more; return False if none did."""
    return await _current.get().unsubscribe(chat)


async def is_subscribed(chat: int) -> bool:
    """Tell whether announcements go to the chat."""
    return await _current.get().is_subscribed(chat)


async def follow(old: int, new: int) -> None:
    """Have the supergroup `new` be the subscriber that the group `old` was."""
    await _current.get().follow(old, new)
