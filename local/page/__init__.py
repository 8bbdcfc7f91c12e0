"""The page at the local Telegram's address: people to be, the machine at work, and levers to try it with."""
