"""Opens the page in the browser, where there is one with windows.

Problem: on a machine without windows Python would start a browser in the terminal, in the middle of what is said there.
Rule: only browsers that open windows of their own are asked, and none without a desktop; else the address was printed.
"""

import os
import sys
import threading
import webbrowser
from collections.abc import Mapping

#: Python's kinds of browser that run in the terminal, or may: it waits for them to end.
_IN_THE_TERMINAL = webbrowser.GenericBrowser


def open_page(url: str) -> None:
    """Have a browser show the page, if there is one; it is waited for by nobody."""
    if not has_windows(os.environ, sys.platform):
        return
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return
    if not is_in_the_terminal(browser):
        threading.Thread(target=browser.open, args=(url,), daemon=True).start()


def has_windows(environ: Mapping[str, str], platform: str) -> bool:
    """Say whether there is a desktop to open a window on."""
    if platform in ("darwin", "win32"):
        return "SSH_CONNECTION" not in environ
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def is_in_the_terminal(browser: webbrowser.BaseBrowser) -> bool:
    """Say whether the browser takes over the terminal."""
    return isinstance(browser, _IN_THE_TERMINAL) and not isinstance(browser, webbrowser.BackgroundBrowser)
