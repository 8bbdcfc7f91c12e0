"""The deployed stack as the page shows it: the way of each update, figures, alarms, and what can be done to it."""
