"""Tasks that are due at a time: one EventBridge schedule each, which puts the task into its chat's group of tasks.fifo.

Rule: a schedule has a name of its author's, and to make it is to say what is true from now on: one of that name is
replaced, one that is gone need not be removed. So an update that is tried again does no harm, and nothing of this goes
through the journal: it may have run out in between. Hazards: the scheduler delivers at least once, within a minute of
the time, and in a time zone it leaves out what the clocks leave out in spring; `scheduled_at` tells its runs apart. It
takes a name for gone as soon as a one-time schedule has run.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from floodgate.aws import fault
from floodgate.ingress.tasks import SCHEDULED_TIME, TaskBody
from floodgate.tasks.later import here
from floodgate.tasks.task import require_json
from floodgate.telegram.errors import UnknownTask
from floodgate.telegram.run import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_scheduler.type_defs import CreateScheduleInputTypeDef

    from floodgate.aws import AwsCalls
    from floodgate.ingress.tasks import Place
    from floodgate.settings import ScheduleSettings

#: What is due is due in so many seconds: an update's data is saved after its handlers, and must be there by then.
SOONEST_S: Final = 30
_GONE: Final = "ResourceNotFoundException"
#: The scheduler will say the same when it is asked again.
_REFUSED: Final = frozenset({"ServiceQuotaExceededException", "ValidationException"})


class ScheduleRefused(Exception):
    """The scheduler does not take it: there are too many, or it does not know the time zone."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Schedules:
    """The stack's schedule group."""

    def __init__(
        self,
        scheduler: Callable[[], EventBridgeSchedulerClient],
        settings: ScheduleSettings,
        calls: AwsCalls,
        clock: Callable[[], float],
    ) -> None:
        self._make = scheduler
        self._made: EventBridgeSchedulerClient | None = None
        self._settings = settings
        self._calls = calls
        self._clock = clock

    def now(self) -> datetime:
        """Return the time that it is."""
        return datetime.fromtimestamp(self._clock(), UTC)

    async def put(
        self,
        name: str,
        task: str,
        when: datetime | str,
        place: Place,
        group: str,
        *,
        data: Mapping[str, Any],
        timezone: str,
    ) -> None:
        """Have the schedule stand as described; raises ScheduleRefused, and what botocore raises."""
        at = None if isinstance(when, str) else self._at(when)
        # The scheduler fills in the time of what recurs; that of a single one is known, and it need do nothing.
        body = TaskBody(name, task, place, dict(data), SCHEDULED_TIME if at is None else f"{at}Z")
        asked: CreateScheduleInputTypeDef = {
            "Name": name,
            "GroupName": self._settings.group,
            "ScheduleExpression": str(when) if at is None else f"at({at})",
            "ScheduleExpressionTimezone": timezone if at is None else "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ActionAfterCompletion": "NONE" if at is None else "DELETE",
            "Target": {
                "Arn": self._settings.tasks_queue_arn,
                "RoleArn": self._settings.role_arn,
                "Input": body.written(),
                "SqsParameters": {"MessageGroupId": group},
            },
        }
        try:
            # Of its own name there is one already if the update is tried again; it may run out, and go, meanwhile.
            if not await self._did(partial(self._client.create_schedule, **asked), unless="ConflictException") and (
                not await self._did(partial(self._client.update_schedule, **asked), unless=_GONE)
            ):
                await self._calls.run(partial(self._client.create_schedule, **asked))
        except ClientError as error:
            if fault(error) in _REFUSED:
                raise ScheduleRefused(fault(error)) from error
            raise

    async def remove(self, name: str) -> None:
        """Have no schedule of this name; raises what botocore raises."""
        await self._did(partial(self._client.delete_schedule, Name=name, GroupName=self._settings.group), unless=_GONE)

    async def _did(self, call: Callable[[], object], *, unless: str) -> bool:
        """Do it and return True, or False if AWS answers with that error."""
        try:
            await self._calls.run(call)
        except ClientError as error:
            if fault(error) == unless:
                return False
            raise
        return True

    def _at(self, when: datetime) -> str:
        soonest = self._clock() + SOONEST_S
        moment = datetime.fromtimestamp(max(when.timestamp(), soonest), UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}"

    @property
    def _client(self) -> EventBridgeSchedulerClient:
        """The client, made when it is first needed: few updates do, and it would cost each cold start."""
        if self._made is None:
            self._made = self._make()
        return self._made


_current: ContextVar[Schedules] = ContextVar("schedules")


@contextmanager
def scheduling(schedules: Schedules) -> Iterator[None]:
    """Within this block handlers may use `schedule`, `unschedule` and `now`."""
    token = _current.set(schedules)
    try:
        yield
    finally:
        _current.reset(token)


async def schedule(
    name: str,
    task: str,
    when: datetime | str,
    *,
    data: Mapping[str, Any] | None = None,
    timezone: str = "UTC",
) -> None:
    """For handlers: have `task` run in this chat at `when`; a schedule of the same name is replaced.

    `name`: 1 to 64 of A-Z, a-z, 0-9, `-`, `_` and `.`, the same each time the update is tried: take it from its
    update_id. `when`: a time with its zone, after which the schedule is gone, a time that has passed being as soon as
    can be; or an expression such as `cron(0 9 ? * MON *)`, which is read in `timezone` and recurs until `unschedule`.
    `data` must be JSON. Raises UnknownTask, TaskDataInvalid, and ScheduleRefused if asking again would not help;
    whatever else goes wrong is tried again with the update if it is left alone.
    """
    run = running.get()
    if run is None:
        raise RuntimeError("A schedule belongs to an update: call this from a handler or a task.")
    if task not in run.tasks:
        raise UnknownTask(task)
    require_json(task, data or {})
    place = here()
    await _current.get().put(name, task, when, place, place.group or run.group, data=data or {}, timezone=timezone)


async def unschedule(name: str) -> None:
    """For handlers: have no schedule of this name, whether there was one or not."""
    await _current.get().remove(name)


def now() -> datetime:
    """For handlers: return the time that it is, in UTC. It differs when an update is tried again: keep it `once`."""
    return _current.get().now()
