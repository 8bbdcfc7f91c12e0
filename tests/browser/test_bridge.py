"""The page around the bridge, in a browser: whether it says how the bridge goes."""

from collections.abc import Callable

from playwright.sync_api import Page, expect
from starlette.applications import Starlette

from local.page.app import create_app
from local.page.stream import Whole
from local.telegram.server import running
from tests.browser.machine import Json
from tests.chromium import Browse

SET_MEANWHILE = "A webhook was set meanwhile, and Telegram gives updates to it alone."


class Bridge(Whole):
    """What the bridge shows, as a test sets it."""

    name = "telegram"

    def __init__(self) -> None:
        self.state, self.sentence = "polling", "Telegram is asked for updates."

    def snapshot(self) -> Json:
        """Return it."""
        return {
            "kind": "bridge",
            "title": "@floodgate_bot talks to the real Telegram",
            "said": ["Write to it from your phone.", self.sentence],
            "link": {"url": "https://t.me/floodgate_bot", "text": "t.me/floodgate_bot"},
            "status": self.sentence,
            "state": self.state,
        }


def test_its_trouble_is_a_warning(browse: Browse, violations: Callable[[Page], list[str]]) -> None:
    """It looks like one, by a sign too, and the corner is not green meanwhile; then it is again."""
    bridge = Bridge()
    with running(create_app(Starlette(), sources=[bridge])) as url:
        pages = browse(url), browse(url, dark=True, phone=True)
        for page in pages:
            corner, status = page.locator("#connection"), page.get_by_role("status")
            bridge.state, bridge.sentence = "polling", "Telegram is asked for updates."
            expect(status.filter(has_text=f"✓{bridge.sentence}")).to_be_visible()
            expect(corner).to_have_text("Live")
            page.get_by_role("link", name="t.me/floodgate_bot").focus()
            bridge.state, bridge.sentence = "trouble", SET_MEANWHILE
            expect(status.filter(has_text=f"⚠{SET_MEANWHILE}")).to_be_visible()
            expect(corner).to_have_text("The bridge is in trouble")
            expect(corner).to_have_attribute("data-state", "trouble")
            expect(page.get_by_role("link", name="t.me/floodgate_bot")).to_be_focused()
            assert violations(page) == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
