"""The picture says in words and lines what its numbers are: read as SVG, and drawn once."""

from __future__ import annotations

import re
import struct

import pytest

from floodgate.alerts.chart import WIDTH, Panel, Series, draw, svg

#: 2026-06-10 23:55:00 UTC.
START = 1_781_135_700
HOUR = [START + 60 * minute for minute in range(60)]


def texts(drawn: str) -> list[str]:
    """Return every text of an SVG, in order."""
    return [re.sub("<[^>]+>", "", inner) for inner in re.findall(r"<text [^>]*>(.*?)</text>", drawn)]


def at(drawn: str, words: str) -> tuple[float, float]:
    """Return where a text stands in its panel."""
    [(x, y)] = re.findall(rf'<text x="([\d.]+)" y="([\d.]+)"[^>]*>{re.escape(words)}</text>', drawn)
    return float(x), float(y)


def line(drawn: str) -> list[tuple[float, float]]:
    """Return the points of the only line."""
    [points] = re.findall(r'<polyline points="([^"]+)"', drawn)
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in points.split())]


def test_a_panel_is_labelled() -> None:
    """Its title with the unit, the names of its lines, round values from 0, and round times of the clock in UTC."""
    drawn = svg([Panel("Wait", [Series("p99", [(when, 700.0) for when in HOUR])], "ms")])
    assert texts(drawn) == [
        *("Wait, ms", "— p99"),
        *("0", "200", "400", "600", "800"),
        *("UTC", "00:00", "00:10", "00:20", "00:30", "00:40", "00:50"),
    ]


def test_a_value_stands_at_its_mark() -> None:
    """The highest mark is as high as the highest value, and the lowest is nought."""
    drawn = svg([Panel("Wait", [Series("p99", [(START, 0.0), (START + 60, 800.0)])], "ms")])
    [(_, low), (_, high)] = line(drawn)
    assert (at(drawn, "0")[1], at(drawn, "800")[1]) == (low + 6, high + 6)


def test_a_time_stands_at_its_mark() -> None:
    """From the first to the last time of all panels."""
    drawn = svg([Panel("Wait", [Series("p99", [(when, 1.0) for when in HOUR])], "ms")])
    midnight = HOUR.index(START + 300)
    assert at(drawn, "00:00")[0] == line(drawn)[midnight][0]
    assert (line(drawn)[0][0], line(drawn)[-1][0]) == (62.0, WIDTH - 28)


def test_a_label_does_not_stand_on_another() -> None:
    """A time at the very left gives way to the word that says which clock it is of."""
    drawn = svg([Panel("Wait", [Series("p99", [(START + 300 + 60 * minute, 1.0) for minute in range(60)])], "ms")])
    assert texts(drawn)[-6:] == ["UTC", "00:10", "00:20", "00:30", "00:40", "00:50"]


def test_a_gap_is_not_drawn_over() -> None:
    """Where nothing was measured there is no line; what is alone is a dot."""
    values = [1.0, 2.0, None, 3.0, None, 4.0, 5.0]
    drawn = svg([Panel("Wait", [Series("p99", list(zip(HOUR, values, strict=False)))], "ms")])
    assert (drawn.count("<polyline"), drawn.count("<circle")) == (2, 1)


def test_whole_numbers_have_whole_marks() -> None:
    """Nobody counts half an error."""
    assert texts(svg([Panel("Errors", [Series("failed", [(START, 0), (START + 60, 1)])], "")]))[2:4] == ["0", "1"]


@pytest.mark.parametrize(
    ("most", "marks"),
    [
        (0.0, ["0", "1"]),
        (0.37, ["0", "0.1", "0.2", "0.3", "0.4"]),
        (4.0, ["0", "1", "2", "3", "4"]),
        (4.5, ["0", "2", "4", "6"]),
        (12_345.0, ["0", "5k", "10k", "15k"]),
        (2_000_000.0, ["0", "500k", "1M", "1.5M", "2M"]),
    ],
)
def test_marks_are_round(most: float, marks: list[str]) -> None:
    """Five at most, and the highest is not below the highest value."""
    found = texts(svg([Panel("Wait", [Series("p99", [(START, most)])], "ms")]))
    assert found[2 : found.index("UTC")] == marks


def test_a_threshold_is_drawn_and_named() -> None:
    """Also where every value is below it."""
    drawn = svg([Panel("Wait", [Series("p99", [(START, 1.0), (START + 60, 2.0)])], "ms", threshold=8.0)])
    assert texts(drawn)[1] == "— p99" + "\u00a0" * 5 + "— threshold 8"
    [y] = re.findall(r'y1="([\d.]+)"[^>]*stroke-dasharray="7 5"', drawn)
    assert at(drawn, "8")[1] == float(y) + 6


def test_nothing_measured_is_said() -> None:
    """A panel without figures, beside others or alone."""
    empty = Panel("Wait", [Series("p99", [(START, None)])], "ms")
    assert texts(svg([empty])) == ["Wait, ms", "— p99", "no figures"]
    assert texts(svg([empty, Panel("Errors", [], "")]))[-1] == "no figures"


def test_words_are_not_markup() -> None:
    """A name may hold anything."""
    assert "a&lt;b &amp; c" in svg([Panel("a<b & c", [], "")])


def test_days_have_dates() -> None:
    """Over days the clock's time says nothing."""
    days = [(START + 86_400.0 * day, 1.0) for day in range(6)]
    assert texts(svg([Panel("Wait", [Series("p99", days)], "ms")]))[-4:] == [f"Jun {day}" for day in range(12, 16)]


def test_it_becomes_a_picture() -> None:
    """A PNG of twice the size, for screens with small points; it has ink where the SVG has, and the same each time."""
    panels = [Panel("Wait", [Series("p99", [(when, 700.0) for when in HOUR])], "ms")] * 3
    drawn = draw(panels)
    assert drawn[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", drawn[16:24]) == (1280, 1260)
    assert drawn == draw(panels)
    assert len(drawn) > len(draw([Panel("", [], "")] * 3)) + 10_000  # letters: the font was found
