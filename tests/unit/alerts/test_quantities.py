"""Figures as people read them."""

import pytest

from floodgate.alerts.quantities import figure, lasting, number, quantity, words


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0005, "0.5 ms"), (0.85, "850 ms"), (4.2, "4.2 s"), (119, "119 s"), (121, "2 min"), (3600, "1 h"),
        (3700, "1 h 2 min"), (7500, "2 h 5 min"), (86_400, "24 h"), (183_600, "2 days 3 h"),
    ],
)  # fmt: skip
def test_a_length_of_time(seconds: float, expected: str) -> None:
    """In the units that tell most."""
    assert lasting(seconds) == expected


@pytest.mark.parametrize(("value", "expected"), [(0, "0"), (0.5, "0.5"), (4.24, "4.24"), (25_000, "25 000")])
def test_a_number(value: float, expected: str) -> None:
    """Three figures, thousands apart."""
    assert number(value) == expected


def test_a_unit_follows_from_the_name() -> None:
    """AWS counts an age in seconds and a latency in milliseconds."""
    assert quantity(90, "ApproximateAgeOfOldestMessage") == "90 s"
    assert quantity(90, "Latency") == "90 ms"
    assert quantity(90, "FailuresKept") == "90"


@pytest.mark.parametrize(("name", "expected"), [("QueueWait", "Queue wait"), ("5xx", "5xx"), ("APICalls", "API calls")])
def test_a_name_in_words(name: str, expected: str) -> None:
    """Abbreviations stay."""
    assert words(name) == expected


def test_what_is_usual_stands_beside_an_anomaly() -> None:
    """Its thresholds move, and only the reason has them."""
    reason = (
        "Thresholds Crossed: 1 out of the last 4 datapoints [537.0 (14/11/25 18:39:00)] was less than the lower "
        "thresholds [193.33593366980995] or greater than the upper thresholds [531.4406901351432] (minimum 1 datapoint "
        "for OK -> ALARM transition)."
    )
    assert figure(reason, "Count", "Sum", "LessThanLowerOrGreaterThanUpperThreshold", None) == (
        "Count: 537, usual 193 to 531"
    )


def test_without_data_there_is_no_figure() -> None:
    """The message does without."""
    reason = "no datapoints were received for 1 period and 1 missing datapoint was treated as [Breaching]."
    assert not figure(reason, "UpdatesHandled", "Sum", "LessThanThreshold", 1.0)
