"""The right half and the levers in a browser, on a scripted machine."""

import json
import re
import threading
import time

from playwright.sync_api import expect

from local.conversation import Telegram
from tests.browser.machine import Machine
from tests.browser.visitor import (
    ANN,
    BEN,
    eventually,
    lever,
    message,
    open_chat,
    pull,
    said,
    start,
    station,
    undo,
    update,
    write,
)
from tests.chromium import Browse


def test_an_update_is_followed(url: str, browse: Browse, telegram: Telegram) -> None:
    """It passes the stations, stands among the last updates with its times, and a click has its log lines."""
    page = browse(url)
    expect(station(page, "Answered")).to_have_text("0")
    telegram.say(ANN, "Good day")
    expect(station(page, "Answered")).to_have_text("1")
    row = update(page, "Ann: “Good day”")
    expect(row).to_contain_text("answered")
    expect(row).to_contain_text("in work")
    row.click()
    expect(page.get_by_text("handled by bot.scripted")).to_be_visible()


def test_a_flood_is_held(url: str, browse: Browse, machine: Machine) -> None:
    """Somebody else is answered meanwhile; Undo stops it, and its end is known of every message."""
    label = "Flood: 1 000 messages from one person"
    page = browse(url)
    open_chat(page, "Ben Okafor")
    start(page)
    said(page, "Welcome!")
    machine.accepts_after_s = 0.015  # so that what one person sends, one after the other, takes longer than this test
    pull(page, label)
    expect(station(page, "Dropped")).not_to_have_text("0")
    write(page, "Am I heard?")
    said(page, "You said: Am I heard?")
    expect(lever(page, label)).to_have_attribute("data-on", "true")
    undo(page, label)
    expect(lever(page, label)).to_contain_text("Stopped after")
    expect(station(page, "At Telegram")).to_have_text("0")


def test_telegram_breaks_and_recovers(url: str, browse: Browse) -> None:
    """Meanwhile an update is put back and tried again; after Undo it is answered, once."""
    label = "Telegram answers 500"
    page = browse(url)
    open_chat(page, "Ann Lee")
    start(page)
    said(page, "Welcome!")
    pull(page, label)
    write(page, "Are you there?")
    row = update(page, "Ann: “Are you there?”")
    expect(row).to_contain_text(re.compile(r"\d tries"))
    undo(page, label)
    said(page, "You said: Are you there?")
    expect(row).to_contain_text("answered")
    expect(station(page, "Put back")).to_have_text("0")
    expect(message(page, "You said: Are you there?")).to_have_count(1)


def test_the_last_updates_come_soon_and_scroll_with_their_pane(url: str, browse: Browse, telegram: Telegram) -> None:
    """On a laptop's screen they begin in the upper two thirds; what scrolls is the pane, and nothing within it."""
    page = browse(url)
    page.set_viewport_size({"width": 1440, "height": 900})
    for number in range(12):
        telegram.say(ANN if number % 2 else BEN, f"Good day {number}")
    expect(page.locator("button.update")).to_have_count(12)
    heading = page.get_by_role("heading", name="The last updates").bounding_box()
    assert heading
    assert heading["y"] < 600
    scrolls = (
        "(one) => ['auto', 'scroll'].includes(getComputedStyle(one).overflowY) && one.scrollHeight > one.clientHeight"
    )
    found = f"[...document.querySelectorAll('#machine, #machine *')].filter({scrolls}).map((one) => one.id)"
    assert page.evaluate(found) == ["machine"]


def test_an_alarm_rings(url: str, browse: Browse, machine: Machine) -> None:
    """With what it means, and the section of the runbook that says what to do."""
    page = browse(url)
    alarm = {"name": "DeadLettersAlarm", "state": "rings", "means": "An update was given up.", "why": "1 > 0"}
    machine.account.alarms = ({**alarm, "since": time.time(), "section": "deadlettersalarm"},)
    expect(page.get_by_text("DeadLettersAlarm rings")).to_be_visible()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="docs/runbook.md, DeadLettersAlarm").click()
    expect(opened.value.locator("body")).to_contain_text("DeadLettersAlarm")


def test_a_thousand_events_a_second(url: str, browse: Browse, machine: Machine) -> None:
    """While they come, one can write and is answered, and none of them is missed."""
    page = browse(url)
    open_chat(page, "Ann Lee")
    over = threading.Event()
    written: list[int] = []

    def write_events() -> None:
        with (machine.folder / "invocations.jsonl").open("a") as feed:
            for number in range(1_000_000):
                written.append(number)
                update = {
                    "id": f"m{number}",
                    "receipt": "r",
                    "queue": "q",
                    "update_id": 7_000_000 + number,
                    "receives": 1,
                }
                line = {"message": "update", "outcome": "done", "update_id": update["update_id"], "took_s": 0.01}
                about = {"at": time.time(), "id": f"i{number}", "function": "WorkerFunction"}
                ended = {"event": "ended", "took_ms": 1, "error": None, "put_back": [], "lines": [json.dumps(line)]}
                feed.write(json.dumps(about | {"event": "began", "messages": [update]}) + "\n")
                feed.write(json.dumps(about | ended) + "\n")
                if number % 50 == 49:  # a hundred events each tenth of a second
                    feed.flush()
                    if over.wait(0.1):
                        return

    writing = threading.Thread(target=write_events)
    writing.start()
    try:
        expect(station(page, "Answered")).not_to_have_text("0")
        start(page)
        said(page, "Welcome!")
        write(page, "Still here?")
        said(page, "You said: Still here?")
        assert writing.is_alive()
    finally:
        over.set()
        writing.join()
    eventually(
        page,
        "([label, number]) => [...document.querySelectorAll('.station')].some((one) =>"
        " one.textContent.includes(label)"
        " && one.querySelector('.station-number').textContent.replace(/\\D/g, '') === number)",
        arg=["Answered", str(len(written) + 2)],
    )
