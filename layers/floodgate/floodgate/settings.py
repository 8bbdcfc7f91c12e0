"""Every environment variable that a function reads: its name, type, bounds and unit.

Problem: a wrong value found in the middle of a night is found too late. Rule: one frozen dataclass per function, made
once by `app.py` from the environment; nothing else reads the environment. `template.yaml` sets these variables and
nothing else does. Hazard: the webhook imports this module, so it and what it imports stay on the standard library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from floodgate.retry import RetryPolicy
from floodgate.traffic.limits import Limit, LimitInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a worker needs beside the deadline of its last update, in seconds: to start, to put back, to report.
HEADROOM_S = 5


class SettingsInvalid(ValueError):
    """An environment variable is missing or out of bounds; the text names it and says what is expected."""


def _text(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise SettingsInvalid(f"{name} is not set: template.yaml sets it for every function that needs it.")
    return value


def _whole(environ: Mapping[str, str], name: str, low: int, high: int) -> int:
    text = _text(environ, name)
    try:
        value = int(text)
    except ValueError:
        raise SettingsInvalid(f"{name} is {text!r}: expected a whole number from {low} to {high}.") from None
    if not low <= value <= high:
        raise SettingsInvalid(f"{name} is {value}: expected a whole number from {low} to {high}.")
    return value


def _choice(environ: Mapping[str, str], name: str, *choices: str) -> str:
    value = _text(environ, name)
    if value not in choices:
        raise SettingsInvalid(f"{name} is {value!r}: expected {' or '.join(choices)}.")
    return value


def _is_on(environ: Mapping[str, str], name: str) -> bool:
    return _choice(environ, name, "on", "off") == "on"


def _cache_s(environ: Mapping[str, str]) -> int:
    return _whole(environ, "CACHE_S", 0, 3600)


def _limit(environ: Mapping[str, str], name: str, *, burst: bool = True) -> Limit | None:
    text = _text(environ, name)
    try:
        limit = Limit.parse(text)
    except LimitInvalid as error:
        raise SettingsInvalid(f"{name}: {error}") from None
    if not burst and "burst" in text:
        raise SettingsInvalid(f"{name} is {text!r}: expected a limit without a burst, such as 6000/min, or off.")
    return limit


def _retries(environ: Mapping[str, str]) -> RetryPolicy:
    return RetryPolicy(
        attempts=_whole(environ, "RETRY_ATTEMPTS", 1, 100),
        bug_attempts=_whole(environ, "BUG_ATTEMPTS", 1, 100),
        first_s=_whole(environ, "BACKOFF_FIRST_S", 1, 3600),
        longest_s=_whole(environ, "BACKOFF_LONGEST_S", 1, 3600),
    )


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """What the webhook function is told. It never knows the bot token."""

    updates_queue_url: str
    dead_queue_url: str
    webhook_secret_arn: str
    #: Whether the answer to a pressed button's delivery stops the button's waiting, before a handler has run.
    early_acknowledgement: bool
    #: CloudWatch's, of this stack.
    metrics_namespace: str
    #: What Telegram is asked to wait, in seconds, when a queue refuses. Telegram honours up to 3600.
    retry_after_s: int = 5

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Raise SettingsInvalid for what is missing or out of bounds."""
        return cls(
            updates_queue_url=_text(environ, "UPDATES_QUEUE_URL"),
            dead_queue_url=_text(environ, "DEAD_QUEUE_URL"),
            webhook_secret_arn=_text(environ, "WEBHOOK_SECRET_ARN"),
            early_acknowledgement=_is_on(environ, "EARLY_ACKNOWLEDGEMENT"),
            metrics_namespace=_text(environ, "METRICS_NAMESPACE"),
        )


