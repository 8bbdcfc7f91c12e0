"""The page in a real browser, around the emulator."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page

from local.page.app import create_app
from local.telegram import app as telegram
from local.telegram.server import running
from tests.chromium import Browse


@pytest.fixture
def url() -> Iterator[str]:
    """Where the page is."""
    with running(create_app(telegram.create_app())) as address:
        yield address


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("phone", [False, True])
def test_it_is_for_everybody(
    url: str, browse: Browse, violations: Callable[[Page], list[str]], *, dark: bool, phone: bool
) -> None:
    """Axe has nothing against it, light or dark, wide or narrow."""
    page = browse(url, dark=dark, phone=phone)
    assert page.title() == "Floodgate"
    assert violations(page) == []
