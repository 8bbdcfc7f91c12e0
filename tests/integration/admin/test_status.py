"""`/status`: the alerts function reports, and the worker sends it, or says what keeps it from coming."""

from __future__ import annotations

import io
import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.response import StreamingBody

from floodgate.telegram.interface import describe
from tests.integration.alerts.reporting import CloudWatchWire, reporting
from tests.integration.deadletter.conftest import ADMIN
from tests.unit.telegram.wire import refusal

if TYPE_CHECKING:
    from floodgate.alerts.status import StatusReport
    from floodgate.telegram import App
    from tests.integration.admin.conftest import Owner
    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.conftest import Workers
    from tests.unit.telegram.wire import Call, TelegramWire

STRANGER = {"id": 5005, "type": "private", "first_name": "Sam"}


@dataclass(frozen=True)
class _Answered:
    """What botocore needs to know of an HTTP response that has been parsed."""

    status_code: int = 200


@dataclass
class AlertsWire:
    """The alerts function at the far end of a real client, in this process; or the next scripted answer."""

    report: StatusReport
    asked: list[tuple[str, Any]] = field(default_factory=list)
    answers: deque[dict[str, Any] | Exception] = field(default_factory=deque)
    """A payload with `errorType` stands for a function that failed."""

    def tap(self, client: Any) -> None:
        """Put this wire below `client`."""
        client.meta.events.register("provide-client-params", self._keep)
        client.meta.events.register("before-call", self._answer)

    def _keep(self, params: dict[str, Any], **_: Any) -> None:
        self.asked.append((params["FunctionName"], json.loads(params["Payload"])))

    def _answer(self, **_: Any) -> tuple[_Answered, dict[str, Any]]:
        said = self.answers.popleft() if self.answers else self.report.report()
        if isinstance(said, Exception):
            raise said
        payload = json.dumps(said).encode()
        answer = {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(payload), len(payload))}
        return _Answered(), {**answer, **({"FunctionError": "Unhandled"} if "errorType" in said else {})}


@pytest.fixture
def cloudwatch(cloud: Cloud) -> CloudWatchWire:
    """A CloudWatch that has counted something."""
    wire = CloudWatchWire()
    wire.figures["UpdatesHandled", "worker", "Sum"] = {cloud.clock() - 120: 40}
    return wire


@pytest.fixture
def alerts(cloud: Cloud, cloudwatch: CloudWatchWire) -> AlertsWire:
    """The alerts function of that stack."""
    wire = AlertsWire(reporting(cloud, cloudwatch))
    wire.tap(cloud.client("lambda"))
    return wire


def words(calls: list[Call]) -> str:
    """Return the text of the one message that was sent."""
    [call] = calls
    assert call.method == "sendMessage"
    return str(call.fields["text"])


def test_the_admin_gets_a_picture_with_its_lines(cloud: Cloud, owner: Owner, alerts: AlertsWire) -> None:
    """One message: what the alerts function reports now, the open failure included."""
    owner.give_up(1)
    [call] = owner.say("/status")
    assert (call.method, call.fields["chat_id"], call.fields["parse_mode"]) == ("sendPhoto", ADMIN, "HTML")
    assert call.fields["photo"][:4] == b"\x89PNG"
    lines = call.fields["caption"].splitlines()
    assert lines[1] == "Updates: <b>40</b> handled, 0 limited; 0 attempts failed, 0 given up"
    assert lines[6:8] == ["Queues now: updates 0 + 1 in hand, tasks 0, dead 0", "Failures open: <b>1</b> (/failures)"]
    assert (alerts.asked, owner.handled) == ([("alerts", {"status": True})], [])
    assert cloud.left() == 0


def test_a_new_bot_has_words_alone(owner: Owner, alerts: AlertsWire, cloudwatch: CloudWatchWire) -> None:
    """There is nothing to draw."""
    cloudwatch.figures.clear()
    assert "Nothing was counted in this hour" in words(owner.say("/status"))
    assert alerts.asked == [("alerts", {"status": True})]


def test_anybody_elses_status_is_their_own_affair(owner: Owner, alerts: AlertsWire) -> None:
    """Another chat's `/status` goes to the bot's own handlers."""
    owner.say("/status", STRANGER)
    assert (owner.handled, alerts.asked) == (["/status"], [])


def test_it_stands_in_no_menu(workers: Workers, owner: Owner) -> None:
    """Everybody sees the list of commands."""
    worker = workers.start(owner.register, workers.settings(admin_chat_id=ADMIN))
    assert describe(worker.register)["commands"] == []


@pytest.mark.usefixtures("alerts")
def test_without_an_admin_chat_there_is_no_status(workers: Workers, owner: Owner) -> None:
    """Nor for the owner, of whom nobody knows then."""

    def nothing(_app: App) -> None:
        """Handle nothing."""

    owner.drain = workers.drain(nothing)
    assert owner.say("/status") == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            {"errorType": "SettingsInvalid", "errorMessage": "STACK_NAME is not set"},
            "There is no status: the alerts function failed with SettingsInvalid. Its log says more.",
        ),
        (
            ConnectTimeoutError(endpoint_url="https://lambda.example"),
            "There is no status: AWS did not run the alerts function, ConnectTimeoutError.",
        ),
        (
            ReadTimeoutError(endpoint_url="https://lambda.example"),
            (
                "There is no status: the alerts function took longer than 7 s. If it had to start first, it is faster "
                "now: ask again."
            ),
        ),
    ],
    ids=["failed", "unreachable", "silent"],
)
def test_what_keeps_it_from_coming_is_said(
    owner: Owner, alerts: AlertsWire, answer: dict[str, Any] | Exception, said: str
) -> None:
    """In one sentence, in time; and nothing is tried again, for the owner can ask again."""
    alerts.answers.append(answer)
    assert words(owner.say("/status")) == said
    assert len(alerts.asked) == 1


def test_a_right_that_is_missing_is_said(cloud: Cloud, owner: Owner, alerts: AlertsWire) -> None:
    """With AWS's own name for it."""
    cloud.wire.faults["Invoke"] = ["AccessDeniedException"]
    assert words(owner.say("/status")) == (
        "There is no status: AWS did not run the alerts function, AccessDeniedException."
    )
    assert len(alerts.asked) == 1


@pytest.mark.usefixtures("alerts")
def test_a_chat_that_takes_no_pictures_gets_the_words(owner: Owner, telegram: TelegramWire) -> None:
    """A group may forbid them."""
    telegram.faults["sendPhoto"] = [refusal(400, "Bad Request: not enough rights to send photos to the chat")]
    photo, message = owner.say("/status")
    assert (photo.method, message.method) == ("sendPhoto", "sendMessage")
    assert message.fields["text"] == photo.fields["caption"]


@pytest.mark.usefixtures("alerts")
def test_it_may_be_a_group(cloud: Cloud, owner: Owner, workers: Workers) -> None:
    """The admin chat of several people; the command may name the bot."""
    group = {"id": -100500, "type": "supergroup", "title": "Owners"}
    owner.drain = workers.drain(owner.register, admin_chat_id=-100500)
    cloud.clock.now += 10
    [call] = owner.say("/status@echo_bot", group)
    assert (call.method, call.fields["chat_id"]) == ("sendPhoto", -100500)
