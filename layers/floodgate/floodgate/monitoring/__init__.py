"""What the functions tell their owner: logs today, metrics and alarms to come."""
