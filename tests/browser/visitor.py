"""What a visitor of the page does and sees, in the page's own words: roles and labels, as a screen reader has them."""

import time

from playwright.sync_api import Locator, Page, expect

_WITHIN_S = 30
ANN, BEN, GROUP = 501, 502, -500


def open_chat(page: Page, name: str) -> None:
    """Open somebody's chat from the list."""
    page.get_by_role("list", name="Chats").get_by_role("button", name=name).click()


def write(page: Page, text: str) -> None:
    """Write in the open chat, and send."""
    box = page.get_by_role("textbox", name="Message from")
    box.fill(text)
    box.press("Enter")


def start(page: Page) -> None:
    """Press Start, in the open chat of somebody who has not met the bot."""
    page.get_by_role("button", name="Start", exact=True).click()


def message(page: Page, text: str) -> Locator:
    """Find the messages of the open chat that have the text in them."""
    return page.get_by_role("log", name="Messages").get_by_role("article").filter(has_text=text)


def said(page: Page, text: str, within_s: float = 20) -> None:
    """Wait until the open chat shows a message with the text."""
    expect(message(page, text).last).to_be_visible(timeout=within_s * 1000)


def station(page: Page, name: str) -> Locator:
    """Find the number at a station of the way."""
    return page.get_by_role("listitem").filter(has_text=name).locator(".station-number")


def update(page: Page, text: str) -> Locator:
    """Find the row of the last updates that has the text."""
    return page.get_by_role("region", name="The machine").get_by_role("button", name=text)


def lever(page: Page, label: str) -> Locator:
    """Find a lever's part of the page."""
    return page.get_by_role("region", name="Levers").get_by_role("listitem").filter(has_text=label)


def pull(page: Page, label: str, within_s: float = 20) -> None:
    """Pull a lever, and see that it is on."""
    lever(page, label).get_by_role("button", name=label, exact=True).click()
    expect(lever(page, label)).to_have_attribute("data-on", "true", timeout=within_s * 1000)


def undo(page: Page, label: str, within_s: float = 20) -> None:
    """Undo it, if it isn't over by itself, and see that it is off."""
    lever(page, label).get_by_role("button", name=f"Undo: {label}").click(force=True)
    expect(lever(page, label)).to_have_attribute("data-on", "false", timeout=within_s * 1000)


def eventually(page: Page, holds: str, arg: object = None) -> None:
    """Return once the expression is true; Playwright's own waiting for one needs more than the page's policy lets."""
    deadline = time.monotonic() + _WITHIN_S
    while not page.evaluate(holds, arg):
        assert time.monotonic() < deadline, f"it did not come true: {holds}"
        page.wait_for_timeout(50)
