"""A limit is written as people say it, or refused with the words that help."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodgate.traffic.limits import Limit, LimitInvalid

UNITS_S = {"s": 1.0, "min": 60.0, "h": 3600.0}


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("5/min", Limit(12.0, 5)),
        ("30/min burst 10", Limit(2.0, 10)),
        ("2/s", Limit(0.5, 2)),
        ("100/h", Limit(36.0, 100)),
        ("1/h burst 3", Limit(3600.0, 3)),
        ("off", None),
    ],
)
def test_what_the_documentation_shows_is_understood(text: str, limit: Limit | None) -> None:
    """Without a burst the whole count may come at once; `off` is no limit."""
    assert Limit.parse(text) == limit


@given(st.integers(1, 10**9 - 1), st.sampled_from(sorted(UNITS_S)), st.none() | st.integers(1, 10**9 - 1))
def test_whatever_is_written_well_is_understood(count: int, unit: str, burst: int | None) -> None:
    """So many in so long, each at the same distance from the next."""
    text = f"{count}/{unit}" if burst is None else f"{count}/{unit} burst {burst}"
    limit = Limit.parse(text)
    assert limit is not None
    assert limit.interval_s * count == pytest.approx(UNITS_S[unit])
    assert limit.burst == (count if burst is None else burst)


@pytest.mark.parametrize(
    "text",
    [
        "", "5", "5/", "/min", "min", "5/day", "5/m", "0/min", "5/min burst 0", "5/min burst", "5/minburst 3",
        "5/min  burst 3", "5/min burst 3 ", " 5/min", "5/min\n", "5 / min", "-5/min", "5.5/min", "5/MIN", "Off", "OFF",
        "none", "1000000000/s", "5/min burst 1000000000", "\N{ARABIC-INDIC DIGIT FIVE}/min", "5/min; 3/s",
    ],
)  # fmt: skip
def test_what_is_written_otherwise_is_refused_with_how_to_write_it(text: str) -> None:
    """The text of the error shows what was written, and every form that would do."""
    with pytest.raises(LimitInvalid) as caught:
        Limit.parse(text)
    assert str(caught.value) == f"{text!r} is no limit: write 5/min, 30/min burst 10, 2/s, 100/h or off."


@pytest.mark.parametrize("example", ["5/min", "30/min burst 10", "2/s", "100/h", "off"])
def test_the_advice_is_sound(example: str) -> None:
    """Each form that the error names is one."""
    with pytest.raises(LimitInvalid, match=example):
        Limit.parse("?")
    Limit.parse(example)


def test_the_tolerance_is_what_a_burst_comes_early() -> None:
    """Of a burst the last comes all but one intervals too early; with a burst of one nobody does."""
    assert [Limit(2.0, burst).tolerance_s for burst in (1, 2, 10)] == [0.0, 2.0, 18.0]
