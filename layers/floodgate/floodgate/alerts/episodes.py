"""What news of an alarm changes, and what is then due in the admin chat. Pure.

Problem: notifications come late, twice, in any order or not at all, and Telegram may be away while they come. Rule: an
alarm's state is that of its newest news, and what the chat is to show follows from the state alone, whoever brought it.
A ring within FOLDED_WITHIN_S of the last one's end belongs to the same episode, and one message tells of the whole. An
edit rings no bell, so a ring that nobody has heard yet gets a message of its own once it lasts LASTING_S, or if the
bell rang last FOLDED_WITHIN_S ago: a fault that stays is heard, and one that comes and goes is heard twice an hour.
Hazard: times are CloudWatch's and ours; they are compared with each other to the minute only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from floodgate.state.alarms import Alarm

if TYPE_CHECKING:
    from floodgate.alerts.news import News

#: A ring so soon after the last one's end is the same trouble, in seconds.
FOLDED_WITHIN_S: Final = 1800.0
#: How far apart two sources may put one change, in seconds; an alarm changes once a minute at most.
SAME_S: Final = 30.0
#: After how long a ring that was only added to a message gets one of its own, in seconds.
LASTING_S: Final = 300.0
#: For how long what rang and recovered unheard is still worth a word, in seconds.
TOLD_WITHIN_S: Final = 86_400.0

#: What is due: a message that rings the bell, one that does not, or an edit of the episode's message.
type Due = Literal["push", "report", "edit"]


def after(known: Alarm | None, news: News) -> Alarm | None:
    """Return the alarm after this news; None if it changes nothing."""
    if news.state == "INSUFFICIENT_DATA":
        return None
    if known is None:
        return _begun(news)
    if news.at <= known.changed_at or known.is_note:
        return None
    if news.state == known.state and (news.state == "OK" or news.at - known.changed_at <= SAME_S):
        return replace(known, changed_at=news.at)
    if news.state == "OK":
        return replace(known, state="OK", changed_at=news.at, recovered_at=news.at, changes=known.changes + 1)
    return _rung_again(known, news)


def _begun(news: News) -> Alarm:
    if news.state == "OK":  # kept, so that the ring before it, which may come late, is known to be over
        return Alarm(news.name, "OK", changed_at=news.at, since=0.0, first_at=0.0, rings=0, shown=1)
    return Alarm(
        name=news.name,
        state="NOTE" if news.state == "NOTE" else "ALARM",
        changed_at=news.at,
        since=news.at,
        first_at=news.at,
        description=news.description,
        figure=news.figure,
        anchor=news.anchor,
    )


def _rung_again(known: Alarm, news: News) -> Alarm:
    # Of one that rings already the end was lost: it was over for less than the time since.
    if known.state == "OK" and news.at - known.recovered_at > FOLDED_WITHIN_S:
        return replace(_begun(news), changes=known.changes + 1, shown=known.changes, muted_until=known.muted_until)
    return replace(
        known,
        state="ALARM",
        changed_at=news.at,
        since=news.at,
        rings=known.rings + 1,
        description=news.description,
        figure=news.figure,
        anchor=news.anchor,
        changes=known.changes + 1,
    )


def due(alarm: Alarm, now: float) -> Due | None:
    """Return what the admin chat is to be shown, None if it knows all that it is to know."""
    if alarm.state == "OK":
        if alarm.shown >= alarm.changes:
            return None
        if alarm.message_id:
            return "edit"
        is_wanted = alarm.recovered_at >= alarm.muted_until and now - alarm.recovered_at <= TOLD_WITHIN_S
        return "report" if is_wanted else None
    if now >= alarm.muted_until and _is_unheard(alarm, now):
        return "push"
    return "edit" if alarm.message_id and alarm.shown < alarm.changes else None


def _is_unheard(alarm: Alarm, now: float) -> bool:
    """Tell whether a bell is to be rung for the ring that is going on."""
    if not alarm.pushed_at:
        return True
    if alarm.is_note:
        return False
    if alarm.pushed_at < alarm.muted_until:  # it was muted after that, and is no more
        return True
    is_new = alarm.pushed_at < alarm.since
    return is_new and (now - alarm.since >= LASTING_S or now - alarm.pushed_at >= FOLDED_WITHIN_S)
