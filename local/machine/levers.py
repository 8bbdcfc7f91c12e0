"""The levers that act on the local Telegram: floods of people, and failures of its answers.

Rule: all act in the page's own process. A flood speaks some orders at a time, so that people still chat meanwhile;
its Undo stops it and takes back what is still at Telegram, not what is on its way. A failure lasts until Undo, meets
each call that writes into a chat, the admin's apart, so that alerts get through, and is then over at once: what was put
back for it is given back to the queue, but for frozen chats, which thaw in seconds.
Hazard: DELETE /control/faults takes these failures back too; the levers then say that they are off.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Protocol

from local.telegram.emulator import Emulator
from local.telegram.errors import ControlError
from local.telegram.faults import Fault
from local.telegram.speaking import say
from local.telegram.updates import Pending
from local.telegram.world import ADMIN_ID

type Json = dict[str, Any]

MESSAGES = 1_000
#: How many at a time, and the pause between.
AT_ONCE = 20
PAUSE_S = 0.1
#: Of one person, how many wait at Telegram at most: it delivers one of a chat at a time, and with four connections to
#: the bot it loads eight. More of one person's, and all others would stand behind them before the bot has a say.
ONE_PERSONS = 4
#: Beyond the ids that people on the page get.
FLOODER = 900_000
CROWD = range(910_000, 910_000 + MESSAGES)
RETRY_AFTER_S = 10
#: Longer than the bot waits for an answer.
SILENCE_S = 8.0
#: What writes into a chat, and so can be met by a limit of it.
WRITING = (
    "sendMessage", "sendPhoto", "sendDocument", "sendMediaGroup", "copyMessage", "forwardMessage", "editMessageText",
    "editMessageCaption", "editMessageMedia", "editMessageReplyMarkup", "sendChatAction",
)  # fmt: skip


class ListPeople(Protocol):
    """Has the page show people and their chats, or leave them out."""

    def __call__(self, user_ids: Collection[int], *, is_listed: bool) -> None:
        """Do so."""
        ...


class Flood:
    """Many messages at once."""

    def __init__(
        self,
        emulator: Emulator,
        name: str,
        label: str,
        watch: str,
        message: Callable[[int], tuple[int, str]],
        *,
        at_telegram: int = MESSAGES,
        list_people: ListPeople | None = None,
    ) -> None:
        """`message` gives each message's person and text, by its number; `at_telegram` wait there at most.

        By `list_people` Undo takes the guests off the page, also once all are with the bot.
        """
        self.name = name
        self.label = label
        self.watch = watch
        self._emulator = emulator
        self._message = message
        self._most = at_telegram
        self._list_people = list_people
        self._has_guests = False
        self._speaking: asyncio.Task[None] | None = None
        self._said: list[Pending] = []
        self._sentence = ""

    def state(self) -> Json:
        """Return whether it is on: some of it is unsaid, or still at Telegram; `can_undo`: though it is not."""
        speaks = self._speaks()
        waiting = self._waiting()
        if speaks or waiting:
            return {"on": True, "busy": speaks, "said": f"{len(self._said)} of {MESSAGES} said, {waiting} at Telegram."}
        if self._said:
            self._sentence, self._said = f"All {len(self._said)} are with the bot.", []
        can_undo = {"can_undo": True} if self._has_guests else {}
        return {"on": False, "busy": False, "said": self._sentence, **can_undo}

    async def pull(self, order: Json) -> None:  # noqa: ARG002 - it takes no more than `on`
        """Begin to speak; a flood that is on already goes on."""
        if not (self._speaks() or self._waiting()):
            self._list(is_listed=True)
            self._said, self._sentence = [], ""
            self._speaking = asyncio.create_task(self._speak())

    async def undo(self) -> None:
        """Say no more, and take back what Telegram has not begun to deliver."""
        if self._speaking is not None:
            self._speaking.cancel()
            self._speaking = None
        waiting = [pending for pending in self._said if pending.outcome == "pending"]
        unsent = [pending for pending in waiting if not _is_under_way(pending)]
        for pending in unsent:
            self._emulator.updates.settle(pending, "taken back")
        if self._said:
            self._sentence = f"Stopped after {len(self._said)}: {len(unsent)} taken back."
        self._said = []
        if self._has_guests:
            self._list(is_listed=False)
            self._sentence = f"{self._sentence} The guests are off the page; whom the bot has, it answers.".strip()

    def _list(self, *, is_listed: bool) -> None:
        if self._list_people is not None:
            self._list_people(CROWD, is_listed=is_listed)
            self._has_guests = is_listed

    def _waiting(self) -> int:
        return sum(1 for pending in self._said if pending.outcome == "pending")

    def _speaks(self) -> bool:
        return self._speaking is not None and not self._speaking.done()

    async def _speak(self) -> None:
        updates = self._emulator.updates
        for number in range(MESSAGES):
            while self._waiting() >= self._most:
                await self._emulator.clock.sleep(PAUSE_S / AT_ONCE)
            chat_id, text = self._message(number)
            if chat_id in CROWD:
                self._emulator.world.rename(chat_id, {"first_name": f"Guest {number + 1}"})
            try:
                say(self._emulator, {"chat_id": chat_id, "text": text})
            except ControlError as error:
                self._sentence = error.sentence
                return
            self._said.append(updates.history[-1])
            if number % AT_ONCE == AT_ONCE - 1:
                await self._emulator.clock.sleep(PAUSE_S)


def _is_under_way(pending: Pending) -> bool:
    return bool(pending.attempts) and "latency_ms" not in pending.attempts[-1]


class Failing:
    """Telegram answers what writes into a chat in some other way than it should."""

    def __init__(
        self,
        emulator: Emulator,
        name: str,
        label: str,
        watch: str,
        give_back: Callable[[], Awaitable[int]] | None = None,
        **fault: Any,
    ) -> None:
        """`fault` is what happens, by the fields of a Fault; `give_back` is called once that is over."""
        self.name = name
        self.label = label
        self.watch = watch
        self._faults = emulator.faults
        self._fault = fault
        self._give_back = give_back
        self._set: list[Fault] = []
        self._said = ""

    def state(self) -> Json:
        """Return whether it is on."""
        on = self._is_on()
        said = "On until you undo it; the admin's chat is spared." if on else self._said
        return {"on": on, "busy": False, "said": said}

    async def pull(self, order: Json) -> None:  # noqa: ARG002 - it takes no more than `on`
        """Have each such call fail from now on."""
        self._remove()
        self._set = [Fault(method, None, spares_chat_id=ADMIN_ID, **self._fault) for method in WRITING]
        for fault in self._set:
            self._faults.add(fault)

    async def undo(self) -> None:
        """Have calls work again, and what failed tried again at once. Raises LocalError."""
        was_on, self._said = self._is_on(), ""
        self._remove()
        if was_on and self._give_back is not None and (given := await self._give_back()):
            self._said = f"{given} {'update was' if given == 1 else 'updates were'} waiting to be tried again: now."

    def _is_on(self) -> bool:
        return any(fault in self._faults for fault in self._set)

    def _remove(self) -> None:
        for fault in self._set:
            self._faults.remove(fault)
        self._set = []


def on_telegram(
    emulator: Emulator,
    give_back: Callable[[], Awaitable[int]] | None = None,
    list_people: ListPeople | None = None,
) -> list[Flood | Failing]:
    """Return the levers, in the order in which the page shows them.

    `give_back` has the queue hand out at once what was put back, and returns how many it did so with; `list_people`
    takes the crowd off the page.
    """
    emulator.world.rename(FLOODER, {"first_name": "Flo", "last_name": "Flood"})
    return [
        Flood(
            emulator,
            "flood",
            "Flood: 1 000 messages from one person",
            "Flo gets some answers and one word that it was too fast; the rest is dropped as limited. Speak as "
            "somebody else meanwhile: they are answered as quickly as ever.",
            lambda number: (FLOODER, f"/id {number + 1}"),
            at_telegram=ONE_PERSONS,
        ),
        Flood(
            emulator,
            "crowd",
            "1 000 people at once",
            "They wait at Telegram first, which delivers four at a time here, then in the queue, and are worked off as "
            "fast as this machine can. Nobody is left out, and each is answered once. Undo takes the guests off the "
            "page.",
            lambda number: (CROWD[number], "/id"),
            list_people=list_people,
        ),
        Failing(
            emulator,
            "limited",
            "Telegram answers 429",
            f"Each chat that is written to is frozen for {RETRY_AFTER_S} s, for all workers: its updates are put back "
            "and wait, and no attempt is counted. After a minute or two of it the alert “Telegram limits” comes to the "
            "admin's chat. Undo it, and once their freeze is over all are answered, each once.",
            error_code=429,
            retry_after=RETRY_AFTER_S,
        ),
        Failing(
            emulator,
            "broken",
            "Telegram answers 500",
            "Attempts fail and updates are put back, with longer and longer pauses. After two or three minutes of it "
            "the alert “Failing updates” comes to the admin's chat. Undo it, and they are answered at once.",
            give_back,
            error_code=500,
        ),
        Failing(
            emulator,
            "silent",
            "Telegram times out",
            "What is sent arrives, but the bot gets no answer to it. Nobody knows then whether it was sent, and "
            "nothing is sent twice. Undo it, and what waits is answered at once.",
            give_back,
            delay_s=SILENCE_S,
            drop=True,
            after_delivery=True,
        ),
    ]
