"""A deployment is green exactly if Telegram delivers to it what the bot handles; else it says what to do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest
from botocore.exceptions import ReadTimeoutError

import bot
from floodgate.state.identity import read_identity
from floodgate.telegram.interface import describe
from floodgate.telegram.registration import Registrar, RegistrationFailed
from tests.integration.registrar.conftest import WEBHOOK_URL, LambdaWire
from tests.unit.ingress.samples import BOT
from tests.unit.telegram.wire import API_URL, TOKEN, flood, refusal

if TYPE_CHECKING:
    from tests.integration.worker.cloud import Cloud
    from tests.unit.delivery.virtual_time import VirtualLoop
    from tests.unit.telegram.wire import TelegramWire

# PTB 22.8 warns of every 429 unless PTB_TIMEDELTA is set.
pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")

INTERFACE = describe(bot.register)


def failure(registrar: Registrar) -> str:
    """Return the sentence with which registration fails."""
    with pytest.raises(RegistrationFailed) as failed:
        asyncio.run(registrar.register())
    assert TOKEN.partition(":")[2] not in str(failed.value)
    return str(failed.value)


def test_the_bot_is_registered(
    cloud: Cloud, telegram: TelegramWire, functions: LambdaWire, registrar: Registrar
) -> None:
    """Both workers are asked, then Telegram is told in order, and what it has now is returned."""
    assert asyncio.run(registrar.register()) == {
        "bot": BOT["username"],
        "webhook_url": WEBHOOK_URL,
        "allowed_updates": INTERFACE["allowed_updates"],
        "commands": [command["command"] for command in INTERFACE["commands"]],
    }
    assert functions.asked == [("worker", {"describe": True}), ("tasks", {"describe": True})]
    assert telegram.methods == ["getMe", *["setMyCommands"] * 2, "setWebhook", "getWebhookInfo"]
    _, set_german, set_commands, set_webhook, _ = telegram.calls
    assert set_german.fields == {"commands": INTERFACE["translations"]["de"], "language_code": "de"}
    assert set_commands.fields == {"commands": INTERFACE["commands"]}
    assert set_webhook.fields == {
        "url": WEBHOOK_URL,
        "secret_token": "hook-secret",
        "allowed_updates": INTERFACE["allowed_updates"],
        "max_connections": 40,
    }
    stored = read_identity(cloud.dynamodb, "state")
    assert stored is not None
    assert {name: stored[name] for name in BOT} == BOT


def test_the_identity_is_stored_before_anything_can_arrive(
    cloud: Cloud, telegram: TelegramWire, registrar: Registrar
) -> None:
    """A registration that fails at the webhook has told the workers who the bot is."""
    telegram.faults["setMyCommands"] = [refusal(500, "Internal Server Error")]
    failure(registrar)
    assert read_identity(cloud.dynamodb, "state") is not None
    assert "setWebhook" not in telegram.methods


def test_registering_again_mends_it(telegram: TelegramWire, registrar: Registrar) -> None:
    """Nothing of a failed registration is in the way of the next."""
    telegram.faults["setWebhook"] = [refusal(502, "Bad Gateway")]
    failure(registrar)
    assert asyncio.run(registrar.register())["webhook_url"] == WEBHOOK_URL


def test_a_wrong_token_is_told_without_it(telegram: TelegramWire, registrar: Registrar) -> None:
    """The sentence says what to do, and nothing of PTB's own, which quotes the token."""
    telegram.token = "7900:another"
    assert failure(registrar) == (
        "Telegram does not accept the bot token: copy it from @BotFather again and deploy with it as the parameter "
        "BotToken."
    )
    assert telegram.methods == ["getMe"]


def test_a_bot_that_does_not_import_fails_the_deployment(
    telegram: TelegramWire, functions: LambdaWire, registrar: Registrar
) -> None:
    """The worker's own error is the sentence, and Telegram is not touched."""
    functions.answers.append({"errorType": "ModuleNotFoundError", "errorMessage": "No module named 'beans'"})
    assert failure(registrar) == "The bot does not start. ModuleNotFoundError: No module named 'beans'"
    assert telegram.calls == []


def test_the_second_worker_is_asked_as_well(
    telegram: TelegramWire, functions: LambdaWire, registrar: Registrar
) -> None:
    """Settings of the function for tasks may be wrong where the worker's are right."""
    functions.answers.extend(
        [INTERFACE, {"errorType": "SettingsInvalid", "errorMessage": f"QUEUE is not set. {TOKEN}"}]
    )
    assert failure(registrar) == "The bot does not start. SettingsInvalid: QUEUE is not set. 7900:***"
    assert telegram.calls == []


