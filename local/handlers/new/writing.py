"""Writes a feature and its test, and brings their texts into the catalogues.

Rule: nothing is ever written over.
Hazard: a text of a feature needs a translation into each language of the bot (docs/languages.md). The German ones are
brought along; what another language lacks is named.
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from local.handlers.new.names import BOT, FEATURE, LIBRARY, TESTS, check_name

_TEST = Path(__file__).with_name("test.py.txt")
_GERMAN = Path(__file__).with_name("de.po")


@dataclass(frozen=True)
class Written:
    """What was written, what is still to be translated, and why no text could be looked for, if none could."""

    files: list[Path]
    untranslated: list[str]
    trouble: str = ""


def write(name: str, root: Path) -> Written:
    """Write the feature, its test and their translations. Raises NameUnusable."""
    check_name(name, root)
    feature, test = root / BOT / f"{name}.py", root / TESTS / f"test_{name}.py"
    for file, text in ((feature, FEATURE), (test, _TEST)):
        with file.open("x") as new:
            new.write(text.read_text().format(name=name))
    # How lines break depends on the name's length.
    tidy = [sys.executable, "-m", "ruff", "format", "--quiet", str(feature), str(test)]
    subprocess.run(tidy, cwd=root, check=True)  # noqa: S603 - our own
    translated = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-m", "local.translations", _GERMAN],
        cwd=root,
        env={"PYTHONPATH": ":".join(str(root / path) for path in (".", LIBRARY, BOT.parent))},
        capture_output=True,
        text=True,
        check=False,
    )
    files = [feature.relative_to(root), test.relative_to(root)]
    said = translated.stderr.strip().splitlines()
    if any(line.startswith("Traceback") for line in said):  # one of the other features, half written, say
        return Written(files, [], said[-1])
    return Written(files, said)


def told(name: str, written: Written) -> str:
    """Return what was written, and what to do next."""
    feature, test = written.files
    left = "".join(f"\n  {line}" for line in written.untranslated)
    translate = f"\nStill to be translated, or a test fails (docs/languages.md):{left}\n" if left else ""
    texts = f"{BOT}/languages  has its texts"
    if written.trouble:
        texts = (
            f"\nThe bot does not import, so its texts are in no catalogue yet: mend it, then `make translations`.\n"
            f"  {written.trouble}"
        )
    return f"""{feature}  the feature: /{name}, a list of notes with a button; put yours in its place
{test}  its test
{texts}
{translate}
Next:
  make run                         and say /{name} to the bot; if it runs already, the feature is live now
  make test ARGS={test}
  make translations                when you have changed its texts

docs/writing-handlers.md has what else a handler can do.
"""
