"""The page in a real browser, on the deployed template: what needs the real machine. `make screenshots` is this file.

The people are those of the page; the chat 1 is the local stack's admin chat.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from local.conversation import Telegram
from tests.browser.visitor import ANN, BEN, GROUP, message, open_chat, pull, said, station, undo, update, write
from tests.chromium import Browse

CEM, DORA = 503, 504
WITHIN_S = 90
PICTURE: ViewportSize = {"width": 1440, "height": 1000}
FLOOD = "Flood: 1 000 messages from one person"


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Takes a picture for the README, if this run is for that."""
    folder = os.environ.get("FLOODGATE_SCREENSHOTS")

    def take(page: Page, name: str) -> None:
        if folder:
            if name != "page-phone":
                page.set_viewport_size(PICTURE)
            page.mouse.move(0, 0)  # or it would hover over what it clicked last
            page.evaluate("scrollTo(0, 0)")
            page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            page.screenshot(path=Path(folder) / f"{name}.png", full_page=name == "page")

    return take


def talk(telegram: Telegram) -> None:
    """Have people talk to the bot, as they would."""
    for person, text in (
        (CEM, "/start"),
        (BEN, "/start"),
        (ANN, "/start"),
        (BEN, "/timezone Europe/Berlin"),
        (ANN, "/remind 20m tea"),
        (ANN, "/remind tomorrow 9:00 call Ben"),
        (ANN, "/reminders"),
        (ANN, "/settings"),
    ):
        before = len(telegram.replies(person))
        telegram.say(person, text)
        telegram.wait_for_reply(person, before + 1, WITHIN_S)
    telegram.say(GROUP, "/remind every friday 18:00 pack the tent", user_id=BEN)
    telegram.wait_for_reply(GROUP)


def test_a_flood_is_held(
    telegram: Telegram, browse: Browse, picture: Callable[[Page, str], None], violations: Callable[[Page], list[str]]
) -> None:
    """Everybody else is answered meanwhile, and a button works; Undo ends it. No view of it has a mistake for axe."""
    talk(telegram)
    wide, dark, phone = browse(telegram.url), browse(telegram.url, dark=True), browse(telegram.url, phone=True)
    for page in (wide, dark, phone):
        open_chat(page, "Ann Lee")
        said(page, "Settings")
    pull(wide, FLOOD)
    expect(station(wide, "Dropped")).not_to_have_text("0", timeout=WITHIN_S * 1000)
    telegram.say(DORA, "/start")
    telegram.wait_for_reply(DORA, timeout_s=WITHIN_S)
    for page, name in ((wide, "page"), (dark, "page-dark"), (phone, "page-phone")):
        picture(page, name)
    wide.get_by_role("button", name="Language", exact=True).click()
    said(wide, "Deutsch", WITHIN_S)
    undo(wide, FLOOD)
    expect(station(wide, "Waiting")).to_have_text("0", timeout=WITHIN_S * 1000)
    assert [violations(page) for page in (wide, dark, phone)] == [[], [], []]


def test_a_handler_is_broken_and_recovers(telegram: Telegram, browse: Browse) -> None:
    """Who uses it is told, with a reference, and the admin asked; after Undo the admin's press brings the answer."""
    label = "Break a handler"
    telegram.say(CEM, "/start")
    page = browse(telegram.url)
    open_chat(page, "Cem Demir")
    pull(page, label, WITHIN_S)
    write(page, "/id")
    dead = update(page, "Cem: “/id”").first
    expect(dead).to_contain_text("dead", timeout=WITHIN_S * 1000)
    reference = re.search(r"\b[A-Z0-9]{5}-[A-Z0-9]{5}\b", dead.inner_text())
    assert reference
    said(page, reference[0], WITHIN_S)
    undo(page, label, WITHIN_S)
    open_chat(page, "Admin")
    said(page, reference[0], WITHIN_S)
    message(page, reference[0]).last.get_by_role("button", name="Retry", exact=True).click()
    open_chat(page, "Cem Demir")
    said(page, str(CEM), WITHIN_S)


def test_a_worker_is_killed(telegram: Telegram, browse: Browse) -> None:
    """What it had in hand waits, others are answered, and Undo has it answered at once."""
    label = "Kill a worker"
    page = browse(telegram.url)
    pull(page, label, WITHIN_S)
    telegram.say(DORA, "/id")
    expect(update(page, "Dora: “/id”").first).to_contain_text("answered", timeout=WITHIN_S * 1000)
    undo(page, label, WITHIN_S)
    expect(station(page, "Put back")).to_have_text("0", timeout=WITHIN_S * 1000)
    expect(station(page, "In work")).to_have_text("0", timeout=WITHIN_S * 1000)
