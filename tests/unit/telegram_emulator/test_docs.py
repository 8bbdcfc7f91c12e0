"""The page that describes the emulator."""

import re
from pathlib import Path

from local.telegram.api import METHODS
from local.telegram.control import ROUTES

PAGE = (Path(__file__).parents[3] / "docs" / "emulator.md").read_text()


def test_the_methods_are_listed() -> None:
    """The page lists exactly the Bot API methods that the emulator knows, in order."""
    listed = re.search(r"multipart body:\n\n(.*?)\.\n\n", PAGE, re.DOTALL)
    assert listed is not None
    assert re.split(r",\s", listed[1]) == list(METHODS)


def test_every_order_has_its_section() -> None:
    """The headings under Orders name exactly the orders under /control, each with its HTTP method."""
    orders = {
        f"{method} {route.path.replace('{chat_id}', '<chat_id>')}"
        for route in ROUTES
        for method in (route.methods or set()) - {"HEAD"}
    }
    headings = re.findall(r"^### (.*)$", PAGE, re.MULTILINE)
    assert {order.partition("?")[0] for heading in headings for order in re.findall(r"`(.*?)`", heading)} == orders
