"""When a message of ours may go out into a chat: the lane of replies, one per chat. Pure; times are Unix seconds.

Problem: whoever sends first and waits afterwards, sends too much. Rule: a send reserves its time before it goes out:
GCRA of 1/s with a burst of 3, and in groups and channels 20 in any 61 s as well, for which the times of the latest 20
are kept (a second GCRA would let 20 and a few more into the first minute). An edit counts as a send, and an album as as
many as it has messages. Hazard: a time that was reserved and not used is lost; at a second each nobody misses it.
"""

from __future__ import annotations

from dataclasses import dataclass

from floodgate.traffic.limits import CHAT_BURST, CHAT_INTERVAL_S, GROUP_MESSAGES, GROUP_WINDOW_S


@dataclass(frozen=True, slots=True)
class Lane:
    """What a chat's lane remembers."""

    #: GCRA's theoretical arrival time. Every reservation moves it on, so it tells one state of a lane from another.
    tat: float = 0.0
    #: When the latest sends go out, oldest first; of groups only.
    sends: tuple[float, ...] = ()

    def reserve(self, not_before: float, count: int = 1, *, is_group: bool) -> tuple[float, Lane]:
        """Return when the next `count` messages may go out together, and the lane once that is reserved."""
        # What goes out at one time may arrive in any order, so an album needs room for all of it, or an idle lane.
        at = max(not_before, self.tat - (CHAT_BURST - min(count, CHAT_BURST)) * CHAT_INTERVAL_S)
        sends: tuple[float, ...] = ()
        if is_group:
            at = max([at, *self.sends[-1:]])  # one that was put off may not be overtaken, or the window is no window
            over = len(self.sends) + min(count, GROUP_MESSAGES) - GROUP_MESSAGES
            if over > 0:
                at = max(at, self.sends[over - 1] + GROUP_WINDOW_S)
            recent = tuple(sent for sent in self.sends if sent > at - GROUP_WINDOW_S)
            sends = (*recent, *([at] * count))[-GROUP_MESSAGES:]
        return at, Lane(max(at, self.tat) + count * CHAT_INTERVAL_S, sends)
