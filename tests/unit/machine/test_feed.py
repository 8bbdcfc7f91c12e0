"""The feed of a stack is read as it grows, each line once, whatever happens to the file."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from local.machine.feed import HISTORY_BYTES, NAME, Feed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def _line(number: int) -> str:
    return json.dumps({"at": number, "event": "began", "id": str(number), "function": "WorkerFunction"}) + "\n"


def _numbers(feed: Feed) -> list[int]:
    return [event["at"] for event in feed.read()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the feed will be."""
    return tmp_path / NAME


@pytest.fixture
def feed(path: Path) -> Iterator[Feed]:
    """The feed."""
    with closing(Feed(path.parent)) as feed:
        yield feed


def test_lines_are_read_once_and_whole(path: Path, feed: Feed) -> None:
    """A line whose end is not there yet is read when it is."""
    assert _numbers(feed) == []
    path.write_text(_line(1) + _line(2)[:10])
    assert _numbers(feed) == [1]
    with path.open("a") as file:
        file.write(_line(2)[10:] + _line(3))
    assert [_numbers(feed), _numbers(feed)] == [[2, 3], []]


def test_a_file_that_is_begun_anew_is_read_from_its_beginning(path: Path, feed: Feed) -> None:
    """Shorter, or another file in its place; and gone and there again."""
    path.write_text(_line(1) + _line(2))
    assert _numbers(feed) == [1, 2]
    path.write_text(_line(3))
    assert _numbers(feed) == [3]
    other = path.with_suffix(".next")
    other.write_text("".join(map(_line, range(4, 10))))
    other.replace(path)
    assert _numbers(feed) == [4, 5, 6, 7, 8, 9]
    path.unlink()
    assert (_numbers(feed), feed.is_there) == ([], False)
    path.write_text(_line(10))
    assert _numbers(feed) == [10]


def test_what_is_no_event_is_skipped(path: Path, feed: Feed) -> None:
    """Torn lines, other JSON, and events of no kind that is known."""
    path.write_text('{"at": 1, "ev\n[1]\n{"at": "x", "event": "began"}\n{"at": 1, "event": "other"}\n' + _line(2))
    assert _numbers(feed) == [2]


def test_of_a_long_history_the_end_is_read(path: Path, feed: Feed) -> None:
    """A page that is started beside a stack of hours begins with the last whole lines."""
    count = HISTORY_BYTES // len(_line(10_000)) + 5_000
    path.write_text("".join(_line(10_000 + number) for number in range(count)))
    read = []
    while numbers := _numbers(feed):
        read += numbers
    assert read == list(range(10_000 + count - len(read), 10_000 + count))
    assert count - 5_002 <= len(read) <= count - 4_999
