"""Two stacks on the same ports, one after the other: the first may still be stopping when the second starts."""

from pathlib import Path

import pytest

import local.stack
from local.locks import InUse
from local.ports import Ports
from local.stack import Stack


def test_a_folder_is_one_stacks_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes second waits for the first to be gone, or refuses; and takes nothing from under it."""
    monkeypatch.setattr(local.stack, "_FREED_WITHIN_S", 0)
    first, second = (Stack(Ports(9151, 5151), root=tmp_path) for _ in range(2))
    first._make_folders()
    of_the_first = first.folder / "tmp" / "in-work"
    of_the_first.touch()
    with pytest.raises(InUse, match=r"Another `make run` is at work in .*/5151: stop it, or choose another"):
        second._make_folders()
    second.stop()
    assert of_the_first.exists()
    first.stop()
    second._make_folders()
    assert not of_the_first.exists()
    second.stop()
