"""What the alerts function tells the admin chat: alarms, and how the bot is doing."""
