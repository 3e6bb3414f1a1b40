"""Judges a plan from its problem alone; shares no code with the program that made the plan."""
