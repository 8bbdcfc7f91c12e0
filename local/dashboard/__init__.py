"""The dashboard as a picture: `make dashboard`."""
