"""Unit tests open no socket: what needs one belongs to tests/integration or tests/e2e."""

from collections.abc import Iterator

import pytest
from pytest_socket import disable_socket, enable_socket


@pytest.fixture(autouse=True)
def no_sockets() -> Iterator[None]:
    """Any socket but asyncio's own socket pair raises SocketBlockedError."""
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()
