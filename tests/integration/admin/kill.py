"""Something that goes wrong at one point of a function's work: before or after one of its calls to AWS or Telegram.

The points are counted: with n calls there are 2n. A point *after* a call is one at which it has had its effect.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ReadTimeoutError
from httpx import ReadTimeout

if TYPE_CHECKING:
    import httpx
    import pytest

    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.scenes import Drain
    from tests.unit.telegram.wire import TelegramWire


class Killed(BaseException):
    """Lambda ended the process."""


@dataclass
class Point:
    """The `at`-th point at which a call begins or ends; there the process is killed, or the answer is lost."""

    at: int
    kill: bool
    passed: int = 0
    seen: list[str] = field(default_factory=list)
    armed: bool = False

    @property
    def reached(self) -> bool:
        """Whether it has happened."""
        return self.passed > self.at

    def install(self, cloud: Cloud, telegram: TelegramWire, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put it between the functions and the world."""
        for service in ("dynamodb", "sqs", "secretsmanager"):
            events = cloud.client(service).meta.events
            events.register("before-call", self._aws)
            events.register("after-call", self._aws)
        real = telegram.answer

        async def answer(request: httpx.Request) -> httpx.Response:
            self.pass_by(str(request.url.path.rpartition("/")[2]), ReadTimeout("late"))
            answered = await real(request)
            self.pass_by(str(request.url.path.rpartition("/")[2]), ReadTimeout("late"))
            return answered

        monkeypatch.setattr(telegram, "answer", answer)

    def _aws(self, model: Any, **_: Any) -> None:
        self.pass_by(model.name, ReadTimeoutError(endpoint_url="https://aws.example"))

    def pass_by(self, name: str, error: Exception) -> None:
        """Be at a point."""
        if not self.armed:
            return
        self.passed += 1
        self.seen.append(name)
        if self.kill and self.reached:  # and whatever the process would do after that it does not do
            raise Killed
        if self.passed == self.at + 1:
            raise error

    def kills(self, drain: Drain) -> Drain:
        """Return a function that gives Lambda no answer once its process was killed, whatever it catches."""

        def run(event: dict[str, Any]) -> dict[str, Any]:
            try:
                answer = drain(event)
            except BaseExceptionGroup as several:
                if several.split(Killed)[1] is not None:
                    raise
                raise Killed from several
            if self.kill and self.reached:
                raise Killed
            return answer

        return run
