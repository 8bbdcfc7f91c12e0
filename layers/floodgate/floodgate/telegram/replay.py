"""What an update's earlier attempts have done already, so that another attempt does not do it again.

Problem: a handler that failed at its third message starts again at its first, and Telegram has no idempotency key.
Rule: a call with effects that Telegram has answered is remembered with its answer; in the next attempt the k-th call of
the same method with the same arguments is not made, but answered from there, in whatever order the calls come. What
Telegram surely never saw is not remembered. What it may have seen, for its answer did not arrive, stands as unknown: a
message is then not sent again, and the handler gets a stand-in with message_id 0.

Hazard: arguments that differ from one attempt to the next, a clock or chance in a text, are another call, and go out.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from telegram import InputFile, TelegramObject

from floodgate.telegram.calls import PACED, has_effects, shows_twice, target
from floodgate.telegram.errors import Arrival, OutcomeUnknown, arrival

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

#: Where python-telegram-bot's objects hold files.
_FILES: Final = ("media", "thumbnail", "cover", "sticker", "photo", "animation", "video")
#: The method of what a handler does `once`.
ONCE: Final = "once"
#: The method of the tasks that it has asked for.
LATER: Final = "later"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A call of an earlier attempt."""

    method: str
    #: Where it does something, as text; None if in no chat.
    chat: str | None
    #: Stands for the method and its arguments.
    fingerprint: str
    #: Telegram's answer, as JSON text; None if that is unknown, or even whether the call arrived.
    answer: str | None


class _State(Enum):
    WAITING = "waiting"
    UNDER_WAY = "under way"
    ANSWERED = "answered"
    UNKNOWN = "unknown"
    NOT_SENT = "not sent"


@dataclass(eq=False, slots=True)
class Call:
    """A call of this attempt, from the time that its handler asks for it."""

    method: str
    #: The arguments as the handler gave them.
    data: Mapping[str, Any]
    #: Made at once only where the arguments would be used up; else when the update fails, which is rare.
    fingerprint: str | None = None
    state: _State = _State.WAITING
    answer: str | None = None

    def begins(self) -> None:
        """Note that Telegram has it from now on."""
        self.state = _State.UNDER_WAY

    def ended(self, asking: asyncio.Task[Any], *, repeat_unknown: bool) -> None:
        """Note what is known of it now; what is not over by now is cancelled."""
        if not asking.done() or asking.cancelled():
            asking.cancel()
            came = Arrival.UNKNOWN
        elif (error := asking.exception()) is None:
            self.answered(asking.result())
            return
        else:
            came = arrival(error)
        is_open = came is Arrival.NEVER or (came is Arrival.UNKNOWN and repeat_unknown)
        self.state = _State.NOT_SENT if is_open else _State.UNKNOWN

    def answered(self, answer: Any) -> None:
        """Note the answer, as it is now: whoever gets it may change it."""
        self.state, self.answer = _State.ANSWERED, json.dumps(answer)

    @property
    def counts(self) -> bool:
        """Whether it was made, or may have been."""
        return self.state not in {_State.WAITING, _State.NOT_SENT}

    def recorded(self) -> Recorded | None:
        """Return what the next attempt must know of it; None if it may be made anew."""
        if self.state is _State.ANSWERED:
            return Recorded(self.method, self.chat, self.key, self.answer)
        if self.counts and shows_twice(self.method):  # else once more does no harm
            return Recorded(self.method, self.chat, self.key, None)
        return None

    @property
    def key(self) -> str:
        """The fingerprint."""
        if self.fingerprint is None:
            self.fingerprint = fingerprint(self.method, self.data)
        return self.fingerprint

    @property
    def chat(self) -> str | None:
        """The chat, as text."""
        chat = target(self.method, self.data)
        return None if chat is None else str(chat)


