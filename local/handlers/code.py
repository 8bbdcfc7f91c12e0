"""The worker's code as `sam build` and `sam deploy` bring it to Lambda.

Rule: a folder's files but what sam's Python builder leaves out, dated 1980 in the zip, which is what sam writes, with
the permissions that Lambda needs to read them. Bytecode stays out: the handlers are compiled by each new worker, in
milliseconds. Two codes are equal if the same files have the same contents.
Hazard: editors leave files of their own beside the one that is saved, and lock files that point nowhere; sam would pack
them, and here they are passed over, or each save would look like two.
"""

import hashlib
import io
import os
import stat
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Self

#: `EXCLUDED_FILES` of aws_lambda_builders/workflows/python_pip/workflow.py, of the sam that tools/sam locks.
_LEFT_OUT_BY_SAM = (
    ".aws-sam", ".chalice", ".git", ".gitignore", "*.pyc", "__pycache__", "*.so", ".Python", "*.egg-info", "*.egg",
    "pip-log.txt", "pip-delete-this-directory.txt", "htmlcov", ".tox", ".nox", ".coverage", ".cache", ".pytest_cache",
    ".python-version", ".mypy_cache", ".dmypy.json", ".pyre", ".env", ".venv", "venv", "venv.bak", "env.bak", "ENV",
    "env", ".vscode", ".idea",
)  # fmt: skip
#: Of vim, Emacs, JetBrains and the Finder.
_OF_EDITORS = ("*~", ".*.sw?", "4913", "#*#", ".#*", "*___jb_*___", ".DS_Store", ".ruff_cache")
_READABLE = 0o444
_EXECUTABLE = 0o111


@dataclass(frozen=True)
class File:
    """A file's contents, and whether it may be run."""

    content: bytes
    may_run: bool = False


@dataclass(frozen=True)
class Code:
    """Files by their path inside the function's folder, with slashes."""

    files: Mapping[str, File]

    @classmethod
    def of_folder(cls, folder: Path) -> Self:
        """Return what is there now. What goes while it is read is left out: whoever took it away tells of it."""
        return cls({path: file for path, file in sorted(_files(folder, "")) if file is not None})

    @classmethod
    def of_zip(cls, packed: bytes) -> Self:
        """Return what a zip has."""
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            return cls(
                {
                    entry.filename: File(archive.read(entry), bool(entry.external_attr >> 16 & stat.S_IXUSR))
                    for entry in sorted(archive.infolist(), key=lambda entry: entry.filename)
                    if not entry.is_dir()
                }
            )

    def zipped(self) -> bytes:
        """Return the zip, the same for the same files."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, file in self.files.items():
                entry = zipfile.ZipInfo(path)
                mode = _READABLE | stat.S_IWUSR | (_EXECUTABLE if file.may_run else 0)
                entry.external_attr = (stat.S_IFREG | mode) << 16
                archive.writestr(entry, file.content, zipfile.ZIP_DEFLATED)
        return packed.getvalue()

    def beside(self, more: Mapping[str, bytes]) -> "Code":
        """Return the code with more files, or with others in their place."""
        return Code({**self.files, **{path: File(content) for path, content in more.items()}})

    def write(self, folder: Path) -> None:
        """Have the files in that folder."""
        for path, file in self.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.content)

    def differing(self, other: "Code") -> list[str]:
        """Return the paths of the files that are not the same in both."""
        return sorted(path for path in {*self.files, *other.files} if self.files.get(path) != other.files.get(path))

    def digest(self) -> str:
        """Return what is the same for equal codes only."""
        found = hashlib.sha256()
        for path, file in self.files.items():
            found.update(f"{path}\0{file.may_run}\0{len(file.content)}\0".encode())
            found.update(file.content)
        return found.hexdigest()


def is_packed(name: str) -> bool:
    """Say whether a file or a folder of that name is packed."""
    return not any(fnmatch(name, pattern) for pattern in (*_LEFT_OUT_BY_SAM, *_OF_EDITORS))


def _files(folder: Path, inside: str) -> Iterator[tuple[str, File | None]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if not is_packed(entry.name):
            continue
        path = f"{inside}{entry.name}"
        try:
            if entry.is_dir():
                yield from _files(Path(entry.path), f"{path}/")
            elif entry.is_file():
                yield path, File(Path(entry.path).read_bytes(), bool(entry.stat().st_mode & stat.S_IXUSR))
        except FileNotFoundError:
            yield path, None
