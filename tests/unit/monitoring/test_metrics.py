"""Every name is described once, in the code and on its page, and what is counted nowhere costs nothing."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodgate.ingress.facts import asked_at
from floodgate.ingress.updates import parse
from floodgate.monitoring import metrics
from floodgate.monitoring.metrics import ALL, FUNCTIONS, Metrics
from tests.integration.worker.scenes import measured

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "metrics.md").read_text()
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| (.+) \| (.+) \|$", re.MULTILINE)


def test_every_constant_is_described() -> None:
    """A name that is counted is one of the table's."""
    text = Path(metrics.__file__).read_text()
    names = set(re.findall(r'^[A-Z_]+: Final = "([A-Z]\w+)"$', text, re.MULTILINE)) - {"Count", "Milliseconds"}
    assert names | {"ColdStarts"} == set(ALL)


def test_the_page_has_every_metric() -> None:
    """With its unit, its functions and what it means, in the words of the code."""
    assert {name: (unit, meaning, functions) for name, unit, meaning, functions in ROW.findall(PAGE)} == {
        name: (one.unit, one.meaning, ", ".join(FUNCTIONS[name])) for name, one in ALL.items()
    }


def test_outside_of_a_batch_nobody_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing fails for it, either."""
    metrics.count(metrics.CACHE_HITS)
    metrics.measure_s(metrics.TELEGRAM_TIME, 0.1)
    assert capsys.readouterr().out == ""


@given(values=st.lists(st.integers(0, 10_000), max_size=400), counts=st.integers(0, 50))
def test_nothing_is_lost_however_much_is_measured(values: list[int], counts: int) -> None:
    """CloudWatch takes 100 values of a metric in a line; what is more stands in the next."""
    written = Metrics("Floodgate/garden", metrics.TASKS)
    with pytest.MonkeyPatch.context() as patch:
        lines: list[str] = []
        patch.setattr("builtins.print", lines.append)
        with written.measuring():
            for _ in range(counts):
                metrics.count(metrics.CACHE_HITS)
            for value in values:
                metrics.measure(metrics.TELEGRAM_TIME, value)
    found = measured("\n".join(lines))
    assert [value for line in found for value in line.get("TelegramTime", [])] == values
    assert sum(sum(line.get("CacheHits", [])) for line in found) == counts
    assert max((len(line.get("TelegramTime", [])) for line in found), default=0) < 100


dates = st.integers(1_700_000_000, 1_900_000_000)


@given(dates, st.floats(-5, 86_400, allow_nan=False))
def test_a_message_was_written_before_it_came(date: int, later_s: float) -> None:
    """Its date is the second in which it was written, so the wait is short by up to that second, and never negative."""
    body = f'{{"update_id": 1, "message": {{"date": {date}, "chat": {{"id": 5, "type": "private"}}}}}}'
    came_at = date + later_s
    asked = asked_at(parse(body), came_at)
    assert asked is not None
    assert asked <= came_at
    assert asked == (came_at if later_s <= 1 else date + 1)


@given(dates)
def test_a_press_began_when_it_came(came_at: int) -> None:
    """Its message's date is that of the button; and of what nobody waits for an answer to there is no beginning."""
    press = (
        '{"update_id": 1, "callback_query": {"id": "1", "from": {"id": 5}, "message": {"date": 7, "chat": {"id": 5}}}}'
    )
    reaction = '{"update_id": 1, "message_reaction": {"date": 7, "chat": {"id": 5}}}'
    assert asked_at(parse(press), came_at) == came_at
    assert asked_at(parse(reaction), came_at) is None
