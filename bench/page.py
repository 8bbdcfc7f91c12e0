"""Print how the page holds in a flood, in a real browser: `make bench`.

A thousand events a second go into the feed that the page reads, each with a line as a worker writes it, while buttons
are pressed. How long a press takes is what the browser itself says (Event Timing), from the press until the next frame
is drawn. Needs Chromium (on Debian: apt-get install chromium); the figures depend on the machine.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import httpx
from playwright.sync_api import sync_playwright

from local.machine.feed import NAME
from local.ports import HOST, TELEGRAM_VARIABLE, Ports

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

EVENTS_A_SECOND = 1_000
SECONDS = 20
PRESSES = 40
_BATCH = 5
_TICK_S = 0.05
_STARTED_WITHIN_S = 20
_WATCH = """
window.presses = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (entry.name === "click") window.presses.push(entry.duration);
}).observe({ type: "event", durationThreshold: 0 });
window.frames_taken = 0; window.largest = 0;
const Native = window.EventSource;
window.EventSource = class extends Native {
  addEventListener(name, listener) {
    super.addEventListener(name, (event) => {
      if (name === "machine") { window.frames_taken++; window.largest = Math.max(window.largest, event.data.length); }
      listener(event);
    });
  }
};
"""


@contextmanager
def _serving(folder: Path, ports: Ports) -> Iterator[str]:
    environ = {**os.environ, TELEGRAM_VARIABLE: str(ports.telegram)}
    command = [sys.executable, "-m", "local.page", "--stack", str(folder), "--aws-port", str(ports.aws)]
    page = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
    url = f"http://{HOST}:{ports.telegram}"
    try:
        deadline = time.monotonic() + _STARTED_WITHIN_S
        while time.monotonic() < deadline:
            try:
                httpx.get(url, trust_env=False)
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                break
        yield url
    finally:
        page.terminate()
        page.wait()


@contextmanager
def _flooding(feed: Path) -> Iterator[None]:
    """Write events into the feed, as many a second, until the block is left."""
    over = Event()

    def write() -> None:
        began = time.monotonic()
        written = 0
        with feed.open("a") as file:
            while not over.wait(_TICK_S):
                due = int((time.monotonic() - began) * EVENTS_A_SECOND)
                file.writelines(
                    json.dumps(event) + "\n" for number in range(written // 2, due // 2) for event in _two(number)
                )
                file.flush()
                written = due

    writer = Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


def _two(number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the two events of an invocation with a batch of updates."""
    at, function = time.time(), "WorkerFunction"
    ids = [number * _BATCH + i + 1 for i in range(_BATCH)]
    messages = [{"id": f"m{one}", "receipt": "r", "queue": "q", "update_id": one, "receives": 1} for one in ids]
    lines = [
        json.dumps(
            {
                "level": "INFO", "message": "update", "outcome": "done", "update_id": one, "handler": "bot.identity.id",
                "trace_id": f"1-{one:024x}", "message_id": f"m{one}", "took_s": 0.12, "queued_s": 0.4, "attempts": 0,
            }
        )
        for one in ids
    ]  # fmt: skip
    about = {"at": at, "id": f"i{number}", "function": function}
    return (
        {**about, "event": "began", "messages": messages},
        {**about, "event": "ended", "took_ms": 310.0, "error": None, "put_back": [], "lines": lines},
    )


def _pressed(page: Page) -> dict[str, Any]:
    """Press a button again and again, and return what the browser measured."""
    pause = page.get_by_role("button", name="Pause")
    for _ in range(PRESSES):
        pause.click()
        page.wait_for_timeout(SECONDS * 1000 / PRESSES)
    measured: dict[str, Any] = page.evaluate(
        "({ presses: window.presses.sort((a, b) => a - b), frames: window.frames_taken, largest: window.largest, "
        "rows: document.querySelectorAll('.updates > li').length, nodes: document.querySelectorAll('*').length })"
    )
    return measured


def main() -> int:
    """Measure and print; 1 if there is no browser."""
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        sys.stderr.write("Chromium is missing: install it (on Debian: apt-get install chromium), and try again.\n")
        return 1
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        (Path(folder) / NAME).touch()
        browser = playwright.chromium.launch(executable_path=executable, args=as_root)
        with _serving(Path(folder), Ports.free()) as url:
            page = browser.new_page()
            page.add_init_script(_WATCH)
            page.goto(url, wait_until="domcontentloaded")
            with _flooding(Path(folder) / NAME):
                began = time.monotonic()
                measured = _pressed(page)
                seconds = time.monotonic() - began
        browser.close()
    presses = measured["presses"]
    rows = (
        (f"{EVENTS_A_SECOND} events a second into the page's feed: a press is drawn within, in half of the cases",
         f"{presses[len(presses) // 2]:.0f} ms", "≤ 100 ms"),
        ("… at most", f"{presses[-1]:.0f} ms", "≤ 200 ms"),
        ("… frames of the machine a second", f"{measured['frames'] / seconds:.1f}", "≤ 10"),
        ("… the largest frame", f"{measured['largest'] / 1024:.0f} KB", "≤ 64 KB"),
        ("… rows of the last updates", str(measured["rows"]), "≤ 100"),
        ("… elements of the page", str(measured["nodes"]), "≤ 2000"),
    )  # fmt: skip
    for what, figure, bound in rows:
        sys.stdout.write(f"| {what} | {figure} | {bound} |\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
