"""What `make run` shows in its terminal of what is told to a file."""

import io
import re
from pathlib import Path

from local.run import Told


def test_lines_are_shown_once_with_the_time(tmp_path: Path) -> None:
    """As they come; what is not whole waits, and a line that is set in belongs to the one before."""
    file, out = tmp_path / "handlers.log", io.StringIO()
    told = Told(file, out)
    told.follow()
    assert out.getvalue() == ""
    for text in ("Live.\nBroken: no bean\u00e9\n", "    bot/beans.py:1: bea", "ns()\n", ""):
        with file.open("ab") as log:
            log.write(text.encode())
        told.follow()
    assert re.sub(r"\d\d:\d\d:\d\d", "NOW", out.getvalue()) == (
        "NOW Live.\nNOW Broken: no beané\n    bot/beans.py:1: beans()\n"
    )
