"""A Telegram Bot API on loopback, for tests, benchmarks and local runs. See docs/emulator.md."""
