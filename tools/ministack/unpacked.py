"""Zips that are unpacked once, however many processes read what is in them.

Rule: a zip's folder is named after its content, and stands there under that name only when all of it is there. Pure:
knows nothing of ministack.
Hazard: the folder is everybody's; nobody may write to it.
"""

import hashlib
import shutil
import threading
import zipfile
from io import BytesIO
from pathlib import Path


class Unpacked:
    """Zips, unpacked below `folder`; any thread may ask for one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        #: A hash of 30 MB at each start of a process would be noticed; ministack hands out the same object each time.
        self._known: list[tuple[bytes, Path]] = []

    def folder_of(self, archive: bytes) -> Path:
        """Return the folder with all that is in the zip, unpacked by whoever asks first."""
        with self._lock:
            for known, folder in self._known:
                if known is archive:
                    return folder
            folder = self._folder / hashlib.sha256(archive).hexdigest()
            if not folder.exists():
                self._unpack(archive, folder)
            self._known.append((archive, folder))
            return folder

    def _unpack(self, archive: bytes, folder: Path) -> None:
        partly = folder.with_suffix(".partly")
        shutil.rmtree(partly, ignore_errors=True)
        with zipfile.ZipFile(BytesIO(archive)) as members:
            members.extractall(partly)
        partly.rename(folder)
