"""Every variable is needed, has its type and its bounds, and a wrong one is named."""

from collections.abc import Mapping
from typing import Any, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodgate.settings import (
    HEADROOM_S,
    BotSettings,
    DeadletterSettings,
    InboundLimits,
    RegistrarSettings,
    SettingsInvalid,
    WebhookSettings,
    WorkerSettings,
)
from floodgate.traffic.limits import Limit

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret"
WEBHOOK = {
    "UPDATES_QUEUE_URL": "https://sqs.example/updates.fifo",
    "DEAD_QUEUE_URL": "https://sqs.example/dead.fifo",
    "WEBHOOK_SECRET_ARN": f"{ARN}:webhook",
    "EARLY_ACKNOWLEDGEMENT": "off",
    "METRICS_NAMESPACE": "Floodgate/garden",
}
BOT = {
    "BOT_ID": "7900",
    "BOT_TOKEN_SECRET_ARN": f"{ARN}:token",
    "TELEGRAM_API_URL": "https://api.telegram.org",
    "STATE_TABLE": "state",
    "ADMIN_CHAT_ID": "",
}
INBOUND = {
    "USER_LIMIT": "30/min burst 10",
    "CHAT_LIMIT": "300/min burst 100",
    "BOT_LIMIT": "6000/min",
    "QUIET_PERIOD_S": "300",
    "WHEN_STORE_IS_DOWN": "requeue",
}
WORKER = {
    **BOT,
    **INBOUND,
    "QUEUE": "updates",
    "QUEUE_URL": "https://sqs.example/updates.fifo",
    "UPDATES_QUEUE_URL": "https://sqs.example/updates.fifo",
    "TASKS_QUEUE_URL": "https://sqs.example/tasks.fifo",
    "TASKS_QUEUE_ARN": "arn:aws:sqs:eu-central-1:123456789012:tasks.fifo",
    "SCHEDULE_GROUP": "schedules",
    "SCHEDULE_ROLE_ARN": "arn:aws:iam::123456789012:role/scheduler",
    "DEAD_QUEUE_URL": "https://sqs.example/dead.fifo",
    "TRAFFIC_TABLE": "traffic",
    "WORKER_CONCURRENCY": "20",
    "CACHE_S": "300",
    "PAID_BROADCASTS": "off",
    "EARLY_ACKNOWLEDGEMENT": "off",
    "RETRY_ATTEMPTS": "20",
    "BUG_ATTEMPTS": "3",
    "BACKOFF_FIRST_S": "2",
    "BACKOFF_LONGEST_S": "300",
    "WHEN_SEND_IS_UNKNOWN": "skip",
    "UPDATE_DEADLINE_S": "10",
    "FUNCTION_TIMEOUT_S": "20",
    "QUEUE_VISIBILITY_S": "120",
    "METRICS_NAMESPACE": "Floodgate/garden",
}
DEADLETTER = {
    **BOT,
    "DEAD_QUEUE_URL": "https://sqs.example/dead.fifo",
    "TRAFFIC_TABLE": "traffic",
    "CACHE_S": "300",
    "METRICS_NAMESPACE": "Floodgate/garden",
}
REGISTRAR = {
    **BOT,
    "WEBHOOK_SECRET_ARN": f"{ARN}:webhook",
    "WEBHOOK_URL": "https://bot.example/webhook",
    "WORKER_FUNCTIONS": "worker,tasks",
    "MAX_CONNECTIONS": "40",
    "METRICS_NAMESPACE": "Floodgate/garden",
}


