"""The page in a browser, with the emulator behind it and a scripted machine beside it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.conversation import Telegram
from local.page.__main__ import around_the_emulator
from local.telegram import app as emulator
from local.telegram.pytest_plugin import Address
from local.telegram.server import running
from tests.browser.machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """The machine, which does not work yet."""
    return Machine(tmp_path)


@pytest.fixture
def telegram_server(machine: Machine) -> Iterator[Address]:
    """The page and its emulator, to which the fixture `telegram` then talks."""
    with running(around_the_emulator(emulator.create_app(), machine.folder, machine.account)) as url:
        yield Address(url)


@pytest.fixture
def url(telegram: Telegram, machine: Machine) -> Iterator[str]:
    """Where the page is, while the machine works."""
    with machine.working_for(telegram):
        yield telegram.url
