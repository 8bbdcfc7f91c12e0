"""Saved handlers are live, or the last good ones are and it is said why."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from local.errors import LocalError
from local.handlers.functions import FunctionFailed
from local.handlers.reload import Reload
from tests.unit.handlers.stands import Deployed, project, save

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from local.handlers.code import Code

ID = "functions/worker/bot/id.py"


class Author:
    """Somebody who saves files of a project that is deployed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.project = project(root)
        self.deployed = Deployed(self.project.code())
        self.told: list[str] = []
        self.hears = asyncio.Event()
        self.reload = Reload(self.project, self.deployed, self.deployed.check, tell=self.hear, clock=lambda: 1_000.0)

    def hear(self, text: str) -> None:
        """Keep what is told."""
        self.told.append(text)
        self.hears.set()

    async def saves(self, text: str, path: str = ID) -> dict[str, Any]:
        """Save a file, and return what the page shows."""
        save(self.root, path, text)
        await self.reload.follow()
        return self.reload.snapshot()

    @property
    def live(self) -> str:
        """What the file says that is deployed."""
        return self.deployed.has.files[ID.removeprefix("functions/worker/")].content.decode()


@pytest.fixture
async def author(tmp_path: Path) -> Author:
    """An author whose bot is deployed as it is saved."""
    author = Author(tmp_path)
    await author.reload.begin()
    await author.reload.follow()
    assert author.deployed.brought == []
    return author


async def test_what_is_saved_is_deployed(author: Author) -> None:
    """Tried first; Telegram hears of it only if the commands are others."""
    assert (await author.saves("8"))["state"] == "live"
    assert author.live == "8"
    assert author.deployed.registered == 0
    await author.saves("new", "functions/worker/bot/weather.py")
    assert author.deployed.registered == 1
    (author.root / "functions/worker/bot/weather.py").unlink()
    await author.reload.follow()
    assert author.deployed.registered == 2
    assert len(author.deployed.brought) == 3


async def test_what_was_not_changed_is_not_deployed(author: Author) -> None:
    """A file that was saved as it was."""
    await author.saves("7")
    assert author.deployed.brought == []


async def test_code_that_is_refused_leaves_the_last_good_one(author: Author) -> None:
    """With the error on the page and in the terminal; mended, the code is live."""
    await author.saves("8")
    shown = await author.saves("bad")
    assert (shown["state"], shown["error"]) == ("broken", {"where": f"{ID}:1", "lines": ["bad()"]})
    assert shown["said"] == f"Not live, and the handlers from before still answer. {ID}:1: NameError: bad"
    assert author.told[-1] == f"{shown['said']}\n    bad()"
    assert author.live == "8"
    shown = await author.saves("9")
    assert (shown["state"], shown["error"], author.live) == ("live", None, "9")


async def test_code_that_does_not_start_is_taken_back(author: Author) -> None:
    """What a try cannot find: the function says it, and gets the last good code again."""
    shown = await author.saves("odd")
    assert (shown["state"], shown["error"]) == ("broken", None)
    assert shown["said"].endswith("still answer. WorkerFunction failed: OSError: odd")
    assert author.live == "7"


async def test_a_file_that_cannot_be_read_ends_nothing(author: Author) -> None:
    """A link that leads to itself, say: it is named, and once it is gone the handlers are live."""
    loop = author.root / "functions/worker/bot/loop"
    loop.symlink_to(loop)
    shown = await author.saves("8")
    assert shown["state"] == "broken"
    assert shown["said"].startswith("Not live, and the handlers from before still answer: ")
    assert str(loop) in shown["said"]
    assert author.live == "7"
    loop.unlink()
    await author.reload.follow()
    assert (author.reload.snapshot()["state"], author.live) == ("live", "8")


