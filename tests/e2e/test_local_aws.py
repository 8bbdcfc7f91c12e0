"""The local AWS does with schedules what AWS does, where the bot rests on it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from local.stack import ROOT

if TYPE_CHECKING:
    from local.stack import Stack

_ASK = """
import json, runpy, sys
from ministack.services import eventbridge
handed_on = []
eventbridge._invoke_target = lambda target, event, *rest: handed_on.append(target["Input"])
runpy.run_path(sys.argv[1])
for source in ("aws.scheduler", "aws.events"):
    target = {"Input": '{"at":"<aws.scheduler.scheduled-time>"}'}
    eventbridge._invoke_target(target, {"Source": source, "Time": 1781136000.9}, {})
print(json.dumps(handed_on))
"""


def test_the_time_of_a_schedules_run_is_in_its_message(stack: Stack) -> None:  # noqa: ARG001 - it brings the local AWS
    """In place of what stands for it; in what is no schedule's, nothing is changed."""
    python, start = ROOT / "tools" / "ministack" / ".venv" / "bin" / "python", ROOT / "tools" / "ministack" / "start.py"
    said = subprocess.run([python, "-c", _ASK, start], capture_output=True, text=True, check=True, timeout=60).stdout
    assert [json.loads(one)["at"] for one in json.loads(said.splitlines()[-1])] == [
        "2026-06-11T00:00:00Z",
        "<aws.scheduler.scheduled-time>",
    ]