class FromEnv(Protocol):
    """A settings class."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Any:
        """Return the settings."""


CLASSES: list[tuple[type[FromEnv], dict[str, str]]] = [
    (WebhookSettings, WEBHOOK),
    (BotSettings, BOT),
    (InboundLimits, INBOUND),
    (WorkerSettings, WORKER),
    (DeadletterSettings, DEADLETTER),
    (RegistrarSettings, REGISTRAR),
]
REQUIRED = [(of, environ, name) for of, environ in CLASSES for name in environ if name != "ADMIN_CHAT_ID"]
NUMBERS: list[tuple[type[FromEnv], dict[str, str], str, int, int]] = [
    (WorkerSettings, WORKER, "UPDATE_DEADLINE_S", 1, 890),
    (WorkerSettings, WORKER, "FUNCTION_TIMEOUT_S", 1, 900),
    (WorkerSettings, WORKER, "QUEUE_VISIBILITY_S", 1, 43_200),
    (WorkerSettings, WORKER, "WORKER_CONCURRENCY", 2, 1000),
    (WorkerSettings, WORKER, "CACHE_S", 0, 3600),
    (DeadletterSettings, DEADLETTER, "CACHE_S", 0, 3600),
    (InboundLimits, INBOUND, "QUIET_PERIOD_S", 10, 86_400),
    (WorkerSettings, WORKER, "RETRY_ATTEMPTS", 1, 100),
    (WorkerSettings, WORKER, "BUG_ATTEMPTS", 1, 100),
    (WorkerSettings, WORKER, "BACKOFF_FIRST_S", 1, 3600),
    (WorkerSettings, WORKER, "BACKOFF_LONGEST_S", 1, 3600),
    (RegistrarSettings, REGISTRAR, "MAX_CONNECTIONS", 1, 100),
]

each_number = pytest.mark.parametrize(
    ("of", "environ", "name", "low", "high"), NUMBERS, ids=[f"{row[0].__name__}-{row[2]}" for row in NUMBERS]
)
CHOICES: list[tuple[type[FromEnv], dict[str, str], str, str]] = [
    (WebhookSettings, WEBHOOK, "EARLY_ACKNOWLEDGEMENT", "on or off"),
    (WorkerSettings, WORKER, "EARLY_ACKNOWLEDGEMENT", "on or off"),
    (WorkerSettings, WORKER, "PAID_BROADCASTS", "on or off"),
    (InboundLimits, INBOUND, "WHEN_STORE_IS_DOWN", "requeue or admit"),
    (WorkerSettings, WORKER, "WHEN_SEND_IS_UNKNOWN", "skip or repeat"),
]


@pytest.mark.parametrize(("of", "environ"), CLASSES, ids=[of.__name__ for of, _ in CLASSES])
def test_the_settings_are_read(of: type[FromEnv], environ: dict[str, str]) -> None:
    """What template.yaml sets is enough."""
    assert of.from_env(environ) == of.from_env({**environ, "PATH": "/usr/bin"})


@pytest.mark.parametrize("value", [None, ""], ids=["missing", "empty"])
@pytest.mark.parametrize(("of", "environ", "name"), REQUIRED, ids=[f"{of.__name__}-{name}" for of, _, name in REQUIRED])
def test_a_missing_variable_is_named(of: type[FromEnv], environ: dict[str, str], name: str, value: str | None) -> None:
    """One sentence, beginning with the variable's name."""
    rest = {key: text for key, text in environ.items() if key != name}
    with pytest.raises(SettingsInvalid, match=f"^{name} is not set"):
        of.from_env(rest if value is None else {**rest, name: value})


@pytest.mark.parametrize("value", ["ten", "1.5", "1e1", "0x10", "10s", " "])
@each_number
def test_what_is_no_whole_number_is_named(
    of: type[FromEnv], environ: dict[str, str], name: str, low: int, high: int, value: str
) -> None:
    """The sentence tells the name, the value and the bounds."""
    with pytest.raises(SettingsInvalid) as refusal:
        of.from_env({**environ, name: value})
    assert str(refusal.value) == f"{name} is {value!r}: expected a whole number from {low} to {high}."


@each_number
def test_what_is_out_of_bounds_is_named(
    of: type[FromEnv], environ: dict[str, str], name: str, low: int, high: int
) -> None:
    """Just below and just above are refused; the bounds themselves are not."""
    for value in (low, high):
        if name not in ("UPDATE_DEADLINE_S", "FUNCTION_TIMEOUT_S", "QUEUE_VISIBILITY_S"):  # bound to each other as well
            of.from_env({**environ, name: str(value)})
    for value in (low - 1, high + 1, -1):
        with pytest.raises(SettingsInvalid) as refusal:
            of.from_env({**environ, name: str(value)})
        assert str(refusal.value) == f"{name} is {value}: expected a whole number from {low} to {high}."


@pytest.mark.parametrize("value", ["true", "True", "ON", "yes", "1", "off ", "admit,requeue"])
@pytest.mark.parametrize(
    ("of", "environ", "name", "expected"), CHOICES, ids=[f"{c[0].__name__}-{c[2]}" for c in CHOICES]
)
def test_what_is_no_choice_is_named(
    of: type[FromEnv], environ: dict[str, str], name: str, expected: str, value: str
) -> None:
    """The sentence tells the name, the value and what to choose from; a YAML boolean that slipped in is none."""
    with pytest.raises(SettingsInvalid) as refusal:
        of.from_env({**environ, name: value})
    assert str(refusal.value) == f"{name} is {value!r}: expected {expected}."


def test_switches_are_on_or_off() -> None:
    """What is written becomes what is meant."""
    off, on = (
        WorkerSettings.from_env({**WORKER, "EARLY_ACKNOWLEDGEMENT": early, "PAID_BROADCASTS": paid})
        for early, paid in (("off", "on"), ("on", "off"))
    )
    assert [(one.early_acknowledgement, one.paid_broadcasts) for one in (off, on)] == [(False, True), (True, False)]
    told = [WebhookSettings.from_env({**WEBHOOK, "EARLY_ACKNOWLEDGEMENT": early}) for early in ("off", "on")]
    assert [one.early_acknowledgement for one in told] == [False, True]


