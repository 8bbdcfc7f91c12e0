"""What the dead-letter function counts: what it keeps, whom it tells, and its calls of Telegram."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.integration.worker.conftest import text
from tests.integration.worker.scenes import measured

if TYPE_CHECKING:
    import pytest

    from tests.integration.deadletter.conftest import Letters
    from tests.integration.worker.cloud import Cloud


def test_a_batch_of_letters_has_one_line(letters: Letters, capsys: pytest.CaptureFixture[str]) -> None:
    """Two are kept, poison included, and one person is told."""
    letters.bury(text("hello"))
    letters.bury("no update", reason="poison", message_id=None, group=None)
    letters.settle()
    [line] = measured(capsys)
    assert {name: line[name] for name in ("ColdStarts", "FailuresKept", "NoticesSent", "TelegramCalls")} == {
        "ColdStarts": [1],
        "FailuresKept": [2],
        "NoticesSent": [1],
        "TelegramCalls": [1],
    }


def test_what_cannot_be_kept_is_counted_each_time(
    cloud: Cloud, letters: Letters, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lambda counts no error of it: the run itself goes well."""
    cloud.wire.faults["TransactWriteItems"] = ["ProvisionedThroughputExceededException"] * 2
    letters.bury(text("hello"))
    letters.settle()
    lines = measured(capsys)
    assert [(line.get("LettersUnkept"), line.get("FailuresKept")) for line in lines] == [
        ([1], None),
        ([1], None),
        (None, [1]),
    ]
