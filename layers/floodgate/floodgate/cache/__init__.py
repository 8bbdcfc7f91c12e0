"""What Telegram says of chats and their members, remembered for five minutes.

Handlers see nothing of it: `get_chat`, `get_chat_member` and `get_chat_administrators` answer from here. What changed
in a way that nobody could notice, a handler forgets by hand: `await forget(chat_id)`, `await forget(chat_id, user_id)`.
"""

from floodgate.cache.cache import forget

__all__ = ["forget"]