def test_a_worker_that_cannot_be_asked_is_named(functions: LambdaWire, registrar: Registrar) -> None:
    """Which function, and what AWS said."""
    functions.answers.append(ReadTimeoutError(endpoint_url="https://lambda.example"))
    assert failure(registrar).startswith("worker could not be asked what the bot handles: Read timeout on endpoint")


def test_another_webhook_is_a_failure(telegram: TelegramWire, registrar: Registrar) -> None:
    """Something else that uses the token set its own address in between: green would mean deaf."""
    info = {"url": "https://other.example/hook", "has_custom_certificate": False, "pending_update_count": 0}
    telegram.faults["getWebhookInfo"] = [(200, {"ok": True, "result": info})]
    assert failure(registrar) == (
        f"Telegram was told to deliver to {WEBHOOK_URL} and has https://other.example/hook instead: is something else "
        "using this bot token? Stop it and deploy again."
    )


@pytest.mark.parametrize("allowed", [None, [], ["message"]])
def test_other_update_types_are_a_failure(
    telegram: TelegramWire, registrar: Registrar, allowed: list[str] | None
) -> None:
    """A webhook that is ours and delivers something else is not what was asked for."""
    info = {"url": WEBHOOK_URL, "has_custom_certificate": False, "pending_update_count": 0, "allowed_updates": allowed}
    telegram.faults["getWebhookInfo"] = [(200, {"ok": True, "result": info})]
    asked = ", ".join(INTERFACE["allowed_updates"])
    assert failure(registrar).startswith(f"Telegram was asked for {asked} and delivers ")


@pytest.mark.parametrize("method", ["setMyCommands", "setWebhook"])
def test_a_short_429_is_waited_for(
    telegram: TelegramWire, registrar: Registrar, loops: list[VirtualLoop], method: str
) -> None:
    """Telegram takes one setWebhook a second; two refusals are no failure, and their time is kept to."""
    asyncio.run(registrar.register())
    undisturbed = telegram.methods.count(method)
    telegram.calls.clear()
    telegram.faults[method] = [flood(1), flood(3)]
    asyncio.run(registrar.register())
    assert telegram.methods.count(method) == undisturbed + 2
    assert loops[-1].now == 4.0


@pytest.mark.parametrize(("faults", "waited_s"), [([flood(11)], 0.0), ([flood(2)] * 3, 4.0)], ids=["long", "often"])
def test_a_429_without_end_is_a_failure(
    telegram: TelegramWire,
    registrar: Registrar,
    loops: list[VirtualLoop],
    faults: list[tuple[int, dict[str, object]]],
    waited_s: float,
) -> None:
    """CloudFormation waits for the answer, so the third refusal or a long one is told instead."""
    telegram.faults["setWebhook"] = list(faults)
    assert failure(registrar).startswith(f"Telegram at {API_URL} refused or did not answer: Flood control exceeded")
    assert loops[-1].now == waited_s


@pytest.mark.parametrize(
    "fault",
    [httpx.ConnectError(f"cannot reach /bot{TOKEN}/getMe"), httpx.ReadTimeout("late"), refusal(502, "Bad Gateway")],
    ids=["unreachable", "silent", "broken"],
)
def test_a_telegram_that_does_not_answer_is_named(
    telegram: TelegramWire, registrar: Registrar, fault: Exception | tuple[int, dict[str, object]]
) -> None:
    """Its address is in the sentence, the token is not."""
    telegram.faults["getMe"] = [fault]
    assert failure(registrar).startswith(f"Telegram at {API_URL} refused or did not answer: ")


@pytest.mark.parametrize("operation", ["GetSecretValue", "PutItem"])
def test_an_aws_that_refuses_is_told(cloud: Cloud, registrar: Registrar, operation: str) -> None:
    """What AWS said about the token, the identity or the webhook's secret."""
    cloud.wire.faults[operation] = ["AccessDeniedException"]
    sentence = f"AWS refused or did not answer: An error occurred (AccessDeniedException) when calling the {operation}"
    assert failure(registrar).startswith(sentence)


def test_our_webhook_is_removed(telegram: TelegramWire, registrar: Registrar) -> None:
    """After the stack Telegram delivers nowhere."""
    asyncio.run(registrar.register())
    telegram.calls.clear()
    assert asyncio.run(registrar.unregister()) is True
    assert telegram.methods == ["getMe", "getWebhookInfo", "deleteWebhook"]
    assert telegram.webhook == {}


def test_another_webhook_is_left_alone(telegram: TelegramWire, registrar: Registrar) -> None:
    """A second stack took the bot over: removing the first must not make it deaf."""
    telegram.webhook = {"url": "https://other.example/hook"}
    assert asyncio.run(registrar.unregister()) is False
    assert telegram.webhook == {"url": "https://other.example/hook"}
