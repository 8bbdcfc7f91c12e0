"""The fixtures themselves: what a page does wrong does not pass unseen."""

from collections.abc import Callable

from playwright.sync_api import Page

from tests.chromium import Browse


def test_what_a_page_does_wrong_is_a_complaint(browse: Browse, complaints: list[str]) -> None:
    """An error that it logs, an exception, and a request to another machine, which fails besides."""
    page = browse("data:text/html,<title>A page</title>")
    page.evaluate("console.error('one')")
    page.evaluate("setTimeout(() => { throw new Error('two') })")
    page.evaluate("fetch('http://floodgate.invalid/').catch(() => 0)")
    page.wait_for_function("performance.getEntriesByType('resource').length > 0")
    assert complaints[:3] == ["console: one ()", "exception: two", "request to http://floodgate.invalid/"]
    assert any(complaint.startswith("request failed") for complaint in complaints)
    complaints.clear()


def test_what_axe_has_against_a_page_is_listed(browse: Browse, violations: Callable[[Page], list[str]]) -> None:
    """With the rule and the element."""
    page = browse("data:text/html,<html lang=en><title>A page</title><main><h1>A page</h1><img src=data:,></main>")
    (found,) = violations(page)
    assert found.startswith("image-alt: Images must have alternative text: ['img']")
