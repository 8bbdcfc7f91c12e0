"""The worker's code as sam would pack it."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from local.handlers.code import Code, File
from local.stack import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def code(**files: str) -> Code:
    """Return code of these files; `bot__a` is bot/a."""
    return Code({name.replace("__", "/"): File(text.encode()) for name, text in files.items()})


def test_a_folder_is_packed_with_all_that_is_in_it(tmp_path: Path) -> None:
    """Sub-packages, catalogues and empty files too; what runs may run, and all can be read."""
    (tmp_path / "bot" / "languages").mkdir(parents=True)
    (tmp_path / "app.py").write_text("import bot\n")
    (tmp_path / "bot" / "__init__.py").touch(0o600)
    (tmp_path / "bot" / "languages" / "bot.mo").write_bytes(b"\xde\x12")
    (tmp_path / "bot" / "tool").touch(0o755)
    with zipfile.ZipFile(io.BytesIO(Code.of_folder(tmp_path).zipped())) as packed:
        modes = {entry.filename: f"{entry.external_attr >> 16:o}" for entry in packed.infolist()}
        assert modes == {
            "app.py": "100644",
            "bot/__init__.py": "100644",
            "bot/languages/bot.mo": "100644",
            "bot/tool": "100755",
        }
        assert packed.read("bot/languages/bot.mo") == b"\xde\x12"
        assert {entry.date_time[0] for entry in packed.infolist()} == {1980}


def test_what_sam_and_editors_leave_behind_stays_out(tmp_path: Path) -> None:
    """Bytecode, tools' folders, an editor's copies, and a lock file that points nowhere."""
    for folder in ("__pycache__", ".mypy_cache", "bot"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "one.py").touch()
    for left in ("one.pyc", "one.py~", ".one.py.swp", "4913", "#one.py#", "one.so", ".gitignore"):
        (tmp_path / "bot" / left).touch()
    (tmp_path / "bot" / ".#one.py").symlink_to("nobody@nowhere.1")
    (tmp_path / "bot" / "gone.py").symlink_to("not there")
    assert list(Code.of_folder(tmp_path).files) == ["bot/one.py"]
    assert dict(Code.of_folder(tmp_path / "not there").files) == {}


def test_a_zip_is_the_code_that_it_was_made_of() -> None:
    """So that what is deployed can be held against what is saved; and the same code is the same zip."""
    shipped = Code.of_folder(ROOT / "functions" / "worker")
    assert Code.of_zip(shipped.zipped()) == shipped
    assert shipped.zipped() == Code.of_folder(ROOT / "functions" / "worker").zipped()
    assert "bot/languages/de/LC_MESSAGES/bot.mo" in shipped.files


def test_files_are_put_beside_it() -> None:
    """And replace what has their name."""
    more = code(app="1", bot__a="2").beside({"bot/a": b"3", "bot/b": b"4"})
    assert more == code(app="1", bot__a="3", bot__b="4")
    assert more.differing(code(app="1", bot__a="2", c="5")) == ["bot/a", "bot/b", "c"]


def test_it_is_written_as_it_was_read(tmp_path: Path) -> None:
    """Into folders that are made for it."""
    code(app="1", bot__a="2").write(tmp_path)
    assert Code.of_folder(tmp_path) == code(app="1", bot__a="2")
