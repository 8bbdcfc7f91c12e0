"""docs/writing-handlers.md: its feature works, and its test passes, as they are printed."""

from __future__ import annotations

import re
import sys
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from floodgate.telegram.interface import describe
from local.stack import ROOT

if TYPE_CHECKING:
    from tests.integration.bot.chats import Chats

PAGE = (ROOT / "docs" / "writing-handlers.md").read_text()


@pytest.fixture
def feature(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The page's module, all of its parts together."""
    *parts, _test = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    module = ModuleType("plants")
    monkeypatch.setitem(sys.modules, "plants", module)
    exec("\n".join(parts), vars(module))  # noqa: S102 - our own page
    return module


def test_its_test_passes(chats: Chats, feature: ModuleType) -> None:
    """On a bot that has the page's feature and no other."""
    chats.register = feature.register
    *_, test = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    written: dict[str, object] = {}
    exec(test, written)  # noqa: S102 - our own page
    [run] = [found for name, found in written.items() if name.startswith("test_")]
    assert callable(run)
    run(chats)


def test_its_other_commands_work(chats: Chats, feature: ModuleType) -> None:
    """The one with a limit, and the way out of the conversation: by a command, or by itself."""
    chats.register = feature.register
    ann = chats.private()
    assert ann.say("/water") == ["3 litres."]
    assert ann.say("/plants") == ["Nothing yet. /plant something."]
    ann.say("/plant")
    ann.say("beans")
    assert ann.say("many") == ["A number, please, or /cancel."]
    assert ann.say("/cancel") == ["Never mind."]
    ann.say("/plant")
    chats.pass_time(700)
    assert ann.read() == ["Never mind."]


def test_it_could_be_deployed(feature: ModuleType) -> None:
    """Its commands have their descriptions."""
    shown = describe(feature.register)["commands"]
    assert [command["command"] for command in shown] == ["plant", "plants", "water"]


def _sections(page: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^a-z -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_its_links_lead_somewhere() -> None:
    """To pages and sections that are there."""
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        file, _, section = target.partition("#")
        page = (ROOT / "docs" / file).read_text() if file else PAGE
        assert section in {"", *_sections(page)}, target
