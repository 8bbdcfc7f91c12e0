"""Whatever a bot can send, in a browser: shown as Telegram shows it, and never part of the page."""

import io
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from local.conversation import Telegram
from tests.browser.visitor import ANN, eventually, message, open_chat, said
from tests.chromium import Browse

SCRIPT = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


@pytest.fixture
def page(url: str, browse: Browse, telegram: Telegram) -> Page:
    """Ann's chat, in which she was answered."""
    telegram.say(ANN, "hello")
    page = browse(url)
    open_chat(page, "Ann Lee")
    said(page, "You said: hello")
    return page


def send(telegram: Telegram, method: str, files: dict[str, tuple[str, bytes]] | None = None, **parameters: Any) -> None:
    """Have the bot send something to Ann."""
    data = {name: one if isinstance(one, str) else json.dumps(one) for name, one in parameters.items()}
    url = f"{telegram.base_url}{telegram.token}/{method}"
    httpx.post(url, data={"chat_id": str(ANN), **data}, files=files, trust_env=False).raise_for_status()


def picture(colour: str, size: tuple[int, int] = (80, 60)) -> bytes:
    """Return a picture of that colour."""
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def test_entities_nest_and_count_utf_16(page: Page, telegram: Telegram) -> None:
    """A sign beyond the first plane counts two; one entity is in another, and where two cross both hold."""
    kinds = [("bold", 3, 7), ("italic", 7, 3), ("underline", 8, 7)]
    entities = [{"type": kind, "offset": offset, "length": length} for kind, offset, length in kinds]
    send(telegram, "sendMessage", text="😀 all this, and that", entities=entities)
    said(page, "and that")
    assert message(page, "and that").locator(".text").inner_html() == (
        "😀 <strong>all <em>t<u>hi</u></em></strong><u>s, an</u>d that"
    )


