"""Zips that several processes share."""

from __future__ import annotations

import zipfile
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from tools.ministack.unpacked import Unpacked

if TYPE_CHECKING:
    from pathlib import Path


def zipped(**files: str) -> bytes:
    """Return a zip of them, each below `python`."""
    found = BytesIO()
    with zipfile.ZipFile(found, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(f"python/{name}.py"), text)
    return found.getvalue()


def test_what_is_the_same_is_unpacked_once(tmp_path: Path) -> None:
    """For many threads, and also when it is handed out as another object; what was read first stays."""
    unpacked = Unpacked(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        (folder,) = set(pool.map(lambda _: unpacked.folder_of(zipped(one="1", two="2")), range(20)))
    assert {file.name: file.read_text() for file in (folder / "python").iterdir()} == {"one.py": "1", "two.py": "2"}
    made = folder.stat().st_ino
    assert unpacked.folder_of(zipped(one="1", two="2")).stat().st_ino == made
    assert list(tmp_path.iterdir()) == [folder]


def test_what_takes_its_place_is_another_folder(tmp_path: Path) -> None:
    """A process may still import from the old one."""
    unpacked = Unpacked(tmp_path)
    folders = [unpacked.folder_of(zipped(one=text)) for text in ("old", "new")]
    assert [(folder / "python" / "one.py").read_text() for folder in folders] == ["old", "new"]


def test_what_was_cut_short_is_unpacked_again(tmp_path: Path) -> None:
    """A folder stands under its name only with all of it, and with nothing of an attempt before."""
    whole = zipped(one="1" * 100, two="2" * 100)
    name = Unpacked(tmp_path / "elsewhere").folder_of(whole).name
    stray = tmp_path / "here" / f"{name}.partly" / "python" / "three.py"
    stray.parent.mkdir(parents=True)
    stray.touch()
    folder = Unpacked(tmp_path / "here").folder_of(whole)
    assert sorted(file.name for file in (folder / "python").iterdir()) == ["one.py", "two.py"]


def test_what_is_no_zip_leaves_no_folder_of_its_name(tmp_path: Path) -> None:
    """Whoever asks again is told again."""
    broken = zipped(one="1" * 100).replace(b"1" * 100, b"2" * 100)
    unpacked = Unpacked(tmp_path)
    for _ in range(2):
        with pytest.raises(zipfile.BadZipFile):
            unpacked.folder_of(broken)
