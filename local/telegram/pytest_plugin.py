"""For pytest: the fixture `telegram`, in which people talk to a bot under test, whatever it is written in.

    pytest_plugins = ["local.telegram.pytest_plugin"]

    def test_start(telegram: Telegram) -> None:
        ann = telegram.person("Ann")
        ann.says("/start")
        ann.hears("Hello, Ann")

Problem: a bot can be tested as people use it only with a Telegram that is there at once, and new for each test.
Rule: `telegram_server` is an emulator on a free port of loopback, one for each test; the setting `telegram_scope =
session` keeps one for all, for a bot that takes long to start. A project may have a `telegram_server` of its own, an
Address of one that runs already. `telegram` is the test's people; faults end with it. A test that fails shows what was
said.
Hazard: with one emulator for several tests they share its bot's calls and its limits. People are always new ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from local.conversation import NotHeard, Telegram
from local.telegram.app import DEFAULT_TOKEN, create_app
from local.telegram.server import running

__all__ = ["Address", "Telegram"]

_SCOPES = ("function", "class", "module", "package", "session")


@dataclass(frozen=True)
class Address:
    """Where an emulator is, and the token of its bot."""

    url: str
    token: str = DEFAULT_TOKEN


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the settings."""
    parser.addini("telegram_scope", f"how long an emulator is kept: {', '.join(_SCOPES)}", default="function")
    parser.addini("telegram_wait_s", "how long people wait for the bot, in seconds", default="10")


def _scope(fixture_name: str, config: pytest.Config) -> Any:  # noqa: ARG001 - pytest gives both, by these names
    scope = config.getini("telegram_scope")
    if scope not in _SCOPES:
        raise pytest.UsageError(f"telegram_scope must be one of {', '.join(_SCOPES)}, not {scope!r}")
    return scope


@pytest.fixture(scope=_scope)
def telegram_server() -> Iterator[Address]:
    """An emulator that nobody has talked to yet."""
    with running(create_app()) as url:
        yield Address(url)


@pytest.fixture
def telegram(telegram_server: Address, pytestconfig: pytest.Config) -> Iterator[Telegram]:
    """The people, and the fate of the bot's calls; faults end with the test."""
    wait_s = float(pytestconfig.getini("telegram_wait_s"))
    with Telegram(telegram_server.url, telegram_server.token, wait_s) as people:
        yield people
        people.clear_faults()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Have a test that fails show what was said, unless its error does."""
    report = yield
    people = getattr(item, "funcargs", {}).get("telegram")
    told_already = call.excinfo is not None and call.excinfo.errisinstance(NotHeard)
    if report.when == "call" and report.failed and isinstance(people, Telegram) and not told_already:
        report.sections.append(("what was said on Telegram", _told(people)))
    return report


def _told(people: Telegram) -> str:
    try:
        return people.conversations()
    except httpx.HTTPError as error:
        return f"The local Telegram on {people.url} does not tell: {error}"
