"""The whole page in a browser: for everybody, on any screen, and through a restart."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from starlette.applications import Starlette

from local.conversation import Telegram
from local.page.__main__ import around_the_emulator
from local.telegram import app as emulator
from local.telegram.server import running
from tests.browser.machine import Machine
from tests.browser.visitor import ANN, GROUP, open_chat, said, update, write
from tests.chromium import Browse

PARTS = ("Chats", "Machine", "Levers")


def have_a_conversation(telegram: Telegram) -> None:
    """Have most of what there is to see be there."""
    for text in ("/start", "/picture", "/menu"):
        telegram.say(ANN, text)
    telegram.say(GROUP, "Who is in?", user_id=ANN)
    telegram.wait_for_reply(ANN, 3)
    telegram.wait_for_reply(GROUP)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_wide_it_is_for_everybody(
    url: str, browse: Browse, telegram: Telegram, violations: Callable[[Page], list[str]], *, dark: bool
) -> None:
    """Axe has nothing against it, in a conversation, with its menus and dialogs open, and with a lever pulled."""
    have_a_conversation(telegram)
    page = browse(url, dark=dark)
    open_chat(page, "Ann Lee")
    said(page, "The dashboard")
    assert page.evaluate(
        "[...document.querySelectorAll('.station')].every((one) => one.scrollWidth <= one.clientWidth)"
    )
    assert violations(page) == []
    page.get_by_role("button", name="Commands").click()
    expect(page.get_by_role("listbox", name="Commands")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="New group").click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    update(page, "Ann: “/start”").click()
    page.get_by_role("button", name="Telegram answers 500", exact=True).click()
    expect(page.locator("[data-on=true]")).to_have_count(1)
    assert violations(page) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_narrow_it_is_for_everybody(
    url: str, browse: Browse, telegram: Telegram, violations: Callable[[Page], list[str]], *, dark: bool
) -> None:
    """Axe has nothing against any part of it, and nothing is wider than a phone."""
    have_a_conversation(telegram)
    page = browse(url, dark=dark, phone=True)
    for part in PARTS:
        page.get_by_role("navigation", name="Parts of the page").get_by_role("button", name=part).click()
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Chats").click()
    open_chat(page, "Ann Lee")
    said(page, "The dashboard")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Back to the chats").click()
    expect(page.get_by_role("list", name="Chats")).to_be_visible()


def test_dark_is_dark(url: str, browse: Browse) -> None:
    """The page follows what the system asks for: its text is lighter than what is behind it, or darker."""

    def brightness(page: Page, of: str) -> float:
        colour = page.evaluate(f"getComputedStyle(document.querySelector('#telegram')).{of}")
        red, green, blue = (float(part) for part in re.findall(r"[\d.]+", colour)[:3])
        return 0.299 * red + 0.587 * green + 0.114 * blue

    light, dark = browse(url), browse(url, dark=True)
    expect(light.get_by_role("list", name="Chats")).to_be_visible()
    expect(dark.get_by_role("list", name="Chats")).to_be_visible()
    assert brightness(light, "color") < brightness(light, "backgroundColor")
    assert brightness(dark, "color") > brightness(dark, "backgroundColor")


def test_the_keyboard_is_enough(url: str, browse: Browse) -> None:
    """To choose a chat, write, press a button, pull a lever and undo it; one always sees where one is."""
    page = browse(url)
    expect(page.get_by_role("list", name="Chats")).to_be_visible()

    def go_to(role: str, name: str) -> None:
        wanted = page.get_by_role(role, name=name, exact=True)  # type: ignore[arg-type] # any role
        for _ in range(80):
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.matches('body, :focus-visible')")
            if wanted.count() and wanted.first.evaluate("(one) => one === document.activeElement"):
                return
        raise AssertionError(f"Tab does not lead to the {role} {name!r}")

    go_to("button", "New group")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    name = page.evaluate("document.activeElement.querySelector('.title').textContent")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    said(page, "Welcome!")
    go_to("button", "Yes")
    page.keyboard.press("Space")
    said(page, "It is yes.")
    go_to("textbox", f"Message from {name}")
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")
    said(page, "You said: By keyboard")
    go_to("button", "Telegram answers 429")
    page.keyboard.press("Enter")
    expect(page.locator("[data-on=true]")).to_have_count(1)
    go_to("button", "Undo: Telegram answers 429")
    page.keyboard.press("Enter")
    expect(page.locator("[data-on=true]")).to_have_count(0)


def test_a_restart_is_survived(tmp_path: Path, browse: Browse, complaints: list[str]) -> None:
    """The page says that there is no connection, finds the server again by itself, and shows what is there now."""
    machine = Machine(tmp_path)

    def app() -> Starlette:
        return around_the_emulator(emulator.create_app(), machine.folder, machine.account)

    with running(app()) as url, Telegram(url, "123456:local") as telegram:
        page = browse(url)
        telegram.say(ANN, "before")
        open_chat(page, "Ann Lee")
        said(page, "before")
    expect(page.get_by_role("status").filter(has_text="No connection")).to_be_visible()
    for part in ("Telegram", "The machine", "Levers"):
        expect(page.get_by_role("region", name=part).get_by_text("Not live")).to_be_visible()
    expect(page.locator("#machine-way")).to_have_css("filter", "grayscale(1)")
    write(page, "Is anybody there?")
    expect(page.get_by_role("alert").filter(has_text="No connection: is `make run` still running?")).to_be_visible()
    expect(page.get_by_role("textbox", name="Message from")).to_have_value("Is anybody there?")
    with running(app(), int(url.rpartition(":")[2])), Telegram(url, "123456:local") as telegram:
        telegram.say(ANN, "after")
        said(page, "after")
        expect(page.get_by_role("article").filter(has_text="before")).to_have_count(0)
        expect(page.get_by_role("status").filter(has_text="No connection")).to_have_count(0)
        expect(page.locator(".lost").filter(visible=True)).to_have_count(0)
        expect(page.locator("#machine-way")).to_have_css("filter", "none")
        refused = ("/page/events", "/control/messages")
        complaints[:] = [one for one in complaints if not any(address in one for address in refused)]


def test_an_open_update_of_before_a_restart_is_gone(tmp_path: Path, browse: Browse, complaints: list[str]) -> None:
    """Another run numbers other updates alike, so what one was reading makes place for them."""
    machines = [Machine(tmp_path / name) for name in ("first", "second")]
    page, port = None, 0
    for number, machine in enumerate(machines):
        app = around_the_emulator(emulator.create_app(), machine.folder, machine.account)
        with running(app, port) as url, Telegram(url, "123456:local") as telegram, machine.working_for(telegram):
            page, port = page or browse(url), int(url.rpartition(":")[2])
            telegram.say(ANN, f"run {number}")
            expect(update(page, f"run {number}")).to_contain_text("answered")
            expect(page.locator("button.update")).to_have_count(1)
            update(page, f"run {number}").click()
    complaints[:] = [one for one in complaints if "/page/events" not in one]
