"""`make new`: which names a feature can have, and what is said of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local.handlers.new.names import NameUnusable, check_name

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "functions/worker/bot/texts.py": "",
    "functions/worker/bot/whoami.py": "",
    "functions/worker/bot/start.py": 'app.add_handler(CommandHandler("start", start))',
    "functions/worker/bot/reminders/commands.py": 'app.add_handler(CommandHandler(["remind", "r"], remind))',
    "tests/integration/bot/chats.py": "",
    "tests/integration/bot/conftest.py": "",
    "tests/integration/bot/test_announcements.py": "",
    "layers/floodgate/floodgate/announcements/desk.py": 'CommandHandler("broadcast", announce)',
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project of a few features, none of which anybody's own can be."""
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


@pytest.mark.parametrize("name", ["weather", "x", "two_words", "top10", "a" * 32])
def test_a_command_that_is_a_module_is_a_name(root: Path, name: str) -> None:
    """Lower case, digits and underscores, up to Telegram's 32."""
    check_name(name, root)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "What shall the feature be called? make new NAME=weather"),
        ("Weather", "a letter first. Try make new NAME=weather"),
        ("weather-now", "Try make new NAME=weather_now"),
        ("WeatherNow", "Try make new NAME=weather_now"),
        ("weather.py", "Try make new NAME=weather_py"),
        ("../weather", "Try make new NAME=weather"),
        ("10_top", "Try make new NAME=top"),
        ("a" * 33, f"Try make new NAME={'a' * 32}"),
        ("Start", "a letter first."),
        ("日本", "a letter first."),
        ("class", "'class' is a word of Python's own. Choose another name."),
        ("match", "'match' is a word of Python's own. Choose another name."),
        ("print", "'print' is a name of Python's own, which the feature would hide."),
        ("telegram", "'telegram' is a package that features use."),
        ("register", "'register' is a name that the feature uses itself."),
        ("update", "'update' is a name that the feature uses itself."),
        ("whoami", "functions/worker/bot/whoami.py is there already, and nothing is written over."),
        ("reminders", "functions/worker/bot/reminders is there already"),
        ("r", "/r is a command already, of functions/worker/bot/reminders/commands.py."),
        ("announcements", "tests/integration/bot/test_announcements.py is there already"),
        ("id", "'id' is a name of Python's own"),
        ("remind", "/remind is a command already, of functions/worker/bot/reminders/commands.py."),
        ("broadcast", "/broadcast is a command already, of layers/floodgate/floodgate/announcements/desk.py."),
    ],
)
def test_any_other_is_refused_with_what_to_do(root: Path, name: str, sentence: str) -> None:
    """A near name is proposed if it can be had."""
    with pytest.raises(NameUnusable) as refused:
        check_name(name, root)
    assert sentence in str(refused.value)
    assert ("Try" in str(refused.value)) == ("Try" in sentence)


@pytest.mark.parametrize("path", ["functions/worker/bot/texts.py", "tests/integration/bot/chats.py"])
def test_what_a_feature_is_made_with_must_be_there(root: Path, path: str) -> None:
    """Whoever deletes the examples may delete too much, and reads so before anything is written."""
    (root / path).unlink()
    with pytest.raises(NameUnusable, match=f"{path} is gone, which a new feature or its test is made with"):
        check_name("weather", root)
