"""Fixtures for tests in a real browser: Debian's Chromium, driven by Playwright.

Problem: a page that works in the tests may log errors, ask the internet for something, or be unusable without a mouse.
Rule: `browse()` opens pages, each in a fresh profile; a console error, an exception, a request that fails or that
leaves this machine fails the test, unless it is taken out of `complaints`. `violations(page)` is what axe has against
it.
Hazard: Playwright keeps an event loop running in the test's thread while it is started, so nothing asynchronous runs
there. It is started for one module of tests at a time, and those hold no async ones.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import pytest

from tests.npm import node_modules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: It has no network here, and asks nobody whether it is up to date.
_OPTIONS = (
    "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-quic", "--disable-dev-shm-usage",
)  # fmt: skip
WIDE = {"width": 1280, "height": 860}
PHONE = {"width": 375, "height": 740}
_PATIENCE_MS = 20_000
_AXE = "axe.run(document, {resultTypes: ['violations']}).then((found) => found.violations)"
_OF_THIS_MACHINE = ("127.0.0.1", "localhost")


class Browse(Protocol):
    """Opens a page at an address, wide and light unless said otherwise."""

    def __call__(self, url: str, *, phone: bool = False, dark: bool = False) -> Page:
        """Return the page, loaded."""
        ...


def _executable() -> str:
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip("Chromium is missing: install it (on Debian: apt-get install chromium), and try again")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; skips where it is missing."""
    executable = _executable()
    from playwright.sync_api import expect, sync_playwright  # noqa: PLC0415 - only where there is a browser

    expect.set_options(timeout=_PATIENCE_MS)
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=[*_OPTIONS, *as_root])
        yield chromium
        chromium.close()


@pytest.fixture
def complaints() -> list[str]:
    """What pages complained of in this test; must be empty at its end."""
    return []


@pytest.fixture
def browse(browser: Browser, complaints: list[str]) -> Iterator[Browse]:
    """Opens pages, which are closed with the test."""
    contexts = []

    def said(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(f"console: {message.text} ({message.location.get('url')})")

    def asked(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.hostname not in _OF_THIS_MACHINE:
            complaints.append(f"request to {request.url}")

    def failed(request: Request) -> None:
        if request.failure == "net::ERR_ABORTED" and request.url.endswith("/page/events"):
            return  # the stream has no other end than that its page is left
        complaints.append(f"request failed: {request.method} {request.url} {request.failure}")

    def open_page(url: str, *, phone: bool = False, dark: bool = False) -> Page:
        options: dict[str, Any] = (
            {"viewport": PHONE, "has_touch": True, "device_scale_factor": 2} if phone else {"viewport": WIDE}
        )
        context = browser.new_context(
            color_scheme="dark" if dark else "light", locale="en-GB", reduced_motion="reduce", **options
        )
        contexts.append(context)
        context.set_default_timeout(_PATIENCE_MS)
        page = context.new_page()
        page.on("console", said)
        page.on("pageerror", lambda error: complaints.append(f"exception: {error}"))
        page.on("request", asked)
        page.on("requestfailed", failed)
        page.goto(url, wait_until="domcontentloaded")
        return page

    yield open_page
    found = list(complaints)  # what is cut off by closing is no complaint
    for context in contexts:
        context.close()
    assert found == []


@pytest.fixture(scope="session")
def axe() -> str:
    """The accessibility check's source."""
    return (node_modules() / "axe-core" / "axe.min.js").read_text()


@pytest.fixture
def violations(axe: str) -> Any:
    """What axe has against a page as it stands, a line for each."""

    def check(page: Page) -> list[str]:
        page.evaluate(f"{axe}; 0")
        return [
            f"{found['id']}: {found['help']}: {node['target']} {node.get('failureSummary', '')}"
            for found in page.evaluate(_AXE)
            for node in found["nodes"]
        ]

    return check
