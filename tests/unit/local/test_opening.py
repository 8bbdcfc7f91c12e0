"""The page is opened where a browser has windows, and nowhere else."""

import webbrowser

import pytest

from local.opening import has_windows, is_in_the_terminal


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