def test_a_link_that_would_run_is_none(page: Page, telegram: Telegram) -> None:
    """Only addresses that lead somewhere are links; under a message too."""
    addresses = ("javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "https://example.com/")
    entities = [{"type": "text_link", "offset": 2 * at, "length": 1, "url": one} for at, one in enumerate(addresses)]
    keys = {"inline_keyboard": [[{"text": f"key {at}", "url": one} for at, one in enumerate(addresses)]]}
    send(telegram, "sendMessage", text="a b c", entities=entities, reply_markup=keys)
    said(page, "a b c")
    links = message(page, "a b c").get_by_role("link")
    assert [one.get_attribute("href") for one in links.all()] == ["https://example.com/"] * 2


def test_a_picture_that_gets_its_height_late_is_seen_to_its_end(page: Page, telegram: Telegram) -> None:
    """One who was at the end stays there, whether it comes in or is there when the chat is opened; others stay put."""
    log = page.get_by_role("log", name="Messages")
    drawn = "(log) => Promise.all([...log.querySelectorAll('img')].map((one) => one.decode()))"
    settled = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"

    def is_at_end() -> bool:
        log.evaluate(drawn)
        page.evaluate(settled)
        return bool(log.evaluate("(log) => Math.abs(log.scrollHeight - log.scrollTop - log.clientHeight) < 2"))

    for turn in range(2):
        send(telegram, "sendPhoto", files={"photo": ("a.png", picture("red", (300, 900)))}, caption=f"tall {turn}")
    said(page, "tall 1")
    for _ in range(2):
        expect(log.get_by_role("img")).to_have_count(2)
        assert is_at_end()
        # A scroll of before is told of only after the height has come.
        grow = "(log) => { log.lastElementChild.style.minHeight = '1500px'; log.dispatchEvent(new Event('scroll')); }"
        log.evaluate(grow)
        assert is_at_end()
        page.reload()
        open_chat(page, "Ann Lee")
    expect(log.get_by_role("img")).to_have_count(2)
    assert is_at_end()
    log.hover()
    page.mouse.wheel(0, -400)
    expect(page.get_by_role("button", name="Latest")).to_be_visible()
    before = log.evaluate("(log) => log.scrollTop")
    log.evaluate("(log) => { log.lastElementChild.style.minHeight = '1500px'; }")
    page.evaluate(settled)
    assert log.evaluate("(log) => log.scrollTop") == before


def test_an_album_stands_together(page: Page, telegram: Telegram, violations: Callable[[Page], list[str]]) -> None:
    """Its photos are drawn; one that is no picture is said to be there."""
    files = {"a": ("a.png", picture("red")), "b": ("b.png", picture("blue")), "c": ("c.png", SCRIPT)}
    media = [{"type": "photo", "media": f"attach://{name}", "caption": f"photo {name}"} for name in files]
    send(telegram, "sendMediaGroup", files=files, media=media)
    said(page, "photo c")
    expect(page.locator(".album").get_by_role("article")).to_have_count(3)
    expect(message(page, "photo c").last).to_contain_text("A photo that no browser can show")
    drawn = "[...document.querySelectorAll('.album img')].map((one) => one.naturalWidth)"
    eventually(page, f"({drawn}).join() === '80,80'")
    assert violations(page) == []


def test_a_document_is_a_download(page: Page, telegram: Telegram) -> None:
    """With its name, whatever is in it; nothing in it runs here."""
    send(telegram, "sendDocument", files={"document": ("drawing.svg", SCRIPT)})
    link = page.get_by_role("link", name="Download drawing.svg")
    expect(link).to_be_visible()
    with page.expect_download() as download:
        link.click()
    assert (download.value.suggested_filename, download.value.path().read_bytes()) == ("drawing.svg", SCRIPT)


def test_a_press_that_nobody_answers_can_be_given_again(page: Page, telegram: Telegram) -> None:
    """After a time the page says so, as to whoever writes the bot."""
    send(
        telegram,
        "sendMessage",
        text="Press",
        reply_markup={"inline_keyboard": [[{"text": "Me", "callback_data": "x"}]]},
    )
    send(telegram, "deleteWebhook")
    key = page.get_by_role("button", name="Me", exact=True)
    page.clock.install()
    key.click()
    expect(key).to_have_attribute("aria-busy", "true")
    page.clock.fast_forward(16_000)
    expect(page.get_by_text("has not answered the press yet")).to_be_visible()
    expect(key).not_to_have_attribute("aria-busy", "true")


def test_people_send_photos_and_files(page: Page, telegram: Telegram) -> None:
    """From the clip's menu, with a caption; a photo is drawn, and a file of any kind is a download."""
    box = page.get_by_role("textbox", name="Message from")
    for kind, name, content in (("Photo", "red.png", picture("red")), ("File", "notes.html", b"<script>1</script>")):
        page.get_by_role("button", name="Attach a photo or a file").click()
        with page.expect_file_chooser() as chooser:
            page.get_by_role("group", name="Attach").get_by_role("button", name=kind, exact=True).click()
        chooser.value.set_files({"name": name, "mimeType": "", "buffer": content})
        expect(page.get_by_text(name)).to_be_visible()
        expect(box).to_be_focused()
        box.fill(f"My {kind.lower()}")
        box.press("Enter")
        said(page, f"My {kind.lower()}")
    eventually(page, "document.querySelector('.mine img')?.naturalWidth === 80")
    expect(page.get_by_role("link", name="Download notes.html")).to_be_visible()
    transcript = httpx.get(f"{telegram.url}/control/chats/{ANN}/messages", trust_env=False).json()
    sent = [one for one in transcript if "media" in one]
    assert [(one["media"], one["text"]) for one in sent] == [("photo", "My photo"), ("document", "My file")]


def test_an_update_of_no_shape_of_telegrams_hides_no_other(page: Page, telegram: Telegram) -> None:
    """Whoever sends raw updates may send any; the page shows what it can, and whatever comes then."""
    chat = {"id": -9, "type": "group", "title": 700700}
    odd: list[dict[str, Any]] = [
        {"reply_markup": {"inline_keyboard": [5]}},
        {"text": 7},
        {"text": "a", "entities": "b"},
        {"from": "nobody"},
    ]
    for number, one in enumerate(odd):
        message = {"message_id": number + 1, "date": 1, "chat": chat, "from": {"id": ANN, "first_name": 3}, **one}
        order = {"message": message}
        httpx.post(f"{telegram.url}/control/updates", json=order, trust_env=False).raise_for_status()
    telegram.say(ANN, "and still")
    said(page, "You said: and still")
    page.reload()
    open_chat(page, "700700")
    log = page.get_by_role("log", name="Messages")
    expect(log.get_by_text("A message of a shape that Telegram's have not")).to_have_count(len(odd))
