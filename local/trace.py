"""`make trace REF=K7QM2-XWD3A`: every log line of the update that somebody quotes a reference of, in order of time.

Problem: an update passes several functions, is tried again, given up and sent again, and each function writes to a log
group of its own. Rule: the reference stands in the lines of what was given up, and beside it the ids that all lines of
the update share: the trace, the first message's id, the update's. So first the reference is looked for, then those, in
every group. Only `FilterLogEvents` is used, which the local AWS has as well.
Hazard: CloudWatch reads through the groups for it, a minute or more for a busy bot's fortnight; what is older than the
logs are kept is gone.
"""

import json
import re
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from local.errors import LocalError

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

#: Failures are kept for so long, and nobody can quote an older one to any use.
DAYS = 14
_DAY_S = 86_400
_MARGIN_S = 300
_REFERENCE = re.compile(r"([A-Z2-7]{5})[- ]?([A-Z2-7]{5})")
_SUFFIX = "LogGroup"
#: What all lines of one update share, or some of them.
_IDS = ("trace_id", "message_id", "update_id")
#: The line that names the reference may lack an id that those beside it have.
_ROUNDS = 2
#: What a line says beside its words; the rest stands after it as it is.
_HEAD = {"timestamp", "level", "message", *_IDS}
_NOISE = {"location", "service", "logger", "name", "taskName", "requestId", "reference", "exception_name"}

type Groups = Mapping[str, str]


class NotTraced(LocalError):
    """No update could be found; the text says why, and what to do."""


@dataclass(frozen=True)
class Line:
    """One line of a function's log; `said` is its JSON, or has its text as `message`."""

    received_ms: int
    function: str
    text: str

    @property
    def at(self) -> datetime:
        """When it was written, as it says itself, or else when it was received."""
        try:
            return datetime.fromisoformat(str(self.said.get("timestamp")))
        except ValueError:
            return datetime.fromtimestamp(self.received_ms / 1000, UTC)

    @property
    def said(self) -> dict[str, Any]:
        """What it says, by name."""
        try:
            said = json.loads(self.text)
        except ValueError:
            said = None
        return said if isinstance(said, dict) else {"message": self.text}

    def ids(self) -> dict[str, str]:
        """Return the ids that it names."""
        said = self.said
        return {name: str(said[name]) for name in _IDS if said.get(name) is not None}


class Logs:
    """The functions' logs of a stack; `groups` are its outputs, of which those count that name a log group."""

    def __init__(self, client: "CloudWatchLogsClient", outputs: Groups, *, now: float | None = None) -> None:
        self._client = client
        self._groups = {name.removesuffix(_SUFFIX).lower(): group for name, group in outputs.items() if _SUFFIX in name}
        self._now = time.time() if now is None else now

    def of_reference(self, reference: str, days: float = DAYS) -> list[Line]:
        """Return the lines of the update that has the reference, oldest first. Raises NotTraced."""
        since = self._now - days * _DAY_S
        # What the dead-letter function writes is little, and it names every failure.
        found = self._having(reference, since, only="deadletter") or self._having(reference, since)
        if not found:
            raise NotTraced(
                f"No log of the last {days:g} days has {reference}. Is it written right, and of this stack? What is "
                "older than LogRetentionDays is gone from the logs; the failure itself is kept for "
                f"{DAYS} days: /failures {reference} in the admin chat shows it."
            )
        began = min(line.at.timestamp() - _queued_s(line) for line in found) - _MARGIN_S
        lines, asked = set(found), set[tuple[str, str]]()
        for _ in range(_ROUNDS):
            ids = {(name, value) for line in lines for name, value in line.ids().items()} - asked
            for name, value in sorted(ids):
                lines |= {line for line in self._having(value, began) if line.ids().get(name) == value}
            asked |= ids
        return sorted(lines, key=lambda line: (line.at, line.received_ms, line.function))

    def _having(self, term: str, since: float, only: str | None = None) -> list[Line]:
        return [
            line
            for function, group in self._groups.items()
            if only in {None, function}
            for line in self._of_group(function, group, term, since)
        ]

    def _of_group(self, function: str, group: str, term: str, since: float) -> Iterator[Line]:
        more: dict[str, str] = {}
        while True:
            try:
                answer = self._client.filter_log_events(
                    logGroupName=group,
                    filterPattern=f'"{term}"',
                    startTime=int(max(since, 0) * 1000),
                    **more,  # type: ignore[arg-type] # it is the one argument
                )
            except (BotoCoreError, ClientError) as error:
                raise NotTraced(f"AWS does not show the log group {group}: {error}") from error
            for event in answer["events"]:
                yield Line(event["timestamp"], function, event["message"].rstrip())
            if not (token := answer.get("nextToken")):
                return
            more = {"nextToken": token}


def reference(given: str) -> str:
    """Return the reference as it stands in the logs. Raises NotTraced."""
    if found := _REFERENCE.fullmatch(given.strip().strip(".").upper()):
        return f"{found[1]}-{found[2]}"
    raise NotTraced(
        f"{given!r} is no reference: those are ten letters and digits such as K7QM2-XWD3A. "
        "`make trace REF=K7QM2-XWD3A`; the person's apology and the admin chat's message have it."
    )


def told(name: str, lines: list[Line]) -> str:
    """Return the lines for people: a head with what they share, then each with its time, function, words and facts."""
    shared: dict[str, str] = {}
    for line in lines:
        for key, value in line.ids().items():
            shared.setdefault(key, value)
    head = ", ".join(f"{key.removesuffix('_id')} {value}" for key, value in shared.items())
    width = max(len(line.function) for line in lines)
    return "\n".join([f"{name}: {head}", "", *(_row(line, width) for line in lines), "", ""])


def _row(line: Line, width: int) -> str:
    said = line.said
    level = str(said.get("level", ""))[:7]
    facts = {key: value for key, value in said.items() if key not in _HEAD | _NOISE and value not in (None, "")}
    stack = facts.pop("stack", [])
    words = " ".join(f"{key}={_short(value)}" for key, value in facts.items())
    at = f"{line.at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3]
    rows = [f"{at}  {line.function:{width}}  {level:7}  {said.get('message')}  {words}".rstrip()]
    rows += [" " * (36 + width) + str(frame) for frame in (stack if isinstance(stack, list) else [stack])]
    return "\n".join(rows)


def _short(value: Any) -> str:
    is_plain = isinstance(value, int | float) or (isinstance(value, str) and value.split() == [value])
    return str(value) if is_plain else json.dumps(value, ensure_ascii=False)


def _queued_s(line: Line) -> float:
    queued = line.said.get("queued_s", 0)
    return float(queued) if isinstance(queued, int | float) else 0.0


def show(logs: Logs, given: str, days: float = DAYS) -> None:
    """Print the lines of that reference. Raises NotTraced."""
    name = reference(given)
    sys.stdout.write(told(name, logs.of_reference(name, days)))
