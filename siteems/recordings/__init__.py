"""Recorded data looked at before it is believed: what a file holds, what is wrong with it, and how
to read it.
"""
