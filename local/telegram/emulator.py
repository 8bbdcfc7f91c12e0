"""The emulator's parts in one object: what every method and every order works on.

Rule: `create` is the one place that puts them together. Hazard: an Emulator belongs to the event loop it was made in,
and close() must be awaited to stop its webhook deliveries.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from local.telegram.clock import Clock
from local.telegram.faults import Faults
from local.telegram.learning import observe
from local.telegram.limits import SendLimits
from local.telegram.updates import UpdateQueue
from local.telegram.webhook import WebhookSender
from local.telegram.world import World

CALLS = 100_000


@dataclass(slots=True)
class Emulator:
    """One bot and the Telegram around it."""

    token: str
    clock: Clock
    world: World
    updates: UpdateQueue
    limits: SendLimits
    faults: Faults
    sender: WebhookSender
    calls: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=CALLS))
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    webhook_changed_at: float = float("-inf")
    long_poll: "asyncio.Future[str] | None" = None  # resolved with the reason that ends it

    def receive(self, update: dict[str, Any]) -> None:
        """Take a raw update, which has its id, into the world and on its way to the bot."""
        self.updates.add(update)
        chat_id = observe(self.world, update, self.clock.now())
        if chat_id is not None:
            self.limits.heard(chat_id)

    def announce(self, kind: str, body: dict[str, Any], heard_in: int | None) -> int:
        """Send the bot an update on what the world knows already, and return its id.

        `heard_in` is the chat in which a person acted, None if it was the bot: what it sends there next is a reply.
        """
        update_id = self.updates.take_id(None)
        self.updates.add({"update_id": update_id, kind: body})
        if heard_in is not None:
            self.limits.heard(heard_in)
        return update_id

    def notice(self) -> None:
        """Wake whoever waits for updates."""
        self.sender.wake()
        self.arrived.set()

    async def close(self) -> None:
        """Stop delivering."""
        await self.sender.close()


def create(
    token: str,
    clock: Clock,
    execute: Callable[[Emulator, str, bytes], Awaitable[None]],
    transport: httpx.AsyncBaseTransport | None,
) -> Emulator:
    """Return an emulator for the bot with this token; `execute` carries out what a webhook's answer asks for."""
    updates = UpdateQueue(clock.now)

    async def execute_answer(content_type: str, body: bytes) -> None:
        await execute(emulator, content_type, body)

    emulator = Emulator(
        token=token,
        clock=clock,
        world=World(clock.now, int(token.partition(":")[0])),
        updates=updates,
        limits=SendLimits(clock.now),
        faults=Faults(),
        sender=WebhookSender(clock, updates, execute_answer, transport=transport),
    )
    updates.on_arrival = emulator.notice
    return emulator
