"""What the bot's owner sees and does in the admin chat."""