@pytest.mark.parametrize(("choice", "admits"), [("requeue", False), ("admit", True)])
def test_limits_are_read_as_they_are_written(choice: str, admits: bool) -> None:  # noqa: FBT001 - a table's column
    """A count in a unit of time, with a burst or without; `off` is no limit."""
    environ = {**INBOUND, "CHAT_LIMIT": "off", "BOT_LIMIT": "100/s", "WHEN_STORE_IS_DOWN": choice}
    assert InboundLimits.from_env(environ) == InboundLimits(
        user=Limit(2.0, 10), chat=None, bot=Limit(0.01, 100), quiet_s=300, admit_without_store=admits
    )
    assert WorkerSettings.from_env({**WORKER, **environ}).inbound == InboundLimits.from_env(environ)


@pytest.mark.parametrize("value", ["fast", "0/min", "5/day", "5/min burst 0", "OFF", "5 / min", "-1/s"])
@pytest.mark.parametrize("name", ["USER_LIMIT", "CHAT_LIMIT", "BOT_LIMIT"])
def test_what_is_no_limit_is_named(name: str, value: str) -> None:
    """The sentence tells the name, the value and how limits are written."""
    with pytest.raises(SettingsInvalid, match=f"^{name}: '{value}' is no limit: write 5/min, "):
        InboundLimits.from_env({**INBOUND, name: value})


def test_the_bots_limit_has_no_burst() -> None:
    """What is beyond it waits, so nothing could come at once."""
    with pytest.raises(SettingsInvalid, match=r"^BOT_LIMIT is '100/s burst 5': expected a limit without a burst"):
        InboundLimits.from_env({**INBOUND, "BOT_LIMIT": "100/s burst 5"})


@pytest.mark.parametrize(("text", "expected"), [("", None), ("7001", 7001), ("-1001234567890", -1001234567890)])
def test_the_admin_chat_is_an_id_or_nothing(text: str, expected: int | None) -> None:
    """Groups have negative ids; an empty one switches admin features off."""
    assert BotSettings.from_env({**BOT, "ADMIN_CHAT_ID": text}).admin_chat_id == expected


@pytest.mark.parametrize("text", ["@ann", "-", "--5", "7001.0", "7 001", "chat:7001"])
def test_a_malformed_admin_chat_is_named(text: str) -> None:
    """A user name cannot be written to; the sentence tells how to find the id."""
    with pytest.raises(SettingsInvalid, match=r"^ADMIN_CHAT_ID is .*: expected a chat id such as 123456; /id tells"):
        BotSettings.from_env({**BOT, "ADMIN_CHAT_ID": text})


def test_an_absent_admin_chat_is_none() -> None:
    """The only variable that may be missing."""
    assert BotSettings.from_env({k: v for k, v in BOT.items() if k != "ADMIN_CHAT_ID"}).admin_chat_id is None


def test_the_api_url_has_no_trailing_slash() -> None:
    """Bot API paths are appended with one."""
    settings = BotSettings.from_env({**BOT, "TELEGRAM_API_URL": "http://127.0.0.1:8081/"})
    assert settings.telegram_api_url == "http://127.0.0.1:8081"


def test_both_workers_are_asked() -> None:
    """A comma separates the functions."""
    assert RegistrarSettings.from_env(REGISTRAR).worker_functions == ("worker", "tasks")


@given(st.integers(1, 890), st.integers(1, 900), st.integers(1, 43_200))
def test_the_three_times_are_bound_to_each_other(deadline_s: int, timeout_s: int, visibility_s: int) -> None:
    """A worker has time to report after its last update, and the queue hides what is in work for longer than that."""
    environ = {
        **WORKER,
        "UPDATE_DEADLINE_S": str(deadline_s),
        "FUNCTION_TIMEOUT_S": str(timeout_s),
        "QUEUE_VISIBILITY_S": str(visibility_s),
    }
    if timeout_s >= deadline_s + HEADROOM_S and visibility_s >= 2 * timeout_s:
        settings = WorkerSettings.from_env(environ)
        assert (settings.deadline_s, settings.timeout_s, settings.visibility_s) == (deadline_s, timeout_s, visibility_s)
    else:
        with pytest.raises(SettingsInvalid, match="is too short for a"):
            WorkerSettings.from_env(environ)


@pytest.mark.parametrize(
    ("deadline_s", "timeout_s", "visibility_s", "sentence"),
    [
        (10, 15, 30, None),
        (10, 14, 30, "A function timeout of 14 s is too short for a deadline of 10 s: raise the timeout to 15 s"),
        (10, 15, 29, "A visibility of 29 s is too short for a function timeout of 15 s: raise it to 30 s or more"),
    ],
)
def test_a_time_too_short_is_told_with_the_one_to_set(
    deadline_s: int, timeout_s: int, visibility_s: int, sentence: str | None
) -> None:
    """The bounds themselves pass; one second less is refused with what to do."""
    environ = {
        **WORKER,
        "UPDATE_DEADLINE_S": str(deadline_s),
        "FUNCTION_TIMEOUT_S": str(timeout_s),
        "QUEUE_VISIBILITY_S": str(visibility_s),
    }
    if sentence is None:
        assert WorkerSettings.from_env(environ).timeout_s == timeout_s
    else:
        with pytest.raises(SettingsInvalid) as refusal:
            WorkerSettings.from_env(environ)
        assert str(refusal.value).startswith(sentence)
