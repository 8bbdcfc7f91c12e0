"""The bot of a chaos run: what its handler does with an update is written in the update itself.

Each step is something that bot authors do, and each call carries the label of its step, so that the ledger can count
what arrived. `trouble` happens once or always, before the step with its number: the handler raises, or takes longer
than its deadline.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from telegram import InputMediaDocument, Message, Update
from telegram.ext import CallbackQueryHandler, ContextTypes, MessageHandler, filters

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from floodgate.telegram import App
    from tests.chaos.ledger import Ledger

#: A chat that updates of other chats write to as well.
HUB = 1_000_000
#: Longer than any update may take, in seconds.
_TOO_LONG_S = 60.0
#: What is uploaded.
_FILE = b"chaos"


class Broken(Exception):
    """The handler has a bug."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """`raises` or `overruns` before step `at`, the first time or every time."""

    what: str
    at: int
    always: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """What the handler does with one update."""

    steps: Sequence[str]
    trouble: Trouble | None = None

    def text(self) -> str:
        """Return it as it is written in an update."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Self:
        """Return what was written."""
        told = json.loads(text)
        return cls(told["steps"], Trouble(**told["trouble"]) if told["trouble"] else None)

    def labels(self, update_id: int) -> Counter[str]:
        """Return the labels of everything that it does, and how often it does each."""
        found: Counter[str] = Counter()
        for number, step in enumerate(self.steps):
            parts = _PARTS.get(step, ("",))
            found.update(f"{update_id}.{number}{part}" for part in parts)
        return found


def tag(update: Update, number: int, part: int | None = None) -> str:
    """Return the label of a step as it is written into a call."""
    return f"~{update.update_id}.{number}" + ("~" if part is None else f".{part}~")


@dataclass
class Doing:
    """One run of a program."""

    update: Update
    context: ContextTypes.DEFAULT_TYPE
    #: The last message that was sent, to be edited.
    last: Message | None = None

    @property
    def chat(self) -> int:
        """The update's own chat."""
        assert self.update.effective_chat
        return self.update.effective_chat.id


async def _reply(doing: Doing, number: int) -> None:
    doing.last = await doing.context.bot.send_message(doing.chat, tag(doing.update, number))


async def _edit(doing: Doing, number: int) -> None:
    if doing.last is None:
        await _reply(doing, number)
    else:
        await doing.last.edit_text(tag(doing.update, number))


async def _upload(doing: Doing, number: int) -> None:
    await doing.context.bot.send_document(doing.chat, _FILE, caption=tag(doing.update, number), filename="chaos.txt")


async def _album(doing: Doing, number: int) -> None:
    media = [
        InputMediaDocument(_FILE, caption=tag(doing.update, number, part), filename="chaos.txt") for part in range(2)
    ]
    await doing.context.bot.send_media_group(doing.chat, media)


async def _gather(doing: Doing, number: int) -> None:
    bot = doing.context.bot
    await asyncio.gather(*(bot.send_message(doing.chat, tag(doing.update, number, part)) for part in range(3)))


async def _twin(doing: Doing, number: int) -> None:
    """Say the same twice, as people do: two calls that nothing tells apart."""
    for _ in range(2):
        await doing.context.bot.send_message(doing.chat, tag(doing.update, number))


async def _elsewhere(doing: Doing, number: int) -> None:
    await doing.context.bot.send_message(HUB, tag(doing.update, number))


async def _type(doing: Doing, number: int) -> None:
    """Do something that is answered True."""
    del number
    await doing.context.bot.send_chat_action(doing.chat, "typing")


async def _pause(doing: Doing, number: int) -> None:
    del doing, number
    await asyncio.sleep(1.0)


async def _answer(doing: Doing, number: int) -> None:
    query = doing.update.callback_query
    if query is not None:
        await query.answer(tag(doing.update, number))
    else:
        await _reply(doing, number)


STEPS: Mapping[str, Callable[[Doing, int], Awaitable[None]]] = {
    "reply": _reply,
    "edit": _edit,
    "upload": _upload,
    "album": _album,
    "gather": _gather,
    "twin": _twin,
    "elsewhere": _elsewhere,
    "type": _type,
    "pause": _pause,
    "answer": _answer,
}
#: What follows the step's number in the labels of those that do not make one call.
_PARTS: Mapping[str, Sequence[str]] = {
    "album": (".0", ".1"),
    "gather": (".0", ".1", ".2"),
    "twin": ("", ""),
    "type": (),
    "pause": (),
}


class Bot:
    """The bot's code, the same for all workers; what it remembers is the harness's and not the bot's."""

    def __init__(self, ledger: Ledger, clock: Callable[[], float]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._troubled: Counter[int] = Counter()

    def register(self, app: App) -> None:
        """Add the handlers."""
        app.add_handler(MessageHandler(filters.TEXT, self._handle))
        app.add_handler(CallbackQueryHandler(self._handle))

    async def _handle(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        query, message = update.callback_query, update.effective_message
        program = Program.read((query.data if query else message.text if message else None) or "{}")
        fate = self._ledger.fates[update.update_id]
        fate.begun.append(self._clock())
        doing = Doing(update, context)
        for number, step in enumerate([*program.steps, None]):
            if program.trouble is not None and program.trouble.at == number:
                await self._have_trouble(update.update_id, program.trouble)
            if step is not None:
                await STEPS[step](doing, number)
        fate.finished.append(self._clock())

    async def _have_trouble(self, update_id: int, trouble: Trouble) -> None:
        if self._troubled[update_id] and not trouble.always:
            return
        self._troubled[update_id] += 1
        if trouble.what == "raises":
            raise Broken
        await asyncio.sleep(_TOO_LONG_S)


def program(*steps: str, raises: int | None = None, overruns: int | None = None, always: bool = False) -> Program:
    """Return a program as a script writes it."""
    trouble: Any = None
    if raises is not None:
        trouble = Trouble("raises", raises, always)
    elif overruns is not None:
        trouble = Trouble("overruns", overruns, always)
    return Program(steps, trouble)
