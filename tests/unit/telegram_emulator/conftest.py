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
