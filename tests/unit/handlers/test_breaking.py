"""The lever Break a handler: which command it breaks, and that it leaves the author's code alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from telegram.ext import ExtBot

from floodgate.telegram.application import build
from floodgate.telegram.interface import describe
from local.errors import LocalError
from local.handlers.breaking import FILE, BreakAHandler, chosen
from local.handlers.reload import Reload
from tests.unit.handlers.stands import Deployed, project, save

if TYPE_CHECKING:
    from pathlib import Path

    from floodgate.telegram import App


@pytest.fixture
def deployed(tmp_path: Path) -> Deployed:
    """What is deployed."""
    return Deployed(project(tmp_path).code())


@pytest.fixture
async def reload(tmp_path: Path, deployed: Deployed) -> Reload:
    """The reload of a bot with /id and /start."""
    reload = Reload(project(tmp_path), deployed, deployed.check)
    await reload.begin()
    return reload


@pytest.mark.parametrize(
    ("commands", "command"),
    [(["start", "remind", "id"], "id"), (["help", "start", "remind"], "remind"), (["start"], "id")],
    ids=["the example", "the first that is not needed", "none"],
)
def test_a_command_is_chosen_that_others_can_do_without(commands: list[str], command: str) -> None:
    """/id, or else the first that a newcomer does not begin with."""
    assert chosen(commands, None) == command


async def test_it_is_deployed_beside_the_authors_code(tmp_path: Path, reload: Reload, deployed: Deployed) -> None:
    """Through saves, and gone with Undo; the menu stays as it is."""
    before = deployed.has
    lever = BreakAHandler(reload)
    off = {"on": False, "busy": False, "said": "", "choices": ["id", "start"], "choice": "id"}
    assert lever.state() == off
    assert lever.watch.startswith("Send the command that is chosen: ")
    await lever.pull({"on": True})
    assert (lever.state()["on"], lever.state()["said"]) == (True, "/id fails now.")
    assert deployed.has.differing(before) == [FILE]
    save(tmp_path, "functions/worker/bot/id.py", "8")
    await reload.follow()
    assert FILE in deployed.has.files
    await lever.undo()
    assert (lever.state()["on"], lever.state()["said"]) == (False, "/id works again.")
    assert deployed.has == project(tmp_path / "other").code().beside({"bot/id.py": b"8"})
    assert deployed.registered == 0
    await lever.undo()  # a second time is nothing


async def test_the_order_can_name_the_command(reload: Reload, deployed: Deployed) -> None:
    """One that the menu does not have is refused, and what there is named."""
    lever = BreakAHandler(reload)
    with pytest.raises(LocalError, match="no command 'beans': it has /id, /start"):
        await lever.pull({"on": True, "command": "beans"})
    assert (lever.state()["on"], deployed.brought) == (False, [])
    await lever.pull({"on": True, "command": "start"})
    assert b'"start"' in deployed.has.files[FILE].content
    assert lever.watch.startswith("Send /start: ")


async def test_its_handler_is_asked_before_all_others(reload: Reload, deployed: Deployed) -> None:
    """It is a feature like any other, with no description, so that the menu stays as it is."""
    await BreakAHandler(reload).pull({"on": True})
    feature: dict[str, object] = {}
    exec(deployed.has.files[FILE].content, feature)  # noqa: S102 - our own
    register = feature["register"]
    assert callable(register)

    def both(app: App) -> None:
        register(app)

    assert describe(both)["commands"] == []
    assert min(build(ExtBot("0:offline"), both).handlers) < -100
