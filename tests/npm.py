"""The packages of npm that tests need, in tests/node_modules: bot libraries, and the accessibility check."""

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

from local.stack import ROOT

FOLDER = Path(__file__).parent
MODULES = FOLDER / "node_modules"


def node_modules() -> Path:
    """Return the folder with the packages as locked, brought if need be; skip the test where npm cannot."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("node and npm are missing: install them (on Debian: apt-get install nodejs npm), and try again")
    lock = (FOLDER / "package-lock.json").read_text()
    stamp = MODULES / ".brought"
    alone_with = ROOT / ".run" / "npm.lock"
    alone_with.parent.mkdir(exist_ok=True)
    with alone_with.open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != lock:
            npm = ["npm", "ci"]
            brought = subprocess.run(npm, cwd=FOLDER, capture_output=True, text=True, check=False)
            if brought.returncode != 0:
                pytest.fail(f"npm ci in tests/ failed, and these tests need what it brings:\n{brought.stderr[-2000:]}")
            stamp.write_text(lock)
    return MODULES
