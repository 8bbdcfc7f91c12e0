"""A load that a dashboard shows something of: nine minutes of people, and of what goes wrong.

Rule: a plan says for each second what happens; nothing in it is random, so that two pictures differ by the machine
only. Steady talk of many people and a group comes first; then one person floods; then Telegram answers 429, and 500 for
a while; then there is calm, a broadcast, and an update that can never be done.
Hazard: the local AWS does some ten updates a second on two processors; more than that shows how slow it is, and nothing
of the bot.
"""

import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice

from local.control import TelegramControl

ADMIN = 1
SECONDS = 540
_PEOPLE = range(5001, 5081)
_GROUP = -1_000_000_005_000
_FLOODER = 5999
_UNLUCKY = 5998
_WORDS = ("/id", "/start", "/help", "good morning", "/reminders", "/settings", "/mydata", "/timezone Europe/Berlin")
_A_SECOND = 3
_FLOOD = range(150, 170)
_LIMITED, _FAILING = range(250, 300), range(300, 330)
_BROADCAST_AT, _CONFIRMED_AT, _UNLUCKY_AT = 420, 432, 500
_SUBSCRIBERS = 40

type Job = Callable[[TelegramControl], object]


def plan(second: int) -> Iterator[Job]:
    """Yield what happens in that second of the load."""
    yield from _talk(second)
    yield from _trouble(second)
    if second == _BROADCAST_AT:
        yield _asks_for_a_broadcast
    if second == _CONFIRMED_AT:
        yield _confirms


def _talk(second: int) -> Iterator[Job]:
    people = islice(cycle(_PEOPLE), second * _A_SECOND, (second + 1) * _A_SECOND)
    for number, person in enumerate(people):
        yield _says(person, _WORDS[(second + number) % len(_WORDS)])
    if second < _SUBSCRIBERS:
        yield _says(_PEOPLE[second], "/subscribe")
    if second % 4 == 0:
        yield _says(_GROUP, "/settings" if second % 12 else "/welcome", user_id=_PEOPLE[second // 4 % 6])
    if second % 7 == 0:
        yield _presses(_PEOPLE[second * _A_SECOND % len(_PEOPLE) - 10])


def _trouble(second: int) -> Iterator[Job]:
    if second in _FLOOD:
        yield from [_says(_FLOODER, "and another thing")] * 5
    if second in {_LIMITED.start, _FAILING.start, _FAILING.stop}:
        yield TelegramControl.clear_faults
    if second in _LIMITED and second % 5 == 0:
        yield _fails(retry_after=3, count=6)
    if second in _FAILING and second % 5 == 0:
        yield _fails(error_code=500, count=10)
    if second == _UNLUCKY_AT:
        yield lambda telegram: telegram.fault("sendMessage", error_code=400, chat_id=_UNLUCKY)
        yield _says(_UNLUCKY, "/start")


def run(telegram: TelegramControl, seconds: int = SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
    """Have the plan happen, in its time or a little later."""
    began = clock()
    for second in range(seconds):
        time.sleep(max(0.0, began + second - clock()))
        for job in plan(second):
            job(telegram)
    telegram.clear_faults()


def _says(chat_id: int, text: str, **order: int) -> Job:
    return lambda telegram: telegram.say(chat_id, text, **order)


def _fails(**fault: int) -> Job:
    return lambda telegram: telegram.fault("sendMessage", spares_chat_id=ADMIN, **fault)


def _presses(chat_id: int) -> Job:
    """Have a person press the first button of the last message that has one."""

    def press(telegram: TelegramControl) -> None:
        for message in reversed(telegram.replies(chat_id)):
            for row in (message.get("reply_markup") or {}).get("inline_keyboard", []):
                if data := row[0].get("callback_data"):
                    telegram.press(chat_id, message["message_id"], data)
                    return

    return press


def _asks_for_a_broadcast(telegram: TelegramControl) -> None:
    announced = telegram.say(ADMIN, "The beans are ripe.")
    telegram.say(ADMIN, "/broadcast", reply_to_message_id=announced["message_id"])


def _confirms(telegram: TelegramControl) -> None:
    for message in reversed(telegram.replies(ADMIN)):
        for row in (message.get("reply_markup") or {}).get("inline_keyboard", []):
            for button in row:
                if button["text"] == "Confirm":
                    telegram.press(ADMIN, message["message_id"], button["callback_data"])
                    return
