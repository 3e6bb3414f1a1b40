"""The plan and its series."""
