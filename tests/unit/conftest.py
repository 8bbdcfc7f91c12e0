"""Unit tests open no socket: what needs one belongs to tests/integration or tests/e2e."""

import pytest
from pytest_socket import disable_socket, enable_socket


@pytest.fixture(autouse=True)
def no_sockets():  # noqa: ANN201 - a fixture's generator type helps nobody
    """Any socket but asyncio's own socket pair raises SocketBlockedError."""
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()
