"""A function's own `app.py`, loaded as Lambda does: settings from the environment, clients made at import."""

from __future__ import annotations

import importlib.util
import logging
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pytest

    from tests.integration.worker.cloud import Cloud

ROOT = Path(__file__).parents[3]

type Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


@contextmanager
def deployed(function: str, environ: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Handler]:
    """Lend the handler of `functions/<function>/app.py`; what it did to the root logger is undone afterwards."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    root = logging.getLogger()
    level, formatters = root.level, [(handler, handler.formatter) for handler in root.handlers]
    spec = importlib.util.spec_from_file_location(f"{function}_app", ROOT / "functions" / function / "app.py")
    assert spec is not None
    assert spec.loader is not None
    app = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(app)
        yield app.handler
    finally:
        root.setLevel(level)
        for handler, formatter in formatters:
            handler.setFormatter(formatter)


def bot_environ(cloud: Cloud) -> dict[str, str]:
    """Return the variables of every function that speaks to Telegram."""
    return {
        "BOT_ID": cloud.bot_settings.bot_id,
        "BOT_TOKEN_SECRET_ARN": cloud.bot_settings.bot_token_secret_arn,
        "TELEGRAM_API_URL": cloud.bot_settings.telegram_api_url,
        "STATE_TABLE": cloud.bot_settings.state_table,
        "ADMIN_CHAT_ID": "",
        "METRICS_NAMESPACE": "Floodgate/garden",
    }


def deadletter_environ(cloud: Cloud) -> dict[str, str]:
    """Return the variables of DeadletterFunction."""
    return {
        **bot_environ(cloud),
        "DEAD_QUEUE_URL": cloud.dead_url,
        "TRAFFIC_TABLE": "traffic",
        "CACHE_S": "300",
    }


def worker_environ(cloud: Cloud) -> dict[str, str]:
    """Return the variables of WorkerFunction."""
    return {
        **bot_environ(cloud),
        "QUEUE": "updates",
        "QUEUE_URL": cloud.updates_url,
        "UPDATES_QUEUE_URL": cloud.updates_url,
        "TASKS_QUEUE_URL": cloud.tasks_url,
        "DEAD_QUEUE_URL": cloud.dead_url,
        "TASKS_QUEUE_ARN": cloud.schedule_settings.tasks_queue_arn,
        "SCHEDULE_GROUP": cloud.schedule_settings.group,
        "SCHEDULE_ROLE_ARN": cloud.schedule_settings.role_arn,
        "TRAFFIC_TABLE": "traffic",
        "WORKER_CONCURRENCY": "20",
        "USER_LIMIT": "30/min burst 10",
        "CHAT_LIMIT": "300/min burst 100",
        "BOT_LIMIT": "6000/min",
        "QUIET_PERIOD_S": "300",
        "WHEN_STORE_IS_DOWN": "requeue",
        "RETRY_ATTEMPTS": "20",
        "BUG_ATTEMPTS": "3",
        "BACKOFF_FIRST_S": "2",
        "BACKOFF_LONGEST_S": "300",
        "WHEN_SEND_IS_UNKNOWN": "skip",
        "CACHE_S": "300",
        "PAID_BROADCASTS": "off",
        "EARLY_ACKNOWLEDGEMENT": "off",
        "UPDATE_DEADLINE_S": "10",
        "FUNCTION_TIMEOUT_S": "20",
        "QUEUE_VISIBILITY_S": "120",
    }
