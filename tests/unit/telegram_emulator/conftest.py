"""One emulator for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.telegram_emulator.harness import Harness


@pytest.fixture
async def telegram() -> AsyncIterator[Harness]:
    """Return an emulator in which user 5 spoke in a private chat and in the supergroup -1001 million million."""
    harness = Harness()
    await harness.order("messages", chat_id=5, text="hello")
    await harness.order("messages", chat_id=-1000000000001, text="hello", user_id=5)
    yield harness
    await harness.close()


@pytest.fixture
async def administrator(telegram: Harness) -> Harness:
    """Return the emulator with the bot an administrator of the supergroup, in which user 6 is a member."""
    await telegram.order("members", chat_id=-1000000000001, status="administrator")
    await telegram.order("members", chat_id=-1000000000001, user_id=6, status="member")
    return telegram
