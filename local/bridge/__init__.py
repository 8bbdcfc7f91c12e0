"""The real Telegram in the emulator's place: what people write to the bot is handled on this machine."""