@dataclass(frozen=True, slots=True)
class BotSettings:
    """How to reach Telegram as the bot; shared by every function that speaks to it."""

    #: The token's public half. Its change makes Lambda start anew whatever still has another bot's token.
    bot_id: str
    bot_token_secret_arn: str
    #: Without a trailing slash: `https://api.telegram.org`, or the emulator's address.
    telegram_api_url: str
    state_table: str
    #: None while no admin chat is set; admin features are off then.
    admin_chat_id: int | None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Raise SettingsInvalid for what is missing or malformed."""
        admin = environ.get("ADMIN_CHAT_ID", "")
        if admin and not admin.removeprefix("-").isdecimal():
            raise SettingsInvalid(f"ADMIN_CHAT_ID is {admin!r}: expected a chat id such as 123456; /id tells yours.")
        return cls(
            bot_id=_text(environ, "BOT_ID"),
            bot_token_secret_arn=_text(environ, "BOT_TOKEN_SECRET_ARN"),
            telegram_api_url=_text(environ, "TELEGRAM_API_URL").rstrip("/"),
            state_table=_text(environ, "STATE_TABLE"),
            admin_chat_id=int(admin) if admin else None,
        )


@dataclass(frozen=True, slots=True)
class InboundLimits:
    """How much of what people send is handled at once. A limit that is None is none."""

    #: Updates of one person, over all chats.
    user: Limit | None
    #: Updates of one group or channel.
    chat: Limit | None
    #: Updates of the whole bot. Above it they wait; its burst is its count and means nothing.
    bot: Limit | None
    #: How often a person who goes too fast is told so, at most: once in so many seconds.
    quiet_s: int
    #: What becomes of an update that DynamoDB has failed three times in a row: handled without limits and without the
    #: check for duplicates, or, if False, left in its queue.
    admit_without_store: bool

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Raise SettingsInvalid for what is missing or out of bounds."""
        return cls(
            user=_limit(environ, "USER_LIMIT"),
            chat=_limit(environ, "CHAT_LIMIT"),
            bot=_limit(environ, "BOT_LIMIT", burst=False),
            quiet_s=_whole(environ, "QUIET_PERIOD_S", 10, 86_400),
            admit_without_store=_choice(environ, "WHEN_STORE_IS_DOWN", "requeue", "admit") == "admit",
        )


@dataclass(frozen=True, slots=True)
class ScheduleSettings:
    """Where tasks that are due at a time are kept until then, and how they come into their queue."""

    #: The name of the stack's schedule group.
    group: str
    #: What the scheduler may do for us: send to the queue.
    role_arn: str
    tasks_queue_arn: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Raise SettingsInvalid for what is missing."""
        return cls(
            group=_text(environ, "SCHEDULE_GROUP"),
            role_arn=_text(environ, "SCHEDULE_ROLE_ARN"),
            tasks_queue_arn=_text(environ, "TASKS_QUEUE_ARN"),
        )


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker is told. WorkerFunction and TasksFunction run the same code with different values."""

    bot: BotSettings
    inbound: InboundLimits
    schedules: ScheduleSettings
    #: The queue that this worker empties: `updates` or `tasks`.
    queue: str
    queue_url: str
    #: Where the admin's retries go, back to the queue that they are from.
    updates_queue_url: str
    tasks_queue_url: str
    dead_queue_url: str
    #: Which function reports for `/status`.
    alerts_function: str
    traffic_table: str
    #: How many workers of this function may run at once, each with up to ten chats.
    concurrency: int
    #: How long what Telegram says of chats and members is remembered, in seconds; 0 keeps nothing for the next update.
    cache_s: int
    #: Whether broadcasts pay for going beyond Telegram's 30 messages a second.
    paid_broadcasts: bool
    #: Whether the webhook has answered callback queries by the time they come here.
    early_acknowledgement: bool
    #: How often an update is tried that failed, and when.
    retries: RetryPolicy
    #: Whether a message of which nobody knows whether it was sent is sent again.
    repeat_unknown: bool
    #: What one update may take, in seconds; then it is cancelled and tried again.
    deadline_s: int
    #: When Lambda ends the function, in seconds.
    timeout_s: int
    #: How long the queue hides a message that was received, in seconds.
    visibility_s: int
    #: CloudWatch's, of this stack.
    metrics_namespace: str

    def __post_init__(self) -> None:
        """Hold the three times against each other; CloudFormation can only bound each alone."""
        if self.timeout_s < self.deadline_s + HEADROOM_S:
            raise SettingsInvalid(
                f"A function timeout of {self.timeout_s} s is too short for a deadline of {self.deadline_s} s: raise "
                f"the timeout to {self.deadline_s + HEADROOM_S} s or more, or lower the deadline."
            )
        if self.visibility_s < 2 * self.timeout_s:
            raise SettingsInvalid(
                f"A visibility of {self.visibility_s} s is too short for a function timeout of {self.timeout_s} s: "
                f"raise it to {2 * self.timeout_s} s or more, or another worker gets an update that is still in work."
            )

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Raise SettingsInvalid for what is missing or out of bounds."""
        return cls(
            bot=BotSettings.from_env(environ),
            inbound=InboundLimits.from_env(environ),
            schedules=ScheduleSettings.from_env(environ),
            queue=_text(environ, "QUEUE"),
            queue_url=_text(environ, "QUEUE_URL"),
            updates_queue_url=_text(environ, "UPDATES_QUEUE_URL"),
            tasks_queue_url=_text(environ, "TASKS_QUEUE_URL"),
            dead_queue_url=_text(environ, "DEAD_QUEUE_URL"),
            alerts_function=_text(environ, "ALERTS_FUNCTION"),
            traffic_table=_text(environ, "TRAFFIC_TABLE"),
            concurrency=_whole(environ, "WORKER_CONCURRENCY", 2, 1000),
            cache_s=_cache_s(environ),
            paid_broadcasts=_is_on(environ, "PAID_BROADCASTS"),
            early_acknowledgement=_is_on(environ, "EARLY_ACKNOWLEDGEMENT"),
            retries=_retries(environ),
            repeat_unknown=_choice(environ, "WHEN_SEND_IS_UNKNOWN", "skip", "repeat") == "repeat",
            deadline_s=_whole(environ, "UPDATE_DEADLINE_S", 1, 890),
            timeout_s=_whole(environ, "FUNCTION_TIMEOUT_S", 1, 900),
            visibility_s=_whole(environ, "QUEUE_VISIBILITY_S", 1, 43_200),
            metrics_namespace=_text(environ, "METRICS_NAMESPACE"),
        )


@dataclass(frozen=True, slots=True)
class DeadletterSettings:
    """What the dead-letter function is told."""

    bot: BotSettings
    dead_queue_url: str
    traffic_table: str
    #: As the workers are told: they share what is remembered.
    cache_s: int
    #: CloudWatch's, of this stack.
    metrics_namespace: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Raise SettingsInvalid for what is missing or out of bounds."""
        return cls(
            bot=BotSettings.from_env(environ),
            dead_queue_url=_text(environ, "DEAD_QUEUE_URL"),
            traffic_table=_text(environ, "TRAFFIC_TABLE"),
            cache_s=_cache_s(environ),
            metrics_namespace=_text(environ, "METRICS_NAMESPACE"),
        )


