"""The page is opened where a browser has windows, and nowhere else."""

import threading
import webbrowser

import pytest

from local.opening import has_windows, is_in_the_terminal, open_page


class Browser(webbrowser.BaseBrowser):
    """A browser with windows."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []
        self.is_open = threading.Event()

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:  # noqa: ARG002, FBT001, FBT002 - its signature
        """Show the page."""
        self.shown.append(url)
        self.is_open.set()
        return True


def test_the_page_is_opened_on_a_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser that Python would choose is told the address; without a desktop none is."""
    browser = Browser()
    monkeypatch.setattr("webbrowser.get", lambda: browser)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    open_page("http://127.0.0.1:1")
    monkeypatch.setenv("DISPLAY", ":0")
    open_page("http://127.0.0.1:2")
    assert browser.is_open.wait(10)
    assert browser.shown == ["http://127.0.0.1:2"]


def test_no_browser_at_all_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address was printed."""

    def none() -> webbrowser.BaseBrowser:
        raise webbrowser.Error

    monkeypatch.setattr("webbrowser.get", none)
    monkeypatch.setenv("DISPLAY", ":0")
    open_page("http://127.0.0.1:2")


@pytest.mark.parametrize(
    ("environ", "platform", "expected"),
    [
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"DISPLAY": ""}, "linux", False),
        ({}, "linux", False),
        ({}, "darwin", True),
        ({"SSH_CONNECTION": "1 2 3 4"}, "darwin", False),
        ({}, "win32", True),
    ],
)
def test_a_desktop_is_known_by_its_variables(environ: dict[str, str], platform: str, expected: bool) -> None:  # noqa: FBT001
    """A terminal without windows, such as one over ssh, has none."""
    assert has_windows(environ, platform) is expected


@pytest.mark.parametrize(
    ("browser", "expected"),
    [
        (webbrowser.GenericBrowser("w3m"), True),
        (webbrowser.GenericBrowser("lynx"), True),
        (webbrowser.BackgroundBrowser("xdg-open"), False),
        (webbrowser.Mozilla("firefox"), False),
    ],
    ids=["w3m", "lynx", "xdg-open", "firefox"],
)
def test_a_browser_in_the_terminal_is_left_alone(browser: webbrowser.BaseBrowser, expected: bool) -> None:  # noqa: FBT001
    """Python waits for such a one to end, in the middle of what is said there."""
    assert is_in_the_terminal(browser) is expected
