"""What the Telegram tests share: a TLS context made once, since it is most of what a bot object costs."""

import ssl
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def one_tls_context() -> Iterator[None]:
    """Every client gets the same context; nothing here connects."""
    context = ssl.create_default_context()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", lambda **_: context)
        yield
