"""CloudWatch's alarms, told to the bot's owner in Telegram."""
