"""The webhook is looked at, counted, and set again where nobody else's will is in it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import bot
from floodgate.monitoring.metrics import (
    REGISTRAR,
    UPDATES_PENDING,
    WEBHOOK_DRIFTED,
    WEBHOOK_ERRORS,
    WEBHOOK_FOREIGN,
    Metrics,
)
from floodgate.state.health import Health, read_health
from floodgate.telegram.health import WebhookCheck
from floodgate.telegram.interface import describe
from tests.integration.registrar.conftest import WEBHOOK_URL, LambdaWire
from tests.integration.worker.deployed import bot_environ, deployed
from tests.integration.worker.scenes import counted
from tests.unit.telegram.wire import TOKEN, refusal

if TYPE_CHECKING:
    from floodgate.settings import RegistrarSettings
    from floodgate.telegram.registration import Registrar
    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import TelegramWire

OURS = {UPDATES_PENDING, WEBHOOK_DRIFTED, WEBHOOK_ERRORS, WEBHOOK_FOREIGN}
TYPES = describe(bot.register)["allowed_updates"]


class Checks:
    """A bot that was registered, and the check that comes every few minutes."""

    def __init__(self, cloud: Cloud, telegram: TelegramWire, settings: RegistrarSettings, registrar: Registrar) -> None:
        self._cloud = cloud
        self._telegram = telegram
        self._metrics = Metrics("Floodgate/garden", REGISTRAR)
        self._check = WebhookCheck(settings, registrar, dynamodb=cloud.client("dynamodb"), clock=cloud.clock)
        asyncio.run(registrar.register())
        telegram.calls.clear()

    def run(self, **info: Any) -> dict[str, Any]:
        """Check five minutes later, when Telegram has this of the webhook."""
        self._cloud.clock.now += 300
        if info:
            has = {"url": WEBHOOK_URL, "has_custom_certificate": False, "allowed_updates": TYPES, **info}
            self._telegram.faults["getWebhookInfo"] = [
                (200, {"ok": True, "result": {"pending_update_count": 0, **has}})
            ]
        with self._metrics.measuring():
            return asyncio.run(self._check.check())

    @property
    def health(self) -> Health:
        """What is kept."""
        found = read_health(self._cloud.dynamodb, "state")
        assert found is not None
        return found


@pytest.fixture
def checks(cloud: Cloud, telegram: TelegramWire, settings: RegistrarSettings, registrar: Registrar) -> Checks:
    """The checks of a registered bot."""
    return Checks(cloud, telegram, settings, registrar)


def numbers(**others: int) -> dict[str, float]:
    """Return what a check counts, noughts included: an alarm takes the average."""
    return {**dict.fromkeys(sorted(OURS), 0), **others}


def test_a_webhook_in_order(
    cloud: Cloud, telegram: TelegramWire, checks: Checks, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is done but to ask; what waits there is counted and kept."""
    assert checks.run(pending_update_count=3) == {"webhook": "ours", "pending": 3, "last_error": None}
    assert telegram.methods == ["getMe", "getWebhookInfo"]
    assert counted(capsys, OURS) == [numbers(UpdatesPending=3)]
    assert checks.health == Health(
        allowed_updates=frozenset(TYPES), checked_at=cloud.clock(), pending=3, webhook="ours"
    )