@dataclass(eq=False, slots=True)
class Replay:
    """The calls of one update: those of its earlier attempts, and those of this one."""

    before: Sequence[Recorded] = ()
    calls: list[Call] = field(default_factory=list)
    _unused: defaultdict[str, deque[Recorded]] = field(default_factory=lambda: defaultdict(deque))
    #: Method and chat of each call that was not made, for an earlier one like it may have arrived.
    left_out: list[tuple[str, str | None]] = field(default_factory=list)
    _used: int = 0
    _uses: Counter[str] = field(default_factory=Counter)
    _stood_in: bool = False

    def __post_init__(self) -> None:
        """Have every earlier call answer one of this attempt."""
        for call in self.before:
            self._unused[call.fingerprint].append(call)

    def open(self, method: str, data: Mapping[str, Any]) -> Recorded | Call | None:
        """Return the earlier call that this one repeats, or what to note it down in; None for what has no effect.

        Raises OutcomeUnknown if it is about a message of which nobody knows whether it was sent.
        """
        if self._stood_in and _names_stand_in(data):
            raise OutcomeUnknown(method)
        if not has_effects(method):
            return None
        copy = {name: list(value) if isinstance(value, list) else value for name, value in data.items()}
        call = Call(method, copy)
        if self._used < len(self.before):
            if waiting := self._unused.get(call.key):
                self._used += 1
                found = waiting.popleft()
                if found.answer is None:
                    self._stood_in = True
                    self.left_out.append((found.method, found.chat))
                return found
        elif _holds_open_file(copy):
            call.fingerprint = fingerprint(method, copy)
        self.calls.append(call)
        return call

    def use_of(self, name: str) -> int:
        """Return how often this attempt has used the name of an effect before."""
        self._uses[name] += 1
        return self._uses[name] - 1

    @property
    def has_before(self) -> bool:
        """Whether an earlier attempt has said or changed something in a chat."""
        return any(_is_visible(call.method) for call in self.before)

    @property
    def has_sent(self) -> bool:
        """Whether something was said or changed in a chat, by this attempt or for it by an earlier one."""
        return any(call.counts and _is_visible(call.method) for call in self.calls) or (
            self._used > 0 and any(_is_visible(call.method) for call in self.before)
        )

    def records(self) -> list[Recorded]:
        """Return what the next attempt must know: what this one knew, and what it did."""
        made = (call.recorded() for call in self.calls)
        return [*self.before, *(record for record in made if record is not None)]

    def divergences(self) -> list[tuple[str, str | None]]:
        """Return the method and chat of each call that went out while an earlier one like it was not asked for again.

        The handler then does not do what it did before; see docs/handlers.md.
        """
        unused = Counter((call.method, call.chat) for waiting in self._unused.values() for call in waiting)
        if not unused:
            return []
        new = Counter((call.method, call.chat) for call in self.calls if call.counts)
        return list((unused & new).elements())


def fingerprint(method: str, data: Mapping[str, Any]) -> str:
    """Return what stands for a call: the same for the same method and arguments, uploads by their content."""
    text = json.dumps([method, _plain(data)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _plain(value: Any) -> Any:
    """Return what JSON can write for an argument; nothing of it may be made by chance, as attach names are."""
    match value:
        case None | bool() | int() | float() | str():
            plain: Any = value
        case InputFile():
            plain = ["file", value.filename, _digest(value.input_file_content)]
        case TelegramObject():
            plain = _plain(value.to_dict())
        case Mapping():
            plain = {str(key): _plain(one) for key, one in value.items()}
        case list() | tuple():
            plain = [_plain(one) for one in value]
        case set() | frozenset():
            plain = sorted(map(str, value))
        case datetime():
            plain = value.timestamp()
        case timedelta():
            plain = value.total_seconds()
        case _:
            plain = _digest(value) if isinstance(value, bytes) or hasattr(value, "read") else str(value)
    return plain


def _digest(content: Any) -> str:
    """Return the hash of bytes, or of what a file holds from where it stands; it stands there again afterwards."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    try:
        digest, at = hashlib.sha256(), content.tell()
        while part := content.read(1 << 20):
            digest.update(part)
        content.seek(at)
    except (OSError, ValueError):  # closed, or a stream: then one is like another
        return type(content).__name__
    return digest.hexdigest()


def _holds_open_file(data: Mapping[str, Any]) -> bool:
    """Tell whether a file would be read by the call, and empty when its fingerprint is made."""
    return any(
        isinstance(file, InputFile) and not isinstance(file.input_file_content, bytes)
        for value in data.values()
        for one in (value if isinstance(value, list | tuple) else (value,))
        for file in (one, *(getattr(one, name, None) for name in _FILES if isinstance(one, TelegramObject)))
    )


def _is_visible(method: str) -> bool:
    return shows_twice(method) or method in PACED


def _names_stand_in(data: Mapping[str, Any]) -> bool:
    reply = data.get("reply_parameters")
    return (
        data.get("message_id") == 0 or 0 in (data.get("message_ids") or ()) or getattr(reply, "message_id", None) == 0
    )
