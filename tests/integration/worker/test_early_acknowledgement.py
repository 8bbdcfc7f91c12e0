"""A button that the webhook has answered: a handler's own answer has nothing left to do but to say its text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.worker.scenes import limits, only, press, queue, settle
from tests.unit.ingress.samples import GROUP, PRIVATE

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.conftest import Workers
    from tests.integration.worker.scenes import Callback
    from tests.unit.telegram.wire import TelegramWire

SECRET = "Water the beans, Ann"


def answering(answers: list[bool], **how: Any) -> Callback:
    """Return a callback that answers its button and notes what came of it."""

    async def answer(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.callback_query
        answers.append(await update.callback_query.answer(**how))

    return answer


@pytest.mark.parametrize("how", [{}, {"url": "https://t.me/echo_bot?start=x"}, {"cache_time": 5}], ids=str)
@pytest.mark.parametrize("chat", [PRIVATE, GROUP], ids=["private", "group"])
def test_an_answer_without_a_text_calls_nothing(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, chat: dict[str, Any], how: dict[str, Any]
) -> None:
    """Telegram takes one answer to a button, and the webhook gave it; the handler sees success."""
    answers: list[bool] = []
    queue(cloud, press(chat))
    assert cloud.deliver(workers.drain(only(answering(answers, **how)), early_acknowledgement=True)) == []
    assert (answers, telegram.calls) == ([True], [])


@pytest.mark.parametrize("how", [{"text": SECRET}, {"text": SECRET, "show_alert": True}], ids=["text", "alert"])
@pytest.mark.parametrize(("chat", "sent"), [(PRIVATE, [(7001, SECRET)]), (GROUP, [])], ids=["private", "group"])
def test_a_text_is_sent_where_nobody_else_reads_it(
    cloud: Cloud,
    telegram: TelegramWire,
    workers: Workers,
    caplog: pytest.LogCaptureFixture,
    chat: dict[str, Any],
    sent: list[tuple[int, str]],
    how: dict[str, Any],
) -> None:
    """In a private chat as a message; in a group it is left out. The log warns, without what was to be said."""
    answers: list[bool] = []
    queue(cloud, press(chat))
    assert cloud.deliver(workers.drain(only(answering(answers, **how)), early_acknowledgement=True)) == []
    assert (answers, telegram.sent, telegram.methods) == ([True], sent, ["sendMessage"] * len(sent))
    [record] = [one for one in caplog.records if one.name == "floodgate" and one.levelname != "INFO"]
    assert (record.levelname, vars(record)["sent_as_message"]) == ("WARNING", bool(sent))
    assert SECRET not in str(vars(record))


def test_a_text_sent_instead_is_paced(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """It is a message like any other."""
    answers: list[bool] = []

    async def answer(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        for _ in range(5):
            await answering(answers, text=SECRET)(update, context)

    queue(cloud, press())
    settle(cloud, workers.drain(only(answer), early_acknowledgement=True))
    at = [call.at - telegram.calls[0].at for call in telegram.calls]
    assert at == pytest.approx([0, 0, 0, 1, 2], abs=0.05)


def test_another_querys_answer_is_made(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Only the update's own button was answered by the webhook."""

    async def answer(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        await context.bot.answer_callback_query("another", SECRET)

    queue(cloud, press())
    assert cloud.deliver(workers.drain(only(answer), early_acknowledgement=True)) == []
    assert telegram.methods == ["answerCallbackQuery"]


@pytest.mark.parametrize("how", [{}, {"text": SECRET, "show_alert": True}], ids=["nothing", "alert"])
def test_with_the_setting_off_a_button_is_answered(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, how: dict[str, Any]
) -> None:
    """As python-telegram-bot would."""
    answers: list[bool] = []
    queue(cloud, press(query="abc"))
    assert cloud.deliver(workers.drain(only(answering(answers, **how)))) == []
    assert (answers, [(call.method, call.fields) for call in telegram.calls]) == (
        [True],
        [("answerCallbackQuery", {"callback_query_id": "abc", **how})],
    )


@pytest.mark.parametrize(("chat", "notices"), [(PRIVATE, 1), (GROUP, 0)], ids=["private", "group"])
def test_who_goes_too_fast_is_told_in_private_only(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, chat: dict[str, Any], notices: int
) -> None:
    """The notice cannot be the answer any more; in a group a message would be read by everybody."""
    answers: list[bool] = []
    drain = workers.drain(only(answering(answers)), early_acknowledgement=True, inbound=limits(user="3/h"))
    queue(cloud, *(press(chat) for _ in range(6)))
    settle(cloud, drain)
    assert (answers, telegram.methods) == ([True] * 3, ["sendMessage"] * notices)
