"""The bot author's code: brought to the running stack when a file is saved, and new features begun."""
