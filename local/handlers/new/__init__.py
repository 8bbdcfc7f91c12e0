"""`make new NAME=weather`: a feature of the bot and its test, to be changed, both passing as they are written."""
