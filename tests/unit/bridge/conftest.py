"""One crossing for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.bridge.harness import Crossing


@pytest.fixture
async def crossing() -> AsyncIterator[Crossing]:
    """Return a bridge between a Telegram and an endpoint, with nothing set."""
    made = Crossing()
    yield made
    await made.close()
