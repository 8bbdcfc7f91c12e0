"""Announcements: who wants them, and broadcasts to all of those.

For handlers: `subscribe`, `unsubscribe` and `is_subscribed`. See docs/announcements.md.
"""

from floodgate.announcements.subscribing import is_subscribed, subscribe, unsubscribe

__all__ = ["is_subscribed", "subscribe", "unsubscribe"]
