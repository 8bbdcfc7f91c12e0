"""The admin's side of failures: the buttons below the admin chat's messages, and `/failures`.

Rule: these handlers belong to every bot that has an admin chat, without its author doing anything, and come before the
bot's own, so that no button ever goes dead; they stand in no list of commands. They run like any handler: in order,
under the limits and the journal. From any other chat `/failures` is left to the bot's own handlers, and a press is
refused. Hazard: a press may be handled twice, so each does what it says or finds it done.
"""

from __future__ import annotations

import asyncio
import re
from functools import cached_property
from typing import TYPE_CHECKING, Final

from telegram import CallbackQuery, Message
from telegram.error import BadRequest
from telegram.ext import ApplicationHandlerStop, CallbackQueryHandler, CommandHandler, filters

from floodgate.admin.notices import OWN, details, listing, notice
from floodgate.telegram.errors import is_too_late
from floodgate.telegram.run import running

if TYPE_CHECKING:
    from collections.abc import Callable

    from telegram import InlineKeyboardMarkup, Update
    from telegram.ext import ContextTypes

    from floodgate.admin.retries import Done, Retries
    from floodgate.state.failures import Failure, Failures
    from floodgate.state.fingerprints import Fingerprint, Fingerprints
    from floodgate.telegram.application import App

#: The group of handlers that comes before every other.
FIRST: Final = -(2**31)
#: Fingerprints in one list, and those looked at for it.
LISTED: Final = 10
_LOOKED_AT: Final = 100
#: References in one message of details.
_OTHERS: Final = 5
_DATA: Final = re.compile(rf"{OWN}(?P<order>[a-z_]+):(?P<name>[0-9a-f]{{12}}|[A-Z2-7]{{5}}-[A-Z2-7]{{5}})")
#: Of a reference, without its dash.
_LETTERS: Final = 10
#: The part of what is left of an update's time in which a press sends again; the rest is for its answers.
_SHARE: Final = 0.5
#: How an answer begins that is to be read, and shown as an alert.
_WHY: Final = "cannot be sent again"


