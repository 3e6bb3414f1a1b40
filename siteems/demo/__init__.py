"""The demo: one day with simulator and daemon as real processes on an accelerated clock.

The day is judged from its record and drawn.
"""
