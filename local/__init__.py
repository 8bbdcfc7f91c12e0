"""What runs on your machine only: a stack without an account, and the commands behind the Makefile."""