@dataclass(frozen=True, slots=True)
class AlertsSettings:
    """What the alerts function is told."""

    bot: BotSettings
    traffic_table: str
    #: As the workers are told: they share what is remembered.
    cache_s: int
    metrics_namespace: str
    #: What the names of this stack's alarms begin with.
    stack_name: str
    #: Where a message leads to. The runbook's is that of docs/runbook.md, and empty where it is nowhere to be read.
    dashboard_url: str
    runbook_url: str
    updates_queue_url: str
    tasks_queue_url: str
    dead_queue_url: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Raise SettingsInvalid for what is missing or out of bounds."""
        return cls(
            bot=BotSettings.from_env(environ),
            traffic_table=_text(environ, "TRAFFIC_TABLE"),
            cache_s=_cache_s(environ),
            metrics_namespace=_text(environ, "METRICS_NAMESPACE"),
            stack_name=_text(environ, "STACK_NAME"),
            dashboard_url=_text(environ, "DASHBOARD_URL"),
            runbook_url=environ.get("RUNBOOK_URL", ""),
            updates_queue_url=_text(environ, "UPDATES_QUEUE_URL"),
            tasks_queue_url=_text(environ, "TASKS_QUEUE_URL"),
            dead_queue_url=_text(environ, "DEAD_QUEUE_URL"),
        )


@dataclass(frozen=True, slots=True)
class RegistrarSettings:
    """What the registrar is told."""

    bot: BotSettings
    webhook_secret_arn: str
    webhook_url: str
    #: The functions that are asked what the bot handles: the worker first, then the one for tasks.
    worker_functions: tuple[str, ...]
    #: Deliveries that Telegram may have under way at once, 1 to 100.
    max_connections: int
    #: CloudWatch's, of this stack.
    metrics_namespace: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Raise SettingsInvalid for what is missing or out of bounds."""
        return cls(
            bot=BotSettings.from_env(environ),
            webhook_secret_arn=_text(environ, "WEBHOOK_SECRET_ARN"),
            webhook_url=_text(environ, "WEBHOOK_URL"),
            worker_functions=tuple(_text(environ, "WORKER_FUNCTIONS").split(",")),
            max_connections=_whole(environ, "MAX_CONNECTIONS", 1, 100),
            metrics_namespace=_text(environ, "METRICS_NAMESPACE"),
        )
