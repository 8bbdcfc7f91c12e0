"""The page that describes the emulator."""

from pathlib import Path

from local.telegram.api import METHODS
from local.telegram.control import ROUTES

PAGE = (Path(__file__).parents[3] / "docs" / "emulator.md").read_text()


def test_every_method_is_documented() -> None:
    """The page names each Bot API method that the emulator knows."""
    assert [method for method in METHODS if method not in PAGE] == []


def test_every_order_is_documented() -> None:
    """The page names each order under /control with its HTTP method."""
    orders = [
        f"{method} {route.path.replace('{chat_id}', '<chat_id>')}"
        for route in ROUTES
        for method in (route.methods or set()) - {"HEAD"}
    ]
    assert [order for order in orders if order not in PAGE] == []
