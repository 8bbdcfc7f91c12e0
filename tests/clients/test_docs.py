"""docs/emulator.md: its example passes as it is printed, and its lines are those of bots that run."""

import re
import subprocess
import sys

import pytest

from local.stack import ROOT

PAGE = (ROOT / "docs" / "emulator.md").read_text()
BOTS = {
    "aiogram": "tools/aiogram/bot.py",
    "telegraf": "tests/clients/telegraf_bot.mjs",
    "grammY": "tests/clients/grammy_bot.mjs",
}


def test_its_example_passes(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a bot in a program of its own."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    conftest, tests = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    pytester.makeconftest(conftest)
    pytester.makepyfile(tests)
    pytester.path.joinpath("bot.py").write_text((ROOT / "tests" / "clients" / "polling.py").read_text())
    options = ("-p", "no:cacheprovider", "-p", "no:asyncio", "-o", "telegram_wait_s=30")
    pytester.runpytest_inprocess(*options).assert_outcomes(passed=2)


@pytest.mark.parametrize("library", list(BOTS))
def test_its_line_is_the_bots(library: str) -> None:
    """With the address and the token from the environment."""
    row = re.search(rf"^\| {library} \| `(.*?)`", PAGE, re.MULTILINE)
    assert row
    source = (ROOT / BOTS[library]).read_text()
    for variable, value in (("TELEGRAM_TOKEN", "123456:local"), ("TELEGRAM_URL", "http://127.0.0.1:8081")):
        for reading in (f"process.env.{variable}", f'os.environ["{variable}"]'):
            source = source.replace(reading, f'"{value}"')
    assert row[1] in source


def test_what_another_project_needs() -> None:
    """The plugin and the emulator import nothing but what the page names, and what that brings."""
    program = """
import sys
import local.telegram.pytest_plugin
for name in ("boto3", "psutil", "pydantic", "telegram"):
    assert name not in sys.modules, name
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
