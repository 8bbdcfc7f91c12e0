"""What an update is, where it belongs, and the way from Telegram's request into the queue (standard library only)."""
