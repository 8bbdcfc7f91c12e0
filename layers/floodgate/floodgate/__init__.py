"""Floodgate: a Telegram bot on AWS Lambda that stays up in a flood. One folder per concern: docs/architecture.md."""
