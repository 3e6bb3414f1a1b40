"""Judges a plan against its problem; shares no code with the program."""
