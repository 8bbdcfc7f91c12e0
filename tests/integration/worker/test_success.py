"""An update that goes well: answered once, at the price of nothing but the answer."""

from telegram import Update
from telegram.ext import CommandHandler, ContextTypes, MessageHandler, filters

from floodgate.telegram import App
from tests.integration.worker.cloud import Cloud
from tests.integration.worker.conftest import ANNS_CHAT, Workers, text
from tests.integration.worker.scenes import only, press, queue
from tests.unit.ingress.samples import SAMPLES
from tests.unit.telegram.wire import TelegramWire, refusal


async def echo(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Say it again."""
    assert update.effective_message
    await update.effective_message.reply_text(update.effective_message.text or "?")


def register(app: App) -> None:
    """Add an echo."""
    app.add_handler(MessageHandler(filters.TEXT & filters.UpdateType.MESSAGE, echo))


def test_an_answer_is_one_call_and_no_more(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """One sendMessage, no getMe; of AWS the token and the identity once, and one write for each update."""
    cloud.queue(text("hello"), ANNS_CHAT)
    drain = workers.drain(register)
    assert cloud.deliver(drain) == []
    assert [(call.method, call.fields) for call in telegram.calls] == [
        ("sendMessage", {"chat_id": 7001, "text": "hello"})
    ]
    assert [operation for operation, _ in cloud.wire.requests] == ["GetSecretValue", "GetItem", "UpdateItem"]
    cloud.wire.requests.clear()
    cloud.clock.now += 2
    cloud.queue(text("again"), ANNS_CHAT)
    assert cloud.deliver(drain) == []
    assert [operation for operation, _ in cloud.wire.requests] == ["UpdateItem"]
    assert (cloud.left(), [item["pk"] for item in cloud.items("traffic")]) == (0, [{"S": "gate#7001"}])


def test_a_batch_is_answered_in_order_and_deleted(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Two chats side by side, each in its order; nothing is left in the queue."""
    for number, chat in enumerate([7001, 7002, 7001, 7002, 7001]):
        update = text(str(number), 500_000_001 + number, chat={"id": chat, "type": "private"})
        cloud.queue(update, f"chat:{chat}")
    assert cloud.deliver(workers.drain(register)) == []
    assert [words for chat, words in telegram.sent if chat == 7001] == ["0", "2", "4"]
    assert [words for chat, words in telegram.sent if chat == 7002] == ["1", "3"]
    assert cloud.left() == 0


def test_a_done_update_is_deleted_while_others_are_in_work(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """A chat is free as soon as it is served: its message leaves the queue before the slow chat is through."""
    left_when_slow_ended: list[int] = []

    async def slow(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        for _ in range(3):
            await context.bot.send_chat_action(7002, "typing")
        left_when_slow_ended.append(cloud.left())

    def register_slow(app: App) -> None:
        app.add_handler(CommandHandler("slow", slow))
        register(app)

    telegram.slowness_s["sendChatAction"] = 1.0
    cloud.queue(text("/slow", chat={"id": 7002, "type": "private"}), "chat:7002")
    cloud.queue(text("hello", 500_000_002), ANNS_CHAT)
    assert cloud.deliver(workers.drain(register_slow)) == []
    assert left_when_slow_ended == [1]
    assert len(cloud.wire.asked("DeleteMessageBatch")) == 1


def test_every_known_type_finishes(cloud: Cloud, workers: Workers) -> None:
    """A bot without a handler for it still finishes each update of the Bot API."""
    for number, sample in enumerate(SAMPLES):
        cloud.queue({"update_id": number + 1, sample.type: sample.value}, sample.group)
    drain = workers.drain(lambda _app: None)
    while (failed := cloud.deliver(drain)) is not None:
        assert failed == []
    assert (cloud.left(), cloud.letters()) == (0, [])


def test_an_unknown_type_finishes(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """A type that was invented after us is no failure, and no handler sees it."""
    cloud.queue({"update_id": 500_000_008, "dream_shared": {"dream": {"title": "Flying"}}}, "update:dream_shared")
    assert cloud.deliver(workers.drain(register)) == []
    assert (cloud.left(), cloud.letters(), telegram.calls) == (0, [], [])


def test_a_redelivery_of_an_unfinished_update_runs(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """A worker that was killed left nothing: the message comes again when it becomes visible, and is answered."""
    cloud.queue(text("hello"), ANNS_CHAT)
    assert len(cloud.records()) == 1  # received by a worker that is no more
    assert cloud.records() == []
    cloud.clock.now += 121
    assert cloud.deliver(workers.drain(register)) == []
    assert (telegram.sent, cloud.left()) == ([(7001, "hello")], 0)


def test_an_edit_that_changes_nothing_is_done(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """A second press of a button leads to the same text, which Telegram refuses: no failure, and nobody to be told."""

    async def choose(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.callback_query
        await update.callback_query.answer()
        await update.callback_query.edit_message_text("You chose text.")

    telegram.faults["editMessageText"] = [
        refusal(400, "Bad Request: message is not modified: specified new message content is exactly the same")
    ]
    queue(cloud, press())
    assert cloud.deliver(workers.drain(only(choose))) == []
    assert (telegram.methods, cloud.letters()) == (["answerCallbackQuery", "editMessageText"], [])
