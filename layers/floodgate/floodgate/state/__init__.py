"""What must outlive the stack: the bot's identity, failures, and people's data to come."""