class FailureDesk:
    """Answers the admin chat `chat`."""

    def __init__(self, chat: int, opened: Callable[[], tuple[Failures, Fingerprints, Retries]]) -> None:
        """`opened` is called with the first order, for what is needed then need not load with every worker."""
        self._chat = chat
        self._opened = opened

    @cached_property
    def _drawers(self) -> tuple[Failures, Fingerprints, Retries]:
        return self._opened()

    @property
    def _failures(self) -> Failures:
        return self._drawers[0]

    @property
    def _fingerprints(self) -> Fingerprints:
        return self._drawers[1]

    @property
    def _retries(self) -> Retries:
        return self._drawers[2]

    def register(self, app: App) -> None:
        """Add the handlers."""
        here = filters.Chat(self._chat) & filters.UpdateType.MESSAGE

        async def list_failures(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
            # No docstring: it would be the description of a command that everybody is shown.
            if update.message is not None:
                await self._list(update.message, context.args or [])
            raise ApplicationHandlerStop

        async def pressed(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
            if update.callback_query is not None:
                await self._pressed(update.callback_query)
            raise ApplicationHandlerStop

        app.add_handler(CommandHandler("failures", list_failures, here), group=FIRST)
        app.add_handler(CallbackQueryHandler(pressed, re.escape(OWN)), group=FIRST)

    async def _list(self, message: Message, said: list[str]) -> None:
        if said:
            await self._show_one(message, "".join(said))
            return
        found: list[tuple[Fingerprint, int]] = []
        newest = (await self._fingerprints.newest())[:_LOOKED_AT]
        for start in range(0, len(newest), LISTED):
            some = newest[start : start + LISTED]
            counts = await asyncio.gather(*(self._failures.count_open(kind.name) for kind in some))
            found += [(kind, count) for kind, count in zip(some, counts, strict=True) if count]
            if len(found) > LISTED:
                break
        text, buttons = listing(found[:LISTED], more=len(found) > LISTED)
        await message.reply_text(text, reply_markup=buttons)

    async def _show_one(self, message: Message, said: str) -> None:
        letters = re.sub(r"[^A-Z2-7]", "", said.upper())
        if len(letters) != _LETTERS:
            await message.reply_text(
                "A reference has ten letters and digits, such as K7QM2-XWD3A. /failures lists all."
            )
            return
        name = f"{letters[:5]}-{letters[5:]}"
        if (failure := await self._failures.find(name)) is None:
            await message.reply_text(f"No failure is kept under {name}. /failures lists those that are open.")
            return
        text, buttons = details(failure)
        await message.reply_text(text, reply_markup=buttons)

    async def _pressed(self, query: CallbackQuery) -> None:
        message = query.message
        if message is None or message.chat.id != self._chat:
            await answer(query, "This button is not for you.", alert=True)
            return
        asked = _DATA.fullmatch(query.data or "")
        if asked is None:
            await answer(query, "I do not know this button any more. /failures has new ones.", alert=True)
        elif asked["order"] in {"retry_one", "discard_one"}:
            await self._handle_one(query, asked["order"], asked["name"])
        else:
            await self._handle_kind(query, asked["order"], asked["name"])

    async def _handle_one(self, query: CallbackQuery, order: str, name: str) -> None:
        """Send one failure again, or discard it, by its reference."""
        failure = await self._failures.find(name)
        if failure is None:
            await answer(query, "Nothing of this is kept any more.", alert=True)
            return
        of = failure.letter.error_name
        said = await self._answered(query, of)
        if said is None:
            act = self._retries.retry if order == "retry_one" else self._retries.discard
            said = _outcome(await act([name], has_time=_time_left()), order, left=0)
            await self._fingerprints.answered(of, query.id, said)
        await answer(query, said, alert=_WHY in said)
        if (failure := await self._failures.find(name)) is not None:
            await _edit(query, *details(failure))

    async def _handle_kind(self, query: CallbackQuery, order: str, name: str) -> None:
        """Do what a button below a fingerprint's message says."""
        kind = await self._fingerprints.find(name)
        if kind is None:
            await answer(query, "Nothing of this is kept any more.", alert=True)
        elif order == "show":
            await self._show(query, kind)
        elif order == "details":
            await self._detail(query, kind)
        else:
            await self._act(query, order, kind)

    async def _act(self, query: CallbackQuery, order: str, kind: Fingerprint) -> None:
        said = kind.said if kind.press == query.id else None
        if said is None:
            match order:
                case "retry":
                    done = await self._retries.retry(await self._target(query, kind), has_time=_time_left(), most=1)
                case "retry_all":
                    done = await self._retries.retry(await self._failures.open_of(kind.name), has_time=_time_left())
                case _:
                    done = await self._retries.discard(await self._failures.open_of(kind.name), has_time=_time_left())
            left = await self._left(kind.name, done)
            said = _outcome(done, order, left)
            await self._fingerprints.answered(kind.name, query.id, said)
        else:
            left = await self._failures.count_open(kind.name)
        await answer(query, said, alert=_WHY in said)
        if (now := await self._fingerprints.find(kind.name)) is not None:
            await _edit(query, *notice(now, left))

    async def _answered(self, query: CallbackQuery, of: str) -> str | None:
        """Return what this very press was answered, if it is handled again."""
        kind = await self._fingerprints.find(of)
        return kind.said if kind is not None and kind.press == query.id else None

    async def _target(self, query: CallbackQuery, kind: Fingerprint) -> list[str]:
        """Return the failure that a press of Retry is for: the newest that is open, and the same if it comes again."""
        if kind.press == query.id and kind.pressed is not None:
            return [kind.pressed]
        for name in await self._failures.open_of(kind.name, newest_first=True):
            failure = await self._failures.find(name)
            if failure is not None and failure.is_open:
                await self._fingerprints.press(kind.name, query.id, name)
                return [name]
        return []

    async def _left(self, name: str, done: Done) -> int:
        """Return how many are open; the index may not know yet what was just done."""
        count = await self._failures.count_open(name)
        listed = set(done.names).intersection(await self._failures.open_of(name)) if done.names and count else set()
        found = await asyncio.gather(*map(self._failures.find, listed))
        return count - sum(failure is None or not failure.is_open for failure in found)

    async def _show(self, query: CallbackQuery, kind: Fingerprint) -> None:
        """Send the fingerprint's message anew; from now on it is the one that is kept up to date."""
        await answer(query)
        if isinstance(query.message, Message):
            text, buttons = notice(kind, await self._failures.count_open(kind.name))
            sent = await query.message.reply_text(text, reply_markup=buttons)
            await self._fingerprints.show(kind.name, sent.message_id, kind.count, sent.date.timestamp())

    async def _detail(self, query: CallbackQuery, kind: Fingerprint) -> None:
        names = await self._failures.open_of(kind.name, newest_first=True, most=_OTHERS + 1)
        failure: Failure | None = None
        for name in [*names, kind.latest]:
            if (failure := await self._failures.find(name)) is not None:
                break
        if failure is None:
            await answer(query, "Nothing of this is kept any more.", alert=True)
            return
        await answer(query)
        if isinstance(query.message, Message):
            text, buttons = details(failure, [name for name in names if name != failure.name])
            await query.message.reply_text(text, reply_markup=buttons)


def _outcome(done: Done, order: str, left: int) -> str:
    """Return what a press came to, in words that a button's answer holds."""
    verb = "sent again" if order.startswith("retry") else "discarded"
    said = [f"{len(done.names)} {verb}."] if done.names else []
    if done.failed:
        said.append(f"{len(done.failed)} could not be queued: press again.")
    if done.refused:
        why = next(iter(done.refused.values()))
        said.append(f"{len(done.refused)} {_WHY}: {why}. Discard what is of no use.")
    if not said:
        said.append("None of this is open any more.")
    elif left and not done.failed and order in {"retry_all", "discard"} and left > len(done.refused):
        said.append(f"{left} are left: press again.")
    return " ".join(said)[:200]


async def answer(query: CallbackQuery, text: str | None = None, *, alert: bool = False) -> None:
    """Stop the button's waiting, with a word; after some minutes Telegram takes none, and the message says it all."""
    try:
        await query.answer(text, show_alert=alert)
    except BadRequest as error:
        if not is_too_late(error):
            raise


async def _edit(query: CallbackQuery, text: str, buttons: InlineKeyboardMarkup) -> None:
    """Have the message show the state now; one that is gone or too old to be edited does not."""
    try:
        await query.edit_message_text(text, reply_markup=buttons)
    except BadRequest:
        return


def _time_left() -> Callable[[], bool]:
    """Return what tells whether a press may go on."""
    loop = asyncio.get_running_loop()
    run = running.get()
    ends_at = loop.time() + (0.0 if run is None else _SHARE * (run.deadline - loop.time()))
    return lambda: loop.time() < ends_at
