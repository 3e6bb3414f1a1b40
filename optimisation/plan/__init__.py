"""The answer: a plan and its series."""
