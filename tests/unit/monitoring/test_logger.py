"""No token reaches a log, by whatever way it comes, and what libraries chatter about is not written."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from floodgate.monitoring.logger import logger, redact, redact_libraries
from floodgate.telegram.bot import make_bot
from floodgate.telegram.limiter import Limiter
from tests.unit.delivery.virtual_time import run
from tests.unit.ingress.samples import BOT
from tests.unit.telegram.wire import API_URL, TOKEN, TelegramWire

SECRET = TOKEN.partition(":")[2]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What our own logger writes, as CloudWatch gets it."""
    stream = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", stream)
    return stream


@pytest.fixture
def libraries() -> Iterator[io.StringIO]:
    """What libraries write through a handler like Lambda's, from when the function was wired."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    root.handlers[:] = [logging.StreamHandler(stream)]
    redact_libraries()
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """Return the log's lines, each of which must be JSON."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_message_is_redacted(written: io.StringIO) -> None:
    """The bot's id stays, so that one can tell whose token it was."""
    logger.warning("cannot reach %s/bot%s/getMe", API_URL, TOKEN)
    assert lines(written)[0]["message"] == f"cannot reach {API_URL}/bot7900:***/getMe"


def test_fields_are_redacted(written: io.StringIO) -> None:
    """At any depth, keys too."""
    logger.info("told", where={"urls": [f"{API_URL}/file/bot{TOKEN}/photo.jpg"], TOKEN: 1})
    assert SECRET not in written.getvalue()
    assert lines(written)[0]["where"] == {"urls": [f"{API_URL}/file/bot7900:***/photo.jpg"], "7900:***": 1}


def test_exceptions_are_redacted(written: io.StringIO) -> None:
    """Text, cause and traceback, wherever in their lines the token stands."""
    error = ValueError(f"`{TOKEN}`\t{TOKEN} was refused")
    error.__cause__ = LookupError(f"no route\n{TOKEN}")
    logger.error("failed", exc_info=error)
    assert SECRET not in written.getvalue()
    assert "7900:***" in written.getvalue()


def test_a_bots_own_name_is_redacted(written: io.StringIO) -> None:
    """repr(bot) shows the token."""
    logger.info("made", bot=repr(make_bot(TOKEN, API_URL, Limiter(BOT))))
    assert lines(written)[0]["bot"] == "ExtBot[token=7900:***]"


def test_what_libraries_quote_is_redacted(libraries: io.StringIO) -> None:
    """Their warnings, their exceptions; each line is JSON like our own."""
    error = httpx.ConnectError(f"{API_URL}/bot{TOKEN}/getMe")
    logging.getLogger("httpx").warning("retrying %s", f"/bot{TOKEN}/getMe", exc_info=error)
    assert SECRET not in libraries.getvalue()
    assert lines(libraries)[0]["message"] == "retrying /bot7900:***/getMe"


@pytest.mark.parametrize("name", ["httpx", "httpcore", "telegram.ext.Updater", "botocore.endpoint", "asyncio"])
def test_libraries_are_silent_below_warning(libraries: io.StringIO, name: str) -> None:
    """What they note in passing is nobody's business, what they warn of is."""
    logging.getLogger(name).debug("chatter")
    logging.getLogger(name).info("chatter")
    logging.getLogger(name).warning("trouble")
    assert [(line["level"], line["message"]) for line in lines(libraries)] == [("WARNING", "trouble")]


@pytest.mark.parametrize("name", ["telegram.request.BaseRequest", "telegram.ext.Application"])
def test_libraries_that_quote_answers_are_silent(libraries: io.StringIO, name: str) -> None:
    """Bodies and exceptions' texts hold what people wrote; the update's own line has the class and the place."""
    logging.getLogger(name).error('Can not load invalid JSON data: "%s"', "what Ann wrote")
    assert libraries.getvalue() == ""


def test_a_call_of_the_bot_is_not_logged(libraries: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """Httpx would log the URL of each request, token included, at INFO."""
    wire = TelegramWire()
    wire.install(monkeypatch)

    async def call() -> None:
        async with make_bot(TOKEN, API_URL, Limiter(BOT)) as bot:
            await bot.send_message(7001, "hello")

    run(call())
    assert wire.sent == [(7001, "hello")]
    assert libraries.getvalue() == ""


ids = st.integers(100, 10**12)
secrets = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", min_size=35, max_size=35)
before = st.text(st.characters(exclude_categories=["Nd", "Cs"])) | st.sampled_from(
    ["\n", "\t", "x", "bot", "/bot", "\\n"]
)
after = st.sampled_from(["", " ", "/getMe", "\n", "'", '"', "`", ")", "]", "\\n"])


@given(before, ids, secrets, after)
def test_a_token_is_found_in_any_text(before: str, bot_id: int, secret: str, after: str) -> None:
    """As text, and once JSON has escaped what stands around it."""
    assume(secret not in before)
    text = f"{before}{bot_id}:{secret}{after}"
    assert secret not in redact(text)
    assert secret not in redact(json.dumps(text))
    assert f"{bot_id}:***" in redact(text)


@given(st.integers(1, 10**6), st.text("abcdefXYZ0123456789_-", min_size=1, max_size=29))
def test_in_a_url_a_token_of_any_length_is_found(bot_id: int, secret: str) -> None:
    """The emulator's tokens are short."""
    assert redact(f"{API_URL}/bot{bot_id}:{secret}/getMe") == f"{API_URL}/bot{bot_id}:***/getMe"


@pytest.mark.parametrize(
    "text",
    [
        "chat:7001",
        "arn:aws:secretsmanager:eu-central-1:123456789012:secret:webhook-AbCdEf",
        "https://sqs.eu-central-1.amazonaws.com/123456789012/updates.fifo",
        "2026-06-11T00:00:00.000Z",
        "0b6f5a40-0000-4000-8000-000000000001",
        "/var/task/app.py:112 _try",
    ],
)
def test_what_is_no_token_stays(text: str) -> None:
    """Ids, addresses, times and places are what a log is for."""
    assert redact(text) == text