async def test_both_functions_have_the_same_code_whatever_fails(
    author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one of them has taken, and the other not, is taken back."""
    bring = author.deployed.bring

    def bring_half(code: Code) -> None:
        bring(code)
        if any(b"half" in file.content for file in code.files.values()):
            raise FunctionFailed("The local AWS did not take the code of TasksFunction")

    monkeypatch.setattr(author.deployed, "bring", bring_half)
    shown = await author.saves("half")
    assert (shown["state"], author.live) == ("broken", "7")


async def test_saves_that_come_meanwhile_are_one_more_round(author: Author) -> None:
    """However many there were; the last is live."""
    texts = iter(["9", "10", "11"])

    def save_more() -> None:
        for text in texts:
            save(author.root, ID, text)

    author.deployed.while_checked = save_more
    await author.saves("8")
    assert author.live == "11"
    assert len(author.deployed.brought) == 2


@pytest.mark.parametrize(
    "path", ["template.yaml", "uv.lock", "layers/floodgate/floodgate/retry.py", "functions/webhook/app.py"]
)
async def test_what_needs_make_run_is_named(author: Author, path: str) -> None:
    """Until it is as it was; the handlers are followed all the same."""
    before = (author.root / path).read_text()
    shown = await author.saves("something else", path)
    assert shown["state"] == "old"
    assert f"Saved: {path}. That takes effect with the next `make run`" in shown["said"]
    assert author.told[-1].startswith(f"Saved: {path}.")
    assert (await author.saves("8"))["state"] == "old"
    assert (await author.saves("bad"))["state"] == "broken"
    assert path in (await author.saves("9"))["said"]
    assert (await author.saves(before, path))["state"] == "live"
    assert author.live == "9"


async def test_a_change_is_shown_once(author: Author) -> None:
    """What is as it was needs no frame."""
    assert author.reload.changes() is not None
    assert author.reload.changes() is None
    await author.saves("bad")
    assert (author.reload.changes() or {})["state"] == "broken"


async def test_files_of_ours_stay_beside_the_authors(author: Author) -> None:
    """Through saves, good ones and bad ones, until they are taken away; a bad save does not hinder it."""
    await author.reload.put_beside({"bot/zz.py": b"ours"})
    await author.saves("8")
    assert author.deployed.has.files["bot/zz.py"].content == b"ours"
    await author.saves("bad")
    await author.reload.put_beside({})
    assert "bot/zz.py" not in author.deployed.has.files
    assert author.live == "8"
    assert author.deployed.registered == 0


async def test_files_of_ours_that_cannot_be_deployed_are_gone(author: Author) -> None:
    """The next save goes without them."""
    with pytest.raises(LocalError):
        await author.reload.put_beside({"bot/zz.py": b"odd"})
    assert (await author.saves("8"))["state"] == "live"
    assert author.live == "8"
    assert "bot/zz.py" not in author.deployed.has.files


async def test_before_the_bot_is_deployed_there_is_nothing_to_put_beside(tmp_path: Path) -> None:
    """And the page says what is going on."""
    author = Author(tmp_path)
    assert author.reload.snapshot()["state"] == "checking"
    with pytest.raises(LocalError, match="still being deployed"):
        await author.reload.put_beside({})


async def test_a_folder_that_cannot_be_watched_is_told(author: Author, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is to wait for what will not come."""

    async def saves() -> AsyncIterator[None]:
        yield
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(author.project, "saves", saves)
    await author.reload.run()
    shown = author.reload.snapshot()
    assert shown["state"] == "broken"
    assert "Saves are not noticed any more" in shown["said"]
    assert "inotify watch limit reached" in shown["said"]


def save_first(root: Path) -> None:
    """Make a file before all others."""
    save(root, "functions/worker/bot/first.py", "to see that it begins")


def save_last(root: Path) -> None:
    """Make a file after all others."""
    save(root, "functions/worker/bot/last.py", "to see that it goes on")


def write_in_place(root: Path) -> None:
    """Write into the file that is there."""
    (root / ID).write_text("written in place")


def rename(root: Path) -> None:
    """Give a feature another name."""
    (root / ID).rename(root / "functions/worker/bot/whoami.py")


def replace_the_folder(root: Path) -> None:
    """Put another folder in place of the functions', as git does."""
    (root / "functions").rename(root / "old")
    save(root, ID, "another")


CHANGES: list[Callable[[Path], None]] = [
    lambda root: save(root, ID, "saved as editors do"),
    write_in_place,
    lambda root: (root / ID).unlink(),
    lambda root: save(root, "functions/worker/bot/games/chess.py", "a new package"),
    lambda root: save(root, "functions/worker/bot/languages/de/LC_MESSAGES/bot.mo", "a catalogue"),
    rename,
    replace_the_folder,
]


@pytest.mark.parametrize(
    "change", CHANGES, ids=["save", "write", "delete", "package", "catalogue", "rename", "another folder"]
)
async def test_every_way_to_change_the_handlers_is_noticed(tmp_path: Path, change: Callable[[Path], None]) -> None:
    """By the system's own word; and a second change after it."""
    author = Author(tmp_path)
    following = asyncio.create_task(author.reload.run())
    async with asyncio.timeout(20):
        for each in (save_first, change, save_last):
            each(tmp_path)
            while author.deployed.has != author.project.code():
                author.hears.clear()
                await author.hears.wait()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert "bot/last.py" in author.deployed.has.files
