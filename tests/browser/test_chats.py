"""The left half in a browser: be the people in the chats."""

import re
import time

from playwright.sync_api import Page, expect

from local.conversation import Telegram
from tests.browser.visitor import ANN, BEN, message, open_chat, said, start, write
from tests.chromium import Browse


def test_a_message_is_sent_and_answered(url: str, browse: Browse) -> None:
    """The first one by Start, as in Telegram; formatted text is shown so, and links lead away from the page."""
    page = browse(url)
    open_chat(page, "Cem Demir")
    start(page)
    said(page, "Welcome!")
    greeting = message(page, "Welcome!")
    expect(greeting.locator("strong")).to_have_text("Welcome!")
    expect(greeting.locator("em")).to_have_text("bold")
    expect(greeting.get_by_role("link", name="link")).to_have_attribute("href", "https://example.com/")
    write(page, "Good day")
    said(page, "You said: Good day")


def test_a_button_is_pressed(url: str, browse: Browse) -> None:
    """The bot's answer is shown, and its message as it is now, without the buttons."""
    page = browse(url)
    open_chat(page, "Ben Okafor")
    start(page)
    page.get_by_role("button", name="Yes", exact=True).click()
    expect(page.get_by_text("Noted")).to_be_visible()
    said(page, "It is yes.")
    expect(message(page, "It is yes.")).to_contain_text("edited")
    expect(page.get_by_role("button", name="Yes", exact=True)).to_have_count(0)


def test_a_reply_keyboard_is_pressed(url: str, browse: Browse, telegram: Telegram) -> None:
    """Its button says its label."""
    telegram.say(ANN, "/menu")
    page = browse(url)
    open_chat(page, "Ann Lee")
    page.get_by_role("group", name="Reply keyboard").get_by_role("button", name="Coffee").click()
    said(page, "You said: Coffee")


def test_a_forced_reply_is_one(url: str, browse: Browse, telegram: Telegram) -> None:
    """What is written next replies to the message that asks for it."""
    page = browse(url)
    telegram.say(ANN, "hello")
    open_chat(page, "Ann Lee")
    said(page, "You said: hello")
    write(page, "/ask")
    expect(page.get_by_role("textbox", name="Message from")).to_have_attribute("placeholder", "Your name")
    write(page, "Ann")
    said(page, "You said: Ann")
    expect(page.get_by_role("button", name=re.compile("In reply to Local bot.*Who are you"))).to_be_visible()


def test_commands_are_chosen_from_the_menu(url: str, browse: Browse, telegram: Telegram) -> None:
    """Those that the bot has set; a photo that it uploads is drawn."""
    telegram.say(ANN, "hello")
    page = browse(url)
    open_chat(page, "Ann Lee")
    page.get_by_role("button", name="Commands").click()
    commands = page.get_by_role("listbox", name="Commands")
    expect(commands.get_by_role("option")).to_have_count(3)
    commands.get_by_role("option", name="/picture").click()
    said(page, "The dashboard")
    picture = page.get_by_role("article").get_by_role("img")
    picture.scroll_into_view_if_needed()
    assert picture.evaluate("(one) => one.decode().then(() => one.naturalWidth)") > 100


def test_what_comes_unseen_is_counted(url: str, browse: Browse, telegram: Telegram) -> None:
    """Until its chat is opened."""
    telegram.say(ANN, "hello")
    telegram.say(BEN, "hello")
    page = browse(url)
    open_chat(page, "Ann Lee")
    said(page, "You said: hello")
    telegram.say(BEN, "again")
    ben = page.get_by_role("list", name="Chats").get_by_role("button", name="Ben Okafor")
    expect(ben).to_contain_text("1 unread")
    ben.click()
    expect(ben).not_to_contain_text("unread")


def test_a_flood_is_not_read_out(url: str, browse: Browse, telegram: Telegram) -> None:
    """However it is spread over frames, a screen reader hears how many messages there were, once they stop."""
    page = browse(url)
    telegram.say(ANN, "hello")
    open_chat(page, "Ann Lee")
    said(page, "You said: hello")
    log = page.get_by_role("log", name="Messages")
    page.clock.install()
    page.clock.pause_at(time.time() + 60)
    telegram.say(ANN, "alone")
    draw_until(page, "You said: alone")
    expect(log).to_have_attribute("aria-live", "polite")
    page.clock.run_for(2000)
    for number in range(8):
        telegram.say(ANN, f"number {number}")
        draw_until(page, f"number {number}")
    expect(log).to_have_attribute("aria-live", "off")
    page.clock.run_for(2000)
    expect(page.get_by_role("status").filter(has_text="new messages")).to_have_count(1)


def draw_until(page: Page, text: str) -> None:
    """Let as little time pass on a page whose clock stands still as the message needs to be drawn."""
    for _ in range(400):
        if message(page, text).count():
            return
        page.clock.run_for(17)
        time.sleep(0.05)  # of the server, whose clock goes on
    raise AssertionError(f"{text!r} is not drawn")


def test_the_bot_is_seen_typing(url: str, browse: Browse, telegram: Telegram) -> None:
    """In the open chat's head."""
    page = browse(url)
    open_chat(page, "Ann Lee")
    telegram.say(ANN, "/typing")
    expect(page.get_by_text("Local bot is typing …")).to_be_visible()


def test_somebody_new_in_a_new_group(url: str, browse: Browse) -> None:
    """Both are made on the page, and whoever is in the group can speak there."""
    page = browse(url)
    page.get_by_role("button", name="New person").click()
    dialog = page.get_by_role("dialog", name="New person")
    dialog.get_by_label("First name").fill("Eve")
    dialog.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="Eve", exact=True)).to_be_visible()
    page.get_by_role("button", name="New group").click()
    dialog = page.get_by_role("dialog", name="New group")
    dialog.get_by_label("Name", exact=True).fill("Lunch")
    dialog.get_by_label("Eve").check()
    dialog.get_by_label("Ben Okafor").check()
    dialog.get_by_role("button", name="Make it").click()
    page.get_by_label("Write as").select_option("Eve")
    write(page, "Tea?")
    said(page, "You said: Tea?")
    page.get_by_label("Write as").select_option("Ben Okafor")
    write(page, "Coffee!")
    said(page, "You said: Coffee!")


def test_a_reload_shows_the_same(url: str, browse: Browse, telegram: Telegram) -> None:
    """The open chat stays open, and what was said is there."""
    telegram.say(ANN, "hello")
    telegram.say(BEN, "good day")
    page = browse(url)
    open_chat(page, "Ann Lee")
    said(page, "You said: hello")
    page.reload()
    expect(page.get_by_role("heading", name="Ann Lee")).to_be_visible()
    said(page, "You said: hello")


def test_markup_of_people_is_text(url: str, browse: Browse) -> None:
    """What is written in a chat never becomes part of the page."""
    page = browse(url)
    open_chat(page, "Ann Lee")
    start(page)
    said(page, "Welcome!")
    write(page, "<img src=x onerror=alert(1)><b>loud</b>")
    said(page, "You said: <img src=x onerror=alert(1)><b>loud</b>")