def test_a_removed_webhook_is_set_again(
    telegram: TelegramWire, checks: Checks, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a deployment would, with the same types."""
    telegram.webhook = {}
    assert checks.run()["webhook"] == "repaired"
    assert (telegram.webhook["url"], telegram.webhook["allowed_updates"]) == (WEBHOOK_URL, TYPES)
    assert counted(capsys, OURS) == [numbers(WebhookDrifted=1)]
    assert (checks.run()["webhook"], checks.health.webhook) == ("ours", "ours")


@pytest.mark.parametrize("allowed", [[], ["message"], [*TYPES, "poll_answer"]], ids=["default", "less", "more"])
def test_other_update_types_are_set_right(telegram: TelegramWire, checks: Checks, allowed: list[str]) -> None:
    """Somebody called setWebhook with the same address and another list."""
    telegram.webhook["allowed_updates"] = allowed
    assert checks.run()["webhook"] == "repaired"
    assert telegram.webhook["allowed_updates"] == TYPES


def test_the_order_of_types_means_nothing(telegram: TelegramWire, checks: Checks) -> None:
    """Telegram may list them as it likes."""
    assert checks.run(allowed_updates=TYPES[::-1])["webhook"] == "ours"
    assert "setWebhook" not in telegram.methods


def test_somebody_elses_webhook_is_told_and_left_alone(
    telegram: TelegramWire, checks: Checks, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two stacks with one token would take it from each other for ever."""
    telegram.webhook["url"] = "https://other.example/hook"
    assert checks.run()["webhook"] == "foreign"
    assert telegram.webhook["url"] == "https://other.example/hook"
    assert counted(capsys, OURS) == [numbers(WebhookForeign=1)]
    assert checks.health.webhook == "foreign"


def test_a_repair_that_fails_is_told(
    telegram: TelegramWire, checks: Checks, functions: LambdaWire, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the webhook it is known that it is gone; the next check tries again."""
    telegram.webhook = {}
    functions.answers.append({"errorType": "SyntaxError", "errorMessage": "invalid syntax"})
    assert checks.run()["webhook"] == "unrepaired"
    assert counted(capsys, OURS) == [numbers(WebhookDrifted=1)]
    assert checks.run()["webhook"] == "repaired"


def test_an_error_counts_once(cloud: Cloud, checks: Checks, capsys: pytest.CaptureFixture[str]) -> None:
    """Telegram shows the last one until there is another."""
    failed: dict[str, Any] = {"last_error_date": int(cloud.clock()) + 200, "last_error_message": "Connection timed out"}
    seen = []
    for info in ({}, failed, failed, {**failed, "last_error_date": failed["last_error_date"] + 600}):
        checks.run(pending_update_count=0, **info)
        seen += [found["WebhookErrors"] for found in counted(capsys, OURS)]
    assert seen == [0, 1, 0, 1]
    assert (checks.health.last_error, checks.health.last_error_at) == ("Connection timed out", int(cloud.clock()) - 400)


def test_an_error_from_before_the_first_check_is_no_news(
    cloud: Cloud, checks: Checks, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may be a day old."""
    checks.run(last_error_date=int(cloud.clock()) - 86_400, last_error_message="Connection timed out")
    assert counted(capsys, OURS) == [numbers()]


def test_an_error_that_is_over_is_forgotten(cloud: Cloud, checks: Checks) -> None:
    """A webhook that was set anew has none."""
    checks.run(last_error_date=int(cloud.clock()), last_error_message="Connection timed out")
    checks.run()
    assert (checks.health.last_error, checks.health.last_error_at) == (None, None)


def test_no_token_gets_out(cloud: Cloud, checks: Checks, capsys: pytest.CaptureFixture[str]) -> None:
    """An error's text is redacted where it is logged and where it is kept; and cut, for it may be long."""
    checks.run(last_error_date=int(cloud.clock()), last_error_message=f"no /bot{TOKEN}/x " + "x" * 500)
    assert checks.health.last_error is not None
    assert checks.health.last_error.startswith("no /bot7900:***/x xxx")
    assert len(checks.health.last_error) == 200
    assert TOKEN.partition(":")[2] not in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    "fault", [httpx.ConnectError("down"), refusal(502, "Bad Gateway")], ids=["unreachable", "broken"]
)
def test_a_telegram_that_does_not_answer_is_no_finding(
    telegram: TelegramWire, checks: Checks, capsys: pytest.CaptureFixture[str], fault: Any
) -> None:
    """Nothing is counted and nothing is mended, and what was known stays."""
    telegram.webhook = {}
    telegram.faults["getWebhookInfo"] = [fault]
    assert checks.run() == {"error": "Telegram did not say what it has: NetworkError"}
    assert (counted(capsys, OURS), telegram.webhook, checks.health.checked_at) == ([], {}, None)


def test_a_token_that_is_refused_is_no_finding(telegram: TelegramWire, checks: Checks) -> None:
    """And the text that quotes it goes nowhere."""
    telegram.token = "7900:another"
    assert checks.run() == {"error": "Telegram did not say what it has: InvalidToken"}


def test_what_was_unregistered_is_not_set_again(telegram: TelegramWire, checks: Checks, registrar: Registrar) -> None:
    """A check may run while the stack is being deleted."""
    asyncio.run(registrar.unregister())
    assert "error" in checks.run()
    assert telegram.webhook == {}


def test_unregistering_does_not_rest_on_what_is_noted(
    cloud: Cloud, telegram: TelegramWire, checks: Checks, registrar: Registrar
) -> None:
    """The webhook goes also when the table does not answer."""
    assert checks.health.webhook is None
    cloud.wire.faults["DeleteItem"] = ["AccessDeniedException"]
    assert asyncio.run(registrar.unregister()) is True
    assert telegram.webhook == {}


def test_a_deployment_that_changes_the_types_is_no_drift(
    telegram: TelegramWire, checks: Checks, functions: LambdaWire, registrar: Registrar
) -> None:
    """What was asked for last is what counts."""
    fewer = {**describe(bot.register), "allowed_updates": ["message"]}
    functions.answers.extend([fewer, fewer])
    asyncio.run(registrar.register())
    telegram.calls.clear()
    assert checks.run()["webhook"] == "ours"
    assert "setWebhook" not in telegram.methods


@pytest.mark.usefixtures("loops")
def test_the_schedule_reaches_the_check(
    cloud: Cloud, telegram: TelegramWire, functions: LambdaWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deployed function takes the event of the template, and runs again in the same process."""
    environ = {
        **bot_environ(cloud),
        "WEBHOOK_SECRET_ARN": cloud.webhook_secret_arn,
        "WEBHOOK_URL": WEBHOOK_URL,
        "WORKER_FUNCTIONS": "worker,tasks",
        "MAX_CONNECTIONS": "40",
        "METRICS_NAMESPACE": "Floodgate/garden",
    }
    functions.install(monkeypatch)
    with deployed("registrar", environ, monkeypatch) as handler:
        assert handler({"check": True}, None)["error"].startswith("The bot is not registered")
        handler({"register": True}, None)
        assert handler({"check": True}, None) == {"webhook": "ours", "pending": 0, "last_error": None}
        telegram.webhook = {}
        assert handler({"check": True}, None)["webhook"] == "repaired"
