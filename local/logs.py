"""Follows the functions' logs of a local stack into one file, so that a bot author sees what a handler said.

Rule: each log group is asked for what is new, and each event is written once, with its function's name before it.
Lambda's own lines (START, END, REPORT) are left out, as on AWS, where the template asks for warnings only.
Hazard: it is a convenience. An answer that fails is asked for again; nothing else depends on it. The local AWS gives
its events no id, so of two equal events of one millisecond one is written.
"""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import FilteredLogEventTypeDef

_SUFFIX = "LogGroup"
_OF_LAMBDA = ("START RequestId: ", "END RequestId: ", "REPORT RequestId: ")


class FunctionLogs:
    """Writes what the functions log to `file` at each `follow`; `groups` are log groups by output name."""

    def __init__(self, client: "CloudWatchLogsClient", groups: "Mapping[str, str]", file: Path) -> None:
        self._client = client
        self._groups = {name.removesuffix(_SUFFIX): group for name, group in groups.items() if name.endswith(_SUFFIX)}
        self._file = file
        self._since_ms = dict.fromkeys(self._groups, 0)
        self._written: dict[str, set[tuple[int, str]]] = {name: set() for name in self._groups}
        file.touch()

    def follow(self) -> None:
        """Append what is new."""
        for name, group in self._groups.items():
            with contextlib.suppress(BotoCoreError, ClientError):
                answer = self._client.filter_log_events(logGroupName=group, startTime=self._since_ms[name])
                self._append(name, answer["events"])

    def _append(self, name: str, events: "list[FilteredLogEventTypeDef]") -> None:
        found = {(event["timestamp"], event["message"].rstrip()): None for event in events}
        new = [key for key in found if key not in self._written[name]]
        if not new:
            return
        with self._file.open("a") as file:
            file.writelines(f"{name}: {message}\n" for _, message in new if not message.startswith(_OF_LAMBDA))
        # Events of the latest millisecond come again with the next answer, perhaps with younger ones.
        latest = max(timestamp for timestamp, _ in found)
        self._since_ms[name] = latest
        self._written[name] = {key for key in found if key[0] == latest}
