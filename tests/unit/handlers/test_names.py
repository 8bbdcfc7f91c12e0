"""`make new`: which names a feature can have, and what is said of the others."""

from __future__ import annotations

import pytest

from local.handlers.new.names import NameUnusable, check_name
from local.stack import ROOT


@pytest.mark.parametrize("name", ["weather", "x", "two_words", "top10", "a" * 32])
def test_a_command_that_is_a_module_is_a_name(name: str) -> None:
    """Lower case, digits and underscores, up to Telegram's 32."""
    check_name(name, ROOT)


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
        ("groups", "functions/worker/bot/groups.py is there already"),
        ("announcements", "tests/integration/bot/test_announcements.py is there already"),
        ("id", "'id' is a name of Python's own"),
        ("remind", "/remind is a command already, of functions/worker/bot/reminders/commands.py."),
        ("broadcast", "/broadcast is a command already, of layers/floodgate/floodgate/announcements/desk.py."),
    ],
)
def test_any_other_is_refused_with_what_to_do(name: str, sentence: str) -> None:
    """A near name is proposed if it can be had."""
    with pytest.raises(NameUnusable) as refused:
        check_name(name, ROOT)
    assert sentence in str(refused.value)
    assert ("Try" in str(refused.value)) == ("Try" in sentence)
